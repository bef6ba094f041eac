"""A plan as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_assay.runtime.workflow.values import Plan, Step

_LONGEST = 80


def mermaid(plan: Plan) -> str:
    """Return the plan as a Mermaid flow chart: a box a step, an arrow from each step to those that wait for it.

    Steps of one server stand in one frame; dashed arrows lead to what is done instead and to what undoes a step. Names
    come from servers, so everything that Mermaid could read as markup is taken out.
    """
    lines = ["flowchart TD"]
    by_server: dict[str, list[Step]] = {}
    for step in plan.steps:
        by_server.setdefault(_server(step.action.tool), []).append(step)
    for number, (server, steps) in enumerate(by_server.items()):
        lines += [f'  subgraph server{number}["{_safe(server)}"]']
        lines += [f'    {_node(step)}["{_label(step)}"]' for step in steps]
        lines += ["  end"]
    for step in plan.steps:
        lines += [f"  step_{needed} --> {_node(step)}" for needed in sorted(plan.dependencies[step.id])]
        lines += _asides(step)
    return "\n".join(lines) + "\n"


def _asides(step: Step) -> list[str]:
    """Return the arrows to what is done instead of a step and to what undoes it."""
    lines = [
        f'  {_node(step)} -. otherwise .-> {_node(step)}_else{number}["{_safe(_bare(action.tool))}"]'
        for number, action in enumerate(step.fallback, 1)
    ]
    if step.compensate is not None:
        lines.append(f'  {_node(step)} -. undone by .-> {_node(step)}_undo["{_safe(_bare(step.compensate.tool))}"]')
    return lines


def _label(step: Step) -> str:
    extra = [f"when {step.when}" if step.when else "", f"for each of {step.foreach}" if step.foreach else ""]
    return "<br>".join(_safe(text) for text in (step.id, _bare(step.action.tool), *extra) if text)


def _node(step: Step) -> str:
    # A prefix keeps ids such as "end" from being read as keywords.
    return f"step_{step.id}"


def _server(tool: str) -> str:
    return tool.rpartition("::")[2].partition(".")[0]


def _bare(tool: str) -> str:
    return tool.rpartition("::")[2].partition(".")[2]


def _safe(text: str) -> str:
    """Return a text in which nothing is markup, as numeric entities, and that is not long."""
    return "".join(
        character if character.isascii() and (character.isalnum() or character in " _.-:") else f"#{ord(character)};"
        for character in text[:_LONGEST]
    )
