"""Workflows of the user (``workflows/*.yaml``): found, run over the servers of a run, and judged step by step."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from mcp_assay.config.files import read_document
from mcp_assay.config.tree import Table
from mcp_assay.config.yaml_reader import parse_yaml
from mcp_assay.core.errors import ConfigError, UsageError
from mcp_assay.core.identifiers import slug
from mcp_assay.core.verdicts import Judgement, Outcome, passed, skipped, violated
from mcp_assay.readiness.subject import UnavailableError
from mcp_assay.runtime.executor import ExecutionPolicy, MultiServerExecutor
from mcp_assay.runtime.registry import DynamicToolRegistry
from mcp_assay.runtime.workflow.builder import CrossServerWorkflowBuilder
from mcp_assay.runtime.workflow.document import read_workflow
from mcp_assay.runtime.workflow.engine import ServerCoordinationEngine
from mcp_assay.runtime.workflow.results import StepStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from mcp_assay.core.contract import StepEntry, VerdictWord, WorkflowEntry
    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.subject import Run
    from mcp_assay.runtime.workflow.document import WorkflowDocument
    from mcp_assay.runtime.workflow.results import StepResult, WorkflowReport
    from mcp_assay.runtime.workflow.values import Action, Plan, Step

MOST_TIMES = 2
"""What a workflow may take in all, as a multiple of the time for its steps: the rest is for undoing them."""

_WORDS: Mapping[Outcome, VerdictWord] = {Outcome.PASS: "pass", Outcome.FAIL: "fail", Outcome.SKIP: "skip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserWorkflow:
    """One workflow file.

    Attributes:
        path: The file.
        document: What it says.
    """

    path: Path
    document: WorkflowDocument

    @property
    def name(self) -> str:
        """The workflow's name."""
        return self.document.name

    @property
    def key(self) -> str:
        """Its name in node ids: that of the file."""
        return slug(self.path.name.partition(".")[0])

    @property
    def steps(self) -> tuple[str, ...]:
        """Ids of its steps in the order of the file: one item each, beside the one of the whole."""
        return tuple(step.id for step in self.document.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowJudgement:
    """What became of a workflow.

    Attributes:
        whole: Of the workflow as a whole.
        steps: Of each of its steps, by id.
        entry: Its part of the report.
    """

    whole: Judgement
    entry: WorkflowEntry
    steps: Mapping[str, Judgement] = field(default_factory=dict[str, Judgement])


def user_workflows(place: Path, *, lenient: bool = False) -> tuple[UserWorkflow, ...]:
    """Return the workflow in a file, or those in a folder, by file name; none when there is nothing.

    Args:
        place: The file or folder.
        lenient: Whether files without ``steps`` are left out: a folder that nobody named may hold YAML of others.

    Raises:
        ConfigError: A file is not a workflow.
        UsageError: Two files of a folder have the same name but for their ending.
    """
    endings = ("*.yaml", "*.yml")
    paths = [place] if place.is_file() else sorted(path for ending in endings for path in place.glob(ending))
    found = [UserWorkflow(path=path, document=read_workflow(path)) for path in paths if not lenient or _has_steps(path)]
    for one, other in pairwise(found):
        if one.key == other.key:
            raise UsageError(f"{one.path} and {other.path} have the same name", hint="rename one of them")
    return tuple(found)


def _has_steps(path: Path) -> bool:
    """Return whether a file looks like a workflow of ours."""
    try:
        root = parse_yaml(read_document(path), path).root
    except ConfigError:
        return False
    return isinstance(root, Table) and any(member.key == "steps" for member in root.members)


async def judge_workflow(
    workflow: UserWorkflow,
    run: Run,
    *,
    inputs: Mapping[str, Json] | None = None,
    only: Collection[str] | None = None,
    partial: bool = False,
    trace: Path | None = None,
) -> WorkflowJudgement:
    """Run a workflow over the servers of a run and judge it.

    A tool that may not be called by the rules of the run is not called because a workflow names it: the workflow is
    skipped then, with the reason. So it is when a server that it needs is not there, which has a verdict of its own.

    Args:
        workflow: The workflow.
        run: The run with its connected servers.
        inputs: Its inputs.
        only: Steps that are wanted; just these and those that they wait for are run. All by default.
        partial: Whether the run leaves out servers of the configuration, so that a missing one is no fault.
        trace: A file for its trace.
    """
    missing = tuple(_missing(workflow, run, partial=partial))
    if missing:
        return _unbuilt(workflow, skipped(f"it needs {', '.join(missing)}"))
    registry = DynamicToolRegistry.build_from_servers(run.manager.servers)
    builder = CrossServerWorkflowBuilder.from_file(workflow.path, registry)
    try:
        plan = _part(builder.build(), only)
    except UsageError as problem:
        return _unbuilt(workflow, violated("the workflow fits what the servers list", problem.message))
    closed = _closed(plan, run)
    if closed:
        first = next(iter(closed))
        reason = f"it calls {', '.join(closed)}, which may not be called; {first}: {closed[first]}"
        return _unbuilt(workflow, skipped(reason))
    return await _carried_out(workflow, plan, run, inputs, trace)


async def _carried_out(
    workflow: UserWorkflow, plan: Plan, run: Run, inputs: Mapping[str, Json] | None, trace: Path | None
) -> WorkflowJudgement:
    """Run a plan that may be run."""
    policy = ExecutionPolicy(timeout_s=run.manager.connector.limits.call_s)
    registry = DynamicToolRegistry.build_from_servers(run.manager.servers)
    executor = MultiServerExecutor(run.manager, registry, policy=policy, clock=run.clock)
    try:
        for server_id in dict.fromkeys(registry.find(action.tool).server_id for action in _actions(plan.steps)):
            await run.servers[server_id].session()
        async with asyncio.timeout(MOST_TIMES * run.settings.workflow_s):
            engine = ServerCoordinationEngine(executor, clock=run.clock)
            report = await engine.run(plan, inputs, trace=trace, timeout_s=run.settings.workflow_s)
    except (UsageError, UnavailableError) as problem:
        return _unbuilt(workflow, skipped(problem.message))
    except TimeoutError:
        expected = f"the workflow and what undoes it end within {MOST_TIMES * run.settings.workflow_s:g} s"
        return _unbuilt(workflow, violated(expected, "it did not, and was given up"))
    return _judged(plan, report)


def _part(plan: Plan, only: Collection[str] | None) -> Plan:
    """Return the part of a plan that some steps need, in which nothing is put out."""
    if only is None:
        return plan
    needed, waiting = set[str](), list(only)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += plan.dependencies[name]
    return replace(
        plan,
        steps=tuple(step for step in plan.steps if step.id in needed),
        dependencies={name: waits for name, waits in plan.dependencies.items() if name in needed},
        outputs={},
    )


def _missing(workflow: UserWorkflow, run: Run, *, partial: bool) -> Iterator[str]:
    """Yield the servers that a workflow names and that cannot be used, with the reason."""
    servers = {key: server for server in run.servers.values() for key in (server.name, server.managed.id)}
    for tool in dict.fromkeys(action.tool for action in _actions(workflow.document.steps)):
        name = next((key for key in servers if tool.startswith(f"{key}.")), None)
        if name is not None and servers[name].managed.fault is not None:
            yield f"{name}, which could not be reached"
        elif name is None and partial and "." in tool:
            yield f"{tool.rpartition('::')[2].partition('.')[0]}, which is not part of this run"


def _actions(steps: Iterable[Step]) -> Iterator[Action]:
    """Yield everything that steps may do, and undo."""
    for step in steps:
        yield from step.actions
        if step.compensate is not None:
            yield step.compensate


def _closed(plan: Plan, run: Run) -> Mapping[str, str]:
    """Return the tools of a plan that may not be called, with the reasons."""
    decisions = {
        f"{server.managed.id}.{tool.name}": tool.decision for server in run.servers.values() for tool in server.tools
    }
    return {
        _short(action): decisions[action.tool].reason
        for action in _actions(plan.steps)
        if action.tool in decisions and not decisions[action.tool].allowed
    }


def _judged(plan: Plan, report: WorkflowReport) -> WorkflowJudgement:
    steps = {name: _step_judgement(result) for name, result in report.steps.items()}
    whole = (
        passed(f"{len(steps)} steps in {report.duration_s:.2f} s")
        if report.ok
        else violated("every step of the workflow succeeds", report.problem or "it failed")
    )
    undone = {one.step for one in report.compensations if one.call.ok}
    entries = [_entry(plan, report.steps[step.id], undone) for step in plan.steps if step.id in report.steps]
    servers = list(dict.fromkeys(entry["server"] for entry in entries))
    entry: WorkflowEntry = {
        "name": report.workflow,
        "servers": servers,
        "verdict": _WORDS[whole.outcome],
        "observed": _account(whole),
        "steps": entries,
    }
    return WorkflowJudgement(whole=whole, steps=steps, entry=entry)


def _step_judgement(result: StepResult) -> Judgement:
    if result.status is StepStatus.SUCCEEDED:
        return passed()
    if result.status is StepStatus.FAILED:
        return violated("the step has a good result", result.error or "it failed")
    return skipped(result.error or result.status.value)


def _entry(plan: Plan, result: StepResult, undone: Collection[str]) -> StepEntry:
    step = plan.step(result.id)
    server, _, tool = _short(step.action).partition(".")
    entry: StepEntry = {
        "id": result.id,
        "server": server,
        "tool": tool,
        "outcome": _WORDS[_step_judgement(result).outcome],
        "duration_s": sum(call.duration_s for call in result.calls),
        "started_s": result.started_s,
        "needs": sorted(plan.dependencies[result.id]),
    }
    if result.status is not StepStatus.SUCCEEDED:
        entry["observed"] = result.error or result.status.value
    if step.fallback:
        entry["fallback"] = [_short(action) for action in step.fallback]
        made_by = dict.fromkeys(f"{call.server}.{call.tool}".rpartition("::")[2] for call in result.calls if call.ok)
        entry["stood_in"] = [name for name in made_by if name != _short(step.action)]
    if step.compensate is not None:
        entry["undo"], entry["undone"] = _short(step.compensate), step.id in undone
    return entry


def _short(action: Action) -> str:
    """Return the tool of an action as ``server.tool``."""
    return action.tool.rpartition("::")[2]


def _account(whole: Judgement) -> str:
    """Return how a workflow went, or why it failed or did not run."""
    return whole.reason or whole.observed or ""


def _unbuilt(workflow: UserWorkflow, judgement: Judgement) -> WorkflowJudgement:
    entry: WorkflowEntry = {
        "name": workflow.name,
        "servers": [],
        "verdict": _WORDS[judgement.outcome],
        "observed": _account(judgement),
        "steps": [],
    }
    steps = {name: skipped("the workflow did not run") for name in workflow.steps}
    return WorkflowJudgement(whole=judgement, steps=steps, entry=entry)
