"""How often a tool is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay_suites.exercising.shares import has_time

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import ServerUnderTest, Subject, ToolUnderTest

OPEN_WORLD_CALLS = 3
"""Calls of a tool that reaches beyond its server, in a whole run: each may cost money, be limited, or be seen."""

OPEN_WORLD_VALID = 1
"""How many of them are valid ones."""


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
