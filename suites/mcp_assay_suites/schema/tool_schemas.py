"""The JSON Schemas inside tool definitions, judged in the schema worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.readiness.check import Scope
from mcp_assay.wire.schemas import ProblemKind, SchemaProblem, SchemaVerdict
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, judged_with_notes, shown
from mcp_assay_suites.schema.definitions import tool_evidence

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject

_BROKEN = (ProblemKind.SCHEMA, ProblemKind.REFERENCE, ProblemKind.PATTERN)


@check("TOOL-008", category=Category.SCHEMA, scope=Scope.TOOL)
async def input_schema_valid(subject: Subject) -> Judgement:
    """Judge whether the input schema is valid in its dialect."""
    return await _valid(subject, "inputSchema", subject.the_tool.definition.input_schema)


@check("TOOL-010", category=Category.SCHEMA, scope=Scope.TOOL)
async def output_schema_valid(subject: Subject) -> Judgement:
    """Judge whether the output schema is valid in its dialect."""
    return await _valid(subject, "outputSchema", subject.the_tool.definition.output_schema)


@check("TOOL-011", category=Category.SCHEMA, scope=Scope.TOOL)
async def output_schema_root(subject: Subject) -> Judgement:
    """Judge the root of an output schema."""
    schema = subject.the_tool.definition.output_schema
    if schema is None:
        return not_applicable("the tool has no output schema")
    if schema.get("type") == "object":
        return passed('its root is type: "object"')
    found = f"its root is type: {shown(schema['type'])}" if "type" in schema else "its root has no type"
    return violated('the root of outputSchema is type: "object"', found, exchange=tool_evidence(subject))


@check("TOOL-012", category=Category.SCHEMA, scope=Scope.TOOL)
async def no_external_ref(subject: Subject) -> Judgement:
    """Judge whether the schemas stand on their own."""
    problems: list[str] = []
    for name, schema in _schemas(subject).items():
        verdict = await _checked(subject, name, schema)
        problems += [_said(name, problem) for problem in verdict.of_kind(ProblemKind.EXTERNAL)]
    return judged(
        "no reference leaves the schema, for nobody may fetch it",
        problems,
        looked_at="every reference stays inside",
        exchange=tool_evidence(subject),
    )


async def _valid(subject: Subject, name: str, schema: JsonObject | None) -> Judgement:
    """Judge one schema; what only another engine than ECMA-262 understands is a note."""
    if schema is None:
        return not_applicable(f"the tool has no {name} that is an object")
    verdict = await _checked(subject, name, schema)
    if verdict.exceeded:
        return skipped(f"the {name} could not be judged: {verdict.reason}")
    return judged_with_notes(
        f"{name} is valid in its dialect, 2020-12 unless it names another",
        [_said(name, problem) for problem in verdict.of_kind(*_BROKEN)],
        [_said(name, problem) for problem in verdict.of_kind(ProblemKind.FOREIGN_PATTERN)],
        looked_at=_measured(verdict),
        exchange=tool_evidence(subject),
    )


async def _checked(subject: Subject, name: str, schema: JsonObject) -> SchemaVerdict:
    """Return what the schema worker says of a schema of this tool, asked once."""
    key = f"schema of {subject.the_tool.slug}: {name}"
    if key not in subject.server.memory:
        subject.server.memory[key] = await subject.run.schemas.check_schema(schema)
    return cast("SchemaVerdict", subject.server.memory[key])


async def checked_schemas(subject: Subject) -> dict[str, SchemaVerdict]:
    """Return what the schema worker says of each schema of the tool, by the member that holds it."""
    return {name: await _checked(subject, name, schema) for name, schema in _schemas(subject).items()}


def _schemas(subject: Subject) -> dict[str, JsonObject]:
    """Return the tool's schemas by the member that holds them."""
    definition = subject.the_tool.definition
    both = {"inputSchema": definition.input_schema, "outputSchema": definition.output_schema}
    return {name: schema for name, schema in both.items() if schema is not None}


def _said(name: str, problem: SchemaProblem) -> str:
    """Return a problem with its place."""
    return f"{name}{problem.path}: {problem.message}"


def _measured(verdict: SchemaVerdict) -> str:
    """Return how big a schema is."""
    size = verdict.size
    return "valid" if size is None else f"valid, {counted(size.subschemas, 'subschema')}, {size.size_bytes} bytes"


CHECKS = (input_schema_valid, output_schema_valid, output_schema_root, no_external_ref)
