"""The user's workflows in words: what became of each, broken ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay_reports.texts import WORST_FIRST, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.contract import Document, WorkflowEntry


def workflows_of(document: Document) -> list[WorkflowEntry]:
    """Return the workflows of a run, broken ones first."""
    return sorted(document["workflows"], key=lambda workflow: WORST_FIRST.index(workflow["verdict"]))


def workflow_lines(document: Document, most: int) -> Iterator[str]:
    """Yield workflows as lines of text, the first ones and the number of the others."""
    workflows = workflows_of(document)
    for workflow in workflows[:most]:
        yield f"{workflow['verdict'].upper():4} {workflow['name']}: {account(workflow)}"
    if len(workflows) > most:
        yield f"and {plural(len(workflows) - most, 'more workflow')} in the reports"


def account(workflow: WorkflowEntry) -> str:
    """Return how a workflow went, or why it failed or did not run, what stood in and what was taken back."""
    told = workflow.get("observed") or plural(len(workflow["steps"]), "step")
    stood_in = [f"{name} for {step['id']}" for step in workflow["steps"] for name in step.get("stood_in", [])]
    told += f"; stood in: {', '.join(stood_in)}" if stood_in else ""
    undone = [step["id"] for step in workflow["steps"] if step.get("undone")]
    return f"{told}; undone: {', '.join(undone)}" if undone else told
