"""Judging a recording again: an opener whose servers answer as they did when they were recorded."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from mcp_assay.core.clock import Clock, SystemClock
from mcp_assay.core.errors import ConnectError, UsageError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.core.redaction import Redactor
from mcp_assay.wire.callbacks import Callbacks
from mcp_assay.wire.channel import Channel
from mcp_assay.wire.eras import Agreement
from mcp_assay.wire.exchange import Exchange
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.log import ServerMessage
from mcp_assay.wire.messages import Anomaly, encode, is_response
from mcp_assay.wire.recording import recording_path
from mcp_assay.wire.session import ServerSession
from mcp_assay.wire.shelf import Shelf, spoken_now
from mcp_assay.wire.tape import FORMAT, Writer, data, read
from mcp_assay.wire.transport import CloseReport
from mcp_assay.wire.versions import VersionBook

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from mcp_assay.config.spec import Launch
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.tape import Record
    from mcp_assay.wire.transport import Outgoing


@dataclass(slots=True, kw_only=True)
class Reel:
    """One recorded connection.

    Attributes:
        what: ``session`` or ``channel``.
        protocol: The revision that was pinned, or None.
        transport: The transport's name.
        records: What was seen, in order.
        stderr: The last lines of the server's stderr.
        played: Whether it was given out already.
    """

    what: str
    protocol: str | None
    transport: str
    records: list[Record] = field(default_factory=list["Record"])
    stderr: str = ""
    played: bool = False

    def first(self, kind: type[Any]) -> Any:
        """Return the first record of a kind, or None."""
        return next((record for record in self.records if isinstance(record, kind)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A server's recording.

    Attributes:
        server: The server's name.
        reels: Its connections in the order of opening.
        values: Observations made beside the wire, by name.
    """

    server: str
    reels: tuple[Reel, ...]
    values: Mapping[str, Any]

    @classmethod
    def load(cls, directory: Path, server: str) -> Recording:
        """Return a server's recording.

        Raises:
            UsageError: There is none, or it is none of ours.
        """
        path = recording_path(directory, server)
        try:
            with _collector_at_rest():
                return cls._read(path, server)
        except FileNotFoundError:
            raise UsageError(f"there is no recording of {server!r}", hint=f"it would be {path}") from None
        except (OSError, ValueError, KeyError, TypeError, IndexError) as problem:
            raise UsageError(f"the recording {path} cannot be read: {problem!r}") from None

    @classmethod
    def _read(cls, path: Path, server: str) -> Recording:
        """Return what a file holds.

        Raises:
            UsageError: It is none of ours.
        """
        lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        if lines[0]["format"] != FORMAT:
            raise UsageError(f"the recording {path} has format {lines[0]['format']}, this version reads {FORMAT}")
        reels = {line["connection"]: _reel(line) for line in lines if line["kind"] == "open"}
        for line in lines[1:]:
            if line["kind"] == "stderr":
                reels[line["connection"]].stderr = str(line["text"])
            elif line["kind"] not in {"open", "value"}:
                reels[line["connection"]].records.append(read(line))
        values = {line["name"]: line["value"] for line in lines if line["kind"] == "value"}
        return cls(server=server, reels=tuple(reels.values()), values=values)

    def reel(self, what: str, protocol: str | None) -> Reel | None:
        """Return the next connection that was opened like this, the last one again when all were given out."""
        fitting = [reel for reel in self.reels if (reel.what, reel.protocol) == (what, protocol)]
        chosen = next((reel for reel in fitting if not reel.played), fitting[-1] if fitting else None)
        if chosen is not None:
            chosen.played = True
        return chosen


@contextmanager
def _collector_at_rest() -> Generator[None]:
    """Keep the garbage collector from looking again and again at what is being read and all stays."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _reel(line: dict[str, Any]) -> Reel:
    return Reel(what=line["what"], protocol=line["protocol"], transport=line["transport"])


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
            raise ConnectError(_missing(f"agreement with {launch.name!r}"))
        channel = self._channel(launch, reel)
        channel.open_recorded()
        return ServerSession(
            name=launch.name,
            channel=channel,
            agreement=agreement,
            limits=self.limits,
            started_s=channel.opening_s,
            callbacks=callbacks or self.callbacks,
        )

    def _reel(self, launch: Launch, what: str, protocol: str | None) -> Reel:
        reel = self.recording(launch.name).reel(what, protocol)
        if reel is None:
            raise ConnectError(_missing(f"such connection to {launch.name!r}"))
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

    Attributes:
        opening_s: How long the opening took when it was recorded, in seconds.
    """

    def __init__(self, reel: Reel, limits: Limits, clock: Clock, writer: Writer) -> None:
        super().__init__(_Reel(reel), limits, clock)
        self._writer = writer
        self._close: CloseReport | None = reel.first(CloseReport)
        self._shelf = Shelf([record for record in reel.records if isinstance(record, Exchange)])
        self._events: deque[Anomaly | ServerMessage] = deque(
            sorted(
                (record for record in reel.records if isinstance(record, Anomaly | ServerMessage)),
                key=lambda event: event.at,
            )
        )
        self.opening_s = 0.0

    def open_recorded(self) -> None:
        """Play the opening: everything until the conversation was agreed on."""
        opening = self._shelf.take_all({"initialize", "server/discover"})
        for exchange in opening:
            self._play(exchange)
        if opening:
            self.opening_s = opening[-1].ended_at - opening[0].sent_at

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
        await asyncio.sleep(0)
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
        await asyncio.sleep(0)
        return self._answer_to(f"<{label}>", data)

    async def close(self) -> CloseReport:
        """Return how the connection ended when it was recorded."""
        self._release(float("inf"))
        self.connection_ended(Fault(kind=FaultKind.CLOSED, message="the connection was closed by us"))
        return self._close or CloseReport(seconds=0.0, needed="exit")

    def _answer_to(self, method: str, sent: bytes) -> Exchange:
        """Return the exchange that answers these bytes."""
        # Few requests hold a secret, and to look for one takes longer than all the rest.
        found = self._shelf.take(method, sent) or self._shelf.take(method, self._as_recorded(sent))
        found = found or self._shelf.take_similar(method, sent)
        if found is None:
            fault = _missing(f"answer to {method}")
            at = self._now()
            return Exchange(method=method, id=None, sent=sent, sent_at=at, ended_at=at, fault=fault)
        return self._play(found, sent)

    def _as_recorded(self, sent: bytes) -> bytes:
        """Return bytes as a recording holds them, without secrets."""
        return data(self._writer.data(sent))

    def _play(self, exchange: Exchange, sent: bytes = b"") -> Exchange:
        """Let everything happen that had happened when this exchange ended, and keep it."""
        self._release(exchange.ended_at)
        if exchange.fault is not None and exchange.fault.kind.ends_connection and self.ended is None:
            self.ended = exchange.fault
        return self._record(spoken_now(exchange, sent) if sent else exchange)

    def _release(self, until: float) -> None:
        """Let the anomalies and messages up to a time happen."""
        while self._events and self._events[0].at <= until:
            event = self._events.popleft()
            if isinstance(event, Anomaly):
                self.log.add_anomaly(event.kind, event.raw, event.at, event.detail)
            else:
                self._incoming.replay(event)


class _Reel:
    """A transport that carries nothing."""

    unread_bytes = 0
    partial_bytes = 0
    pid: int | None = None

    def __init__(self, reel: Reel) -> None:
        self.kind = reel.transport
        self.stderr_tail = reel.stderr

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


def _missing(what: str) -> Fault:
    """Return the fault of a recording that lacks something: ours, not the server's."""
    return Fault(
        kind=FaultKind.HARNESS,
        message=f"the recording holds no {what}",
        hint="record again with the same options and the same version",
    )
