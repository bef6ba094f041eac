"""Ways through a JSON Schema that never follow a reference and never recurse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import Json, JsonObject

# The applicators of JSON Schema 2020-12 (core, section 10 and 11; validation, section 8) by the shape of their value.
_ONE = frozenset(
    [
        "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then",
        "unevaluatedItems", "unevaluatedProperties",
    ]
)  # fmt: skip
_SEVERAL = frozenset(["allOf", "anyOf", "items", "oneOf", "prefixItems"])
_NAMED = frozenset(["$defs", "definitions", "dependentSchemas", "patternProperties"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One subschema and where it stands.

    Attributes:
        pointer: JSON Pointer (RFC 6901) from the root.
        schema: The subschema.
        property_name: The property that it describes when it stands directly in a ``properties``.
        plain: Whether only ``properties`` lie between it and the root, so that every instance reaches it by name.
    """

    pointer: str
    schema: JsonObject
    property_name: str | None = None
    plain: bool = True


def places(root: JsonObject) -> Iterator[Place]:
    """Yield every subschema that is an object, the root first; data such as ``default`` or ``enum`` is not entered."""
    stack = [Place(pointer="", schema=root)]
    while stack:
        place = stack.pop()
        yield place
        stack.extend(reversed(list(_below(place))))


def _below(place: Place) -> Iterator[Place]:
    """Yield the subschemas directly below one."""
    for keyword, value in place.schema.items():
        if keyword == "properties":
            for name, schema in _members(value):
                yield Place(
                    pointer=_joined(place.pointer, keyword, name), schema=schema, property_name=name, plain=place.plain
                )
            continue
        for tail, schema in _applied(keyword, value):
            yield Place(pointer=_joined(place.pointer, keyword, *tail), schema=schema, plain=False)


def _applied(keyword: str, value: Json) -> Iterator[tuple[tuple[str, ...], JsonObject]]:
    """Yield the subschemas below a keyword other than ``properties``, with what comes after it in the pointer."""
    if keyword in _ONE and isinstance(value, dict):
        yield (), value
    elif keyword in _SEVERAL and isinstance(value, list):
        yield from (((str(index),), entry) for index, entry in enumerate(value) if isinstance(entry, dict))
    elif keyword in _NAMED:
        yield from (((name,), schema) for name, schema in _members(value))


def _members(value: Json) -> Iterator[tuple[str, JsonObject]]:
    """Yield the members of an object that are objects."""
    if isinstance(value, dict):
        yield from ((name, member) for name, member in value.items() if isinstance(member, dict))


def _joined(pointer: str, *parts: str) -> str:
    """Return a JSON Pointer with further parts."""
    return pointer + "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts)


def resolved(root: JsonObject, schema: JsonObject) -> JsonObject:
    """Return what a local ``$ref`` points at, or the schema itself when it has none that can be followed."""
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return schema
    found: Json = root
    for part in reference[2:].split("/"):
        if not isinstance(found, dict):
            return schema
        found = found.get(part.replace("~1", "/").replace("~0", "~"))
    return found if isinstance(found, dict) else schema
