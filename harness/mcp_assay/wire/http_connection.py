"""HTTP/1.1 over one connection: a request, its answer as it comes, and the next one.

A protocol of its own because a general client costs more than the calls that are to be timed: with 64 calls in flight
this takes 24 µs of processor time a call, a bare socket loop 12 µs and aiohttp 3.14 151 µs (benchmarks/wire.py).
llhttp does the parsing.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, cast

import httptools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_MOST_HEAD_BYTES = 64 * 1024
_HIGH_WATER = 256 * 1024
_FIRST_INTERIM, _FIRST_FINAL = 100, 200
_SWITCHING = 101
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")
"""How TLS begins an alert and a handshake (RFC 8446, section 5.1)."""
_SHOWN = 60


class BrokenAnswerError(Exception):
    """The other side did not answer in HTTP, or not to the end.

    The message has a place for ``{place}``, host and port of the other side.

    Attributes:
        hint: What to do about it, or None.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class HttpConnection(asyncio.Protocol):
    """One connection; it carries one exchange at a time.

    Attributes:
        status: Status code of the answer, 0 before it came.
        headers: Its headers in order, as received.
        idle_since: When the last exchange ended, on the loop's clock.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._queued = 0
        self._head_bytes = 0
        self._listener: Callable[[HttpConnection], None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._broken: BaseException | None = None
        self._headers_done = False
        self._complete = True
        self._reusable = True
        self._paused = False
        self._switches = False
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.idle_since = 0.0

    @property
    def reusable(self) -> bool:
        """Whether another exchange can be carried."""
        return self._complete and self._reusable and self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes, listener: Callable[[HttpConnection], None] | None = None) -> None:
        """Send a whole request and forget the answer to the one before.

        Args:
            request: Its bytes.
            listener: Called once, when the headers are there or will never be; None when somebody awaits `head`.
        """
        self._listener = listener
        if self._transport is None:
            return
        self.status, self.headers = 0, []
        self._chunks, self._queued, self._head_bytes = [], 0, 0
        self._headers_done = self._complete = False
        self._transport.write(request)

    async def head(self) -> None:
        """Wait for the status and the headers.

        Raises:
            BrokenAnswerError: The connection ended before, or what comes is not HTTP.
            OSError: The connection broke.
        """
        while not self._headers_done:
            await self._wait()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            BrokenAnswerError: The connection ended before the body did.
            OSError: The connection broke.
        """
        while True:
            if self._chunks:
                chunks, self._chunks, self._queued = self._chunks, [], 0
                self._flow()
                yield chunks[0] if len(chunks) == 1 else b"".join(chunks)
            elif self._complete:
                return
            else:
                await self._wait()

    def plain_json(self) -> bytes | None:
        """Return the body of the common answer: status 200, plain JSON, all of it here. None for any other."""
        if not self._complete or self.status != _FIRST_FINAL:
            return None
        is_json = False
        for name, value in self.headers:
            lowered = name.lower()
            if lowered == b"content-type":
                is_json = value.startswith(b"application/json")
            elif lowered == b"content-encoding":
                return None
        return self.whole_body() if is_json else None

    def put_back(self, body: bytes | None) -> None:
        """Undo the taking of a whole body."""
        if body:
            self._chunks.insert(0, body)

    def whole_body(self) -> bytes | None:
        """Return the body when all of it is here, or None; the common case costs no wait."""
        if not self._complete:
            return None
        chunks, self._chunks = self._chunks, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    async def _wait(self) -> None:
        """Wait until something comes.

        Raises:
            BrokenAnswerError: Nothing more will come.
            OSError: The connection broke.
        """
        if self._broken is not None:
            raise self._broken
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        """Let the waiting exchange go on."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            listener(self)
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _break(self, problem: BaseException) -> None:
        """End the exchange with an error."""
        if self._broken is None:
            self._broken = problem
        if self._listener is not None:
            self._wake()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._broken)

    def _flow(self) -> None:
        """Read on only while what was read is taken."""
        if self._transport is None or self._transport.is_closing() or self._paused is (self._queued > _HIGH_WATER):
            return
        self._paused = not self._paused
        if self._paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came; bytes that nobody asked for end the connection."""
        if self._complete:
            self._reusable = False
            return
        if not self._headers_done:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as problem:
            first = data if self._head_bytes == len(data) and not self._headers_done else b""
            self._break(_switched() if self._switches else _no_http(problem, first))
            self.close()
            return
        if not self._headers_done and self._head_bytes > _MOST_HEAD_BYTES:
            self._break(BrokenAnswerError(f"the headers of {{place}} are longer than {_MOST_HEAD_BYTES:,} bytes"))
            self.close()
        elif self._headers_done:
            self._wake()
            self._flow()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange: an answer without a length ends here, any other one is broken off."""
        self._reusable = False
        if self._complete:
            return
        if exc is None and self._headers_done and not self._has_length():
            self._complete = True
            self._wake()
        elif exc is not None:
            self._break(exc)
        elif self._headers_done:
            self._break(BrokenAnswerError("the answer of {place} broke off"))
        else:
            self._break(BrokenAnswerError("{place} closed the connection without an answer"))

    def _has_length(self) -> bool:
        """Return whether the answer says where it ends."""
        return any(name.lower() in {b"content-length", b"transfer-encoding"} for name, _ in self.headers)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header from the parser; after the end of an answer nothing was asked for."""
        if self._complete:
            self._reusable = False
        else:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the end of the headers from the parser; interim answers are skipped."""
        if self._complete:
            self._reusable = False
            return
        status = self._parser.get_status_code()
        if _FIRST_INTERIM <= status < _FIRST_FINAL:
            self._switches = status == _SWITCHING
            self.headers = []
            return
        self.status = status
        self._headers_done = True
        self._reusable = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body from the parser."""
        if self._complete:
            return
        self._chunks.append(body)
        self._queued += len(body)

    def on_message_complete(self) -> None:
        """Take the end of the answer from the parser."""
        if self._headers_done:
            self._complete = True
            self.idle_since = self._loop.time()


def _switched() -> BrokenAnswerError:
    """Return what is wrong with an answer after which something else than HTTP is spoken."""
    return BrokenAnswerError(
        "{place} changes to another protocol: HTTP 101 Switching Protocols",
        "MCP goes over plain HTTP requests; the URL may be that of a WebSocket",
    )


def _no_http(problem: BaseException, first: bytes) -> BrokenAnswerError:
    """Return what a parser's complaint means.

    Args:
        problem: The complaint.
        first: What came, when these were the first bytes of the answer.
    """
    if first.startswith(_TLS_RECORDS):
        return BrokenAnswerError("{place} did not answer in HTTP: it speaks TLS", "write https:// in the URL")
    if first and not first.startswith(b"HTTP/"):
        said = first[:_SHOWN].decode("utf-8", "backslashreplace")
        return BrokenAnswerError(
            f"{{place}} did not answer in HTTP: it says {said!r}", "check host and port: another service listens there"
        )
    return BrokenAnswerError(f"{{place}} did not answer in HTTP: {_words(problem)}")


def _words(problem: BaseException) -> str:
    """Return a parser's complaint in one line."""
    with contextlib.suppress(IndexError):
        return str(problem).splitlines()[0][:160]
    return type(problem).__name__
