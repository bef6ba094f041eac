"""From a launch to an open session."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mcp_assay.config.spec import TransportKind
from mcp_assay.core.clock import Clock, SystemClock
from mcp_assay.core.errors import ConnectError
from mcp_assay.wire.callbacks import Callbacks
from mcp_assay.wire.channel import Channel
from mcp_assay.wire.diagnosis import explain_start_failure
from mcp_assay.wire.eras import ERA_STATUSES
from mcp_assay.wire.http import HttpTransport
from mcp_assay.wire.legacy_sse import LegacySseTransport
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.negotiation import negotiate
from mcp_assay.wire.oauth.renewal import CredentialBook
from mcp_assay.wire.oauth.signing import SignIn, sign_in
from mcp_assay.wire.reaper import Reaper
from mcp_assay.wire.session import ServerSession
from mcp_assay.wire.stdio import StdioTransport
from mcp_assay.wire.versions import VersionBook

if TYPE_CHECKING:
    from mcp_assay.config.spec import Launch
    from mcp_assay.wire.injection import WireFaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Opens connections; the one place that knows which transport carries what.

    Attributes:
        limits: Budgets of each connection.
        clock: Source of every time stamp.
        reaper: Kills what is left behind if this process dies.
        protocol: The only revision that will do, or None to find one.
        callbacks: What we offer servers that ask us, by default nothing.
        versions: Remembers which revisions servers speak.
        faults: What goes wrong on every connection, on purpose; None for nothing.
        sign_in: Gets the next token when that of a server ends.
        credentials: The tokens that connections of one server share.
    """

    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=SystemClock)
    reaper: Reaper = field(default_factory=Reaper)
    protocol: str | None = None
    callbacks: Callbacks = field(default_factory=Callbacks)
    versions: VersionBook = field(default_factory=VersionBook)
    faults: WireFaults | None = None
    sign_in: SignIn = sign_in
    credentials: CredentialBook = field(default_factory=CredentialBook)

    async def open_channel(self, launch: Launch) -> Channel:
        """Start or reach a server and return a channel on which nothing has been said.

        Over Streamable HTTP nothing is sent before the first request, so that is where an unreachable server shows.

        Raises:
            ConnectError: The server cannot be started or reached.
        """
        carrier = await self._open_transport(launch)
        transport = carrier if self.faults is None else self.faults.between(carrier)
        channel = Channel(transport, self.limits, self.clock, self.callbacks)
        transport.attach(channel)
        return channel

    async def open_session(
        self, launch: Launch, *, protocol: str | None = None, callbacks: Callbacks | None = None
    ) -> ServerSession:
        """Start or reach a server and open the conversation.

        A server that refuses Streamable HTTP is tried over the older HTTP+SSE before it is given up (2025-03-26,
        transports, backwards compatibility).

        Args:
            launch: What to start.
            protocol: A revision that overrides the connector's own pin.
            callbacks: What the server is offered instead of the connector's own.

        Raises:
            ConnectError: The server cannot be started, is never ready, or speaks no revision that will do. Nothing of
                it is left running.
        """
        if callbacks is not None:
            return await replace(self, callbacks=callbacks).open_session(launch, protocol=protocol)
        started = self.clock.monotonic()
        channel = await self.open_channel(launch)
        try:
            return await _converse(self, launch, channel, protocol, started)
        except ConnectError:
            if not _refuses_posts(channel):
                raise
            older = await self._older_transport(launch, protocol, started)
            if older is None:
                raise
            return older

    async def _older_transport(self, launch: Launch, protocol: str | None, started: float) -> ServerSession | None:
        """Return a session over HTTP+SSE, or None when the server does not offer that either."""
        quick = replace(self, limits=replace(self.limits, start_s=min(self.limits.start_s, self.limits.list_s)))
        older = replace(launch, transport=TransportKind.SSE)
        try:
            return await _converse(quick, older, await quick.open_channel(older), protocol, started)
        except ConnectError:
            return None

    async def _open_transport(self, launch: Launch) -> StdioTransport | HttpTransport | LegacySseTransport:
        """Start or reach a server.

        Raises:
            ConnectError: See `open_channel`.
        """
        if launch.transport is TransportKind.STDIO:
            return await StdioTransport.open(launch, self.limits, self.reaper)
        credentials = self.credentials.of(launch, self.sign_in, timeout_s=self.limits.start_s)
        if launch.transport is TransportKind.SSE:
            return await LegacySseTransport.open(launch, self.limits, self.clock, credentials)
        return HttpTransport(launch, self.limits, self.clock, credentials)


async def _converse(
    connector: Connector, launch: Launch, channel: Channel, protocol: str | None, started: float
) -> ServerSession:
    """Open the conversation on a fresh channel, or close it.

    Raises:
        ConnectError: See `Connector.open_session`.
    """
    try:
        agreement = await negotiate(
            channel,
            timeout_s=connector.limits.start_s,
            pinned=protocol or connector.protocol,
            callbacks=connector.callbacks,
        )
    except ConnectError as problem:
        await channel.close()
        raise ConnectError(explain_start_failure(problem.fault, channel.log, started=launch.url is None)) from None
    except BaseException:
        await channel.close()
        raise
    return ServerSession(
        name=launch.name,
        channel=channel,
        agreement=agreement,
        limits=connector.limits,
        callbacks=connector.callbacks,
        started_s=connector.clock.monotonic() - started,
    )


def _refuses_posts(channel: Channel) -> bool:
    """Return whether a server said by a status that it does not speak Streamable HTTP."""
    return any(
        exchange.fault is not None and exchange.http is not None and exchange.http.status in ERA_STATUSES
        for exchange in channel.log.exchanges
    )
