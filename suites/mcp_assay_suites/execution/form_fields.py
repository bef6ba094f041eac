"""The kinds of fields that a form may have, by revision (schema, PrimitiveSchemaDefinition)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay_suites.observing.judging import kind_of, shown

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject

_PLAIN = frozenset({"string", "number", "integer", "boolean"})
_FORMATS = frozenset({"email", "uri", "date", "date-time"})
_NESTING = ("properties", "items", "anyOf", "allOf", "$ref")
_TITLED_SINCE = "2025-11-25"
"""The first revision with titled choices (``oneOf``) and with several answers to one question (arrays)."""


def field_problem(field: Json, version: str) -> str | None:
    """Return why a value is no field of a form in a revision, or None."""
    if not isinstance(field, dict):
        return f"is {kind_of(field)}"
    kind = field.get("type")
    if kind == "array" and version >= _TITLED_SINCE:
        return _choices_problem(field.get("items"), "anyOf")
    if not isinstance(kind, str) or kind not in _PLAIN:
        return f"is of type {shown(kind)}"
    nested = next((key for key in _NESTING if key in field), None)
    if nested is not None:
        return f"has {nested}, which a flat form does not"
    if "oneOf" in field:
        return "has oneOf" if version < _TITLED_SINCE else _titled_problem(field["oneOf"])
    return _string_problem(field) if kind == "string" else None


def _string_problem(field: JsonObject) -> str | None:
    """Return what is wrong with a field for text, or None."""
    if "format" in field and field["format"] not in _FORMATS:
        return f"has format {shown(field['format'])}"
    choices = field.get("enum", [])
    if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices):
        return f"has enum {shown(choices)}"
    return None


def _choices_problem(items: Json, titled: str) -> str | None:
    """Return what is wrong with the choices of a field for several answers, or None."""
    if not isinstance(items, dict):
        return f"has items that are {kind_of(items)}"
    if titled in items:
        return _titled_problem(items[titled])
    choices = items.get("enum")
    texts = isinstance(choices, list) and all(isinstance(one, str) for one in choices)
    return None if texts and items.get("type") == "string" else "is an array of something else than named choices"


def _titled_problem(choices: Json) -> str | None:
    """Return what is wrong with titled choices, or None."""
    listed = choices if isinstance(choices, list) else [choices]
    for one in listed:
        if not isinstance(one, dict) or not isinstance(one.get("const"), str) or not isinstance(one.get("title"), str):
            return f"has a choice without const and title: {shown(one)}"
    return None
