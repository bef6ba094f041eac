"""Server-sent events, parsed as they come (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.wire.framing import HEAD_BYTES, LineFramer, Oversized
from mcp_assay.wire.messages import BOM

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        data: Its data, lines joined by newlines; empty for an event that only sets an id or a delay.
        name: Its type, ``message`` unless the stream says otherwise.
        id: The last event id of the stream once this event is over, or None when there was none.
    """

    data: bytes | Oversized
    name: str = "message"
    id: str | None = None


class EventParser:
    """Collects chunks of a stream and gives back whole events.

    Attributes:
        last_id: The id to resume from, or None.
        retry_s: Seconds the server asks to wait before a reconnection, or None.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._framer = LineFramer(limit + 64)
        self._data: list[bytes] = []
        self._size = 0
        self._name = ""
        self._seen = False
        self._first = True
        self.last_id: str | None = None
        self.retry_s: float | None = None

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield each event that ``chunk`` completes."""
        for line in self._framer.feed(chunk):
            if isinstance(line, Oversized):
                self._add_data(line.head.removeprefix(b"data:"), line.length)
                continue
            whole = line.removeprefix(BOM) if self._first else line
            self._first = False
            # A carriage return alone ends a line as well; one before the newline belongs to it.
            for part in whole.removesuffix(b"\r").split(b"\r"):
                if part:
                    self._field(part)
                elif self._seen:
                    yield self._dispatch()

    def _field(self, line: bytes) -> None:
        """Take one line of an event."""
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._add_data(value, len(value))
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._seen = True
            self.last_id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():
            self.retry_s = int(value[:9]) / 1000

    def _add_data(self, value: bytes, length: int) -> None:
        """Add one line of data, or only count it once there is too much."""
        self._seen = True
        self._size += length + (1 if self._data else 0)
        if self._size <= self._limit:
            self._data.append(value)
        elif not self._data or len(self._data[0]) < HEAD_BYTES:
            self._data = [b"\n".join([*self._data, value])[:HEAD_BYTES].ljust(HEAD_BYTES)]

    def _dispatch(self) -> Event:
        """Return the event and start the next one."""
        joined = b"\n".join(self._data)
        data = joined if self._size <= self._limit else Oversized(joined.rstrip(), self._size)
        event = Event(data, self._name or "message", self.last_id)
        self._data, self._size, self._name, self._seen = [], 0, "", False
        return event
