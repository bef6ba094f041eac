"""Tools of different servers that a model can hardly tell apart although their names differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable
from mcp_assay.runtime.categories import singular, words_of
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, listed, shown

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.runtime.inventory import ToolDefinition

ALIKE = 0.8
"""Share of common words, of all words of two descriptions, from which on they say the same (Jaccard index)."""

LEAST_WORDS = 4
"""Words below which a description says too little to be compared."""

_MOST_CHARACTERS = 2_000


@check("ADV-022", category=Category.CROSS_SERVER)
async def near_duplicate_tools(subject: Subject) -> Judgement:
    """Judge whether another server has a tool of another name that says it does the same with the same arguments."""
    mine = {tool.name: _words(tool.definition) for tool in subject.server.tools}
    if not mine or not subject.others:
        return not_applicable("there are no tools of other servers to tell apart")
    found: list[str] = []
    for tool in subject.server.tools:
        twins = [
            f"{shown(other.name)} of {shown(server.name)}"
            for server in subject.others
            for other in server.tools
            if other.name != tool.name
            and _arguments(other.definition) == _arguments(tool.definition)
            and likeness(mine[tool.name], _words(other.definition)) >= ALIKE
        ]
        if twins:
            found.append(f"{shown(tool.name)} reads like {listed(twins)}")
    return judged(
        "no two servers describe tools so alike that a model must guess which one is meant",
        found,
        looked_at=f"{counted(len(mine), 'tool')}, none like one of {counted(len(subject.others), 'other server')}",
    )


def likeness(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the share of common words of two descriptions, 0 when one of them says too little."""
    if min(len(first), len(second)) < LEAST_WORDS:
        return 0.0
    return len(first & second) / len(first | second)


def _words(tool: ToolDefinition) -> frozenset[str]:
    description = tool.raw.get("description")
    text = description[:_MOST_CHARACTERS] if isinstance(description, str) else ""
    return frozenset(singular(word) for part in text.split() for word in words_of(part))


def _arguments(tool: ToolDefinition) -> frozenset[str]:
    properties = (tool.input_schema or {}).get("properties")
    return frozenset(properties) if isinstance(properties, dict) else frozenset()


CHECKS = (near_duplicate_tools,)
