"""Which revisions a server speaks, found out once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.wire.eras import KNOWN_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.config.spec import Launch
    from mcp_assay.wire.opener import Opener
    from mcp_assay.wire.session import ServerSession

_MOST_AT_ONCE = 8
"""Instances that are started at the same time only to be asked, whatever the number of servers."""

_MUCH = 1.25
"""How many times longer an answer may take by now before silence is tried again: the machine got busy meanwhile."""


class VersionBook:
    """Remembers which revisions servers speak, so that a run asks each only once.

    Attributes:
        turns: Who may start an instance to ask it.
    """

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(_MOST_AT_ONCE)
        self._spoken: dict[tuple[object, ...], tuple[str, ...]] = {}

    def spoken(self, launch: Launch) -> tuple[str, ...] | None:
        """Return the revisions that a server speaks, or None when that was not asked yet."""
        return self._spoken.get(_identity(launch))

    def note(self, launch: Launch, versions: tuple[str, ...]) -> None:
        """Remember the revisions that a server speaks."""
        self._spoken[_identity(launch)] = versions


async def spoken_versions(connector: Opener, launch: Launch, live: ServerSession | None = None) -> tuple[str, ...]:
    """Return the released revisions that a server speaks, oldest first.

    Each revision is asked for on a fresh connection, because a server may agree to one only, and side by side, because
    one that does not know a revision may stay silent. The answer is remembered in the connector's version book.

    Args:
        connector: Opens the connections.
        launch: The server.
        live: A session of it: its revision is not asked for again, and it tells how long an answer may take.

    Returns:
        The revisions it agreed to; empty when it agreed to none or could not be reached.
    """
    known = connector.versions.spoken(launch)
    if known is not None:
        return known
    patience_s = connector.limits.start_s if live is None else answer_patience_s(live)
    agreed = None if live is None else live.agreement.version
    asked = [version for version in KNOWN_VERSIONS if version != agreed]
    answers = await _asked_for(connector, launch, asked, patience_s)
    silent = [version for version, answer in answers.items() if answer is None]
    if silent and agreed is not None:
        longer_s = await _patience_by_now_s(connector, launch, agreed)
        if longer_s > _MUCH * patience_s:
            answers |= await _asked_for(connector, launch, silent, longer_s)
    found = {version for version, answer in answers.items() if answer} | {agreed}
    spoken = tuple(version for version in KNOWN_VERSIONS if version in found)
    connector.versions.note(launch, spoken)
    return spoken


def answer_patience_s(live: ServerSession) -> float:
    """Return how long the first answer of a fresh instance may take, in seconds.

    That is as long as a list, and twice the time of the live instance's first answer, its start included.
    """
    first = next((one.duration_s for one in live.log.exchanges if one.message is not None), live.started_s)
    return min(live.limits.start_s, live.limits.list_s + 2 * first)


async def _patience_by_now_s(connector: Opener, launch: Launch, version: str) -> float:
    """Return how long a first answer may take on the machine as it is now, in seconds, by one that does come."""
    try:
        session = await connector.open_session(launch, protocol=version)
    except ConnectError:
        return connector.limits.start_s
    await session.close()
    return answer_patience_s(session)


async def _asked_for(
    connector: Opener, launch: Launch, versions: Sequence[str], patience_s: float
) -> dict[str, bool | None]:
    """Return by revision whether a server agrees to it on a fresh connection, None when it was silent."""
    answers = await asyncio.gather(*(_speaks(connector, launch, version, patience_s) for version in versions))
    return dict(zip(versions, answers, strict=True))


async def _speaks(connector: Opener, launch: Launch, version: str, patience_s: float) -> bool | None:
    """Return whether a server agrees to a revision on a fresh connection, None when it says nothing in time."""
    async with connector.versions.turns:
        try:
            async with asyncio.timeout(patience_s):
                session = await connector.open_session(launch, protocol=version)
        except TimeoutError:
            return None
        except ConnectError:
            return False
        await session.close()
        return True


def _identity(launch: Launch) -> tuple[object, ...]:
    """Return what makes a server the same server."""
    return (launch.name, launch.transport, launch.command, launch.url, launch.cwd)
