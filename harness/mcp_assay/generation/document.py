"""A server's schema made ready for making arguments: bounded, local and readable."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import jsonschema_rs
from jsonschema_rs import canonical

from mcp_assay.generation.contradictions import contradiction
from mcp_assay.generation.errors import TooComplexError, UnsatisfiableError, UnusableSchemaError
from mcp_assay.generation.limits import cases, check_bounds
from mcp_assay.generation.regex import readable
from mcp_assay.generation.relaxing import relaxed
from mcp_assay.wire.schemas.dialects import DEFAULT_DIALECT, Dialect, dialect_named, places
from mcp_assay.wire.schemas.text import scrubbed

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject

LARGEST_BYTES = 512 * 1024
MOST_CASES = 4_096
"""Combinations of alternatives beyond which the canonical form is not asked for: it would take seconds to give up."""
_BACKTRACKS = jsonschema_rs.FancyRegexOptions(backtrack_limit=20_000)


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
    check_bounds(root, dialect)
    _make_readable(root, dialect)
    try:
        validator = validator_of(root, dialect)
        alternatives = _alternatives(root, dialect)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise UnusableSchemaError(f"the schema cannot be used: {str(error).splitlines()[0][:300]}") from None
    if not alternatives:
        why = contradiction(root, dialect)
        raise UnsatisfiableError(f"no arguments conform to the schema{f': {why}' if why else ''}")
    return Document(root=root, dialect=dialect, alternatives=alternatives, validator=validator)


def _alternatives(root: JsonObject, dialect: Dialect) -> tuple[jsonschema_rs.CanonicalSchema, ...]:
    """Return the satisfiable canonical forms of ``root``, simplified ones where it is too involved as a whole.

    Raises:
        TooComplexError: It stays too involved.
    """
    whole = canonicalised(root, dialect) if cases(root, dialect) <= MOST_CASES else None
    forms = [whole] if whole else []
    if whole is None or whole.kind is canonical.CanonicalKind.RAW:
        forms = [canonicalised(each, dialect) for each in relaxed(root, dialect)]
        forms = [form for form in forms if form.kind is not canonical.CanonicalKind.RAW]
        if not forms:
            raise TooComplexError("the schema combines too many cases")
    objects = canonicalised({"type": "object"}, dialect)
    narrowed = dict.fromkeys(intersected(form, objects) for form in forms)
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


def intersected(
    first: jsonschema_rs.CanonicalSchema, second: jsonschema_rs.CanonicalSchema
) -> jsonschema_rs.CanonicalSchema:
    """Return the canonical form of what conforms to both.

    Raises:
        TooComplexError: It has none.
    """
    try:
        return first.intersect(second)
    except (canonical.UnsupportedOperand, canonical.UnsupportedResult, canonical.IncompatibleOperands):
        raise TooComplexError("the schema combines too many cases") from None


def validator_of(schema: Json, dialect: Dialect, *, formats: bool = True) -> jsonschema_rs.Validator:
    """Return a validator whose patterns give up early and which fetches nothing."""
    return dialect.validator(
        cast("JsonObject | bool", schema), validate_formats=formats, pattern_options=_BACKTRACKS, offline=True
    )


def conforms(validator: jsonschema_rs.Validator, value: Json) -> bool:
    """Return whether ``value`` conforms; a lone surrogate, which the validator cannot take, counts as a character."""
    try:
        return validator.is_valid(value)
    except UnicodeEncodeError:
        return validator.is_valid(scrubbed(value))


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
