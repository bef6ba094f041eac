"""Tasks: answers that are given later."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.verdicts import Category, Judgement, not_applicable, skipped
from mcp_assay.wire.eras import Era
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.extension_tasks import extension_talk
from mcp_assay_suites.exercising.shared import valid_calls
from mcp_assay_suites.exercising.task_runs import TERMINAL, may_run, takes_tasks, task_of, task_run, task_support
from mcp_assay_suites.observing.finer import declares_tasks
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.observing.traffic import received

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject, ToolUnderTest
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay_suites.exercising.cases import Case
    from mcp_assay_suites.exercising.extension_tasks import ExtensionTask
    from mcp_assay_suites.exercising.task_runs import TaskRun

METHOD_NOT_FOUND = -32601
MOST_TOOLS = 2
"""How many tools are called as tasks."""

_STATUSES = TERMINAL | {"working", "input_required"}
_NEEDED: Mapping[str, str] = {"completed": "result", "failed": "error", "input_required": "inputRequests"}
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


@check("TASK-004", category=Category.EXECUTION)
async def durable_create(subject: Subject) -> Judgement:
    """Judge whether a new task can be looked at, on its own connection: over pipes there is no other."""
    tasks = await _extension_tasks(subject)
    if isinstance(tasks, Judgement):
        return tasks
    wrong = [task for task in tasks if task.looks[0].result is None]
    return judged(
        "tasks/get knows a task as soon as the call was answered by it",
        [f"{shown(task.tool)}: {task.looks[0].describe()}" for task in wrong],
        looked_at=counted(len(tasks), "task"),
        exchange=wrong[0].looks[0].evidence() if wrong else None,
    )


@check("TASK-005", category=Category.EXECUTION)
async def task_shapes(subject: Subject) -> Judgement:
    """Judge what tasks say in each state."""
    tasks = await _extension_tasks(subject)
    if isinstance(tasks, Judgement):
        return tasks
    looked = [(task.tool, look) for task in tasks for look in task.looks if look.result is not None]
    if not looked:
        return skipped("no task could be looked at, which is judged by TASK-004")
    wrong = [(f"{shown(tool)}: {text}", look) for tool, look in looked for text in _shape_flaws(look.result or {})]
    return judged(
        "a task has a result when it is completed, an error when it failed, inputRequests when it needs input",
        [text for text, _ in wrong],
        looked_at=", ".join(dict.fromkeys(str((look.result or {}).get("status")) for _, look in looked)),
        exchange=wrong[0][1].evidence() if wrong else None,
    )


async def _extension_tasks(subject: Subject) -> Sequence[ExtensionTask] | Judgement:
    """Return the tasks that calls were answered by, or why there are none."""
    session = await subject.server.session()
    if session.agreement.era is not Era.STATELESS or not declares_tasks(session):
        return not_applicable("the server does not declare the extension for tasks")
    talk = await extension_talk(subject)
    return talk.tasks or skipped(f"none of {counted(talk.called, 'tool')} that may be called again answers by a task")


def _shape_flaws(task: JsonObject) -> Iterator[str]:
    """Yield what a task lacks in its state."""
    status = task.get("status")
    if task.get("resultType") != "complete":
        yield f"resultType is {shown(task.get('resultType'))} in an answer to tasks/get"
    if status not in _STATUSES:
        yield f"there is no status {shown(status)}"
    needed = _NEEDED.get(status) if isinstance(status, str) else None
    if needed is not None and not isinstance(task.get(needed), dict):
        yield f"it is {status} and has no {needed}"


CHECKS = (declared_only, task_required, task_lifecycle, durable_create, task_shapes)
