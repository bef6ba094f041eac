"""MCP over Streamable HTTP (2025-03-26 and later)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire import http_headers
from mcp_assay.wire.eras import STATELESS_VERSIONS
from mcp_assay.wire.framing import Oversized
from mcp_assay.wire.http_client import REDIRECTS, HttpClient, HttpFaultError
from mcp_assay.wire.http_connection import BrokenAnswerError
from mcp_assay.wire.http_faults import content_type_fault, status_fault, transport_fault
from mcp_assay.wire.http_reply import HttpReply, TooLargeError
from mcp_assay.wire.http_streams import StreamReader
from mcp_assay.wire.messages import AnomalyKind, Undecodable, decode, is_response
from mcp_assay.wire.raw_http import OwnRequests
from mcp_assay.wire.transport import CloseReport, Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mcp_assay.config.spec import Launch
    from mcp_assay.core.clock import Clock
    from mcp_assay.wire.http_connection import HttpConnection
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.oauth.renewal import Credentials
    from mcp_assay.wire.raw_http import RawHttp
    from mcp_assay.wire.transport import Receiver

_ACCEPTED = 202
_MOST_PREFIXES = 128
_BAD = 400
_NOT_FOUND = 404
_CANCELLED = "notifications/cancelled"
_INITIALIZED = "notifications/initialized"


class HttpTransport:
    """One endpoint: each message is a POST of its own, answers come as JSON or as an event stream.

    Attributes:
        client: The HTTP client below, for raw requests.
        session: The session id the server gave, None without one.
    """

    kind = "streamable-http"
    pid: int | None = None
    stderr_tail = ""
    unread_bytes = 0
    partial_bytes = 0

    def __init__(self, launch: Launch, limits: Limits, clock: Clock, credentials: Credentials | None = None) -> None:
        self.client = HttpClient(launch, limits, credentials)
        self.session: str | None = None
        self._limits = limits
        self._now = clock.monotonic
        self._version = ""
        self._receiver: Receiver | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._posts: dict[RequestId, Callable[[], object]] = {}
        self._prefixes: dict[tuple[object, ...], bytes] = {}
        self._opening: dict[str, Outgoing] = {}
        self._initialized: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[CloseReport] | None = None

    def attach(self, receiver: Receiver) -> None:
        """Deliver to ``receiver`` from now on."""
        self._receiver = receiver

    @property
    def receiver(self) -> Receiver:
        """Who takes what comes.

        Raises:
            RuntimeError: Nobody was attached.
        """
        if self._receiver is None:
            raise RuntimeError("nobody is attached to the transport")
        return self._receiver

    @property
    def raw_http(self) -> RawHttp:
        """What sends raw HTTP requests."""
        return OwnRequests(self.client, self.session, self.receiver.raw_exchanged)

    def now(self) -> float:
        """Return the time on the connection's clock, in seconds."""
        return self._now()

    @property
    def version(self) -> str:
        """The revision in use, empty before one is agreed."""
        return self._version

    def use_version(self, version: str) -> None:
        """Send this revision in the protocol version header from now on."""
        self._version = version

    def slow_down(self, seconds: float) -> None:
        """Do nothing: each stream is read only as fast as its messages are taken."""

    def send(self, message: Outgoing) -> None:
        """POST one message."""
        if self._closing is not None:
            return
        if message.method == _CANCELLED and self._version in STATELESS_VERSIONS:
            return  # closing the request's stream is the signal (2026-07-28, cancellation)
        if message.method in {"initialize", _INITIALIZED}:
            self._opening[message.method] = message
        elif message.id is not None and self._in_turn() and self._send_quickly(message, message.id):
            return
        task = self._start(self._deliver(message), message)
        if message.method == _INITIALIZED:
            self._initialized = task
        if message.id is not None:
            identity = message.id
            self._posts[identity] = task.cancel
            task.add_done_callback(lambda _: self._posts.pop(identity, None))

    def abandon(self, request_id: RequestId) -> None:
        """Close a request's stream: at once where that is the signal, otherwise after a moment for a late answer."""
        cancel = self._posts.get(request_id)
        if cancel is None:
            return
        if self._version in STATELESS_VERSIONS:
            cancel()
        else:
            asyncio.get_running_loop().call_later(self._limits.exit_s, self._cut_off, request_id, cancel)

    def _cut_off(self, request_id: RequestId, cancel: Callable[[], object]) -> None:
        """Close the stream of a request unless it has ended meanwhile."""
        if self._posts.get(request_id) is cancel:
            cancel()

    async def close(self) -> CloseReport:
        """Close every stream and end the session."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        return await asyncio.shield(self._closing)

    async def _close(self) -> CloseReport:
        """Do what `close` says, once."""
        started = self._now()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.session is not None:
            headers = http_headers.message_headers(Outgoing(data=b""), self._version, self.session)
            reply = await self.client.raw("DELETE", headers, timeout_s=self._limits.exit_s)
            if reply.fault is not None:
                self.receiver.anomaly_seen(AnomalyKind.STREAM_BROKEN, b"", f"DELETE: {reply.fault.message}")
        await self.client.close()
        return CloseReport(seconds=self._now() - started, needed="http")

    def _start(self, work: Coroutine[None, None, None], message: Outgoing | None = None) -> asyncio.Task[None]:
        """Run something until it is done or the connection closes; a bug of ours fails the message's request."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            problem = None if task.cancelled() else task.exception()
            if problem is not None and message is not None:
                fault = Fault(kind=FaultKind.HARNESS, message=f"our HTTP client failed: {problem!r}")
                self.receiver.request_failed(message.id, fault)

        task.add_done_callback(done)
        return task

    def _in_turn(self) -> bool:
        """Return whether nothing has to be waited for before a request."""
        opened = self._initialized is None or self._initialized.done()
        return opened and (self._renewing is None or self._renewing.done())

    def _send_quickly(self, message: Outgoing, identity: RequestId) -> bool:
        """POST over a kept connection without a task of its own; return whether there was one."""
        session, started = self.session, self._now()

        def answered(connection: HttpConnection) -> None:
            body = connection.plain_json()
            if self._posts.pop(identity, None) is None or self._closing is not None:
                self.client.release(connection)
            elif body and len(body) <= self._limits.line_bytes:
                meta = HttpReply(connection, 0).meta("json")
                self.client.release(connection)
                self.receiver.line_received(body, meta, identity)
            else:
                connection.put_back(body)
                task = self._start(self._continue(message, connection, session, started), message)
                self._posts[identity] = task.cancel
                task.add_done_callback(lambda _: self._posts.pop(identity, None))

        try:
            prefix = self._prefix(message)
        except ValueError:
            return False  # the slow way names what is wrong with a header
        connection = self.client.begin(prefix, message.data[:-1], answered)
        if connection is not None:
            self._posts[identity] = connection.close
        return connection is not None

    def _prefix(self, message: Outgoing) -> bytes:
        """Return what a POST of this message starts with; the same for many."""
        key = (
            self.client.authorization,
            self.client.cookie,
            self._version,
            self.session,
            message.method,
            message.name,
            message.headers,
            message.probe,
        )
        prefix = self._prefixes.get(key)
        if prefix is None:
            if len(self._prefixes) >= _MOST_PREFIXES:
                self._prefixes.clear()
            prefix = self.client.prefix(http_headers.message_headers(message, self._version, self.session))
            self._prefixes[key] = prefix
        return prefix

    async def _continue(
        self, message: Outgoing, connection: HttpConnection, session: str | None, started: float
    ) -> None:
        """Take an answer that needs more care than the common one."""
        try:
            async with self.client.resume(connection) as reply:
                if reply.status not in REDIRECTS and not self.client.may_renew(reply.status):
                    await self._take(message, reply, session, started)
                    return
        except HttpFaultError as problem:
            self._failed(message, problem, started)
            return
        await self._deliver(message)

    async def _deliver(self, message: Outgoing) -> None:
        """POST one message and pass on what comes back; trouble fails its request."""
        await self._in_order(message)
        session, started = self.session, self._now()
        headers = http_headers.message_headers(message, self._version, session)
        try:
            async with self.client.open("POST", headers, message.data.rstrip(b"\n")) as reply:
                await self._take(message, reply, session, started)
        except HttpFaultError as problem:
            self._failed(message, problem, started)

    async def _take(self, message: Outgoing, reply: HttpReply, session: str | None, started: float) -> None:
        """Pass on what came back.

        Raises:
            HttpFaultError: It broke off.
        """
        if reply.status == _NOT_FOUND and session is not None and not message.probe:
            await self._session_lost(message, reply, session)
        elif reply.status >= _BAD:
            await self._refused(message, reply, started)
        else:
            await self._accepted(message, reply, started)

    async def _in_order(self, message: Outgoing) -> None:
        """Wait until the server knows that we are ready, and until a lost session is open again."""
        if message.method in self._opening:
            return
        if self._initialized is not None and not self._initialized.done():
            await asyncio.wait({self._initialized}, timeout=self._limits.exit_s)
        if self._renewing is not None and not self._renewing.done():
            await asyncio.wait({self._renewing})

    def _failed(self, message: Outgoing, problem: HttpFaultError, started: float) -> None:
        """Pass on that a message got no answer."""
        if message.id is not None or message.probe:
            self.receiver.request_failed(message.id, problem.fault, problem.meta)
        elif problem.meta is not None:
            self.receiver.message_delivered(message, started, problem.meta)
        else:
            self.receiver.anomaly_seen(AnomalyKind.STREAM_BROKEN, b"", f"{message.method}: {problem.fault.message}")

    async def _refused(self, message: Outgoing, reply: HttpReply, started: float) -> None:
        """Take an error status: a JSON-RPC error in its body is the answer, otherwise the status is."""
        head = await reply.head()
        parsed = decode(head)
        if message.id is None and not message.probe:
            self.receiver.message_delivered(message, started, reply.meta("none"), head)
        elif not isinstance(parsed, Undecodable) and "jsonrpc" in parsed and is_response(parsed):
            self.receiver.line_received(head, reply.meta("json"), message.id)
        else:
            fault = status_fault(reply.status, reply.header, head)
            self.receiver.request_failed(message.id, fault, reply.meta("none"), head)

    async def _accepted(self, message: Outgoing, reply: HttpReply, started: float) -> None:
        """Take a success status."""
        if message.method == "initialize":
            self.session = reply.header("mcp-session-id") or self.session
        if message.id is None and not message.probe:
            self.receiver.message_delivered(message, started, reply.meta("none"), await self._small_body(reply))
            if message.method == _INITIALIZED and self._listening is None:
                self._listening = self._start(StreamReader(self, self._limits).listen())
            return
        problem = await self._problem(reply)
        if problem is not None:
            fault, head = problem
            self.receiver.request_failed(message.id, fault, reply.meta("none"), head)
        elif reply.content_type == "text/event-stream":
            await StreamReader(self, self._limits).answer(reply, message.id)
        else:
            await self._json(message, reply)

    async def _small_body(self, reply: HttpReply) -> bytes:
        """Return the body of an answer that should have none, without waiting for one that says no length."""
        if reply.header("content-length") is None and reply.header("transfer-encoding") is None:
            return b""
        try:
            async with asyncio.timeout(self._limits.exit_s):
                return await reply.head()
        except TimeoutError:
            return b""

    async def _problem(self, reply: HttpReply) -> tuple[Fault, bytes] | None:
        """Return why a success status carries no usable answer, with the start of the body, or None."""
        if reply.encoding != "identity":
            text = f"the body is compressed with {reply.encoding[:40]} although identity was asked for"
            return Fault(kind=FaultKind.HTTP, message=text), b""
        if reply.status == _ACCEPTED:
            return Fault(kind=FaultKind.HTTP, message="a request was answered by HTTP 202 without a body"), b""
        if reply.content_type not in {"application/json", "text/event-stream"}:
            head = await reply.head()
            return content_type_fault(reply.header("content-type") or "", head), head
        return None

    async def _json(self, message: Outgoing, reply: HttpReply) -> None:
        """Take an answer in a JSON body."""
        meta = reply.meta("json")
        try:
            body = await reply.body()
        except TooLargeError as problem:
            self.receiver.line_received(Oversized(problem.head, problem.length), meta, message.id)
            return
        except (BrokenAnswerError, OSError) as problem:
            raise HttpFaultError(transport_fault(problem, self.client.place), meta) from None
        if body.strip():
            self.receiver.line_received(body, meta, message.id)
        else:
            fault = Fault(kind=FaultKind.HTTP, message=f"HTTP {reply.status} with an empty body")
            self.receiver.request_failed(message.id, fault, meta)

    async def _session_lost(self, message: Outgoing, reply: HttpReply, session: str) -> None:
        """Fail the request, and open a new session for the next ones, once (2025-03-26, session management)."""
        head = await reply.head()
        fault = replace(
            status_fault(reply.status, reply.header, head),
            message="HTTP 404 Not Found: the server no longer knows the session it gave",
            hint="the server was restarted, or several instances do not share their sessions",
        )
        if message.id is not None:
            self.receiver.request_failed(message.id, fault, reply.meta("none"), head)
        if session != self.session:
            return
        if self._renewing is not None:
            self.receiver.connection_ended(replace(fault, message="the server lost its session twice"))
            return
        self.receiver.anomaly_seen(AnomalyKind.LOST_SESSION, head, fault.message)
        self._renewing = self._start(self._renew())

    async def _renew(self) -> None:
        """Initialise again, with the messages of the first time."""
        self.session, version, self._version = None, self._version, ""
        try:
            async with asyncio.timeout(self._limits.start_s):
                for message in self._opening.values():
                    session = await self._say_again(message)
                    if message.id is not None:
                        self.session, self._version = session, version
        except (HttpFaultError, TimeoutError) as problem:
            fault = Fault(kind=FaultKind.CLOSED, message=f"the lost session could not be opened again: {problem}")
            self.receiver.connection_ended(fault)

    async def _say_again(self, message: Outgoing) -> str | None:
        """POST a message of the opening once more; return the session id that comes with the answer.

        Raises:
            HttpFaultError: The server refuses it.
        """
        headers = http_headers.message_headers(message, self._version, self.session)
        async with self.client.open("POST", headers, message.data.rstrip(b"\n")) as reply:
            head = await reply.head()
            if reply.status >= _BAD:
                raise HttpFaultError(status_fault(reply.status, reply.header, head))
            return reply.header("mcp-session-id")
