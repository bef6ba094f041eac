"""The tail of a server's stderr."""

from __future__ import annotations

from collections import deque


class StderrTail:
    """Keeps the last bytes of a stream, whatever its length."""

    __slots__ = ("_blocks", "_kept", "_limit", "total_bytes")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._blocks: deque[bytes] = deque()
        self._kept = 0
        self.total_bytes = 0

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self.total_bytes += len(data)
        self._blocks.append(data[-self._limit :])
        self._kept += len(self._blocks[-1])
        while self._kept - len(self._blocks[0]) >= self._limit:
            self._kept -= len(self._blocks.popleft())

    def text(self, lines: int = 60) -> str:
        """Return the last ``lines`` non-empty lines, undecodable bytes shown as escapes.

        Some servers tell their error first, and then every option that they have, or every place that they looked at.
        """
        text = b"".join(self._blocks)[-self._limit :].decode("utf-8", "backslashreplace")
        kept = [line.rstrip() for line in text.splitlines() if line.strip()]
        return "\n".join(kept[-lines:])
