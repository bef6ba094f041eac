"""pytest's nodes for the user's workflows: one item for each step, and one for the whole.

A step's item waits for the workflow, which runs once; when only some steps are selected, just these and those they wait
for are run.
"""

from __future__ import annotations

import shlex
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.verdicts import Category, Judgement, Outcome, skipped
from mcp_assay.plugin.nodes import AssayItem, CheckBrokenError, CheckViolatedError, make_node
from mcp_assay.plugin.state import STATE
from mcp_assay.plugin.workflow_runs import FOLDER, WHOLE
from mcp_assay.runtime.background import LoopStuckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from mcp_assay.core.contract import WorkflowEntry
    from mcp_assay.readiness.workflows import UserWorkflow


class WorkflowsNode(pytest.Collector):
    """The workflows of one document."""

    workflows: Sequence[UserWorkflow]

    @classmethod
    def of(cls, parent: pytest.Collector, workflows: Sequence[UserWorkflow]) -> WorkflowsNode:
        """Return the collector of some workflows."""
        node: WorkflowsNode = make_node(cls, parent, name=FOLDER)
        node.workflows = workflows
        node.add_marker(f"mcp_{Category.CROSS_SERVER.value}")
        return node

    def collect(self) -> Iterable[pytest.Collector]:
        """Yield a collector for each workflow."""
        for workflow in self.workflows:
            yield WorkflowNode.of_workflow(self, workflow)


class WorkflowNode(pytest.Collector):
    """One workflow."""

    workflow: UserWorkflow

    @classmethod
    def of_workflow(cls, parent: pytest.Collector, workflow: UserWorkflow) -> WorkflowNode:
        """Return the collector of a workflow."""
        node: WorkflowNode = make_node(cls, parent, name=workflow.key)
        node.workflow = workflow
        # Its steps share one run, so they stay in one worker.
        node.add_marker(pytest.mark.xdist_group(f"{FOLDER}-{workflow.key}"))
        return node

    def collect(self) -> Iterable[pytest.Item]:
        """Yield an item for each step, in the order of the file, and one for the whole."""
        for name in (*self.workflow.steps, WHOLE):
            yield WorkflowItem.of(self, self.workflow, name)


class WorkflowItem(AssayItem):
    """One step of a workflow, or the workflow as a whole."""

    workflow: UserWorkflow
    entry: WorkflowEntry | None = None

    @classmethod
    def of(cls, parent: pytest.Collector, workflow: UserWorkflow, name: str) -> WorkflowItem:
        """Return the item of a step, or of the whole."""
        node: WorkflowItem = make_node(cls, parent, name=name)
        node.workflow = workflow
        return node

    def runtest(self) -> None:
        """Wait for the workflow and raise what the step, or the whole, asks for."""
        state = self.config.stash[STATE]
        try:
            judged = state.workflow(self.workflow)
        except (LoopStuckError, CancelledError) as problem:
            raise CheckBrokenError(f"workflow {self.workflow.name}: {problem or 'it was stopped'}") from None
        self.entry = {**judged.entry, "file": self._file()}
        judgement = judged.whole if self.name == WHOLE else judged.steps.get(self.name, skipped("it was not reached"))
        if judgement.outcome is Outcome.SKIP:
            pytest.skip(state.presenter.line(judgement.reason or ""))
        if judgement.outcome is not Outcome.PASS:
            raise CheckViolatedError(state.presenter.text(self._account(judgement, state.reproduce)))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the workflow's file."""
        return self.workflow.path, None, f"workflow {self.workflow.key}: {self.name}"

    def _file(self) -> str:
        """Return the workflow's file as reports name it: seen from the root folder, by its name when elsewhere."""
        path, root = self.workflow.path, self.config.rootpath
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name

    def _account(self, judgement: Judgement, reproduce: str) -> str:
        """Return a failure as a person reads it."""
        subject = "the whole" if self.name == WHOLE else f"step {self.name}"
        return "\n".join(
            (
                f"workflow {self.workflow.name}, {subject}",
                f"  expected:    {judgement.expected}",
                f"  observed:    {judgement.observed}",
                f"  reproduce:   {reproduce} {shlex.quote(self.nodeid)}",
            )
        )
