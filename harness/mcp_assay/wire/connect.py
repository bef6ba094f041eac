"""From a launch to an open session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.config.spec import TransportKind
from mcp_assay.core.clock import Clock, SystemClock
from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.channel import Channel
from mcp_assay.wire.diagnosis import explain_start_failure
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.negotiation import negotiate
from mcp_assay.wire.reaper import Reaper
from mcp_assay.wire.session import ServerSession
from mcp_assay.wire.stdio import StdioTransport

if TYPE_CHECKING:
    from mcp_assay.config.spec import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Opens connections; the one place that knows which transport carries what.

    Attributes:
        limits: Budgets of each connection.
        clock: Source of every time stamp.
        reaper: Kills what is left behind if this process dies.
        protocol: The only revision that will do, or None to find one.
    """

    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=SystemClock)
    reaper: Reaper = field(default_factory=Reaper)
    protocol: str | None = None

    async def open_channel(self, launch: Launch) -> Channel:
        """Start or reach a server and return a channel on which nothing has been said.

        Raises:
            ConnectError: The server cannot be started or reached.
        """
        if launch.transport is not TransportKind.STDIO:
            raise ConnectError(
                Fault(
                    kind=FaultKind.UNSUPPORTED,
                    message=f"the transport {launch.transport.value} is not supported yet",
                    hint="only stdio servers can be judged by this version",
                )
            )
        transport = await StdioTransport.open(launch, self.limits, self.reaper)
        channel = Channel(transport, self.limits, self.clock)
        transport.attach(channel)
        return channel

    async def open_session(self, launch: Launch, *, protocol: str | None = None) -> ServerSession:
        """Start or reach a server and open the conversation.

        Args:
            launch: What to start.
            protocol: A revision that overrides the connector's own pin.

        Raises:
            ConnectError: The server cannot be started, is never ready, or speaks no revision that will do. Nothing of
                it is left running.
        """
        started = self.clock.monotonic()
        channel = await self.open_channel(launch)
        try:
            agreement = await negotiate(channel, timeout_s=self.limits.start_s, pinned=protocol or self.protocol)
        except ConnectError as problem:
            await channel.close()
            raise ConnectError(explain_start_failure(problem.fault, channel.log)) from None
        except BaseException:
            await channel.close()
            raise
        return ServerSession(
            name=launch.name,
            channel=channel,
            agreement=agreement,
            limits=self.limits,
            started_s=self.clock.monotonic() - started,
        )
