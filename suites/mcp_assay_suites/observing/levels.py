"""Log levels: one that does not exist, and one that everything below should heed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.wire.eras import META_LOG_LEVEL, Era

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.log import ServerMessage
    from mcp_assay.wire.session import ServerSession

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""The levels of RFC 5424, lowest first."""
NO_LEVEL = "loud"
CHOSEN = "error"
_TOKEN = 7_000_301


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTalk:
    """What came of log levels.

    Attributes:
        invalid: The answer to a level that does not exist.
        chosen: The answer to ``logging/setLevel``, None in the stateless era.
        after: What the server sent on its own after that, while it was used.
        called: Whether a tool was called meanwhile.
    """

    invalid: Exchange
    chosen: Exchange | None = None
    after: tuple[ServerMessage, ...] = ()
    called: bool = False


async def talk_of_levels(session: ServerSession, call: tuple[str, Mapping[str, Json]] | None) -> LogTalk:
    """Set log levels and use the server a little.

    Args:
        session: A session of an instance that may be spoilt.
        call: A harmless tool call, or None to list the tools only.
    """
    limit = session.limits.probe_s
    if session.agreement.era is Era.STATELESS:
        params: Mapping[str, Json] = {"_meta": {META_LOG_LEVEL: NO_LEVEL}}
        return LogTalk(invalid=await session.request("server/discover", params, timeout_s=limit))
    invalid = await session.request("logging/setLevel", {"level": NO_LEVEL}, timeout_s=limit)
    chosen = await session.request("logging/setLevel", {"level": CHOSEN}, timeout_s=limit)
    before = len(session.log.server_messages)
    if call is not None:
        await session.call_tool(*call, timeout_s=session.limits.list_s, progress_token=_TOKEN)
    await session.request("ping", timeout_s=limit)
    return LogTalk(invalid=invalid, chosen=chosen, after=session.log.server_messages[before:], called=call is not None)
