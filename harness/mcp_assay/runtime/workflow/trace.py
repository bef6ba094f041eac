"""The trace of a run: one JSON object a line, written before and after each call, from which a run can be resumed.

It holds arguments and results as they are, so the file is readable by its owner only.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

import orjson

from mcp_assay.core.clock import rfc3339
from mcp_assay.core.errors import UsageError
from mcp_assay.runtime.workflow.results import CallResult, StepResult

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

    from mcp_assay.core.clock import Clock
    from mcp_assay.core.json_types import Json, JsonObject

Item = tuple[str, "int | None"]
"""A step and the place of an item of its ``foreach``."""


class Trace:
    """Writes down what happens, as it happens.

    A full disk or a vanished folder ends the trace, never the run; see `problem`.

    Args:
        path: The file, appended to; None to keep no trace.
        clock: Source of time stamps.
        durable: Whether each line is forced to the disk, so that it survives a power cut and not only a crash.

    Attributes:
        problem: Why nothing more is written, or None.
    """

    def __init__(self, path: Path | None, clock: Clock, *, durable: bool = False) -> None:
        self._clock = clock
        self._durable = durable
        self._stream: FileIO | None = None
        self.problem: str | None = None
        if path is not None:
            try:
                self._stream = _appended(path)
            except OSError as problem:
                self.problem = f"{path} cannot be written: {problem.strerror or problem}"

    def __enter__(self) -> Self:
        """Return the trace."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()

    def write(self, event: str, **members: Json) -> None:
        """Write one line: ``at``, ``event`` and the members."""
        if self._stream is None or self.problem is not None:
            return
        line = {"at": rfc3339(self._clock.now()), "event": event, **members}
        try:
            _write_all(self._stream, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            if self._durable:
                os.fsync(self._stream.fileno())
        except (OSError, TypeError) as problem:
            self.problem = f"the trace ends early: {problem}"


@dataclass(slots=True, kw_only=True)
class Past:
    """What a trace tells about a run so far.

    Attributes:
        run: The run's id.
        digest: Digest of its plan.
        inputs: Its inputs.
        steps: Results of the steps that ended, in the order in which they did.
        calls: Good results of single calls of steps that did not end.
        in_doubt: Calls that had begun and of which nothing more is known, or only that nobody knows how they ended.
        compensated: What was undone already.
        over: Whether the run came to its end.
    """

    run: str
    digest: str
    inputs: JsonObject
    steps: dict[str, StepResult] = field(default_factory=dict[str, StepResult])
    calls: dict[Item, CallResult] = field(default_factory=dict[Item, CallResult])
    in_doubt: set[Item] = field(default_factory=set[Item])
    compensated: set[Item] = field(default_factory=set[Item])
    over: bool = False


def read_trace(path: Path) -> Past:
    """Return what a trace tells. A last line that was cut off by a crash is left out.

    Raises:
        UsageError: The file cannot be read or is not a trace.
    """
    try:
        if not path.is_file():
            raise UsageError(f"trace {path} cannot be read: it is no file")
        lines = path.read_bytes().split(b"\n")
    except OSError as problem:
        raise UsageError(f"trace {path} cannot be read: {problem.strerror or problem}") from None
    past: Past | None = None
    for number, line in enumerate(lines[:-1], 1):
        try:
            entry = cast("dict[str, Any]", orjson.loads(line)) if line else {}
            past = _taken(past, entry)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise UsageError(f"{path}:{number}: this is no line of a trace ({problem})") from None
    if past is None:
        raise UsageError(f"trace {path} holds no run")
    return past


def _taken(past: Past | None, entry: dict[str, Any]) -> Past | None:
    """Take one entry into account."""
    event = entry.get("event")
    if event == "run":
        return past or Past(run=entry["run"], digest=entry["plan"], inputs=entry["inputs"])
    if past is None or event is None:
        return past
    item: Item = (entry.get("step", ""), entry.get("index"))
    if event == "call":
        past.in_doubt.add(item)
    elif event == "answer":
        result = CallResult.from_json(entry["result"])
        if result.ok or not result.may_have_acted:
            past.in_doubt.discard(item)
        if result.ok:
            past.calls[item] = result
    elif event == "step":
        past.steps[entry["step"]] = StepResult.from_json(entry["result"])
    elif event == "undone":
        past.compensated.add(item)
    elif event == "end":
        past.over = True
    return past


def _write_all(stream: FileIO, data: bytes) -> None:
    """Write all of a line: a disk that fills up takes a part of it first."""
    while data:
        data = data[stream.write(data) or 0 :]


def _appended(path: Path) -> FileIO:
    """Return a file that only its owner can read, opened for appending after its last whole line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    stream = os.fdopen(descriptor, "r+b", buffering=0)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        data = stream.read()
        stream.truncate(data.rfind(b"\n") + 1)
    return stream
