"""What a server says on its own: requests to us, and notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mcp_assay.wire.messages import AnomalyKind, encode
from mcp_assay.wire.transport import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.log import ServerMessage, WireLog
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.pending import PendingTable
    from mcp_assay.wire.transport import Transport

METHOD_NOT_FOUND = -32601


class Responder(Protocol):
    """Answers a request that the server sends to us."""

    def __call__(self, method: str, params: Json) -> JsonObject | None:
        """Return the result, or None when the method is not offered.

        Raises:
            RefusalError: The request is refused; the server gets its code and message.
        """
        ...


class RefusalError(Exception):
    """A request of the server is refused.

    Attributes:
        code: The JSON-RPC code it gets.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def answer_ping_only(method: str, params: Json) -> JsonObject | None:  # noqa: ARG001  (the Responder protocol)
    """Answer ``ping`` with the empty result and offer nothing else, as a client without capabilities must."""
    return {} if method == "ping" else None


class Incoming:
    """Keeps what the server says on its own, answers its requests, and tells whoever listens."""

    def __init__(
        self, transport: Transport, limits: Limits, log: WireLog, table: PendingTable, responder: Responder
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._log = log
        self._table = table
        self._responder = responder
        self._listeners: list[Callable[[JsonObject], None]] = []
        self._window_start = 0.0
        self._window_count = 0

    def listen(self, listener: Callable[[JsonObject], None]) -> Callable[[], None]:
        """Call ``listener`` with every notification from now on; the returned function stops that."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def take(
        self,
        message: JsonObject,
        raw: bytes,
        at: float,
        owner: RequestId | None = None,
        *,
        related: bool = True,
    ) -> None:
        """Take one request or notification of the server.

        Args:
            message: The message.
            raw: Its bytes.
            at: When it came.
            owner: The request on whose stream it came, None where there is one stream for all.
            related: Whether it can belong to a request at all.
        """
        self._count(at)
        self._log.add_server_message(message, raw, at)
        if related:
            self._relate(message, len(raw), owner)
        if "id" in message:
            self._answer(message, raw, at)
            return
        for listener in tuple(self._listeners):
            listener(message)

    def replay(self, event: ServerMessage) -> None:
        """Take one recorded message: keep it and tell the listeners, answer nothing."""
        self._log.add_server_message(event.message, event.raw, event.at)
        if "id" not in event.message:
            for listener in tuple(self._listeners):
                listener(event.message)

    def _count(self, at: float) -> None:
        """Slow a server down that sends more than the limit for a second, so that it cannot starve the others."""
        if at - self._window_start >= 1.0:
            self._window_start, self._window_count = at, 0
        self._window_count += 1
        if self._window_count == self._limits.messages_per_s:
            detail = f"more than {self._limits.messages_per_s:,} messages in a second"
            self._log.add_anomaly(AnomalyKind.FLOOD, b"", at, detail)
            self._transport.slow_down(self._window_start + 1.0 - at)

    def _relate(self, message: JsonObject, size: int, owner: RequestId | None) -> None:
        """Keep the message with the request on whose stream it came, or with the only open one."""
        owner = self._table.only() if owner is None else owner
        pending = None if owner is None else self._table.open.get(owner)
        if pending is None or len(pending.related) >= self._limits.samples:
            return
        if pending.related_bytes + size <= self._limits.line_bytes:
            pending.related.append(message)
            pending.related_bytes += size

    def _answer(self, message: JsonObject, raw: bytes, at: float) -> None:
        """Answer a request of the server, unless it does not read our answers."""
        identity = message["id"]
        if type(identity) is not int and type(identity) is not str:
            self._log.add_anomaly(AnomalyKind.WRONG_ID_TYPE, raw, at, "a request of the server has no usable id")
            return
        if self._transport.unread_bytes > self._limits.write_buffer_bytes:
            self._log.add_anomaly(AnomalyKind.FLOOD, b"", at, "requests sent without reading our answers")
            return
        reply = {"jsonrpc": "2.0", "id": identity, **self._outcome(str(message["method"]), message.get("params"))}
        self._transport.send(Outgoing(data=encode(reply)))

    def _outcome(self, method: str, params: Json) -> dict[str, object]:
        """Return the ``result`` or ``error`` member of our answer."""
        try:
            result = self._responder(method, params)
        except RefusalError as refusal:
            return {"error": {"code": refusal.code, "message": str(refusal)}}
        if result is None:
            message = f"this client does not offer {method[:100]}"
            return {"error": {"code": METHOD_NOT_FOUND, "message": message}}
        return {"result": result}
