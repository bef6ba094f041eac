"""What opens connections: the real connector, one that records, one that answers from a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mcp_assay.config.spec import Launch
    from mcp_assay.core.clock import Clock
    from mcp_assay.wire.callbacks import Callbacks
    from mcp_assay.wire.channel import Channel
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.session import ServerSession
    from mcp_assay.wire.versions import VersionBook


class Opener(Protocol):
    """Opens channels and sessions; see `mcp_assay.wire.connect.Connector`."""

    @property
    def limits(self) -> Limits:
        """Budgets of each connection."""
        ...

    @property
    def clock(self) -> Clock:
        """Source of every time stamp."""
        ...

    @property
    def callbacks(self) -> Callbacks:
        """What servers are offered."""
        ...

    @property
    def versions(self) -> VersionBook:
        """Remembers which revisions servers speak."""
        ...

    async def open_channel(self, launch: Launch) -> Channel:
        """Start or reach a server and return a channel on which nothing has been said."""
        ...

    async def open_session(
        self, launch: Launch, *, protocol: str | None = None, callbacks: Callbacks | None = None
    ) -> ServerSession:
        """Start or reach a server and open the conversation, offering it ``callbacks`` instead of the usual ones."""
        ...
