"""Bounds on what a server may answer while somebody signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MOST_BYTES = 1024 * 1024
"""Bytes of an answer; metadata and tokens have a few thousand."""


class _Bounded(httpx2.AsyncByteStream):
    """A body that breaks off when it grows too long."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body's bytes.

        Raises:
            DecodingError: There are too many.
        """
        length = 0
        async for part in self._stream:
            length += len(part)
            if length > MOST_BYTES:
                raise httpx2.DecodingError(f"the answer has more than {MOST_BYTES:,} bytes")
            yield part

    async def aclose(self) -> None:
        """End the body."""
        await self._stream.aclose()


async def bounded(response: httpx2.Response) -> None:
    """Bound the body of a response before it is read.

    Raises:
        DecodingError: It is compressed, so that few bytes could become many.
    """
    encoding = response.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise httpx2.DecodingError(f"the answer is compressed ({encoding[:40]}), which we did not ask for")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream)
