"""Faults that we put between us and a server ourselves: late, lost and broken messages, cut cables, dead processes.

The server is never asked to misbehave, so that any server will do, and what is injected is known exactly.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.wire.exchange import HttpMeta
    from mcp_assay.wire.framing import Oversized
    from mcp_assay.wire.messages import AnomalyKind, RequestId
    from mcp_assay.wire.raw_http import RawExchange, RawHttp
    from mcp_assay.wire.transport import CloseReport, Outgoing, Receiver

_NOT_UTF8 = b"\xff"


class Carrier(Transport, Protocol):
    """A transport that can be given a receiver."""

    def attach(self, receiver: Receiver) -> None:
        """Deliver to ``receiver`` from now on."""
        ...


@dataclass(slots=True, kw_only=True)
class Disturbance:
    """What happens to the messages of one direction.

    Attributes:
        delay_s: Seconds by which each comes later.
        drop: Whether they are lost.
        corrupt: Whether a byte in the middle is replaced by one that no UTF-8 text has, so that nobody can take the
            message for another one.
    """

    delay_s: float = 0.0
    drop: bool = False
    corrupt: bool = False

    def apply(self, data: bytes) -> bytes | None:
        """Return a message as it arrives, None when it does not."""
        if self.drop:
            return None
        if not self.corrupt or not data.strip():
            return data
        middle = len(data.rstrip(b"\n")) // 2
        return data[:middle] + _NOT_UTF8 + data[middle + 1 :]


@dataclass(slots=True, kw_only=True)
class WireFaults:
    """What goes wrong on the connections to one server; it can be changed at any time, and at first nothing does.

    Give it to a `mcp_assay.wire.connect.Connector`. Everything belongs to the event loop of the connections.

    Attributes:
        requests: What happens to messages of ours.
        answers: What happens to messages of the server.
    """

    requests: Disturbance = field(default_factory=Disturbance)
    answers: Disturbance = field(default_factory=Disturbance)
    _connections: list[DisturbedTransport] = field(default_factory=list["DisturbedTransport"], init=False, repr=False)

    def between(self, carrier: Carrier) -> DisturbedTransport:
        """Return a transport that carries what ``carrier`` does, as far as these faults let it."""
        transport = DisturbedTransport(carrier, self)
        self._connections = [one for one in self._connections if one.open]
        self._connections.append(transport)
        return transport

    def heal(self) -> None:
        """Let every message through again, and held processes go on."""
        self.requests, self.answers = Disturbance(), Disturbance()
        self.resume()

    def cut(self) -> None:
        """End the open connections as a broken cable does: the server is not told."""
        for connection in self._open():
            connection.cut()

    def kill(self) -> None:
        """Kill the processes at the other end."""
        self._signal(signal.SIGKILL)

    def hold(self) -> None:
        """Hold the processes at the other end, so that they hang."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let held processes go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for connection in self._open():
            if connection.pid is not None:
                # It may have ended by itself a moment ago.
                with suppress(ProcessLookupError):
                    os.kill(connection.pid, number)

    def _open(self) -> list[DisturbedTransport]:
        return [connection for connection in self._connections if connection.open]


class DisturbedTransport:
    """Stands between a channel and its carrier, and is one to the other.

    Attributes:
        open: Whether the connection is up.
    """

    def __init__(self, carrier: Carrier, faults: WireFaults) -> None:
        self._carrier = carrier
        self._faults = faults
        self._receiver: Receiver | None = None
        self.open = True

    def attach(self, receiver: Receiver) -> None:
        """Deliver to ``receiver`` from now on."""
        self._receiver = receiver
        self._carrier.attach(self)

    @property
    def kind(self) -> str:
        """The carrier's name in reports."""
        return self._carrier.kind

    @property
    def pid(self) -> int | None:
        """The server's process, or None for a remote one."""
        return self._carrier.pid

    @property
    def raw_http(self) -> RawHttp | None:
        """What sends raw HTTP requests, undisturbed."""
        return self._carrier.raw_http

    @property
    def stderr_tail(self) -> str:
        """The last lines the server wrote to stderr."""
        return self._carrier.stderr_tail

    @property
    def unread_bytes(self) -> int:
        """Bytes we wrote that the server has not taken."""
        return self._carrier.unread_bytes

    @property
    def partial_bytes(self) -> int:
        """Bytes received of a message that has not ended."""
        return self._carrier.partial_bytes

    def send(self, message: Outgoing) -> None:
        """Hand a message over, as far as it gets."""
        data = self._faults.requests.apply(message.data)
        if data is not None:
            passed = message if data is message.data else replace(message, data=data)
            self._later(self._faults.requests.delay_s, lambda: self._carrier.send(passed))

    def use_version(self, version: str) -> None:
        """Speak this revision from now on, where the carrier shows it."""
        self._carrier.use_version(version)

    def abandon(self, request_id: RequestId) -> None:
        """Spend nothing more on a request that nobody waits for."""
        self._carrier.abandon(request_id)

    def slow_down(self, seconds: float) -> None:
        """Read nothing for a while."""
        self._carrier.slow_down(seconds)

    async def close(self) -> CloseReport:
        """End the connection."""
        self.open = False
        return await self._carrier.close()

    def cut(self) -> None:
        """Pass nothing on any more, in either direction."""
        self.connection_ended(Fault(kind=FaultKind.CLOSED, message="the connection was cut by an injected fault"))

    def line_received(
        self, line: bytes | Oversized, http: HttpMeta | None = None, owner: RequestId | None = None
    ) -> None:
        """Pass a message of the server on, as far as it gets."""
        passed = self._faults.answers.apply(line) if isinstance(line, bytes) else line
        receiver = self._receiver
        if passed is not None and receiver is not None:
            self._later(self._faults.answers.delay_s, lambda: receiver.line_received(passed, http, owner))

    def request_failed(
        self, request_id: RequestId | None, fault: Fault, http: HttpMeta | None = None, raw: bytes = b""
    ) -> None:
        """Pass the news on that a request will not be answered."""
        if self.open and self._receiver is not None:
            self._receiver.request_failed(request_id, fault, http, raw)

    def message_delivered(self, message: Outgoing, started_at: float, http: HttpMeta, raw: bytes = b"") -> None:
        """Pass on what HTTP said to a message that awaits no answer."""
        if self.open and self._receiver is not None:
            self._receiver.message_delivered(message, started_at, http, raw)

    def raw_exchanged(self, exchange: RawExchange) -> None:
        """Pass on a raw HTTP request and its answer."""
        if self.open and self._receiver is not None:
            self._receiver.raw_exchanged(exchange)

    def anomaly_seen(self, kind: AnomalyKind, raw: bytes, detail: str) -> None:
        """Pass on what the carrier found odd."""
        if self.open and self._receiver is not None:
            self._receiver.anomaly_seen(kind, raw, detail)

    def connection_ended(self, fault: Fault) -> None:
        """Pass the news on that nothing more will come, once."""
        if self.open and self._receiver is not None:
            self.open = False
            self._receiver.connection_ended(fault)

    def _later(self, seconds: float, deliver: Callable[[], None]) -> None:
        """Deliver now or later, unless the connection has ended by then."""
        if seconds > 0:
            asyncio.get_running_loop().call_later(seconds, self._later, 0.0, deliver)
        elif self.open:
            deliver()
