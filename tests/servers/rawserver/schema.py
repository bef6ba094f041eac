"""Validation of arguments, for the keywords that the tools of this server use."""

from __future__ import annotations

import re
from datetime import date

_TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


def problems(schema, value, place="arguments"):
    """Return what is wrong with a value, as sentences; an empty list when it fits."""
    if "type" in schema and not _TYPES[schema["type"]](value):
        return [f"{place} must be of type {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{place} must be one of {', '.join(map(str, schema['enum']))}"]
    if "oneOf" in schema and sum(not problems(part, value, place) for part in schema["oneOf"]) != 1:
        return [f"{place} must be exactly one of {len(schema['oneOf'])} things"]
    if isinstance(value, dict):
        return _object_problems(schema, value, place)
    if isinstance(value, list):
        return _array_problems(schema, value, place)
    return _scalar_problems(schema, value, place)


def _object_problems(schema, value, place):
    known = schema.get("properties", {})
    found = [f"{place} needs {name}" for name in schema.get("required", ()) if name not in value]
    if schema.get("additionalProperties") is False:
        found += [f"{place} does not know {name[:80]!r}" for name in value if name not in known]
    rest = schema.get("additionalProperties")
    for name in value.keys() - known.keys() if isinstance(rest, dict) else ():
        found += problems(rest, value[name], f"{place}.{name[:80]}")
    for name, part in known.items():
        if name in value:
            found += problems(part, value[name], f"{place}.{name}")
    return found


def _array_problems(schema, value, place):
    found = [] if len(value) <= schema.get("maxItems", len(value)) else [f"{place} has too many items"]
    if len(value) < schema.get("minItems", 0):
        found.append(f"{place} has too few items")
    for index, item in enumerate(value):
        found += problems(schema.get("items", {}), item, f"{place}[{index}]")
    return found


def _scalar_problems(schema, value, place):
    found = []
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            found.append(f"{place} has the wrong length")
        if schema.get("format") == "date" and not _is_date(value):
            found.append(f"{place} must be a date")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append(f"{place} must match {schema['pattern']}")
    elif not isinstance(value, bool) and value is not None:
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if not low <= value <= high:
            found.append(f"{place} must be between {low} and {high}")
    return found


def _is_date(value):
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
