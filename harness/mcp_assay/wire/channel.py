"""JSON-RPC over one transport: requests, answers, and everything that is neither.

Nothing here raises for what a server does: every request ends as an `Exchange` whose ``message`` or ``fault`` says
how. A line that cannot be read fails the request it belongs to at once instead of letting it time out.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mcp_assay.core.errors import HarnessError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.exchange import Exchange
from mcp_assay.wire.framing import Oversized
from mcp_assay.wire.incoming import METHOD_NOT_FOUND, Incoming, Responder, answer_ping_only
from mcp_assay.wire.log import WireLog
from mcp_assay.wire.messages import BOM, AnomalyKind, Undecodable, decode, encode, guess_id, is_response
from mcp_assay.wire.pending import Pending, PendingTable, Probe
from mcp_assay.wire.transport import Outgoing
from mcp_assay.wire.triage import Triage, seen_meanwhile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.core.clock import Clock
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.exchange import HttpMeta
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.raw_http import RawExchange
    from mcp_assay.wire.transport import CloseReport, Transport

__all__ = ["METHOD_NOT_FOUND", "Channel", "Responder", "answer_ping_only"]


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
        self._table = PendingTable()
        self._next_id = 0
        self.log = WireLog(limits)
        self.ended: Fault | None = None
        self._end_listeners: list[Callable[[Fault], None]] = []
        self._triage = Triage(self._table, self.log, limits.line_bytes)
        self._incoming = Incoming(transport, limits, self.log, self._table, responder)

    @property
    def transport(self) -> Transport:
        """What carries the messages."""
        return self._transport

    @property
    def open_requests(self) -> int:
        """Requests that wait for an answer."""
        return len(self._table.open)

    def new_id(self) -> int:
        """Return an id that was not used on this connection."""
        self._next_id += 1
        return self._next_id

    def use_version(self, version: str) -> None:
        """Show this revision where the transport shows one: in a header over HTTP, nowhere over pipes."""
        self._transport.use_version(version)

    def on_notification(self, listener: Callable[[JsonObject], None]) -> Callable[[], None]:
        """Call ``listener`` in the event loop with every notification of the server from now on.

        Args:
            listener: Takes the parsed notification; it must not raise and not wait.

        Returns:
            A function that stops it.
        """
        return self._incoming.listen(listener)

    def on_end(self, listener: Callable[[Fault], None]) -> None:
        """Call ``listener`` in the event loop when nothing more will come; it must not raise and not wait."""
        self._end_listeners.append(listener)

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
        """Send a request and wait for its answer.

        Args:
            method: The JSON-RPC method.
            params: Its parameters; left out when None.
            timeout_s: Seconds to wait, by default the limit for calls.
            request_id: The id to use instead of a new one.
            name: What the request names, for transports that mirror it.
            cancellable: Whether the server is told when we stop waiting.
            headers: Further HTTP headers, for example ``Mcp-Param-*``; an empty value leaves a header out.
            background: Whether it stays open for long, as ``subscriptions/listen`` does.

        Returns:
            The exchange; a timeout or a lost connection is its ``fault``.

        Raises:
            ValueError: The parameters have no JSON form, or a request with this id is still open: our mistake, not
                the server's.
            HarnessError: A fault of ours, such as a bug in a transport.
        """
        identity = self.new_id() if request_id is None else request_id
        if identity in self._table.open:
            raise ValueError(f"a request with id {identity!r} is still open")
        message: dict[str, object] = {"jsonrpc": "2.0", "id": identity, "method": method}
        if params is not None:
            message["params"] = params
        pending = Pending(identity, method, encode(message), self._now())
        if self.ended is not None:
            return self._record(pending.failed(self.ended, self._now()))
        self._table.add(pending, identity, background)
        seconds = self._limits.call_s if timeout_s is None else timeout_s
        self._transport.send(Outgoing(data=pending.sent, method=method, name=name, id=identity, headers=headers))
        # The server is at work by now: what else there is to do costs the call nothing.
        loop = pending.future.get_loop()
        timer = loop.call_later(seconds, self._timed_out, identity, seconds, cancellable)
        try:
            return self._record(await pending.future)
        except asyncio.CancelledError:
            if self._table.expire(identity):
                if cancellable:
                    self.cancel(identity, "the caller no longer waits")
                self._transport.abandon(identity)
            raise
        finally:
            timer.cancel()

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
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Exchange:
        """Send raw bytes and wait for the first message that no request of ours awaits.

        Args:
            data: What to write, with its newline.
            label: What the probe is called in the exchange's ``method``.
            timeout_s: Seconds to wait; silence is a `FaultKind.TIMEOUT` fault, for the caller to weigh.
            until: Which message ends the wait.
            headers: Further HTTP headers; an empty value leaves a header out.

        Returns:
            The exchange with that message, or with a fault.
        """
        probe = Probe(label, data, self._now(), until)
        if self.ended is not None:
            return self._record(probe.failed(self.ended, self._now()))
        self._table.probes.append(probe)
        self._transport.send(Outgoing(data=data, method=label, probe=True, headers=headers))
        try:
            async with asyncio.timeout(timeout_s):
                return self._record(await probe.future)
        except TimeoutError:
            silence = Fault(kind=FaultKind.TIMEOUT, message=f"nothing came back within {timeout_s:g} s")
            return self._record(probe.failed(silence, self._now()))
        except asyncio.CancelledError:
            silence = Fault(kind=FaultKind.TIMEOUT, message="nothing came back while somebody waited")
            self._record(probe.failed(silence, self._now()))
            raise
        finally:
            self._table.close_probe(probe, guess_id(data))

    async def close(self) -> CloseReport:
        """End the connection; requests still open end with a fault."""
        self.connection_ended(Fault(kind=FaultKind.CLOSED, message="the connection was closed by us"))
        report = await self._transport.close()
        self.log.note(report)
        return report

    def line_received(
        self, line: bytes | Oversized, http: HttpMeta | None = None, owner: RequestId | None = None
    ) -> None:
        """Take one message from the transport."""
        if isinstance(line, Oversized):
            self._triage.oversized(line, self._now(), http, owner)
            return
        message = decode(line)
        if isinstance(message, Undecodable):
            self._undecodable(line, message, http, owner)
            return
        identity = message.get("id")
        if "method" not in message and (type(identity) is int or type(identity) is str):
            pending = self._table.take_answered(identity)
            if pending is not None:
                pending.resolve(pending.answered(message, line, http, self._now()))
                return
        self._unmatched(message, line, http, owner)

    def request_failed(
        self, request_id: RequestId | None, fault: Fault, http: HttpMeta | None = None, raw: bytes = b""
    ) -> None:
        """Fail one request, or the waiting probe when there is no id."""
        pending = self._table.waiting_probe() if request_id is None else self._table.remove(request_id)
        if pending is not None:
            pending.resolve(pending.failed(fault, self._now(), raw, http))

    def message_delivered(self, message: Outgoing, started_at: float, http: HttpMeta, raw: bytes = b"") -> None:
        """Keep what HTTP said to a message that awaits no answer."""
        now = self._now()
        self._record(
            Exchange(
                method=message.method, id=None, sent=message.data, sent_at=started_at, ended_at=now, raw=raw, http=http
            )
        )

    def raw_exchanged(self, exchange: RawExchange) -> None:
        """Tell a recording of a raw HTTP request."""
        self.log.note(exchange)

    def anomaly_seen(self, kind: AnomalyKind, raw: bytes, detail: str) -> None:
        """Keep what the transport found odd."""
        self.log.add_anomaly(kind, raw, self._now(), detail)

    def connection_ended(self, fault: Fault) -> None:
        """Fail every open request; nothing more will come."""
        if self.ended is None:
            self.ended = fault
            for listener in self._end_listeners:
                listener(fault)
        for request_id in list(self._table.open):
            self.request_failed(request_id, fault)
        while self._table.waiting_probe() is not None:
            self.request_failed(None, fault)

    def _record(self, exchange: Exchange) -> Exchange:
        """Keep the exchange and return it.

        Raises:
            HarnessError: We failed, and not the server.
        """
        self.log.add(exchange)
        if exchange.fault is not None and exchange.fault.kind is FaultKind.HARNESS:
            raise HarnessError(exchange.fault)
        return exchange

    def _timed_out(self, identity: RequestId, seconds: float, cancellable: bool) -> None:
        """End a request whose time is up."""
        pending = self._table.open.get(identity)
        if pending is None:
            return
        self._table.expire(identity)
        kind, message = FaultKind.TIMEOUT, f"no answer to {pending.method} within {seconds:g} s"
        message += seen_meanwhile(self.log, pending.sent_at, self._transport.partial_bytes)
        if self._transport.unread_bytes:
            kind, message = FaultKind.STDIN_BLOCKED, f"the server has not read its stdin for {seconds:g} s"
        elif cancellable:
            self.cancel(identity, f"no answer within {seconds:g} s")
        self._transport.abandon(identity)
        fault = Fault(kind=kind, message=message, stderr_tail=self._transport.stderr_tail)
        pending.resolve(pending.failed(fault, self._now()))

    def _undecodable(self, line: bytes, problem: Undecodable, http: HttpMeta | None, owner: RequestId | None) -> None:
        """Take a line that is no message; a byte order mark is noted and looked past."""
        if problem.kind is AnomalyKind.BOM and not isinstance(decode(line.removeprefix(BOM)), Undecodable):
            self.log.add_anomaly(problem.kind, line, self._now(), problem.detail)
            self.line_received(line.removeprefix(BOM), http, owner)
        elif line.strip() or http is not None:
            self._triage.undecodable(line, problem, self._now(), http, owner)

    def _unmatched(self, message: JsonObject, raw: bytes, http: HttpMeta | None, owner: RequestId | None) -> None:
        """Take a message that answers no open request by its id."""
        probe = self._table.probe_for(message)
        if probe is not None:
            probe.resolve(probe.answered(message, raw, http, self._now()))
        if isinstance(message.get("method"), str):
            if self._is_echo(message, raw):
                return
            related = http is None or http.stream != "get"
            self._incoming.take(message, raw, self._now(), owner, related=related)
        elif probe is None:
            self._triage.stray(message, raw, self._now(), http, owner)

    def _is_echo(self, message: JsonObject, raw: bytes) -> bool:
        """Fail a request that the server sent back as it came, as ``cat`` does; return whether it did."""
        identity = message.get("id")
        pending = self._table.open.get(identity) if type(identity) is int or type(identity) is str else None
        if pending is None or pending.sent.rstrip() != raw.rstrip():
            return False
        fault = Fault(
            kind=FaultKind.SPEAKS_NO_MCP,
            message="the server sent our own request back",
            hint="check that the command starts a server; a shell or cat repeats its input",
        )
        self.request_failed(pending.id, fault, raw=raw)
        return True
