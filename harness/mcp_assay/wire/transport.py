"""The seam between JSON-RPC and the ways to carry it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mcp_assay.core.faults import Fault
    from mcp_assay.wire.exchange import HttpMeta
    from mcp_assay.wire.framing import Oversized
    from mcp_assay.wire.messages import AnomalyKind, RequestId
    from mcp_assay.wire.raw_http import RawExchange, RawHttp


@dataclass(slots=True, kw_only=True)
class Outgoing:
    """One message on its way out. Not frozen: one is made per call, and a frozen one takes three times as long.

    Attributes:
        data: The message with its newline.
        method: Its method, for transports that mirror it in a header.
        name: The tool, prompt or resource it names, likewise.
        id: Its id when an answer is awaited.
        headers: Further HTTP headers, for example ``Mcp-Param-*``.
        probe: Whether the data is a deliberate probe, which carriers must pass on untouched.
    """

    data: bytes
    method: str = ""
    name: str | None = None
    id: RequestId | None = None
    headers: tuple[tuple[str, str], ...] = ()
    probe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseReport:
    """How a connection ended.

    Attributes:
        seconds: From the start of closing to the end.
        needed: What it took: ``exit`` (it ended by itself or on end of input), ``terminate``, ``kill``, ``http``.
        exit_code: Exit status, negative for a signal, None without a process.
        survivors: Processes left behind by the server that had to be killed.
        trailing: Bytes on stdout after the last message, for example a farewell.
    """

    seconds: float
    needed: str
    exit_code: int | None = None
    survivors: int = 0
    trailing: bytes = b""


class Receiver(Protocol):
    """Takes what a transport receives; every method is called in the event loop."""

    def line_received(
        self, line: bytes | Oversized, http: HttpMeta | None = None, owner: RequestId | None = None
    ) -> None:
        """Take one message as received; ``owner`` is the request on whose stream it came, where there is one."""
        ...

    def request_failed(
        self, request_id: RequestId | None, fault: Fault, http: HttpMeta | None = None, raw: bytes = b""
    ) -> None:
        """Take the news that one request, or without an id the waiting probe, will not be answered."""
        ...

    def message_delivered(self, message: Outgoing, started_at: float, http: HttpMeta, raw: bytes = b"") -> None:
        """Take what HTTP said to a message that awaits no answer."""
        ...

    def raw_exchanged(self, exchange: RawExchange) -> None:
        """Take note of a raw HTTP request and its answer."""
        ...

    def anomaly_seen(self, kind: AnomalyKind, raw: bytes, detail: str) -> None:
        """Take note of something odd that is no message."""
        ...

    def connection_ended(self, fault: Fault) -> None:
        """Take the news that nothing more will come."""
        ...


class Transport(Protocol):
    """Carries messages to and from one server."""

    @property
    def kind(self) -> str:
        """The transport's name in reports: ``stdio``, ``streamable-http`` or ``sse``."""
        ...

    @property
    def pid(self) -> int | None:
        """The server's process, or None for a remote one."""
        ...

    @property
    def raw_http(self) -> RawHttp | None:
        """What sends raw HTTP requests, None where there is no HTTP or its requests carry no messages."""
        ...

    @property
    def stderr_tail(self) -> str:
        """The last lines the server wrote to stderr."""
        ...

    @property
    def unread_bytes(self) -> int:
        """Bytes we wrote that the server has not taken."""
        ...

    @property
    def partial_bytes(self) -> int:
        """Bytes received of a message that has not ended."""
        ...

    def send(self, message: Outgoing) -> None:
        """Hand one message over without waiting; trouble is told to the receiver."""
        ...

    def use_version(self, version: str) -> None:
        """Speak this revision from now on, where the carrier shows it."""
        ...

    def abandon(self, request_id: RequestId) -> None:
        """Spend nothing more on a request that nobody waits for."""
        ...

    def slow_down(self, seconds: float) -> None:
        """Read nothing for a while, because more comes than can be taken."""
        ...

    async def close(self) -> CloseReport:
        """End the connection and everything the server started. Idempotent, bounded, never raises."""
        ...
