"""MCP over HTTP+SSE (2024-11-05): one event stream for all answers, and an endpoint for what we say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from yarl import URL

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.exchange import HttpMeta
from mcp_assay.wire.http_client import HttpClient, HttpFaultError
from mcp_assay.wire.http_connection import BrokenAnswerError
from mcp_assay.wire.http_faults import content_type_fault, status_fault, transport_fault
from mcp_assay.wire.messages import AnomalyKind
from mcp_assay.wire.sse import EventParser
from mcp_assay.wire.transport import CloseReport

if TYPE_CHECKING:
    from mcp_assay.config.spec import Launch
    from mcp_assay.core.clock import Clock
    from mcp_assay.wire.http_reply import HttpReply
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.oauth.renewal import Credentials
    from mcp_assay.wire.raw_http import RawHttp
    from mcp_assay.wire.sse import Event
    from mcp_assay.wire.transport import Outgoing, Receiver

_BAD = 400


class LegacySseTransport:
    """One event stream from the server, and a POST for each message to it."""

    kind = "sse"
    raw_http: RawHttp | None = None
    pid: int | None = None
    stderr_tail = ""
    unread_bytes = 0
    partial_bytes = 0

    def __init__(self, launch: Launch, limits: Limits, clock: Clock, credentials: Credentials | None = None) -> None:
        self.client = HttpClient(launch, limits, credentials)
        self._limits = limits
        self._now = clock.monotonic
        self._parser = EventParser(limits.line_bytes)
        self._meta = HttpMeta(status=0, headers=(), stream="sse")
        self._endpoint: asyncio.Future[URL] = asyncio.get_running_loop().create_future()
        self._receiver: Receiver | None = None
        self._reading: asyncio.Task[None] | None = None
        self._posts: set[asyncio.Task[None]] = set()
        self._last_post: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[CloseReport] | None = None

    @classmethod
    async def open(
        cls, launch: Launch, limits: Limits, clock: Clock, credentials: Credentials | None = None
    ) -> LegacySseTransport:
        """Open the event stream and wait for the endpoint.

        Raises:
            ConnectError: There is no such stream, or it names no endpoint of its own origin in time.
        """
        transport = cls(launch, limits, clock, credentials)
        transport._reading = asyncio.get_running_loop().create_task(transport._read())
        try:
            async with asyncio.timeout(limits.start_s):
                await asyncio.shield(transport._endpoint)
        except TimeoutError:
            await transport.close()
            message = f"the event stream named no endpoint within {limits.start_s:g} s"
            raise ConnectError(Fault(kind=FaultKind.SPEAKS_NO_MCP, message=message)) from None
        except HttpFaultError as problem:
            await transport.close()
            raise ConnectError(problem.fault) from None
        except BaseException:
            await transport.close()
            raise
        return transport

    def attach(self, receiver: Receiver) -> None:
        """Deliver to ``receiver`` from now on; call it before control returns to the event loop."""
        self._receiver = receiver

    def use_version(self, version: str) -> None:
        """Do nothing: this transport shows no revision."""

    def abandon(self, request_id: RequestId) -> None:
        """Do nothing: answers come on the one stream."""

    def slow_down(self, seconds: float) -> None:
        """Do nothing: the stream is read only as fast as its messages are taken."""

    def send(self, message: Outgoing) -> None:
        """POST one message, after the ones before it."""
        if self._closing is not None:
            return
        task = asyncio.get_running_loop().create_task(self._post(message, self._last_post))
        self._last_post = task
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def close(self) -> CloseReport:
        """Close the stream."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        return await asyncio.shield(self._closing)

    async def _close(self) -> CloseReport:
        """Do what `close` says, once."""
        started = self._now()
        tasks = [*self._posts, *([self._reading] if self._reading is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._endpoint.cancel()
        await self.client.close()
        return CloseReport(seconds=self._now() - started, needed="http")

    async def _post(self, message: Outgoing, earlier: asyncio.Task[None] | None) -> None:
        """POST one message; trouble fails its request. Answers come on the stream."""
        if earlier is not None and not earlier.done():
            await asyncio.wait({earlier}, timeout=self._limits.exit_s)
        headers = {"Content-Type": "application/json", **dict(message.headers)}
        started = self._now()
        try:
            endpoint = await asyncio.shield(self._endpoint)
            async with self.client.open("POST", headers, message.data.rstrip(b"\n"), url=endpoint) as reply:
                head = await reply.head()
                if reply.status >= _BAD and self._receiver is not None:
                    fault = status_fault(reply.status, reply.header, head)
                    self._receiver.request_failed(message.id, fault, reply.meta("none"), head)
                elif message.id is None and not message.probe and self._receiver is not None:
                    self._receiver.message_delivered(message, started, reply.meta("none"), head)
        except HttpFaultError as problem:
            if self._receiver is not None and (message.id is not None or message.probe):
                self._receiver.request_failed(message.id, problem.fault, problem.meta)

    async def _read(self) -> None:
        """Read the stream to its end and tell how it ended."""
        fault = Fault(kind=FaultKind.CLOSED, message="the server ended the event stream")
        try:
            async with self.client.open("GET", {"Accept": "text/event-stream"}) as reply:
                await self._check(reply)
                self._meta = reply.meta("sse")
                async for chunk in reply.chunks():
                    for event in self._parser.feed(chunk):
                        self._take(event)
        except HttpFaultError as problem:
            fault = problem.fault
        except (BrokenAnswerError, OSError) as problem:
            fault = transport_fault(problem, self.client.place)
        if not self._endpoint.done():
            self._endpoint.set_exception(HttpFaultError(fault))
        if self._receiver is not None:
            self._receiver.connection_ended(replace(fault, kind=FaultKind.CLOSED))

    async def _check(self, reply: HttpReply) -> None:
        """See that the answer is an event stream.

        Raises:
            HttpFaultError: It is not.
        """
        if reply.status >= _BAD:
            raise HttpFaultError(status_fault(reply.status, reply.header, await reply.head()), reply.meta("none"))
        if reply.content_type != "text/event-stream":
            fault = content_type_fault(reply.header("content-type") or "", await reply.head())
            raise HttpFaultError(fault, reply.meta("none"))

    def _take(self, event: Event) -> None:
        """Take one event: the endpoint first, messages afterwards.

        Raises:
            HttpFaultError: The endpoint is not of our origin; nothing may be sent there, least of all credentials.
        """
        if event.name == "endpoint" and isinstance(event.data, bytes):
            self._name_endpoint(event.data)
        elif self._receiver is None or not event.data:
            return
        elif event.name == "message":
            self._receiver.line_received(event.data, replace(self._meta, event_id=event.id))
        else:
            sample = event.data if isinstance(event.data, bytes) else event.data.head
            self._receiver.anomaly_seen(AnomalyKind.NOISE, sample, f"an event of type {event.name[:60]!r}")

    def _name_endpoint(self, data: bytes) -> None:
        """Take the address that messages go to.

        Raises:
            HttpFaultError: It is no address of our origin.
        """
        try:
            endpoint = self.client.url.join(URL(data.decode("utf-8", "replace").strip()))
            same_origin = endpoint.origin() == self.client.url.origin()
        except ValueError:
            same_origin, endpoint = False, self.client.url
        if not same_origin:
            message = "the event stream names an endpoint of another origin, which is not used"
            raise HttpFaultError(Fault(kind=FaultKind.PROTOCOL, message=message))
        if not self._endpoint.done():
            self._endpoint.set_result(endpoint)
