"""Answers over HTTP: one that is still being read, and one as a value."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.wire.exchange import HttpMeta
from mcp_assay.wire.http_connection import BrokenAnswerError, HttpConnection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp_assay.core.faults import Fault

_HEAD_BYTES = 64 * 1024


class TooLargeError(Exception):
    """A body is larger than the limit.

    Attributes:
        head: Its first bytes.
        length: How much was read before reading stopped.
    """

    def __init__(self, head: bytes, length: int) -> None:
        super().__init__(f"more than {length:,} bytes")
        self.head = head
        self.length = length


@dataclass(frozen=True, slots=True, kw_only=True)
class RawReply:
    """The whole answer to one raw HTTP request.

    Attributes:
        status: Status code.
        headers: Headers in order, names as received.
        body: The body, up to the limit.
        complete: Whether the body ended within the limit and the time.
        fault: Why there is no answer, None when there is one.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    complete: bool = True
    fault: Fault | None = None

    def header(self, name: str) -> str | None:
        """Return a header's first value, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class HttpReply:
    """An answer whose body is still to be read."""

    def __init__(self, connection: HttpConnection, limit: int) -> None:
        self._connection = connection
        self._limit = limit
        self._pairs: tuple[tuple[str, str], ...] | None = None
        self.status = connection.status

    def header(self, name: str) -> str | None:
        """Return a header's last value; the name is given in lower case."""
        return next((value for key, value in reversed(self._decoded()) if key.lower() == name), None)

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def encoding(self) -> str:
        """The content encoding, ``identity`` unless the server compressed what it was asked not to."""
        return (self.header("content-encoding") or "identity").strip().lower() or "identity"

    def meta(self, stream: str) -> HttpMeta:
        """Return status and headers as part of an exchange."""
        return HttpMeta(status=self.status, headers=self._decoded(), stream=stream)

    async def body(self) -> bytes:
        """Return the whole body.

        Raises:
            TooLargeError: It is larger than the limit; the rest is not read.
            BrokenAnswerError: The connection ended before.
            OSError: The connection broke.
        """
        whole = self._connection.whole_body()
        if whole is not None and len(whole) <= self._limit:
            return whole
        chunks, size = list[bytes](), 0
        async for chunk in _pieces(whole, self.chunks()):
            size += len(chunk)
            if size > self._limit:
                raise TooLargeError(b"".join([*chunks, chunk])[:4096], size)
            chunks.append(chunk)
        return b"".join(chunks)

    async def head(self) -> bytes:
        """Return the first bytes of the body, for a message to people; never raises for a broken body."""
        head = b""
        with contextlib.suppress(BrokenAnswerError, OSError):
            async for chunk in self.chunks():
                head += chunk
                if len(head) >= _HEAD_BYTES:
                    break
        return head

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the body as it comes."""
        return self._connection.chunks()

    def _decoded(self) -> tuple[tuple[str, str], ...]:
        """Return the headers as text; bytes beyond UTF-8 are kept as surrogates."""
        if self._pairs is None:
            self._pairs = tuple(
                [
                    (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
                    for name, value in self._connection.headers
                ]
            )
        return self._pairs


async def _pieces(whole: bytes | None, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what is here already, then what comes."""
    if whole is not None:
        yield whole
    async for chunk in chunks:
        yield chunk
