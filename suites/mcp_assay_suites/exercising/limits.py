"""How often a tool is called."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from mcp_assay_suites.exercising.shares import has_time

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import ServerUnderTest, Subject, ToolUnderTest
    from mcp_assay_suites.exercising.cases import Calls

OPEN_WORLD_CALLS = 3
"""Calls of a tool that reaches beyond its server, in a whole run: each may cost money, be limited, or be seen."""

OPEN_WORLD_VALID = 1
"""How many of them are valid ones."""

_EXPLORED_S = 0.25
"""Seconds within which a tool must mostly answer to be called often at the edges of its schema as well."""

_SAMPLED_S = 1.0
"""Seconds within which it must mostly answer to be called at some edges."""

EDGES_WHEN_IT_WORKS, _EDGES_WHEN_NOT, _EDGES_WHEN_SLOW = 6, 2, 1
"""How many times more calls a tool gets at the edges of its schema, by whether a generated call worked."""

ODD_WHEN_IT_WORKS = 4
"""How many times more calls a tool that works gets with hostile values, and with edges deep inside its arguments."""


def is_open_world(tool: ToolUnderTest) -> bool:
    """Return whether a tool may talk to the outside world, and nobody has said that this is fine.

    ``openWorldHint`` is true when it is missing (schema, ToolAnnotations). A rule of the user for the tool lifts it.
    """
    cleared = tool.decision.explicit or tool.decision.contained
    return tool.definition.annotations.get("openWorldHint") is not False and not cleared


def is_repeatable(tool: ToolUnderTest) -> bool:
    """Return whether calling the tool again with the same arguments changes nothing more, by its own account."""
    annotations = tool.definition.annotations
    return annotations.get("readOnlyHint") is True or annotations.get("idempotentHint") is True


def may_repeat(tool: ToolUnderTest) -> bool:
    """Return whether a tool that was called may be called once more."""
    cleared = tool.decision.explicit or tool.decision.contained
    return tool.decision.allowed and (cleared or (is_repeatable(tool) and not is_open_world(tool)))


def may_look(tool: ToolUnderTest) -> bool:
    """Return whether a tool may be called just to see what happens: opened, read-only, and closed to the world."""
    read_only = tool.definition.annotations.get("readOnlyHint") is True
    return tool.decision.allowed and read_only and not is_open_world(tool)


def may_try(tool: ToolUnderTest) -> bool:
    """Return whether a tool may be called with arguments nobody thought of: just to look, or inside a sandbox."""
    return may_look(tool) or (tool.decision.allowed and tool.decision.contained)


def calls_left(server: ServerUnderTest, tool: ToolUnderTest) -> int | None:
    """Return how many more calls the tool may get in this run, or None for no limit."""
    return max(0, OPEN_WORLD_CALLS - server.calls.get(tool.name, 0)) if is_open_world(tool) else None


def may_explore(subject: Subject) -> bool:
    """Return whether further calls may be made to find out more about something that was seen."""
    tool = subject.the_tool
    repeatable = is_repeatable(tool) or tool.decision.contained
    return subject.arguments is None and not is_open_world(tool) and repeatable and has_time(subject)


def share_of_edges(tool: ToolUnderTest, calls: Calls) -> int:
    """Return how many times more calls a tool gets at its edges: none unless it may be called just to look."""
    durations = [case.exchange.duration_s for case in calls.cases if not case.told] or [0.0]
    usual_s = median(durations)
    if not may_try(tool) or usual_s > _SAMPLED_S:
        return 0
    # A machine that is busy elsewhere makes single calls slow.
    if usual_s > _EXPLORED_S or max(durations) > 4 * _EXPLORED_S:
        return _EDGES_WHEN_SLOW
    return EDGES_WHEN_IT_WORKS if calls.successes else _EDGES_WHEN_NOT
