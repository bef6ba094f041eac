"""Splits a byte stream into lines, in time proportional to its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD_BYTES = 4096
"""How much of an oversized line is kept, enough to find the id of the answer it was."""


@dataclass(frozen=True, slots=True)
class Oversized:
    """A line that was longer than the limit; only its head was kept.

    Attributes:
        head: Its first bytes.
        length: Its whole length in bytes, without the newline.
    """

    head: bytes
    length: int


class LineFramer:
    """Collects chunks and gives back whole lines without their newline.

    Only new bytes are searched for a newline and chunks are joined once a line, so that one line of n bytes costs
    O(n). A line beyond the limit is dropped as it comes and reported as `Oversized`.
    """

    __slots__ = ("_chunks", "_head", "_length", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._length = 0
        self._head = b""

    @property
    def pending_bytes(self) -> int:
        """Bytes received since the last newline."""
        return self._length

    def feed(self, data: bytes) -> Iterator[bytes | Oversized]:
        """Yield each line that ``data`` completes, in order."""
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._keep(part)
            yield self._finish()
        self._keep(rest)

    def flush(self) -> bytes | Oversized | None:
        """Return what came after the last newline, or None; for the end of the stream."""
        return self._finish() if self._length else None

    def _keep(self, part: bytes) -> None:
        """Add ``part`` to the current line, or only count it once the line is too long."""
        if not part:
            return
        self._length += len(part)
        if self._length <= self._limit:
            self._chunks.append(part)
        elif self._chunks or not self._head:
            self._head = b"".join([*self._chunks, part])[:HEAD_BYTES]
            self._chunks = []

    def _finish(self) -> bytes | Oversized:
        """Return the current line and start the next one."""
        oversized = self._length > self._limit
        line = Oversized(self._head, self._length) if oversized else b"".join(self._chunks)
        self._chunks, self._length, self._head = [], 0, b""
        return line
