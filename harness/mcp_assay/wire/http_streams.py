"""Event streams of Streamable HTTP: answers, resumption, and the stream on which the server may speak."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire import http_headers
from mcp_assay.wire.framing import Oversized
from mcp_assay.wire.http_client import HttpFaultError
from mcp_assay.wire.http_connection import BrokenAnswerError
from mcp_assay.wire.http_faults import status_fault, transport_fault
from mcp_assay.wire.messages import AnomalyKind, Undecodable, decode, is_response, looks_like_message
from mcp_assay.wire.sse import EventParser
from mcp_assay.wire.transport import Outgoing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp_assay.wire.exchange import HttpMeta
    from mcp_assay.wire.http import HttpTransport
    from mcp_assay.wire.http_reply import HttpReply
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.sse import Event

_BAD = 400
_OK = 200
_RESUMPTIONS = 2
_REOPENINGS = 5
_REOPEN_S = 1.0
"""Least time between two attempts to open a stream again; ``retry: 0`` would otherwise be an endless tight loop."""

_LISTEN = Outgoing(data=b"", method="<GET>")


class StreamReader:
    """Reads one stream at a time, and the streams that continue it."""

    def __init__(self, transport: HttpTransport, limits: Limits) -> None:
        self._transport = transport
        self._limits = limits
        self._parser = EventParser(limits.line_bytes)
        self._answered = False

    async def answer(self, reply: HttpReply, request_id: RequestId | None) -> None:
        """Read the stream that answers a request, resuming it when it breaks off and can be resumed.

        Raises:
            HttpFaultError: It ended without the answer.
        """
        meta = reply.meta("sse")
        broke = await self._read(reply.chunks(), meta, request_id)
        for _ in range(_RESUMPTIONS):
            if self._answered or self._parser.last_id is None:
                break
            await asyncio.sleep(min(self._parser.retry_s or _REOPEN_S, self._limits.list_s))
            broke = await self._resume(request_id) or broke
        if not self._answered:
            text = "the event stream ended without the answer" + (f": {broke}" if broke else "")
            raise HttpFaultError(Fault(kind=FaultKind.HTTP, message=text), meta)

    async def listen(self) -> None:
        """Keep the stream open on which the server may speak on its own, unless it offers none."""
        for _ in range(_REOPENINGS):
            started = asyncio.get_running_loop().time()
            try:
                if not await self._listen_once():
                    return
            except HttpFaultError as problem:
                self._broken(f"GET: {problem.fault.message}")
            elapsed = asyncio.get_running_loop().time() - started
            await asyncio.sleep(max(self._parser.retry_s or _REOPEN_S, _REOPEN_S) - min(elapsed, 0.0))

    async def _listen_once(self) -> bool:
        """Read the server's own stream to its end; return whether it is worth opening again.

        Raises:
            HttpFaultError: No answer came.
        """
        started = self._transport.now()
        async with self._transport.client.open("GET", self._get_headers()) as reply:
            streams = reply.status == _OK and reply.content_type == "text/event-stream"
            head = b"" if streams else await reply.head()
            self._transport.receiver.message_delivered(_LISTEN, started, reply.meta("get"), head)
            if streams:
                await self._read(reply.chunks(), reply.meta("get"), None)
        return streams

    async def _resume(self, request_id: RequestId | None) -> str | None:
        """Ask for what followed the last event; return what went wrong, or None."""
        try:
            async with self._transport.client.open("GET", self._get_headers()) as reply:
                if reply.status >= _BAD:
                    return status_fault(reply.status, reply.header, await reply.head()).message
                return await self._read(reply.chunks(), reply.meta("sse"), request_id)
        except HttpFaultError as problem:
            return problem.fault.message

    def _get_headers(self) -> dict[str, str]:
        """Return the headers of a GET, with the event to resume from when there is one."""
        headers = http_headers.message_headers(Outgoing(data=b""), self._transport.version, self._transport.session)
        del headers["Content-Type"]
        headers["Accept"] = "text/event-stream"
        if self._parser.last_id is not None:
            headers[http_headers.LAST_EVENT] = self._parser.last_id
        return headers

    async def _read(self, chunks: AsyncIterator[bytes], meta: HttpMeta, request_id: RequestId | None) -> str | None:
        """Deliver each event of a stream; return why it broke off, or None when it ended."""
        try:
            async for chunk in chunks:
                if meta.first_byte_at is None and request_id is not None:
                    meta = replace(meta, first_byte_at=self._transport.now())
                for event in self._parser.feed(chunk):
                    self._deliver(event, meta, request_id)
                if self._answered:
                    await self._expect_end(chunks, meta, request_id)
                    return None
        except (BrokenAnswerError, OSError) as problem:
            return transport_fault(problem, self._transport.client.place).message
        return None

    async def _expect_end(self, chunks: AsyncIterator[bytes], meta: HttpMeta, request_id: RequestId | None) -> None:
        """Wait a moment for the end of an answered stream (2025-03-26, listening: it should be closed)."""
        try:
            async with asyncio.timeout(self._limits.exit_s):
                async for chunk in chunks:
                    for event in self._parser.feed(chunk):
                        self._deliver(event, meta, request_id)
        except TimeoutError:
            detail = f"the event stream was still open {self._limits.exit_s:g} s after the answer"
            self._transport.receiver.anomaly_seen(AnomalyKind.STREAM_OPEN, b"", detail)

    def _deliver(self, event: Event, meta: HttpMeta, request_id: RequestId | None) -> None:
        """Pass one message on and note whether it was the answer."""
        if not event.data:
            return
        if event.name != "message":
            sample = event.data if isinstance(event.data, bytes) else event.data.head
            detail = f"an event of type {event.name[:60]!r}"
            self._transport.receiver.anomaly_seen(AnomalyKind.NOISE, sample, detail)
            return
        if meta.stream == "sse":
            self._answered = self._answered or _ends_wait(event.data)
        owner = request_id if meta.stream == "sse" else None
        self._transport.receiver.line_received(event.data, replace(meta, event_id=event.id), owner)

    def _broken(self, detail: str) -> None:
        """Note that a stream broke."""
        self._transport.receiver.anomaly_seen(AnomalyKind.STREAM_BROKEN, b"", detail)


def _ends_wait(data: bytes | Oversized) -> bool:
    """Return whether a message is the answer, or was meant to be."""
    if isinstance(data, Oversized):
        return True
    message = decode(data)
    return looks_like_message(data) if isinstance(message, Undecodable) else is_response(message)
