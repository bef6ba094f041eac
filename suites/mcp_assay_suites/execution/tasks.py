"""Tasks: answers that are given later."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.verdicts import Category, Judgement, not_applicable, skipped
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.shared import valid_calls
from mcp_assay_suites.exercising.task_runs import TERMINAL, may_run, takes_tasks, task_of, task_run, task_support
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.observing.traffic import received

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.subject import Subject, ToolUnderTest
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay_suites.exercising.cases import Case
    from mcp_assay_suites.exercising.task_runs import TaskRun

METHOD_NOT_FOUND = -32601
MOST_TOOLS = 2
"""How many tools are called as tasks."""

_STATUSES = TERMINAL | {"working", "input_required"}
_NO_TASKS = "the server does not declare that calls may be made as tasks"


@check("TASK-003", category=Category.EXECUTION, late=True)
async def declared_only(subject: Subject) -> Judgement:
    """Judge whether calls are answered by tasks though the client never declares that it knows them."""
    calls = [item.exchange for item in received(subject.server) if item.exchange is not None]
    answered = [one for one in calls if one.method == "tools/call" and one.result is not None]
    if not answered:
        return skipped("no call of a tool was answered by a result")
    wrong = [one for one in answered if (one.result or {}).get("resultType") == "task"]
    return judged(
        "a client that did not declare io.modelcontextprotocol/tasks gets no task",
        ["a call was answered by a task" for _ in wrong],
        looked_at=counted(len(answered), "result"),
        exchange=wrong[0].evidence() if wrong else None,
    )


@check("TASK-001", category=Category.EXECUTION)
async def task_required(subject: Subject) -> Judgement:
    """Judge whether a tool that wants to be called as a task refuses to be called otherwise."""
    session = await subject.server.session()
    if not takes_tasks(session):
        return not_applicable(_NO_TASKS)
    wanting = [tool for tool in subject.server.tools if task_support(tool) == "required"]
    allowed = [tool for tool in wanting if tool.decision.allowed]
    if not allowed:
        return (
            skipped(wanting[0].decision.reason) if wanting else not_applicable("no tool wants to be called as a task")
        )
    called = [(tool.name, case.exchange) for tool in allowed for case in await _plain_calls(subject, tool)]
    answered = [(name, exchange) for name, exchange in called if exchange.message is not None]
    if not answered:
        return skipped("no call of a tool that wants to be called as a task was answered")
    wrong = [(name, exchange) for name, exchange in answered if exchange.error_code != METHOD_NOT_FOUND]
    return judged(
        f"a tool whose taskSupport is required answers a call without a task by error {METHOD_NOT_FOUND}",
        [f"{shown(name)}: {exchange.describe()}" for name, exchange in wrong],
        looked_at=f"{counted(len(answered), 'call')} without a task refused",
        exchange=wrong[0][1].evidence() if wrong else None,
    )


async def _plain_calls(subject: Subject, tool: ToolUnderTest) -> list[Case]:
    """Return the calls of a tool that were made without a task."""
    return (await valid_calls(replace(subject, tool=tool))).cases


@check("TASK-002", category=Category.EXECUTION, measures=True)
async def task_lifecycle(subject: Subject) -> Judgement:
    """Judge tasks from their beginning to their end; what came between two looks at one is not known."""
    if not takes_tasks(await subject.server.session()):
        return not_applicable(_NO_TASKS)
    tools = [tool for tool in subject.server.tools if may_run(tool)][:MOST_TOOLS]
    if not tools:
        return skipped("no tool may be called as a task")
    try:
        runs = [run for tool in tools if (run := await task_run(subject, tool)) is not None]
    except ConnectError as problem:
        return skipped(f"a second instance of the server cannot be used: {problem.fault.message}")
    followed = [run for run in runs if run.looks]
    if not followed:
        return skipped("no call was answered by a task")
    wrong = [(text, exchange) for run in followed for text, exchange in problems_of(run)]
    return judged(
        "a task begins as working, says what it must, ends once and for all, and its result comes then",
        [text for text, _ in wrong],
        looked_at="; ".join(_course(run) for run in followed),
        exchange=wrong[0][1].evidence() if wrong else None,
    )


def problems_of(run: TaskRun) -> Iterator[tuple[str, Exchange]]:
    """Yield what is wrong with a task, with the exchange that shows it."""
    tool, identity = shown(run.tool), task_of(run.created).get("taskId")
    if task_of(run.created).get("status") != "working":
        yield f"{tool}: the task begins as {shown(task_of(run.created).get('status'))}", run.created
    for look in (run.created, *run.looks):
        yield from ((f"{tool}: {text}", look) for text in _flaws(look))
        if look.result is not None and task_of(look).get("taskId") != identity:
            yield f"{tool}: the task is called {shown(task_of(look).get('taskId'))} later", look
    yield from _after_the_end(run, tool)


def _after_the_end(run: TaskRun, tool: str) -> Iterator[tuple[str, Exchange]]:
    """Yield where a task goes on after its end, or its result comes before that."""
    ended = ""
    for look in run.looks:
        status = task_of(look).get("status")
        if ended and status != ended:
            yield f"{tool}: the task is {shown(status)} after it was {ended}", look
        ended = status if isinstance(status, str) and status in TERMINAL else ended
    for look in run.looks_after_result[:1]:
        if look.result is not None and task_of(look).get("status") not in TERMINAL:
            yield f"{tool}: tasks/result is answered while the task is {shown(task_of(look).get('status'))}", look


def _flaws(look: Exchange) -> Iterator[str]:
    """Yield what a task does not say, or not rightly."""
    if look.result is None:
        yield f"{look.method}: {look.describe()}"
        return
    task = task_of(look)
    if task.get("status") not in _STATUSES:
        yield f"{look.method}: there is no status {shown(task.get('status'))}"
    for name in ("createdAt", "lastUpdatedAt"):
        if not _is_time(task.get(name)):
            yield f"{look.method}: {name} is {shown(task.get(name))}"
    ttl = task.get("ttl", "missing")
    if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int | float)):
        yield f"{look.method}: ttl is {shown(ttl)}"


def _is_time(value: Json) -> bool:
    """Return whether a value is a time as in ISO 8601."""
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _course(run: TaskRun) -> str:
    """Return the states of a task in the order in which they were seen."""
    seen = [str(task_of(look).get("status")) for look in (run.created, *run.looks)]
    return f"{shown(run.tool)}: {', '.join(dict.fromkeys(seen))}"


CHECKS = (declared_only, task_required, task_lifecycle)
