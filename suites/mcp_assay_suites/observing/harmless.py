"""A tool call that may be made without a thought."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.subject import ToolUnderTest


def harmless_call(tools: Iterable[ToolUnderTest]) -> tuple[str, Mapping[str, Json]] | None:
    """Return the name and arguments of the first tool that may be called and whose arguments are known, or None."""
    for tool in tools:
        if tool.decision.allowed:
            if tool.decision.arguments is not None:
                return tool.name, tool.decision.arguments
            if not (tool.definition.input_schema or {}).get("required"):
                return tool.name, {}
    return None
