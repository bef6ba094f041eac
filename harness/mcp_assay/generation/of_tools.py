"""Hypothesis strategies of a tool's arguments, for tests of the user: ``@given(mcp_assay.arguments(tool))``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mcp_assay.generation.errors import UnusableSchemaError
from mcp_assay.generation.invalid import InvalidArguments
from mcp_assay.generation.invalid import invalid_arguments as invalid_for
from mcp_assay.generation.valid import arguments as valid_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import SearchStrategy

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.generation.sources import Style


class HasDefinition(Protocol):
    """A tool as the fixture ``mcp_tool`` gives it."""

    @property
    def definition(self) -> JsonObject:
        """The tool as its server listed it."""
        ...


Tool = HasDefinition | dict[str, "Json"]
"""A tool of the fixture ``mcp_tool``, or an entry of ``tools/list``."""


def arguments(tool: Tool, *, style: Style | None = None) -> SearchStrategy[JsonObject]:
    """Return a strategy of arguments that conform to a tool's input schema.

    Args:
        tool: The tool.
        style: Plain ones by default; see `mcp_assay.generation.Style` for those at the edges and hostile ones.

    Raises:
        GenerationError: Nothing conforms, or the schema is broken or not worth trying.
    """
    schema = _input_schema(tool)
    return valid_for(schema) if style is None else valid_for(schema, style=style)


def invalid_arguments(tool: Tool) -> SearchStrategy[InvalidArguments]:
    """Return a strategy of arguments that break one keyword of a tool's input schema.

    Each value has the ``arguments``, and says in ``keyword``, ``pointer`` and ``description`` what is wrong with them.

    Raises:
        GenerationError: As for `arguments`; also when every object conforms.
    """
    return invalid_for(_input_schema(tool))


def _input_schema(tool: Tool) -> JsonObject:
    """Return a tool's input schema.

    Raises:
        UnusableSchemaError: It has none.
    """
    definition: Mapping[str, Json] = tool if isinstance(tool, dict) else tool.definition
    schema = definition.get("inputSchema")
    if not isinstance(schema, dict):
        raise UnusableSchemaError("the tool has no inputSchema")
    return schema
