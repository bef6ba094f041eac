"""The dialects of JSON Schema: their names, and where each of them keeps subschemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import jsonschema_rs

from mcp_assay.wire.schemas.text import pointer_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject

DEFAULT_BASE = "https://schema.invalid/"
"""Base URI of a schema without ``$id``; a reserved name (RFC 2606) that resolves nowhere."""

_SINGLE = frozenset({
    "additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not",
    "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
})  # fmt: skip
_LISTS = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_MAPS = frozenset({"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"})
_NEWER = frozenset({"contentSchema", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties"})
_ONLY_2020 = frozenset({"prefixItems"})
_GONE_IN_2020 = frozenset({"additionalItems"})
_SINCE_06 = frozenset({"contains", "propertyNames"})
_SINCE_07 = frozenset({"if", "then", "else"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One released dialect of JSON Schema.

    Attributes:
        uri: Its metaschema's canonical URI, without an empty fragment.
        draft: The number by which ``jsonschema_rs`` knows it.
        age: Position in the order of release, 0 for draft-04.
        validator: Compiles a schema of this dialect.
    """

    uri: str
    draft: int
    age: int
    validator: type[jsonschema_rs.Validator]

    @property
    def ref_hides_siblings(self) -> bool:
        """Return whether keywords next to ``$ref`` are ignored (draft-07 and before)."""
        return self.age <= 2

    @property
    def id_keyword(self) -> str:
        """Return the keyword that sets the base URI."""
        return "id" if self.age == 0 else "$id"

    def holds_subschemas(self, keyword: str) -> bool:
        """Return whether ``keyword`` of this dialect has subschemas as its value."""
        if keyword not in _SINGLE | _LISTS | _MAPS:
            return False
        too_new = (
            (keyword in _NEWER and self.age < 3)
            or (keyword in _ONLY_2020 and self.age < 4)
            or (keyword in _SINCE_06 and self.age < 1)
            or (keyword in _SINCE_07 and self.age < 2)
        )
        return not too_new and not (keyword in _GONE_IN_2020 and self.age == 4)


DIALECTS = (
    Dialect(uri="http://json-schema.org/draft-04/schema", draft=jsonschema_rs.Draft4, age=0,
            validator=jsonschema_rs.Draft4Validator),
    Dialect(uri="http://json-schema.org/draft-06/schema", draft=jsonschema_rs.Draft6, age=1,
            validator=jsonschema_rs.Draft6Validator),
    Dialect(uri="http://json-schema.org/draft-07/schema", draft=jsonschema_rs.Draft7, age=2,
            validator=jsonschema_rs.Draft7Validator),
    Dialect(uri="https://json-schema.org/draft/2019-09/schema", draft=jsonschema_rs.Draft201909, age=3,
            validator=jsonschema_rs.Draft201909Validator),
    Dialect(uri="https://json-schema.org/draft/2020-12/schema", draft=jsonschema_rs.Draft202012, age=4,
            validator=jsonschema_rs.Draft202012Validator),
)  # fmt: skip
DEFAULT_DIALECT = DIALECTS[-1]
"""What a schema without ``$schema`` is read as (MCP 2025-11-25, JSON Schema usage)."""

_BY_NAME = {dialect.uri.split("://", 1)[1]: dialect for dialect in DIALECTS}


def dialect_named(uri: object) -> Dialect | None:
    """Return the dialect a ``$schema`` value names, or None; ``http``, ``https`` and an empty fragment are one."""
    if not isinstance(uri, str):
        return None
    scheme, separator, rest = uri.strip().partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        return None
    return _BY_NAME.get(rest.removesuffix("#"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One subschema and where it stands.

    Attributes:
        pointer: JSON Pointer from the root.
        schema: The subschema as an object; boolean and malformed subschemas are not places.
        base: Its base URI, absolute and without fragment.
        shadowed: Whether a ``$ref`` beside them makes the dialect ignore its other keywords.
    """

    pointer: str
    schema: JsonObject
    base: str
    shadowed: bool


def places(schema: Json, dialect: Dialect) -> Iterator[Place]:
    """Yield every object that stands where ``dialect`` expects a subschema, root first, without recursion."""
    pending: list[tuple[str, Json, str]] = [("", schema, DEFAULT_BASE)]
    while pending:
        pointer, found, base = pending.pop()
        if not isinstance(found, dict):
            continue
        base = _rebased(found, base, dialect)
        shadowed = dialect.ref_hides_siblings and "$ref" in found
        yield Place(pointer=pointer, schema=found, base=base, shadowed=shadowed)
        inner = [(f"{pointer}{step}", child, base) for step, child in children(found, dialect)]
        pending.extend(reversed(inner))


def children(schema: Mapping[str, Json], dialect: Dialect) -> Iterator[tuple[str, Json]]:
    """Yield the direct subschemas with their pointers relative to ``schema``."""
    hidden = "$ref" in schema and dialect.ref_hides_siblings
    for keyword, value in schema.items():
        if not dialect.holds_subschemas(keyword) or (hidden and keyword != "definitions"):
            continue
        step = f"/{pointer_part(keyword)}"
        if isinstance(value, dict) and keyword in _MAPS:
            yield from ((f"{step}/{pointer_part(name)}", child) for name, child in value.items())
        elif isinstance(value, list) and keyword in _LISTS:
            yield from ((f"{step}/{index}", child) for index, child in enumerate(value))
        elif keyword in _SINGLE:
            yield step, value


def _rebased(schema: JsonObject, base: str, dialect: Dialect) -> str:
    """Return the base URI that holds inside ``schema``."""
    own = schema.get(dialect.id_keyword)
    if not isinstance(own, str) or own.startswith("#") or ("$ref" in schema and dialect.ref_hides_siblings):
        return base
    try:
        return urljoin(base, own).partition("#")[0]
    except ValueError:
        return base
