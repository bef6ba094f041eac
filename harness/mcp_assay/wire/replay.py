"""Judging a recording again: an opener whose servers answer as they did when they were recorded."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.config.spec import TransportKind
from mcp_assay.core.clock import Clock, SystemClock
from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.core.redaction import Redactor
from mcp_assay.wire.callbacks import Callbacks
from mcp_assay.wire.channel import Channel
from mcp_assay.wire.eras import Agreement
from mcp_assay.wire.exchange import Exchange
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.log import ServerMessage
from mcp_assay.wire.messages import Anomaly, encode, is_response
from mcp_assay.wire.reels import Recording, missing
from mcp_assay.wire.replay_http import ReplayedRawHttp
from mcp_assay.wire.session import ServerSession
from mcp_assay.wire.shelf import Shelf, spoken_now
from mcp_assay.wire.tape import Unread, Writer, data
from mcp_assay.wire.transport import CloseReport
from mcp_assay.wire.versions import VersionBook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mcp_assay.config.spec import Launch
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.reels import Reel
    from mcp_assay.wire.transport import Outgoing


_MOST_UNBROKEN = 32
"""Recorded answers in a row without a turn for other tasks, time limits among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayConnector:
    """Opens recorded connections; starts and reaches nothing.

    Attributes:
        directory: Where the recordings are.
        limits: Budgets, for walks over lists.
        clock: Source of time stamps that are not recorded.
        callbacks: What servers would be offered.
        versions: Remembers which revisions servers spoke.
    """

    directory: Path
    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=SystemClock)
    callbacks: Callbacks = field(default_factory=Callbacks)
    versions: VersionBook = field(default_factory=VersionBook)
    _loaded: dict[str, Recording] = field(default_factory=dict[str, "Recording"], init=False, repr=False)

    def recording(self, server: str) -> Recording:
        """Return a server's recording, loaded once.

        Raises:
            UsageError: See `Recording.load`.
        """
        if server not in self._loaded:
            self._loaded[server] = Recording.load(self.directory, server)
        return self._loaded[server]

    async def open_channel(self, launch: Launch) -> Channel:
        """Return the next recorded channel of a server.

        Raises:
            ConnectError: It could not be opened when it was recorded, or was not recorded.
        """
        return self._channel(launch, self._reel(launch, "channel", None))

    async def open_session(
        self, launch: Launch, *, protocol: str | None = None, callbacks: Callbacks | None = None
    ) -> ServerSession:
        """Return the next recorded session of a server.

        Raises:
            ConnectError: It could not be opened when it was recorded, or was not recorded.
        """
        reel = self._reel(launch, "session", protocol)
        agreement: Agreement | None = reel.first(Agreement)
        if agreement is None:
            raise ConnectError(missing(f"agreement with {launch.name!r}"))
        channel = self._channel(launch, reel)
        channel.open_recorded()
        return ServerSession(
            name=launch.name,
            channel=channel,
            agreement=agreement,
            limits=self.limits,
            started_s=reel.ready_s,
            callbacks=callbacks or self.callbacks,
        )

    def _reel(self, launch: Launch, what: str, protocol: str | None) -> Reel:
        reel = self.recording(launch.name).reel(what, protocol)
        if reel is None:
            raise ConnectError(missing(f"such connection to {launch.name!r}"))
        fault: Fault | None = reel.first(Fault)
        if fault is not None:
            raise ConnectError(fault)
        return reel

    def _channel(self, launch: Launch, reel: Reel) -> ReplayChannel:
        return ReplayChannel(reel, self.limits, self.clock, Writer(Redactor(launch.secrets)))


class ReplayChannel(Channel):
    """A channel whose exchanges come from a recording, with their recorded times.

    A request gets the answer to the next recorded one that says the same, again and again once all were used; failing
    that, the next one of its method whose parameters have the same names.
    """

    def __init__(self, reel: Reel, limits: Limits, clock: Clock, writer: Writer) -> None:
        super().__init__(_Reel(reel, writer), limits, clock)
        self._writer = writer
        self._close: CloseReport | None = reel.first(CloseReport)
        exchanges = [record for record in reel.records if isinstance(record, Unread)]
        self._shelf = Shelf([record for record in exchanges if not record.awaited_nothing])
        deliveries = [record.read() for record in exchanges if record.awaited_nothing]
        events: list[tuple[float, Anomaly | ServerMessage | Exchange]] = [
            *((record.at, record) for record in reel.records if isinstance(record, Anomaly | ServerMessage)),
            *((delivery.ended_at, delivery) for delivery in deliveries),
        ]
        self._events = deque(sorted(events, key=lambda event: event[0]))
        self._happened = True
        self._unbroken = 0

    def open_recorded(self) -> None:
        """Play the opening: everything until the conversation was agreed on."""
        for exchange in self._shelf.take_all({"initialize", "server/discover"}):
            self._play(exchange)
            if isinstance(exchange.id, int):
                # Later requests then get the ids that they had, and are found by their very bytes.
                self._next_id = max(self._next_id, exchange.id)

    async def request(
        self,
        method: str,
        params: Mapping[str, Json] | None = None,
        *,
        timeout_s: float | None = None,
        request_id: RequestId | None = None,
        name: str | None = None,
        cancellable: bool = True,
        headers: tuple[tuple[str, str], ...] = (),
        background: bool = False,
    ) -> Exchange:
        """Return the recorded exchange; see `Channel.request`."""
        del timeout_s, name, cancellable, headers, background
        message: dict[str, object] = {"jsonrpc": "2.0", "id": request_id or self.new_id(), "method": method}
        if params is not None:
            message["params"] = params
        await self._breathe()
        return self._answer_to(method, encode(message))

    async def probe(
        self,
        data: bytes,
        *,
        label: str,
        timeout_s: float,
        until: Callable[[JsonObject], bool] = is_response,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Exchange:
        """Return the recorded exchange; see `Channel.probe`."""
        del timeout_s, until, headers
        await self._breathe()
        return self._answer_to(f"<{label}>", data)

    async def close(self) -> CloseReport:
        """Return how the connection ended when it was recorded."""
        self._release(float("inf"))
        self.connection_ended(Fault(kind=FaultKind.CLOSED, message="the connection was closed by us"))
        return self._close or CloseReport(seconds=0.0, needed="exit")

    async def _breathe(self) -> None:
        """Let other tasks run: those that something has happened to, and all now and then."""
        self._unbroken += 1
        if self._happened or self._unbroken >= _MOST_UNBROKEN:
            self._happened, self._unbroken = False, 0
            await asyncio.sleep(0)

    def _answer_to(self, method: str, sent: bytes) -> Exchange:
        """Return the exchange that answers these bytes."""
        # Few requests hold a secret, and to look for one takes longer than all the rest.
        found = self._shelf.take(method, sent) or self._shelf.take(method, self._as_recorded(sent))
        found = found or self._shelf.take_similar(method, sent)
        if found is None:
            fault = missing(f"answer to {method}")
            at = self._now()
            return self._record(Exchange(method=method, id=None, sent=sent, sent_at=at, ended_at=at, fault=fault))
        return self._play(found, sent)

    def _as_recorded(self, sent: bytes) -> bytes:
        """Return bytes as a recording holds them, without secrets."""
        return data(self._writer.data(sent))

    def _play(self, exchange: Exchange, sent: bytes = b"") -> Exchange:
        """Let everything happen that had happened before the next exchange began, and keep this one.

        Nobody can tell how long a judge had waited after an exchange. Whoever asked nothing more saw all there was.
        """
        self._release(max(exchange.ended_at, self._shelf.next_start()))
        if exchange.fault is not None and exchange.fault.kind.ends_connection and self.ended is None:
            self.ended = exchange.fault
        return self._record(spoken_now(exchange, sent) if sent else exchange)

    def _release(self, until: float) -> None:
        """Let the anomalies, messages and deliveries up to a time happen."""
        while self._events and self._events[0][0] <= until:
            _, event = self._events.popleft()
            self._happened = True
            if isinstance(event, Anomaly):
                self.log.add_anomaly(event.kind, event.raw, event.at, event.detail)
            elif isinstance(event, ServerMessage):
                self._incoming.replay(event)
            else:
                self._record(event)


class _Reel:
    """A transport that carries nothing."""

    unread_bytes = 0
    partial_bytes = 0
    pid: int | None = None

    def __init__(self, reel: Reel, writer: Writer) -> None:
        self.kind = reel.transport
        self.stderr_tail = reel.stderr
        self.raw_http = ReplayedRawHttp(reel, writer) if reel.url and reel.transport == TransportKind.HTTP else None

    def send(self, message: Outgoing) -> None:
        """Send nothing."""

    def use_version(self, version: str) -> None:
        """Do nothing."""

    def abandon(self, request_id: RequestId) -> None:
        """Do nothing."""

    def slow_down(self, seconds: float) -> None:
        """Do nothing."""

    async def close(self) -> CloseReport:
        """End nothing."""
        return CloseReport(seconds=0.0, needed="exit")
