"""Which workflows of the user belong to a session, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.config.adhoc import COMMAND_LINE
from mcp_assay.core.errors import UsageError
from mcp_assay.plugin.selection import AUTO, DEMO
from mcp_assay.readiness.workflows import user_workflows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from mcp_assay.plugin.options import Options
    from mcp_assay.plugin.selection import ConfigDocument
    from mcp_assay.readiness.workflows import UserWorkflow, WorkflowJudgement

FOLDER = "workflows"
NONE = "none"
WHOLE = "whole-workflow"
"""Name of the item that judges a workflow as a whole, beside one for each step; no step can have it."""

Selected = tuple[str, str]
"""A workflow file and the name of one of its items."""


@dataclass(slots=True, kw_only=True)
class WorkflowRuns:
    """The workflows of a session.

    Attributes:
        by_document: Workflows by the id of the document that their items stand under.
        partial: Whether servers of the documents are left out, so that a missing one is no fault of a workflow.
    """

    by_document: Mapping[str, Sequence[UserWorkflow]] = field(default_factory=dict[str, "Sequence[UserWorkflow]"])
    partial: bool = False
    _selected: frozenset[Selected] = frozenset()
    _judgements: dict[Path, WorkflowJudgement] = field(default_factory=dict["Path", "WorkflowJudgement"])

    def of(self, document: str) -> Sequence[UserWorkflow]:
        """Return the workflows of a document."""
        return self.by_document.get(document, ())

    def select(self, items: Iterable[Selected]) -> None:
        """Note which items pytest is going to run."""
        self._selected = frozenset(items)

    def wanted(self, workflow: UserWorkflow) -> frozenset[str] | None:
        """Return the steps that are asked for, or None when the workflow as a whole is."""
        names = {item for path, item in self._selected if path == str(workflow.path)}
        return None if WHOLE in names or not names else frozenset(names)

    def judgement(self, workflow: UserWorkflow, judge: Callable[[], WorkflowJudgement]) -> WorkflowJudgement:
        """Return what became of a workflow; it is run once."""
        if workflow.path not in self._judgements:
            self._judgements[workflow.path] = judge()
        return self._judgements[workflow.path]


def workflow_runs_of(options: Options, documents: Sequence[ConfigDocument], *, invoked_in: Path) -> WorkflowRuns:
    """Return the workflows that the options name, or those beside the documents.

    Raises:
        UsageError: A named path does not exist, or a file is not a workflow.
    """
    named = [place for place in options.mcp_workflows if place != NONE]
    if named and documents:
        found = {documents[0].id: [one for place in named for one in _named(invoked_in / place)]}
    elif options.mcp_workflows:
        found = {}
    else:
        beside = [one for one in documents if one.given not in {AUTO, DEMO, COMMAND_LINE}]
        found = {one.id: [*user_workflows(one.path.parent / FOLDER, lenient=True)] for one in beside}
    return WorkflowRuns(by_document=_each_once(found), partial=bool(options.mcp_server))


def _named(place: Path) -> Sequence[UserWorkflow]:
    if not place.exists():
        raise UsageError(f"--mcp-workflows: {place} does not exist", hint="name a workflow file or a folder of them")
    return user_workflows(place)


def _each_once(found: Mapping[str, Sequence[UserWorkflow]]) -> dict[str, list[UserWorkflow]]:
    """Return workflows without those that stand beside another document already."""
    seen = set[str]()
    kept: dict[str, list[UserWorkflow]] = {}
    for document, workflows in found.items():
        kept[document] = [one for one in workflows if str(one.path) not in seen]
        seen |= {str(one.path) for one in workflows}
    return kept
