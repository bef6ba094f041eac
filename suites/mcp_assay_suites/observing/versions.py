"""Which handshake revisions a server answers in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.wire.eras import HANDSHAKE_VERSIONS
from mcp_assay.wire.negotiation import initialize
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.memory import remembered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay.wire.exchange import Exchange

UNKNOWN_VERSION = "1999-01-01"
"""A revision that was never released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionAnswers:
    """How a server answers ``initialize``.

    Attributes:
        exchanges: The exchange by the revision that was asked for: the agreed one, the unknown one, and every one that
            the server offered instead of another.
    """

    exchanges: Mapping[str, Exchange]

    def offered(self, asked: str) -> str | None:
        """Return the revision that the server answered with, or None when it did not name one."""
        exchange = self.exchanges.get(asked)
        version = ((exchange.result if exchange is not None else None) or {}).get("protocolVersion")
        return version if isinstance(version, str) else None


async def version_answers(server: ServerUnderTest) -> VersionAnswers:
    """Return how the server answers ``initialize``, asked once.

    Raises:
        UnavailableError: No further instance can be used.
    """
    return await remembered(server, VersionAnswers, _asked)


async def _asked(server: ServerUnderTest) -> VersionAnswers:
    """Ask for the agreed revision, the unknown one, and whatever is offered instead, each on an instance of its own.

    Raises:
        UnavailableError: The live session is down, or no second instance can be used.
        ConnectError: No further instance can be started.
    """
    live = await server.session()
    exchanges = {live.agreement.version: (await interview(server)).opening.first}
    answers = VersionAnswers(exchanges=exchanges)
    open_questions = [UNKNOWN_VERSION]
    while open_questions:
        asked = open_questions.pop()
        exchanges[asked] = await initialized(server, asked)
        offered = answers.offered(asked)
        if offered in HANDSHAKE_VERSIONS and offered not in exchanges:
            open_questions.append(offered)
    return answers


async def initialized(server: ServerUnderTest, version: str) -> Exchange:
    """Return the answer to ``initialize`` for a revision as the first message to a fresh instance.

    Raises:
        ConnectError: No further instance can be started.
    """
    live = await server.session()
    async with server.fresh_channel() as channel:
        return await initialize(channel, version, live.limits.start_s)
