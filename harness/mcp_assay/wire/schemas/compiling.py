"""Compiling a schema that a server wrote, without letting it reach out. Runs inside the worker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from mcp_assay.wire.schemas.dialects import Dialect, dialect_named, places
from mcp_assay.wire.schemas.patterns import EcmaPattern, ecma_complaint, validator_reads
from mcp_assay.wire.schemas.text import compact

if TYPE_CHECKING:
    import jsonschema_rs

    from mcp_assay.core.json_types import Json, JsonObject

ECMA_PATTERN = "x-mcp-assay-ecma-pattern"
# JSON Schema draft-07 §8 lets a validator ignore them; a server is not accused over an optional assertion.
_ANNOTATIONS = ("contentEncoding", "contentMediaType", "contentSchema")


class UnjudgeableError(Exception):
    """The schema may be right, but no validator we have can read it."""


def compiled(schema: Json, dialect: Dialect) -> jsonschema_rs.Validator:
    """Return a validator for ``schema`` that fetches nothing and treats formats as annotations.

    Raises:
        UnjudgeableError: A key of ``patternProperties`` is ECMA-262 that the validator's engine cannot read.
        jsonschema_rs.ValidationError: The schema is wrong.
        ValueError: The schema is nested too deeply.
    """
    return dialect.validator(
        cast("JsonObject | bool", _readable(schema, dialect)),
        offline=True,
        validate_formats=False,
        keywords={ECMA_PATTERN: EcmaPattern},
    )


def _readable(schema: Json, dialect: Dialect) -> Json:
    """Return a copy of ``schema`` without the parts that the validator takes differently from the specification."""
    copy = cast("Json", json.loads(compact(schema)))
    for place in places(copy, dialect):
        if place.shadowed:
            place.schema.pop("pattern", None)
            place.schema.pop("patternProperties", None)
        _rewrite(place.schema, dialect)
    return copy


def _rewrite(schema: JsonObject, dialect: Dialect) -> None:
    """Rewrite one subschema in place."""
    for keyword in _ANNOTATIONS:
        schema.pop(keyword, None)
    if isinstance(schema.get("$schema"), str) and dialect_named(schema["$schema"]) is None:
        del schema["$schema"]
    # Every validator ships the other dialects' metaschemas; this one resolves its own only.
    if dialect_named(schema.get("$ref")) not in {None, dialect}:
        del schema["$ref"]
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not validator_reads(pattern) and ecma_complaint(pattern) is None:
        schema[ECMA_PATTERN] = schema.pop("pattern")
    _refuse_unreadable_names(schema.get("patternProperties"))


def _refuse_unreadable_names(named: Json) -> None:
    """Let pass the patterns of ``patternProperties`` that can be compiled or are plainly wrong.

    Raises:
        UnjudgeableError: One is right, but only for another engine.
    """
    for name in named if isinstance(named, dict) else ():
        if not validator_reads(name) and ecma_complaint(name) is None:
            raise UnjudgeableError(name)
