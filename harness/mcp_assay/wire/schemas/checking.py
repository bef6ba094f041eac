"""Judging one schema: metaschema, references, regular expressions, compilation. Runs inside the worker."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin

import jsonschema_rs

from mcp_assay.wire.schemas.compiling import UnjudgeableError, compiled
from mcp_assay.wire.schemas.dialects import DEFAULT_BASE, DEFAULT_DIALECT, Dialect, Place, dialect_named, places
from mcp_assay.wire.schemas.patterns import pattern_problem
from mcp_assay.wire.schemas.text import compact, pointer_of, pointer_part, quoted, scrubbed, shortened
from mcp_assay.wire.schemas.values import ProblemKind, SchemaProblem, SchemaSize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_assay.core.json_types import Json, JsonObject

MOST_PROBLEMS = 20
_MOST_RAW_PROBLEMS = 1_000
_REFERENCE_KEYWORDS = ("$ref", "$dynamicRef", "$recursiveRef")
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSchema:
    """What was found out about a schema.

    Attributes:
        problems: At most `MOST_PROBLEMS`.
        size: Its measures.
    """

    problems: tuple[SchemaProblem, ...]
    size: SchemaSize


def check(schema: Json) -> CheckedSchema:
    """Return the problems and measures of ``schema`` under its declared dialect, or 2020-12."""
    schema = scrubbed(schema)
    dialect = declared_dialect(schema)
    found = list(places(schema, dialect))
    problems = bounded(_problems(schema, dialect, found))
    compile_s = 0.0
    if not any(problem.kind in _FATAL for problem in problems):
        problem, compile_s = _compilation(schema, dialect)
        problems += (problem,) if problem else ()
    size = SchemaSize(
        depth=_depth(schema), subschemas=max(1, len(found)), size_bytes=len(compact(schema)), compile_s=compile_s
    )
    return CheckedSchema(problems=problems, size=size)


_FATAL = frozenset({ProblemKind.SCHEMA, ProblemKind.REFERENCE, ProblemKind.EXTERNAL, ProblemKind.PATTERN})


def fatal(problems: Iterable[SchemaProblem]) -> tuple[SchemaProblem, ...]:
    """Return the problems that keep a schema from being used."""
    return tuple(problem for problem in problems if problem.kind in _FATAL)


def declared_dialect(schema: Json) -> Dialect:
    """Return the dialect ``$schema`` names, or 2020-12."""
    named = dialect_named(schema.get("$schema")) if isinstance(schema, dict) else None
    return named or DEFAULT_DIALECT


def bounded(problems: Iterable[SchemaProblem]) -> tuple[SchemaProblem, ...]:
    """Return the first different problems, at most `MOST_PROBLEMS`."""
    unique = dict.fromkeys(itertools.islice(problems, _MOST_RAW_PROBLEMS))
    return tuple(itertools.islice(unique, MOST_PROBLEMS))


def _problems(schema: Json, dialect: Dialect, found: list[Place]) -> Iterator[SchemaProblem]:
    """Yield everything wrong with ``schema``, the most basic first."""
    if not isinstance(schema, dict | bool):
        yield _problem(ProblemKind.SCHEMA, "", f"{quoted(schema)} is no schema: an object or a boolean is", "")
        return
    if isinstance(schema, dict):
        yield from _dialect_problems(schema)
        yield from _metaschema_problems(schema, dialect)
        yield from _reference_problems(schema, dialect, found)
    yield from _pattern_problems(found)


def _dialect_problems(schema: JsonObject) -> Iterator[SchemaProblem]:
    """Yield the complaint about an unknown ``$schema``."""
    declared = schema.get("$schema")
    if isinstance(declared, str) and dialect_named(declared) is None:
        message = f"$schema {quoted(declared)} names no known dialect, so 2020-12 is assumed"
        yield _problem(ProblemKind.DIALECT, "/$schema", message, "$schema")


def _metaschema_problems(schema: JsonObject, dialect: Dialect) -> Iterator[SchemaProblem]:
    """Yield the violations of the dialect's metaschema; formats are judged elsewhere."""
    # A root that is only a reference to the metaschema is resolved from the validator's own copy.
    metaschema = dialect.validator({"$ref": dialect.uri}, offline=True, validate_formats=False)
    for error in metaschema.iter_errors(schema):
        keyword = str(error.instance_path[-1]) if error.instance_path else ""
        yield _problem(ProblemKind.SCHEMA, pointer_of(error.instance_path), _metaschema_message(error), keyword)


def _metaschema_message(error: jsonschema_rs.ValidationError) -> str:
    """Return one sentence on a metaschema violation."""
    place = f"{error.instance_path[-1]}: " if error.instance_path else ""
    if error.instance_path and error.instance_path[-1] == "type":
        return f"type: {quoted(error.instance)} is none of {', '.join(_TYPES)}, nor a list of different ones"
    return f"{place}{error.message}"


def _reference_problems(schema: JsonObject, dialect: Dialect, found: list[Place]) -> Iterator[SchemaProblem]:
    """Yield references that lead nowhere or out of the document."""
    pending = [(place, keyword) for place in found for keyword in _REFERENCE_KEYWORDS if keyword in place.schema]
    if not pending:
        return
    elsewhere = _Elsewhere()
    try:
        registry = jsonschema_rs.Registry([(DEFAULT_BASE, schema)], draft=dialect.draft, retriever=elsewhere)
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        yield _problem(ProblemKind.REFERENCE, "", f"references cannot be resolved: {error}", "$ref")
        return
    for place, keyword in pending:
        reference = place.schema[keyword]
        if not isinstance(reference, str) or dialect_named(reference) is not None:
            continue
        if elsewhere.holds(place.base, reference):
            message = f"{keyword} {quoted(reference)} is not in this document and is never fetched"
            yield _problem(ProblemKind.EXTERNAL, f"{place.pointer}/{keyword}", message, keyword)
        elif complaint := _lookup_complaint(registry, place.base, reference):
            message = f"{keyword} {quoted(reference)} points at nothing: {complaint}"
            yield _problem(ProblemKind.REFERENCE, f"{place.pointer}/{keyword}", message, keyword)


def _lookup_complaint(registry: jsonschema_rs.Registry, base: str, reference: str) -> str | None:
    """Return why ``reference`` cannot be followed, or None when it can."""
    try:
        registry.resolver(base).lookup(reference)
    except jsonschema_rs.ReferencingError as error:
        complaint = str(error)
        return complaint[:1].lower() + complaint[1:]
    return None


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """Stands in for network and files: notes what is asked for and hands out an empty schema.

    Attributes:
        asked: Absolute URIs of the resources that are not in the document.
    """

    asked: set[str] = field(default_factory=set[str])

    def __call__(self, uri: str, /) -> JsonObject:
        self.asked.add(uri)
        return {}

    def holds(self, base: str, reference: str) -> bool:
        """Return whether ``reference`` leads to one of the resources asked for."""
        try:
            return urldefrag(urljoin(base, reference)).url in self.asked
        except ValueError:
            return False


def _pattern_problems(found: list[Place]) -> Iterator[SchemaProblem]:
    """Yield the broken and the foreign regular expressions."""
    for place in found:
        if place.shadowed:
            continue
        pattern = place.schema.get("pattern")
        if isinstance(pattern, str) and (problem := pattern_problem(pattern, f"{place.pointer}/pattern")):
            yield problem
        named = place.schema.get("patternProperties")
        for name in named if isinstance(named, dict) else ():
            if problem := pattern_problem(name, f"{place.pointer}/patternProperties/{pointer_part(name)}"):
                yield problem


def _compilation(schema: Json, dialect: Dialect) -> tuple[SchemaProblem | None, float]:
    """Return what the compiler says, if it complains, and the seconds it took."""
    started = time.perf_counter()
    try:
        compiled(schema, dialect)
    except UnjudgeableError:
        return None, 0.0
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        path = pointer_of(error.instance_path) if isinstance(error, jsonschema_rs.ValidationError) else ""
        return _problem(ProblemKind.SCHEMA, path, f"it does not compile: {error.message}", ""), 0.0
    return None, time.perf_counter() - started


def _problem(kind: ProblemKind, path: str, message: str, keyword: str) -> SchemaProblem:
    """Return a problem whose texts are bounded."""
    return SchemaProblem(kind=kind, path=shortened(path), message=shortened(message), keyword=shortened(keyword, 60))


def _depth(value: Json) -> int:
    """Return the nesting depth of ``value``, without recursion."""
    depth, level = 0, [value]
    while level:
        containers = [item for item in level if isinstance(item, dict | list)]
        depth += bool(containers)
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
    return depth
