"""The public strategies of a tool's arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

import mcp_assay
from mcp_assay.generation import GenerationError, InvalidArguments, Style

SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string", "minLength": 1}, "depth": {"type": "integer", "maximum": 3}},
    "required": ["path"],
    "additionalProperties": False,
}
LISTED = {"name": "look", "inputSchema": SCHEMA}
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@dataclass(frozen=True)
class Held:
    """A tool as the fixture ``mcp_tool`` gives it."""

    definition: dict[str, Any]


@settings(max_examples=50, database=None)
@given(mcp_assay.arguments(LISTED))
def test_arguments_of_a_listed_tool_conform(arguments: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(arguments)


@settings(max_examples=50, database=None)
@given(mcp_assay.arguments(Held(LISTED), style=Style.HOSTILE))
def test_arguments_of_a_held_tool_conform_in_every_style(arguments: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(arguments)


@settings(max_examples=50, database=None)
@given(mcp_assay.invalid_arguments(LISTED))
def test_invalid_arguments_break_the_keyword_they_name(broken: InvalidArguments) -> None:
    assert [error.validator for error in VALIDATOR.iter_errors(broken.arguments)] == [broken.keyword]


@pytest.mark.parametrize("make", [mcp_assay.arguments, mcp_assay.invalid_arguments])
def test_a_tool_without_a_schema_has_no_arguments(make: Any) -> None:
    with pytest.raises(GenerationError, match="no inputSchema"):
        make({"name": "look"})
