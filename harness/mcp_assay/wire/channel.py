"""JSON-RPC over one transport: requests, answers, and everything that is neither.

Nothing here raises for what a server does: every request ends as an `Exchange` whose ``message`` or ``fault`` says
how. A line that cannot be read fails the request it belongs to at once instead of letting it time out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.exchange import Exchange
from mcp_assay.wire.framing import Oversized
from mcp_assay.wire.log import WireLog
from mcp_assay.wire.messages import (
    AnomalyKind,
    Undecodable,
    decode,
    encode,
    guess_id,
    is_response,
    looks_like_message,
)
from mcp_assay.wire.transport import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.core.clock import Clock
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.exchange import HttpMeta
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.transport import CloseReport, Transport

METHOD_NOT_FOUND = -32601
_REMEMBERED_IDS = 1_000
_UNREADABLE = {AnomalyKind.INVALID_JSON, AnomalyKind.INVALID_UTF8, AnomalyKind.BOM, AnomalyKind.NOT_AN_OBJECT}


class Responder(Protocol):
    """Answers a request that the server sends to us."""

    def __call__(self, method: str, params: Json) -> JsonObject | None:
        """Return the result, or None when the method is not offered."""
        ...


def answer_ping_only(method: str, params: Json) -> JsonObject | None:  # noqa: ARG001  (the Responder protocol)
    """Answer ``ping`` with the empty result and offer nothing else, as a client without capabilities must."""
    return {} if method == "ping" else None


class _Pending:
    """A request that waits for its answer."""

    __slots__ = ("future", "id", "method", "related", "sent", "sent_at", "timer")

    def __init__(self, request_id: RequestId, method: str, sent: bytes, sent_at: float) -> None:
        self.id = request_id
        self.method = method
        self.sent = sent
        self.sent_at = sent_at
        self.related: list[JsonObject] = []
        self.future: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
        self.timer: asyncio.TimerHandle | None = None


class Channel:
    """One conversation with one server. All methods belong to the event loop it was made in.

    Attributes:
        log: What was seen on the connection.
        ended: Why nothing more will come, None while the connection is up.
    """

    def __init__(
        self,
        transport: Transport,
        limits: Limits,
        clock: Clock,
        responder: Responder = answer_ping_only,
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._now = clock.monotonic
        self._responder = responder
        self._pending: dict[RequestId, _Pending] = {}
        self._answered: deque[RequestId] = deque(maxlen=_REMEMBERED_IDS)
        self._expired: deque[RequestId] = deque(maxlen=_REMEMBERED_IDS)
        self._taps: list[Callable[[JsonObject, bytes], None]] = []
        self._next_id = 0
        self.log = WireLog(limits)
        self.ended: Fault | None = None

    @property
    def transport(self) -> Transport:
        """What carries the messages."""
        return self._transport

    @property
    def open_requests(self) -> int:
        """Requests that wait for an answer."""
        return len(self._pending)

    def new_id(self) -> int:
        """Return an id that was not used on this connection."""
        self._next_id += 1
        return self._next_id

    async def request(
        self,
        method: str,
        params: Mapping[str, Json] | None = None,
        *,
        timeout_s: float | None = None,
        request_id: RequestId | None = None,
        name: str | None = None,
        cancellable: bool = True,
    ) -> Exchange:
        """Send a request and wait for its answer.

        Args:
            method: The JSON-RPC method.
            params: Its parameters; left out when None.
            timeout_s: Seconds to wait, by default the limit for calls.
            request_id: The id to use instead of a new one.
            name: What the request names, for transports that mirror it.
            cancellable: Whether the server is told when we stop waiting.

        Returns:
            The exchange; a timeout or a lost connection is its ``fault``.

        Raises:
            ValueError: The parameters have no JSON form: our mistake, not the server's.
        """
        identity = self.new_id() if request_id is None else request_id
        message: dict[str, object] = {"jsonrpc": "2.0", "id": identity, "method": method}
        if params is not None:
            message["params"] = params
        pending = _Pending(identity, method, encode(message), self._now())
        if self.ended is not None:
            return self._record(self._faulted(pending, self.ended))
        self._pending[identity] = pending
        seconds = self._limits.call_s if timeout_s is None else timeout_s
        pending.timer = asyncio.get_running_loop().call_later(seconds, self._timed_out, pending, seconds, cancellable)
        self._transport.send(Outgoing(data=pending.sent, method=method, name=name, id=identity))
        try:
            return self._record(await pending.future)
        except asyncio.CancelledError:
            if self._forget(identity) and cancellable:
                self.cancel(identity, "the caller no longer waits")
            raise
        finally:
            pending.timer.cancel()

    def notify(self, method: str, params: Mapping[str, Json] | None = None) -> None:
        """Send a notification."""
        message: dict[str, object] = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        self._transport.send(Outgoing(data=encode(message), method=method))

    def cancel(self, request_id: Json, reason: str) -> None:
        """Tell the server that nobody waits for a request any more."""
        self.notify("notifications/cancelled", {"requestId": request_id, "reason": reason})

    async def probe(
        self,
        data: bytes,
        *,
        label: str,
        timeout_s: float,
        until: Callable[[JsonObject], bool] = is_response,
    ) -> Exchange:
        """Send raw bytes and wait for the first message that no request of ours awaits.

        Args:
            data: What to write, with its newline.
            label: What the probe is called in the exchange's ``method``.
            timeout_s: Seconds to wait; silence is a `FaultKind.TIMEOUT` fault, for the caller to weigh.
            until: Which message ends the wait.

        Returns:
            The exchange with that message, or with a fault.
        """
        pending = _Pending("", f"<{label}>", data, self._now())
        if self.ended is not None:
            return self._record(self._faulted(pending, self.ended))

        def tap(message: JsonObject, raw: bytes) -> None:
            if until(message) and not pending.future.done():
                pending.future.set_result(self._answer(pending, message, raw, None))

        self._taps.append(tap)
        self._transport.send(Outgoing(data=data, method=label))
        try:
            async with asyncio.timeout(timeout_s):
                return self._record(await pending.future)
        except TimeoutError:
            silence = Fault(kind=FaultKind.TIMEOUT, message=f"nothing came back within {timeout_s:g} s")
            return self._record(self._faulted(pending, self.ended or silence))
        finally:
            self._taps.remove(tap)

    async def close(self) -> CloseReport:
        """End the connection; requests still open end with a fault."""
        report = await self._transport.close()
        self.connection_ended(Fault(kind=FaultKind.CLOSED, message="the connection was closed by us"))
        return report

    def line_received(self, line: bytes | Oversized, http: HttpMeta | None = None) -> None:
        """Take one message from the transport."""
        if isinstance(line, Oversized):
            self._oversized(line)
            return
        message = decode(line)
        if isinstance(message, Undecodable):
            self._undecodable(line, message)
            return
        identity = message.get("id")
        if "method" not in message and (type(identity) is int or type(identity) is str):
            pending = self._pending.get(identity)
            if pending is not None and type(pending.id) is type(identity):
                del self._pending[identity]
                self._answered.append(identity)
                self._resolve(pending, self._answer(pending, message, line, http))
                return
        self._unmatched(message, line)

    def request_failed(self, request_id: RequestId, fault: Fault) -> None:
        """Fail one request."""
        pending = self._pending.pop(request_id, None)
        if pending is not None:
            self._resolve(pending, self._faulted(pending, fault))

    def connection_ended(self, fault: Fault) -> None:
        """Fail every open request; nothing more will come."""
        if self.ended is None:
            self.ended = fault
        for request_id in list(self._pending):
            self.request_failed(request_id, fault)

    def _resolve(self, pending: _Pending, exchange: Exchange) -> None:
        """Wake the waiter unless it has gone."""
        if not pending.future.done():
            pending.future.set_result(exchange)

    def _record(self, exchange: Exchange) -> Exchange:
        """Keep the exchange and return it."""
        self.log.add(exchange)
        return exchange

    def _answer(self, pending: _Pending, message: JsonObject, raw: bytes, http: HttpMeta | None) -> Exchange:
        """Return the exchange of an answered request."""
        return Exchange(
            method=pending.method,
            id=pending.id or None,
            sent=pending.sent,
            sent_at=pending.sent_at,
            ended_at=self._now(),
            raw=raw,
            message=message,
            related=tuple(pending.related),
            http=http,
        )

    def _faulted(self, pending: _Pending, fault: Fault, raw: bytes = b"") -> Exchange:
        """Return the exchange of a request that got no usable answer."""
        return Exchange(
            method=pending.method,
            id=pending.id or None,
            sent=pending.sent,
            sent_at=pending.sent_at,
            ended_at=self._now(),
            raw=raw,
            fault=fault,
            related=tuple(pending.related),
        )

    def _forget(self, request_id: RequestId) -> bool:
        """Stop waiting for a request; return whether it was still open."""
        self._expired.append(request_id)
        return self._pending.pop(request_id, None) is not None

    def _timed_out(self, pending: _Pending, seconds: float, cancellable: bool) -> None:
        """End a request whose time is up."""
        if not self._forget(pending.id):
            return
        if self._transport.unread_bytes:
            fault = Fault(
                kind=FaultKind.STDIN_BLOCKED,
                message=f"the server has not read its stdin for {seconds:g} s",
                stderr_tail=self._transport.stderr_tail,
            )
        else:
            fault = Fault(
                kind=FaultKind.TIMEOUT,
                message=f"no answer to {pending.method} within {seconds:g} s",
                stderr_tail=self._transport.stderr_tail,
            )
            if cancellable:
                self.cancel(pending.id, f"no answer within {seconds:g} s")
        self._resolve(pending, self._faulted(pending, fault))

    def _oversized(self, line: Oversized) -> None:
        """Fail the request that a too long line would have answered."""
        detail = f"a line of {line.length:,} bytes; the limit is {self._limits.line_bytes:,}"
        self.log.add_anomaly(AnomalyKind.OVERSIZED, line.head, self._now(), detail)
        self._fail_owner(line.head, Fault(kind=FaultKind.OVERSIZED, message=f"the answer was {detail}"))

    def _undecodable(self, line: bytes, problem: Undecodable) -> None:
        """Note a line that is no message; fail the request it was meant to answer."""
        if not line.strip():
            return
        self.log.add_anomaly(problem.kind, line, self._now(), problem.detail)
        if problem.kind in _UNREADABLE and looks_like_message(line.removeprefix(b"\xef\xbb\xbf")):
            fault = Fault(kind=FaultKind.UNREADABLE, message=f"the answer is not valid JSON: {problem.detail}")
            self._fail_owner(line, fault)

    def _fail_owner(self, head: bytes, fault: Fault) -> None:
        """Fail the request that an unreadable line names, or the only open one."""
        guessed = guess_id(head)
        owner = guessed if guessed is not None and guessed in self._pending else self._only_pending()
        if owner is not None:
            pending = self._pending.pop(owner)
            self._resolve(pending, self._faulted(pending, fault, head))

    def _only_pending(self) -> RequestId | None:
        """Return the id of the open request when there is exactly one."""
        return next(iter(self._pending)) if len(self._pending) == 1 else None

    def _unmatched(self, message: JsonObject, raw: bytes) -> None:
        """Take a message that answers no open request by its id."""
        for tap in tuple(self._taps):
            tap(message, raw)
        if isinstance(message.get("method"), str):
            self._server_message(message, raw)
        elif "result" in message or "error" in message:
            self._stray_answer(message, raw)
        else:
            self.log.add_anomaly(AnomalyKind.SHAPELESS, raw, self._now(), "neither method, result nor error")
            self._fail_owner(raw, Fault(kind=FaultKind.UNREADABLE, message="the answer has neither result nor error"))

    def _stray_answer(self, message: JsonObject, raw: bytes) -> None:
        """Class an answer whose id fits no open request; fail the only open one when it must be meant."""
        identity = message.get("id")
        if identity in self._expired and type(identity) in {int, str}:
            self.log.add_anomaly(AnomalyKind.LATE, raw, self._now(), f"id {identity!r} was given up before")
            return
        if identity in self._answered and type(identity) in {int, str}:
            self.log.add_anomaly(AnomalyKind.DUPLICATE_ID, raw, self._now(), f"id {identity!r} was answered before")
            return
        if self._taps and identity is None:
            return
        kind = AnomalyKind.ORPHANED_ERROR if identity is None else AnomalyKind.UNKNOWN_ID
        owner = self._only_pending()
        if owner is not None and identity is not None and str(identity) in {str(owner), f"{owner}.0"}:
            kind = AnomalyKind.WRONG_ID_TYPE
        self.log.add_anomaly(kind, raw, self._now(), f"id {identity!r} fits no open request")
        if owner is not None:
            pending = self._pending.pop(owner)
            fault = Fault(kind=FaultKind.UNREADABLE, message=f"the answer carries id {identity!r} instead of {owner!r}")
            self._resolve(pending, self._faulted(pending, fault, raw))

    def _server_message(self, message: JsonObject, raw: bytes) -> None:
        """Keep a request or notification of the server and answer the request."""
        self.log.add_server_message(message, raw, self._now())
        if len(self._pending) == 1:
            related = next(iter(self._pending.values())).related
            if len(related) < self._limits.samples:
                related.append(message)
        if "id" in message:
            self._answer_server(message)

    def _answer_server(self, message: JsonObject) -> None:
        """Answer a request of the server, unless it does not read our answers."""
        if self._transport.unread_bytes > self._limits.write_buffer_bytes:
            self.log.add_anomaly(AnomalyKind.FLOOD, b"", self._now(), "requests sent without reading our answers")
            return
        method = str(message["method"])
        result = self._responder(method, message.get("params"))
        reply: dict[str, object] = {"jsonrpc": "2.0", "id": message["id"]}
        if result is None:
            reply["error"] = {"code": METHOD_NOT_FOUND, "message": f"this client does not offer {method[:100]}"}
        else:
            reply["result"] = result
        self._transport.send(Outgoing(data=encode(reply)))
