"""Tasks of 2025-11-25: calls that are answered by a task, followed until it ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_assay_suites.exercising.limits import may_repeat
from mcp_assay_suites.exercising.shared import valid_calls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject, ToolUnderTest
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

TERMINAL = frozenset({"completed", "failed", "cancelled"})
_TTL_MS = 60_000
_LONGEST_S = 20.0
"""Seconds that a task is followed."""

_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """One task from its beginning to its end.

    Attributes:
        tool: The tool that was called.
        created: The answer to the call.
        looks: Answers to ``tasks/get``, in order; two of them are asked for after the result had come.
        result: The answer to ``tasks/result``, asked for at once; None when the task did not end in time.
    """

    tool: str
    created: Exchange
    looks: Sequence[Exchange] = ()
    result: Exchange | None = None

    @property
    def looks_after_result(self) -> Sequence[Exchange]:
        """The looks that were taken once the result had come."""
        return [look for look in self.looks if self.result is not None and look.sent_at >= self.result.ended_at]


def task_support(tool: ToolUnderTest) -> str:
    """Return whether a tool is called as a task: ``required``, ``optional`` or, when it does not say, ``forbidden``."""
    execution = tool.definition.raw.get("execution")
    support = execution.get("taskSupport") if isinstance(execution, dict) else None
    return support if isinstance(support, str) else "forbidden"


def takes_tasks(session: ServerSession) -> bool:
    """Return whether the server declares that calls may be made as tasks."""
    place: Json = session.agreement.capabilities.get("tasks")
    for name in ("requests", "tools", "call"):
        place = place.get(name) if isinstance(place, dict) else None
    return isinstance(place, dict)


def may_run(tool: ToolUnderTest) -> bool:
    """Return whether a tool may be called once more, as a task."""
    return may_repeat(tool) and task_support(tool) in {"required", "optional"}


async def task_run(subject: Subject, tool: ToolUnderTest) -> TaskRun | None:
    """Call a tool as a task and follow it, or return None when there are no arguments to call it with.

    Raises:
        UnavailableError: The server is down.
        ConnectError: No second instance can be started.
    """
    cases = (await valid_calls(replace(subject, tool=tool))).cases
    if not cases:
        return None
    live = await subject.server.session()
    params: JsonObject = {"name": tool.name, "arguments": cases[0].arguments, "task": {"ttl": _TTL_MS}}
    subject.server.count_calls(tool.name)
    async with subject.server.fresh_session(protocol=live.agreement.version) as session:
        created = await session.request("tools/call", params)
        identity = task_of(created).get("taskId")
        if not isinstance(identity, str):
            return TaskRun(tool=tool.name, created=created)
        return await _followed(session, tool.name, created, identity)


async def _followed(session: ServerSession, tool: str, created: Exchange, identity: str) -> TaskRun:
    """Ask for the result at once, and look at the task until it has come."""
    asked: Mapping[str, Json] = {"taskId": identity}
    looks: list[Exchange] = []
    wanted = asyncio.ensure_future(session.request("tasks/result", asked, timeout_s=_LONGEST_S, background=True))
    try:
        for _ in range(int(_LONGEST_S / _SHORTEST_PAUSE_S)):
            looks.append(await session.request("tasks/get", asked))
            if wanted.done() or looks[-1].fault is not None:
                break
            await asyncio.wait({wanted}, timeout=pause_s(task_of(looks[-1]).get("pollInterval"), _LONGEST_PAUSE_S))
        if not wanted.done():
            await session.request("tasks/cancel", asked)
            return TaskRun(tool=tool, created=created, looks=looks)
        looks += [await session.request("tasks/get", asked) for _ in range(2)]
        return TaskRun(tool=tool, created=created, looks=looks, result=wanted.result())
    finally:
        wanted.cancel()


def task_of(exchange: Exchange) -> JsonObject:
    """Return the task in the answer to a call or to ``tasks/get``, empty without one."""
    result = exchange.result or {}
    task = result.get("task") if exchange.method == "tools/call" else result
    return task if isinstance(task, dict) else {}


def pause_s(wish_ms: Json, longest_s: float) -> float:
    """Return how long to wait for the next look, as far as the server's wish is bearable."""
    wish_s = wish_ms / 1000 if isinstance(wish_ms, int | float) and not isinstance(wish_ms, bool) else 0.0
    return min(max(wish_s, _SHORTEST_PAUSE_S), longest_s)
