"""The asking side of the schema worker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

from mcp_assay.core.errors import AssayError
from mcp_assay.wire.schemas.text import compact
from mcp_assay.wire.schemas.values import ProblemKind, SchemaProblem, SchemaSize, SchemaVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from mcp_assay.core.json_types import Json

_LARGEST_QUESTION = 64 * 1024 * 1024
_LONGEST_ANSWER = 1024 * 1024
_KEPT_QUESTION = 8 * 1024
_MOST_KEPT = 2_048
_MOST_AT_ONCE = 32
"""Instances in one question; their answers together stay far below the longest that is read."""
_START_S = 30.0
_CLOSE_S = 5.0
_INHERITED = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")


class SchemaWorkerError(AssayError):
    """The schema worker is broken: a fault of ours, never the server's."""


@dataclass(slots=True, kw_only=True)
class SchemaJudge:
    """Judges schemas and instances in a process of its own, which is killed when it takes too long.

    Use it as an async context manager inside one event loop. The process starts with the first question. Questions
    from several tasks are answered one after another.

    Attributes:
        budget_s: Seconds for one question, sending and receiving included.
        memory_mib: Memory the process may use, in MiB.
    """

    budget_s: float = 2.0
    memory_mib: int = 1024
    _process: asyncio.subprocess.Process | None = field(default=None, init=False, repr=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)
    _closed: bool = field(default=False, init=False, repr=False)
    _answered: OrderedDict[bytes, SchemaVerdict] = field(
        default_factory=OrderedDict[bytes, SchemaVerdict], init=False, repr=False
    )

    async def __aenter__(self) -> Self:
        """Return the judge; nothing is started yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the worker."""
        await self.aclose()

    async def check_schema(self, schema: Json) -> SchemaVerdict:
        """Return the problems of ``schema`` under its declared dialect, 2020-12 by default, and its measures.

        Raises:
            SchemaWorkerError: The worker cannot be started, failed, or the judge is closed.
        """
        return await self._ask("check", schema, None)

    async def validate(self, schema: Json, instance: Json) -> SchemaVerdict:
        """Return how ``instance`` breaks ``schema``; formats and content keywords are read as annotations.

        Raises:
            SchemaWorkerError: The worker cannot be started, failed, or the judge is closed.
        """
        return await self._ask("validate", schema, instance)

    async def validate_each(self, schema: Json, instances: Sequence[Json]) -> list[SchemaVerdict]:
        """Return what `validate` says of each instance, in order; small ones are asked about in one question.

        Raises:
            SchemaWorkerError: See `validate`.
        """
        verdicts: list[SchemaVerdict] = []
        for start in range(0, len(instances), _MOST_AT_ONCE):
            some = instances[start : start + _MOST_AT_ONCE]
            together = await self._asked_at_once(schema, some) if len(some) > 1 else None
            verdicts += together or [await self.validate(schema, instance) for instance in some]
        return verdicts

    async def aclose(self) -> None:
        """End the worker and wait until it is gone; questions afterwards are an error."""
        async with self._lock:
            self._closed = True
            await self._kill()

    async def _asked_at_once(self, schema: Json, instances: Sequence[Json]) -> list[SchemaVerdict] | None:
        """Return the answers to one question about several instances, or None when each has to be asked about alone.

        An instance that cannot be judged must not cost the others their answers, nor share its budget with them.
        """
        try:
            head, parts = compact(schema), [compact(instance) for instance in instances]
        except (RecursionError, ValueError):
            return None
        if len(head) + max(map(len, parts)) > _KEPT_QUESTION:
            return None
        questions = [_question("validate", head, part) for part in parts]
        async with self._lock:
            new = {question: part for question, part in zip(questions, parts, strict=True) if not self._known(question)}
            if new:
                answer = await self._answer(_question("each", head, f"[{','.join(new.values())}]"))
                if "each" not in answer:
                    return None
                for question, one in zip(new, answer["each"], strict=True):
                    self._kept(question, _verdict(one))
            known = [self._known(question) for question in questions]
        return [verdict for verdict in known if verdict is not None] if None not in known else None

    async def _ask(self, operation: str, schema: Json, instance: Json) -> SchemaVerdict:
        """Return the worker's answer to one question, or that its budget was exceeded."""
        try:
            question = _question(operation, compact(schema), compact(instance))
        except RecursionError:
            return SchemaVerdict(exceeded=True, reason="the schema or instance is nested too deeply to be judged")
        except ValueError:  # an integer with more digits than Python writes out (sys.get_int_max_str_digits)
            return SchemaVerdict(exceeded=True, reason="the schema or instance holds an integer too long to be judged")
        if len(question) > _LARGEST_QUESTION:
            return SchemaVerdict(exceeded=True, reason=f"the schema and instance are {len(question)} bytes long")
        async with self._lock:
            return self._known(question) or self._kept(question, await self._exchange(question))

    def _known(self, question: bytes) -> SchemaVerdict | None:
        """Return the answer to a question that was asked before: several checks look at the same results."""
        known = self._answered.get(question)
        if known is not None:
            self._answered.move_to_end(question)
        return known

    def _kept(self, question: bytes, verdict: SchemaVerdict) -> SchemaVerdict:
        """Return an answer, which is kept when it would be the same again and the question is small."""
        if not verdict.exceeded and len(question) <= _KEPT_QUESTION:
            self._answered[question] = verdict
            if len(self._answered) > _MOST_KEPT:
                self._answered.popitem(last=False)
        return verdict

    async def _exchange(self, question: bytes) -> SchemaVerdict:
        """Return the answer to a question."""
        return _verdict(await self._answer(question))

    async def _answer(self, question: bytes) -> dict[str, Any]:
        """Send ``question`` and read its answer; a worker that is not back in step afterwards is killed."""
        process = await self._running()
        in_step = False
        try:
            async with asyncio.timeout(self.budget_s):
                line = await _round_trip(process, question)
            in_step = line.endswith(b"\n")
        except TimeoutError:
            return {"exceeded": True, "reason": f"no answer within {self.budget_s:g} s"}
        finally:
            if not in_step:
                await self._kill()
        if not in_step:
            return {"exceeded": True, "reason": _epitaph(process.returncode)}
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _running(self) -> asyncio.subprocess.Process:
        """Return the worker, started if need be.

        Raises:
            SchemaWorkerError: It does not start, or the judge is closed.
        """
        if self._closed:
            raise SchemaWorkerError("the schema judge is closed")
        if self._process is None or self._process.returncode is not None:
            await self._kill()
            self._process = await _started(self.budget_s, self.memory_mib)
            await self._await_ready(self._process)
        return self._process

    async def _await_ready(self, process: asyncio.subprocess.Process) -> None:
        """Wait for the worker's first line, so that its start is not charged to a question's budget."""
        line = b""
        try:
            async with asyncio.timeout(_START_S):
                line = await _round_trip(process, b"")
        except TimeoutError:
            pass
        finally:
            if not line:
                await self._kill()
        if not line:
            code = process.returncode
            raise SchemaWorkerError(
                f"the schema worker does not start (exit status {code})",
                hint=f"run {sys.executable} -m mcp_assay.wire.schemas.worker 2 1024",
            )

    async def _kill(self) -> None:
        """Kill the worker and wait until it and its pipes are gone, even when this task is being cancelled."""
        process, self._process = self._process, None
        if process is not None:
            await asyncio.shield(_buried(process))


def _question(operation: str, schema: str, instance: str) -> bytes:
    """Return a question as the worker reads it."""
    return f"{operation}\n{schema}\n{instance}\n".encode("ascii")


async def _started(budget_s: float, memory_mib: int) -> asyncio.subprocess.Process:
    """Return a fresh worker in its own process group, with no more of our environment than Python needs."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "mcp_assay.wire.schemas.worker", str(budget_s), str(memory_mib),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LONGEST_ANSWER,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        start_new_session=True,
    )  # fmt: skip


async def _round_trip(process: asyncio.subprocess.Process, question: bytes) -> bytes:
    """Return the worker's next line, empty or without its end when the worker died."""
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        return b""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(question)
        await stdin.drain()
    return await stdout.readline()


async def _buried(process: asyncio.subprocess.Process) -> None:
    """Kill ``process`` with its group, reap it and let its pipes close."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        process.stdin.close()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await process.stdin.wait_closed()
    async with asyncio.timeout(_CLOSE_S):
        await process.communicate()


def _epitaph(code: int | None) -> str:
    """Return in one sentence how the worker died."""
    if code is not None and code < 0:
        return f"judging it ended the schema worker with {signal.Signals(-code).name}"
    return f"judging it ended the schema worker (exit status {code})"


def _verdict(answer: dict[str, Any]) -> SchemaVerdict:
    """Return the worker's answer as a value.

    Raises:
        SchemaWorkerError: The worker says that it failed itself.
    """
    if failure := answer.get("failure"):
        raise SchemaWorkerError(f"the schema worker failed: {failure}")
    problems = tuple(
        SchemaProblem(**{**problem, "kind": ProblemKind(problem["kind"])})
        for problem in cast("list[dict[str, Any]]", answer.get("problems", []))
    )
    size = answer.get("size")
    return SchemaVerdict(
        problems=problems,
        exceeded=bool(answer.get("exceeded")),
        unusable=bool(answer.get("unusable")),
        reason=answer.get("reason"),
        size=SchemaSize(**size) if size else None,
    )
