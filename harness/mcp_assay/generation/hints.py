"""What a schema says beside its constraints: examples, defaults and names.

The canonical form that values are made from keeps constraints only, so the original schema is walked in step with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mcp_assay.generation.contents import content_value
from mcp_assay.generation.names import Meaning, meaning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import Json, JsonObject

_IN_PLACE = ("allOf", "anyOf", "oneOf")
_CONDITIONAL = ("then", "else")
_MOST_SCHEMAS = 60
_MOST_VALUES = 12
_QUOTED_EXAMPLE = re.compile(
    r"(?:e\.g\.?|for example|such as|examples?:)[,:]?\s*[(\[]?([\"'`])([^\"'`\n]{1,60})\1", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Hint:
    """The original subschemas that speak of one place in the arguments.

    Attributes:
        root: The whole schema, for local references.
        schemas: Subschemas that apply, or may apply, to the place.
        name: The property's name; that of the array for its items, empty at the root.
    """

    root: JsonObject
    schemas: tuple[JsonObject, ...]
    name: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells this hint from others of the same root."""
        return (self.name, *map(id, self.schemas))

    def member(self, name: str) -> Hint:
        """Return the hint of a property."""
        found: list[Json] = []
        for schema in self.schemas:
            properties = schema.get("properties")
            if isinstance(properties, dict) and name in properties:
                found.append(properties[name])
            else:
                found.append(schema.get("additionalProperties"))
        return self._at(found, name)

    def item(self, index: int | None) -> Hint:
        """Return the hint of an array's item; of those beyond the prefix without ``index``."""
        found: list[Json] = []
        for schema in self.schemas:
            prefix = schema.get("prefixItems", schema.get("items"))
            if index is not None and isinstance(prefix, list) and index < len(prefix):
                found.append(prefix[index])
            else:
                found.extend((schema.get("items"), schema.get("additionalItems"), schema.get("contains")))
        return self._at(found, self.name)

    def named(self, name: str) -> Hint:
        """Return a hint that knows nothing but a name."""
        return Hint(self.root, (), name)

    def values(self) -> list[Json]:
        """Return examples and defaults that the schema's author wrote down, the best first."""
        written: list[Json] = []
        for schema in self.schemas:
            examples = schema.get("examples")
            written.extend(examples[:_MOST_VALUES] if isinstance(examples, list) else ())
            written.extend(schema[keyword] for keyword in ("example", "default") if schema.get(keyword) is not None)
            held = content_value(schema)
            written.extend(() if held is None else [held])
        # A path or host in prose may be a real one; only those spelled out as examples are taken.
        if meaning(self.name) is Meaning.TEXT:
            written.extend(self._from_descriptions())
        return written[:_MOST_VALUES]

    def _from_descriptions(self) -> Iterator[Json]:
        """Yield quoted examples out of descriptions, unless they look like a path or an address."""
        for schema in self.schemas:
            description = schema.get("description")
            text = description[:2_000] if isinstance(description, str) else ""
            for match in _QUOTED_EXAMPLE.finditer(text):
                if not re.search(r"://|@|^[/~.]|\\", match.group(2)):
                    yield match.group(2)

    def _at(self, found: list[Json], name: str) -> Hint:
        """Return the hint made of ``found`` and what applies in the same place."""
        return Hint(self.root, tuple(applied(self.root, found)), name)


def root_hint(root: JsonObject) -> Hint:
    """Return the hint of the arguments themselves."""
    return Hint(root, tuple(applied(root, [root])))


def applied(root: JsonObject, found: list[Json]) -> list[JsonObject]:
    """Return the object schemas in ``found`` and those they refer to or combine, each once, at most 60."""
    pending, seen = list(reversed(found)), set[int]()
    result: list[JsonObject] = []
    while pending and len(result) < _MOST_SCHEMAS:
        schema = pending.pop()
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        seen.add(id(schema))
        result.append(schema)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            pending.append(resolved(root, reference))
        for keyword in _IN_PLACE:
            members = schema.get(keyword)
            pending.extend(reversed(members) if isinstance(members, list) else ())
        pending.extend(schema.get(keyword) for keyword in _CONDITIONAL)
    return result


def resolved(root: JsonObject, reference: str) -> Json:
    """Return what a reference into the same document points at, or None; anchors and ids are not followed."""
    if not reference.startswith("#"):
        return None
    found: Json = root
    for token in unquote(reference[1:]).split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        found = _step(found, name)
    return found


def _step(value: Json, token: str) -> Json:
    """Return the member or item that one token of a JSON Pointer names, or None."""
    if isinstance(value, list):
        return value[int(token)] if token.isdecimal() and int(token) < len(value) else None
    return value.get(token) if isinstance(value, dict) else None
