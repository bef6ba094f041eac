"""Recordings read back: a server's connections as they were seen."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from mcp_assay.core.errors import UsageError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.recording import recording_path
from mcp_assay.wire.tape import FORMAT, glimpse

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from mcp_assay.wire.tape import Record, Unread


@dataclass(slots=True, kw_only=True)
class Reel:
    """One recorded connection.

    Attributes:
        what: ``session`` or ``channel``.
        protocol: The revision that was pinned, or None.
        transport: The transport's name.
        records: What was seen, in order.
        url: The endpoint, None without one.
        ready_s: Seconds until the conversation was open.
        stderr: The last lines of the server's stderr.
        played: Whether it was given out already.
    """

    what: str
    protocol: str | None
    transport: str
    url: str | None = None
    records: list[Record | Unread] = field(default_factory=list["Record | Unread"])
    ready_s: float = 0.0
    stderr: str = ""
    played: bool = False

    def first(self, kind: type[Any]) -> Any:
        """Return the first record of a kind, or None."""
        return next((record for record in self.records if isinstance(record, kind)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A server's recording.

    Attributes:
        server: The server's name.
        reels: Its connections in the order of opening.
        values: Observations made beside the wire, by name.
    """

    server: str
    reels: tuple[Reel, ...]
    values: Mapping[str, Any]

    @classmethod
    def load(cls, directory: Path, server: str) -> Recording:
        """Return a server's recording.

        Raises:
            UsageError: There is none, or it is none of ours.
        """
        path = recording_path(directory, server)
        try:
            with _collector_at_rest():
                return cls._read(path, server)
        except FileNotFoundError:
            raise UsageError(f"there is no recording of {server!r}", hint=f"it would be {path}") from None
        except (OSError, ValueError, KeyError, TypeError, IndexError) as problem:
            raise UsageError(f"the recording {path} cannot be read: {problem!r}") from None

    @classmethod
    def _read(cls, path: Path, server: str) -> Recording:
        """Return what a file holds.

        Raises:
            UsageError: It is none of ours.
        """
        reels: dict[int, Reel] = {}
        values: dict[str, Any] = {}
        # A recording can be large: no more than a line of it is held as text.
        with path.open("rb") as file:
            head = orjson.loads(next(file, b""))
            if head["format"] != FORMAT:
                raise UsageError(f"the recording {path} has format {head['format']}, this version reads {FORMAT}")
            for text in file:
                line = orjson.loads(text)
                if line["kind"] == "value":
                    values[line["name"]] = line["value"]
                elif line["kind"] == "open":
                    reels[line["connection"]] = _reel(line)
                else:
                    _note(reels[line["connection"]], line)
        return cls(server=server, reels=tuple(reels.values()), values=values)

    def reel(self, what: str, protocol: str | None) -> Reel | None:
        """Return the next connection that was opened like this, the last one again when all were given out."""
        fitting = [reel for reel in self.reels if (reel.what, reel.protocol) == (what, protocol)]
        chosen = next((reel for reel in fitting if not reel.played), fitting[-1] if fitting else None)
        if chosen is not None:
            chosen.played = True
        return chosen


@contextmanager
def _collector_at_rest() -> Generator[None]:
    """Keep the garbage collector from looking again and again at what is being read and all stays to the end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _note(reel: Reel, line: dict[str, Any]) -> None:
    """Add what a line says to its connection."""
    if line["kind"] == "stderr":
        reel.stderr = str(line["text"])
    elif line["kind"] == "ready":
        reel.ready_s = float(line["seconds"])
    else:
        reel.records.append(glimpse(line))


def _reel(line: dict[str, Any]) -> Reel:
    return Reel(what=line["what"], protocol=line["protocol"], transport=line["transport"], url=line["url"])


def missing(what: str) -> Fault:
    """Return the fault of a recording that lacks something: ours, not the server's."""
    return Fault(
        kind=FaultKind.HARNESS,
        message=f"the recording holds no {what}",
        hint="record again with the same options and the same version",
    )
