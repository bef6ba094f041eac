"""Which revisions a server speaks, found out once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.wire.eras import KNOWN_VERSIONS

if TYPE_CHECKING:
    from mcp_assay.config.spec import Launch
    from mcp_assay.wire.opener import Opener


class VersionBook:
    """Remembers which revisions servers speak, so that a run asks each only once."""

    def __init__(self) -> None:
        self._spoken: dict[tuple[object, ...], tuple[str, ...]] = {}

    def spoken(self, launch: Launch) -> tuple[str, ...] | None:
        """Return the revisions that a server speaks, or None when that was not asked yet."""
        return self._spoken.get(_identity(launch))

    def note(self, launch: Launch, versions: tuple[str, ...]) -> None:
        """Remember the revisions that a server speaks."""
        self._spoken[_identity(launch)] = versions


async def spoken_versions(connector: Opener, launch: Launch) -> tuple[str, ...]:
    """Return the released revisions that a server speaks, oldest first.

    Each revision is asked for on a fresh connection, because a server may agree to one only. The answer is remembered
    in the connector's version book.

    Args:
        connector: Opens the connections.
        launch: The server.

    Returns:
        The revisions it agreed to; empty when it agreed to none or could not be reached.
    """
    known = connector.versions.spoken(launch)
    if known is not None:
        return known
    spoken = tuple([version for version in KNOWN_VERSIONS if await _speaks(connector, launch, version)])
    connector.versions.note(launch, spoken)
    return spoken


async def _speaks(connector: Opener, launch: Launch, version: str) -> bool:
    """Return whether a server agrees to a revision on a fresh connection."""
    try:
        session = await connector.open_session(launch, protocol=version)
    except ConnectError:
        return False
    await session.close()
    return True


def _identity(launch: Launch) -> tuple[object, ...]:
    """Return what makes a server the same server."""
    return (launch.name, launch.transport, launch.command, launch.url, launch.cwd)
