"""Places in conforming arguments where a keyword can be broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.generation.breaking import KEYWORDS
from mcp_assay.generation.hints import resolved
from mcp_assay.wire.schemas.text import pointer_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.generation.document import Document

_MOST_PER_PLACE = 40
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class Site:
    """One keyword that judges one value.

    Attributes:
        path: Names and indices that lead to the value.
        keyword: The keyword.
        schema: The subschema it stands in.
        value: The value as it is, conforming.
    """

    path: tuple[str | int, ...]
    keyword: str
    schema: JsonObject
    value: Json

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells this site from others: items of one array count as one place."""
        general = tuple("*" if isinstance(step, int) else step for step in self.path)
        return (general, *self.rule)

    @property
    def rule(self) -> tuple[object, ...]:
        """Return what tells its keyword in the schema from others, wherever it is met."""
        return (self.keyword, id(self.schema))


def sites(document: Document, arguments: JsonObject) -> Iterator[Site]:
    """Yield the sites of conforming ``arguments``, those of the outermost object first."""
    places: list[tuple[tuple[str | int, ...], Json, list[Json]]] = [((), arguments, [document.root])]
    while places:
        following: list[tuple[tuple[str | int, ...], Json, list[Json]]] = []
        for path, value, schemas in places:
            asserted = _asserted(document.root, schemas)
            for keyword in KEYWORDS:
                yield from (Site(path, keyword, schema, value) for schema in asserted if keyword in schema)
            if len(path) < _DEEPEST:
                following.extend(((*path, step), child, found) for step, child, found in _parts(value, asserted))
        places = following


def _asserted(root: JsonObject, schemas: list[Json]) -> list[JsonObject]:
    """Return the object schemas in ``schemas`` with those they refer to or demand as well."""
    pending, seen = list(reversed(schemas)), set[int]()
    found: list[JsonObject] = []
    while pending and len(found) < _MOST_PER_PLACE:
        schema = pending.pop()
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        seen.add(id(schema))
        found.append(schema)
        reference, members = schema.get("$ref"), schema.get("allOf")
        if isinstance(reference, str):
            pending.append(resolved(root, reference))
        pending.extend(reversed(members) if isinstance(members, list) else ())
        # Only one of them applies; breaking the other is no break, and the validator says which.
        pending.extend((schema.get("then"), schema.get("else")))
    return found


def _parts(value: Json, schemas: list[JsonObject]) -> Iterator[tuple[str | int, Json, list[Json]]]:
    """Yield the members or the first items of ``value`` with the schemas that judge them."""
    if isinstance(value, dict):
        for name, child in value.items():
            if found := [_member_schema(schema, name) for schema in schemas]:
                yield name, child, found
    elif isinstance(value, list):
        for index, child in enumerate(value[:5]):
            yield index, child, [_item_schema(schema, index) for schema in schemas]


def _member_schema(schema: JsonObject, name: str) -> Json:
    """Return what ``schema`` says of the property ``name``, leaving patterns out."""
    properties = schema.get("properties")
    if isinstance(properties, dict) and name in properties:
        return properties[name]
    return None if "patternProperties" in schema else schema.get("additionalProperties")


def _item_schema(schema: JsonObject, index: int) -> Json:
    """Return what ``schema`` says of the item at ``index``."""
    prefix = schema.get("prefixItems", schema.get("items"))
    if isinstance(prefix, list):
        if index < len(prefix):
            return prefix[index]
        return schema.get("items") if "prefixItems" in schema else schema.get("additionalItems")
    return schema.get("items")


def pointer_to(path: Iterable[str | int]) -> str:
    """Return a path of names and indices as a JSON Pointer (RFC 6901)."""
    return "".join(f"/{pointer_part(str(step))}" for step in path)


def replaced(value: Json, path: tuple[str | int, ...], new: Json) -> Json:
    """Return ``value`` with ``new`` at ``path``; the original stays as it is, untouched parts are shared."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and isinstance(step, str):
        return {**value, step: replaced(value[step], rest, new)}
    if isinstance(value, list) and isinstance(step, int):
        return [*value[:step], replaced(value[step], rest, new), *value[step + 1 :]]
    return value
