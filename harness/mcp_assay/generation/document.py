"""A server's schema made ready for making arguments: bounded, local and readable."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import jsonschema_rs
from jsonschema_rs import canonical

from mcp_assay.generation.errors import TooComplexError, UnsatisfiableError, UnusableSchemaError
from mcp_assay.generation.regex import readable
from mcp_assay.generation.relaxing import relaxed
from mcp_assay.wire.schemas.dialects import DEFAULT_DIALECT, Dialect, children, dialect_named, places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import Json, JsonObject

DEEPEST = 100
MOST_SUBSCHEMAS = 5_000
LARGEST_BYTES = 512 * 1024
MOST_STEPS = 20_000
_BACKTRACKS = jsonschema_rs.FancyRegexOptions(backtrack_limit=20_000)
_IN_PLACE = ("/allOf", "/anyOf", "/oneOf", "/not", "/if", "/then", "/else", "/dependentSchemas", "/dependencies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A schema that can be canonicalised and validated in this process within bounds.

    Attributes:
        root: A private copy of the schema.
        dialect: The dialect it is read in.
        alternatives: Canonical forms, objects only, that cover it together; a value of one conforms unless the schema
            was too involved to be canonicalised as a whole, in which case the validator has to pick.
        validator: Judges arguments by the whole schema, formats included.
    """

    root: JsonObject
    dialect: Dialect
    alternatives: tuple[jsonschema_rs.CanonicalSchema, ...]
    validator: jsonschema_rs.Validator


def load(schema: JsonObject) -> Document:
    """Return ``schema`` ready for use.

    Raises:
        TooComplexError: It is too deep, too large, or takes too many steps to evaluate.
        UnusableSchemaError: It is broken or refers to something outside the document.
        UnsatisfiableError: No object conforms to it.
    """
    root = _copied(schema)
    dialect = dialect_named(root.get("$schema")) or DEFAULT_DIALECT
    _bound(root, dialect)
    _make_readable(root, dialect)
    try:
        validator = validator_of(root, dialect)
        alternatives = _alternatives(root, dialect)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise UnusableSchemaError(f"the schema cannot be used: {str(error).splitlines()[0][:300]}") from None
    if not alternatives:
        raise UnsatisfiableError("no arguments conform to the schema")
    return Document(root=root, dialect=dialect, alternatives=alternatives, validator=validator)


def _alternatives(root: JsonObject, dialect: Dialect) -> tuple[jsonschema_rs.CanonicalSchema, ...]:
    """Return the satisfiable canonical forms of ``root``, simplified ones where it is too involved as a whole.

    Raises:
        TooComplexError: It stays too involved.
    """
    whole = canonicalised(root, dialect)
    forms = [whole]
    if whole.kind is canonical.CanonicalKind.RAW:
        forms = [canonicalised(each, dialect) for each in relaxed(root, dialect)]
        forms = [form for form in forms if form.kind is not canonical.CanonicalKind.RAW]
        if not forms:
            raise TooComplexError("the schema combines too many cases")
    objects = canonicalised({"type": "object"}, dialect)
    narrowed = dict.fromkeys(form.intersect(objects) for form in forms)
    return tuple(form for form in narrowed if form.satisfiability() is not canonical.Satisfiability.NO)


def canonicalised(schema: Json, dialect: Dialect) -> jsonschema_rs.CanonicalSchema:
    """Return the canonical form of ``schema``, formats kept; nothing is fetched."""
    return jsonschema_rs.canonicalize(
        cast("JsonObject | bool", schema),
        draft=dialect.draft,
        validate_formats=True,
        pattern_options=_BACKTRACKS,
        offline=True,
    )


def validator_of(schema: Json, dialect: Dialect, *, formats: bool = True) -> jsonschema_rs.Validator:
    """Return a validator whose patterns give up early and which fetches nothing."""
    return dialect.validator(
        cast("JsonObject | bool", schema), validate_formats=formats, pattern_options=_BACKTRACKS, offline=True
    )


def _copied(schema: JsonObject) -> JsonObject:
    """Return a copy, with a text limit instead of a crash on bottomless nesting.

    Raises:
        TooComplexError: It is nested too deeply or too large.
        UnusableSchemaError: It is no JSON object.
    """
    try:
        text = json.dumps(schema)
    except (RecursionError, ValueError):
        raise TooComplexError("the schema is nested too deeply") from None
    if len(text) > LARGEST_BYTES:
        raise TooComplexError(f"the schema is {len(text)} bytes long")
    copied = json.loads(text)
    if not isinstance(copied, dict):
        raise UnusableSchemaError("the schema is no JSON object")
    return cast("JsonObject", copied)


def _bound(root: JsonObject, dialect: Dialect) -> None:
    """Let pass schemas whose evaluation is bounded.

    Raises:
        TooComplexError: Nesting, number of subschemas or number of steps is too large.
    """
    found = {place.pointer: place.schema for place in places(root, dialect)}
    if len(found) > MOST_SUBSCHEMAS:
        raise TooComplexError(f"the schema has {len(found)} subschemas")
    if max(pointer.count("/") for pointer in found) > DEEPEST:
        raise TooComplexError("the schema is nested too deeply")
    counter = _Steps(found=found, dialect=dialect, known={})
    for pointer in found:
        if counter.steps(pointer) > MOST_STEPS:
            raise TooComplexError("the schema's references fan out too far")


@dataclass(frozen=True, slots=True)
class _Steps:
    """Counts how many subschemas one value can be held against, references followed.

    Attributes:
        found: Subschemas by JSON Pointer.
        dialect: Says where subschemas are.
        known: Counts so far; those in progress count once, which ends cycles.
    """

    found: dict[str, JsonObject]
    dialect: Dialect
    known: dict[str, int]

    def steps(self, pointer: str) -> int:
        """Return the count for the subschema at ``pointer``."""
        pending = [(pointer, False)]
        while pending:
            current, children_known = pending.pop()
            if children_known:
                total = 1 + sum(self.known.get(part, 1) for part in self._parts(current))
                self.known[current] = min(total, MOST_STEPS + 1)
            elif current not in self.known:
                self.known[current] = 1
                pending.append((current, True))
                pending.extend((part, False) for part in self._parts(current) if part not in self.known)
        return self.known[pointer]

    def _parts(self, pointer: str) -> Iterator[str]:
        """Yield the pointers of subschemas that judge the same value."""
        schema = self.found.get(pointer)
        if schema is None:
            return
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            yield reference[1:]
        for step, _ in children(schema, self.dialect):
            if step.startswith(_IN_PLACE):
                yield pointer + step


def _make_readable(root: JsonObject, dialect: Dialect) -> None:
    """Rewrite in place what the validator reads differently from the specification."""
    if dialect_named(root.get("$schema")) is None:
        root.pop("$schema", None)
    for place in places(root, dialect):
        pattern = place.schema.get("pattern")
        if isinstance(pattern, str):
            place.schema["pattern"] = _readable(pattern)
        named = place.schema.get("patternProperties")
        if isinstance(named, dict):
            place.schema["patternProperties"] = {_readable(name): child for name, child in named.items()}


def _readable(pattern: str) -> str:
    """Return ``pattern`` spelled so that the validator reads it, if there is such a spelling."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, offline=True)
    except (jsonschema_rs.ValidationError, ValueError):
        return readable(pattern)
    return pattern
