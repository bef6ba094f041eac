"""Judging an instance by a schema. Runs inside the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jsonschema_rs

from mcp_assay.wire.schemas.checking import bounded, check, declared_dialect, fatal
from mcp_assay.wire.schemas.compiling import ECMA_PATTERN, UnjudgeableError, compiled
from mcp_assay.wire.schemas.text import pointer_of, scrubbed, shortened
from mcp_assay.wire.schemas.values import ProblemKind, SchemaProblem

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json


class ExceededError(Exception):
    """The validator gave up on a pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A schema made ready to judge instances.

    Attributes:
        validator: The compiled schema, or None when it cannot be used.
        problems: Why it cannot be used.
    """

    validator: jsonschema_rs.Validator | None
    problems: tuple[SchemaProblem, ...] = ()


def prepare(schema: Json) -> Judge:
    """Return the judge of ``schema``; one without a validator when the schema is broken or needs the network."""
    schema = scrubbed(schema)
    broken = fatal(check(schema).problems)
    if broken:
        return Judge(validator=None, problems=broken)
    try:
        return Judge(validator=compiled(schema, declared_dialect(schema)))
    except UnjudgeableError:
        return Judge(validator=None)


def violations(validator: jsonschema_rs.Validator, instance: Json) -> tuple[SchemaProblem, ...]:
    """Return how ``instance`` breaks the schema, at most 20 ways.

    Raises:
        ExceededError: A pattern took too many steps to be matched.
    """
    instance = scrubbed(instance)
    if validator.is_valid(instance):
        return ()
    return bounded(_violation(error) for error in validator.iter_errors(instance))


def _violation(error: jsonschema_rs.ValidationError) -> SchemaProblem:
    """Return one error of the validator as a problem.

    Raises:
        ExceededError: It is none, but the end of the validator's patience.
    """
    kinds = jsonschema_rs.ValidationErrorKind
    if isinstance(error.kind, kinds.BacktrackLimitExceeded | kinds.RegexEngineFailure):
        raise ExceededError("a pattern of the schema takes too many steps to match")
    parts = ["pattern" if part == ECMA_PATTERN else part for part in error.schema_path]
    keyword = "pattern" if error.kind.name == ECMA_PATTERN else error.kind.name
    return SchemaProblem(
        kind=ProblemKind.INSTANCE,
        path=pointer_of(error.instance_path),
        message=shortened(error.message),
        keyword=shortened(keyword, 60),
        schema_path=pointer_of(parts),
    )
