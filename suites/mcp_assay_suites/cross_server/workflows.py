"""Workflows of the user (``workflows/*.yaml``) as values, ready to become test items of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.core.errors import UsageError
from mcp_assay.core.verdicts import Judgement, Outcome, passed, skipped, violated
from mcp_assay.runtime.executor import MultiServerExecutor
from mcp_assay.runtime.registry import DynamicToolRegistry
from mcp_assay.runtime.workflow.builder import CrossServerWorkflowBuilder
from mcp_assay.runtime.workflow.document import read_workflow
from mcp_assay.runtime.workflow.engine import ServerCoordinationEngine
from mcp_assay.runtime.workflow.results import StepStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mcp_assay.core.contract import StepEntry, VerdictWord, WorkflowEntry
    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.subject import Run
    from mcp_assay.runtime.workflow.document import WorkflowDocument
    from mcp_assay.runtime.workflow.results import StepResult, WorkflowReport
    from mcp_assay.runtime.workflow.values import Plan

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


def user_workflows(folder: Path) -> tuple[UserWorkflow, ...]:
    """Return the workflows in a folder, by file name; none when there is no such folder.

    Raises:
        ConfigError: A file is not a workflow.
    """
    paths = sorted(path for pattern in ("*.yaml", "*.yml") for path in folder.glob(pattern))
    return tuple(UserWorkflow(path=path, document=read_workflow(path)) for path in paths)


async def judge_workflow(
    workflow: UserWorkflow, run: Run, *, inputs: Mapping[str, Json] | None = None, trace: Path | None = None
) -> WorkflowJudgement:
    """Run a workflow over the servers of a run and judge it.

    A tool that may not be called by the rules of the run is not called because a workflow names it: the workflow is
    skipped then, with the reason.

    Args:
        workflow: The workflow.
        run: The run with its connected servers.
        inputs: Its inputs.
        trace: A file for its trace.
    """
    registry = DynamicToolRegistry.build_from_servers(run.manager.servers)
    builder = CrossServerWorkflowBuilder.from_file(workflow.path, registry)
    try:
        plan = builder.build()
    except UsageError as problem:
        return _unbuilt(workflow, violated("the workflow fits what the servers list", problem.message))
    closed = tuple(_closed(plan, run))
    if closed:
        return _unbuilt(workflow, skipped(f"it calls what may not be called: {'; '.join(closed)}"))
    engine = ServerCoordinationEngine(MultiServerExecutor(run.manager, registry, clock=run.clock), clock=run.clock)
    try:
        report = await engine.run(plan, inputs, trace=trace)
    except UsageError as problem:
        return _unbuilt(workflow, skipped(problem.message))
    return _judged(plan, report)


def _closed(plan: Plan, run: Run) -> list[str]:
    """Return the tools of a plan that may not be called, with the reasons."""
    decisions = {
        f"{server.managed.id}.{tool.name}": tool.decision for server in run.servers.values() for tool in server.tools
    }
    actions = [action for step in plan.steps for action in step.actions]
    actions += [step.compensate for step in plan.steps if step.compensate is not None]
    names = dict.fromkeys(action.tool for action in actions)
    return [
        f"{name.rpartition('::')[2]}: {decisions[name].reason}"
        for name in names
        if name in decisions and not decisions[name].allowed
    ]


def _judged(plan: Plan, report: WorkflowReport) -> WorkflowJudgement:
    steps = {name: _step_judgement(result) for name, result in report.steps.items()}
    whole = (
        passed(f"{len(steps)} steps in {report.duration_s:.2f} s")
        if report.ok
        else violated("every step of the workflow succeeds", report.problem or "it failed")
    )
    entries = [_entry(plan, report.steps[step.id]) for step in plan.steps if step.id in report.steps]
    servers = list(dict.fromkeys(entry["server"] for entry in entries))
    entry: WorkflowEntry = {
        "name": report.workflow,
        "servers": servers,
        "verdict": _WORDS[whole.outcome],
        "steps": entries,
    }
    return WorkflowJudgement(whole=whole, steps=steps, entry=entry)


def _step_judgement(result: StepResult) -> Judgement:
    if result.status is StepStatus.SUCCEEDED:
        return passed()
    if result.status is StepStatus.FAILED:
        return violated("the step has a good result", result.error or "it failed")
    return skipped(result.error or result.status.value)


def _entry(plan: Plan, result: StepResult) -> StepEntry:
    step = plan.step(result.id)
    server, _, tool = step.action.tool.rpartition("::")[2].partition(".")
    return {
        "id": result.id,
        "server": server,
        "tool": tool,
        "outcome": _WORDS[_step_judgement(result).outcome],
        "duration_s": sum(call.duration_s for call in result.calls),
        "needs": sorted(plan.dependencies[result.id]),
    }


def _unbuilt(workflow: UserWorkflow, judgement: Judgement) -> WorkflowJudgement:
    entry: WorkflowEntry = {
        "name": workflow.name,
        "servers": [],
        "verdict": _WORDS[judgement.outcome],
        "steps": [],
    }
    because: Sequence[str] = workflow.steps
    return WorkflowJudgement(
        whole=judgement, steps={name: skipped("the workflow did not run") for name in because}, entry=entry
    )
