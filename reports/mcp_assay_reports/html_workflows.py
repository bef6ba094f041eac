"""Workflows in the HTML report: what waits for what as a graph, what happened when as a table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from mcp_assay_reports.html_graph import workflow_graph
from mcp_assay_reports.texts import line, plural, seconds

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document, StepEntry, WorkflowEntry

_WIDTH = 1_000
_HEIGHT = 36
_MOST_BYTES = 350_000
"""Bytes of the page after which no further workflow is shown."""
_MOST_ROWS = 300
_TITLES = ("Step", "Needs", "Server", "Tool", "Outcome", "Took", "When")


def workflow_section(document: Document) -> str:
    """Return every workflow with its graph and its steps in order."""
    workflows = document["workflows"]
    if not workflows:
        return ""
    shown: list[str] = []
    room = _MOST_BYTES
    for workflow in workflows:
        if room <= 0:
            break
        shown.append(_workflow(workflow))
        room -= len(shown[-1].encode("utf-8"))
    left = len(workflows) - len(shown)
    more = f"<p>and {plural(left, 'more workflow')} in the JSON report</p>" if left > 0 else ""
    return f"<h2>Workflows</h2>{''.join(shown)}{more}"


def _workflow(workflow: WorkflowEntry) -> str:
    """Return one workflow: its verdict, its servers, its graph, its steps on a common line of time."""
    verdict, name = workflow["verdict"], line(workflow["name"], 120)
    servers = escape(line(", ".join(workflow["servers"]), 300)) or "no server"
    length = _length(workflow["steps"])
    observed = "" if verdict == "pass" else escape(line(workflow.get("observed", ""), 600))
    told = f"<p>{observed}</p>" if observed else ""
    left = len(workflow["steps"]) - _MOST_ROWS
    more = f"<p>and {plural(left, 'more step')} in the JSON report</p>" if left > 0 else ""
    return (
        f'<h3>{escape(name)} <span class="chip {verdict}">{verdict}</span></h3>'
        f"{told}"
        f'<p class="soft">over {servers}, {plural(len(workflow["steps"]), "step")}, {seconds(length)} in all</p>'
        f"{workflow_graph(workflow['steps'], name)}{_table(workflow['steps'][:_MOST_ROWS], length)}{more}"
    )


def _length(steps: list[StepEntry]) -> float:
    """Return the seconds from the start of the first step to the end of the last."""
    return max((_started(steps, at) + step["duration_s"] for at, step in enumerate(steps)), default=0.0)


def _table(steps: list[StepEntry], length: float) -> str:
    """Return the steps as a table, nothing without any."""
    if not steps:
        return ""
    rows = "".join(_step(step, _started(steps, at), length or 1.0) for at, step in enumerate(steps))
    titles = "".join(f'<th scope="col">{title}</th>' for title in _TITLES)
    return f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table></div>'


def _started(steps: list[StepEntry], at: int) -> float:
    """Return when a step started; steps that do not say so are taken to follow each other."""
    return steps[at].get("started_s", sum(step["duration_s"] for step in steps[:at]))


def _step(step: StepEntry, started: float, length: float) -> str:
    """Return one step: what it needs, what it did, and when."""
    needs = ", ".join(step.get("needs", []))
    why = step.get("observed", "")
    outcome = f"{step['outcome']}: {why}" if why else step["outcome"]
    outcome += "".join(f", {name} stood in" for name in step.get("stood_in", []))
    outcome += f", undone by {step.get('undo', '')}" if step.get("undone") else ""
    told = ((needs, 200), (step["server"], 80), (step["tool"], 80), (outcome, 300))
    texts = "".join(f"<td>{escape(line(text, limit))}</td>" for text, limit in told)
    bar = _bar(started / length, step["duration_s"] / length)
    return (
        f'<tr><th scope="row">{escape(line(step["id"], 80))}</th>{texts}'
        f'<td class="number">{seconds(step["duration_s"])}</td><td>{bar}</td></tr>'
    )


def _bar(start: float, share: float) -> str:
    """Return a step as a bar from its start, both as shares of the workflow's time."""
    left = round(min(1.0, max(0.0, start)) * _WIDTH, 1)
    width = max(round(min(1.0, max(0.0, share)) * _WIDTH, 1), 2)
    return (
        f'<svg class="range" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="body" x="{left}" y="12" width="{width}" height="12"/></svg>'
    )
