"""What a connection remembers: exchanges, messages from the server, anomalies."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.wire.messages import Anomaly, AnomalyKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.raw_http import RawExchange
    from mcp_assay.wire.transport import CloseReport

_RAW_SAMPLE = 500


@dataclass(frozen=True, slots=True)
class ServerMessage:
    """A request or notification that the server sent on its own.

    Attributes:
        message: The parsed message.
        raw: Its raw bytes.
        at: When it came, on the connection's clock.
    """

    message: JsonObject
    raw: bytes
    at: float

    @property
    def method(self) -> str:
        """The message's method, or an empty string when it has no textual one."""
        method = self.message.get("method")
        return method if isinstance(method, str) else ""


class WireLog:
    """Bounded memory of one connection; beyond the bounds things are counted, not kept.

    Attributes:
        anomaly_counts: How often each kind of anomaly was seen.
        message_count: Requests and notifications received from the server.
        recording: Whether exchanges are kept; load generators switch it off.
        sink: Takes everything that is kept as well, for recordings.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._exchanges: deque[Exchange] = deque()
        self._bytes = 0
        self._message_bytes = 0
        self._anomalies: list[Anomaly] = []
        self._messages: list[ServerMessage] = []
        self.anomaly_counts: Counter[AnomalyKind] = Counter()
        self.message_count = 0
        self.recording = True
        self.sink: Callable[[Exchange | Anomaly | ServerMessage | RawExchange | CloseReport], None] | None = None

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges kept, oldest first."""
        return tuple(self._exchanges)

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """The first anomalies of the connection."""
        return tuple(self._anomalies)

    @property
    def server_messages(self) -> tuple[ServerMessage, ...]:
        """The first requests and notifications that the server sent."""
        return tuple(self._messages)

    def answers(self) -> Iterator[tuple[Exchange, JsonObject]]:
        """Yield each kept exchange that was answered, with its answer."""
        for exchange in self._exchanges:
            if exchange.message is not None:
                yield exchange, exchange.message

    def add(self, exchange: Exchange) -> None:
        """Keep an exchange, dropping the oldest beyond the byte limit."""
        if not self.recording:
            return
        if self.sink is not None:
            self.sink(exchange)
        self._exchanges.append(exchange)
        self._bytes += len(exchange.sent) + len(exchange.raw)
        while self._bytes > self._limits.log_bytes and len(self._exchanges) > 1:
            oldest = self._exchanges.popleft()
            self._bytes -= len(oldest.sent) + len(oldest.raw)

    def add_anomaly(self, kind: AnomalyKind, raw: bytes, at: float, detail: str = "") -> None:
        """Count an anomaly and keep the first ones."""
        self.anomaly_counts[kind] += 1
        if len(self._anomalies) < self._limits.samples:
            self._anomalies.append(Anomaly(kind, raw[:_RAW_SAMPLE], at, detail))
            if self.sink is not None:
                self.sink(self._anomalies[-1])

    def add_server_message(self, message: JsonObject, raw: bytes, at: float) -> None:
        """Count a message from the server and keep the first ones."""
        self.message_count += 1
        room = self._message_bytes + len(raw) <= self._limits.line_bytes
        if room and len(self._messages) < self._limits.samples:
            self._message_bytes += len(raw)
            self._messages.append(ServerMessage(message, raw, at))
            if self.sink is not None:
                self.sink(self._messages[-1])

    def note(self, record: RawExchange | CloseReport) -> None:
        """Tell the sink of a raw HTTP request, or of how the connection ended; neither is kept here."""
        if self.sink is not None and self.recording:
            self.sink(record)
