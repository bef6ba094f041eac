"""Arguments to call a tool with: the user's own, generated valid ones, and generated ones that are surely wrong."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.generation import GenerationError, example_arguments, invalid_examples
from mcp_assay.wire.schemas import ProblemKind
from mcp_assay_suites.exercising.cases import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.generation import InvalidArguments
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.schemas import SchemaProblem

ANNOTATIONS_ONLY = frozenset({"format", "contentEncoding", "contentMediaType", "contentSchema"})
"""Keywords that a validator need not enforce (JSON Schema 2020-12, validation, 7 and 8)."""

TOLD_FIRST = ("required", "type", "enum", "additionalProperties")
"""The flaws that the catalogue names; others follow."""

_OFFERED_PER_CALL = 4
_UNMISTAKABLE: tuple[Json, ...] = ({"unexpected": True}, [True, False])
"""Values of another type that no reading of the expected one could mean, unlike ``"5"`` for 5 or ``1`` for true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Arguments that break the input schema, and how."""

    arguments: JsonObject
    flaw: Flaw


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Valid arguments.

    Attributes:
        arguments: Each is one call's.
        problem: Why there are fewer than asked for, or None.
    """

    arguments: Sequence[JsonObject]
    problem: str | None = None


def input_schema(subject: Subject) -> JsonObject:
    """Return the tool's input schema; any object where it has none."""
    schema = subject.the_tool.definition.input_schema
    return {"type": "object"} if schema is None else schema


async def valid_arguments(subject: Subject, count: int) -> Chosen:
    """Return up to ``count`` different arguments that fit the input schema, plainest first."""
    schema = input_schema(subject)
    try:
        made = await asyncio.to_thread(example_arguments, schema, seed=subject.run.settings.seed, count=count)
    except GenerationError as problem:
        return Chosen(arguments=(), problem=f"no arguments can be generated: {problem.message}")
    fitting = [arguments for arguments in made if (await subject.run.schemas.validate(schema, arguments)).clean]
    return Chosen(
        arguments=fitting[:count],
        problem=None if fitting else "no arguments can be generated that fit the input schema",
    )


async def wrong_arguments(subject: Subject, count: int) -> list[Wrong]:
    """Return up to ``count`` arguments that break the input schema in different ways beyond doubt.

    Every one was refused by an independent validator for the keyword it stands for.
    """
    schema = input_schema(subject)
    try:
        made = await asyncio.to_thread(
            invalid_examples, schema, seed=subject.run.settings.seed, count=count * _OFFERED_PER_CALL
        )
    except GenerationError:
        return []
    chosen: list[Wrong] = []
    for offered in _varied(made):
        if len(chosen) == count:
            break
        wrong = await _beyond_doubt(subject, schema, offered)
        if wrong is not None and all(wrong.arguments != other.arguments for other in chosen):
            chosen.append(wrong)
    return chosen


def _varied(made: Iterable[InvalidArguments]) -> list[InvalidArguments]:
    """Return the offers with the first of each keyword in front, and the catalogue's keywords before others."""
    seen: dict[str, int] = {}
    ranked: list[tuple[int, int, int, InvalidArguments]] = []
    for index, offered in enumerate(made):
        turn = seen[offered.keyword] = seen.get(offered.keyword, -1) + 1
        rank = TOLD_FIRST.index(offered.keyword) if offered.keyword in TOLD_FIRST else len(TOLD_FIRST)
        ranked.append((turn, rank, index, offered))
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:3])]


async def _beyond_doubt(subject: Subject, schema: JsonObject, offered: InvalidArguments) -> Wrong | None:
    """Return the offer once it is certain that it is wrong and could not be meant well, otherwise None."""
    if offered.keyword in ANNOTATIONS_ONLY:
        return None
    if offered.keyword == "type":
        return await _wrong_type(subject, schema, offered)
    verdict = await subject.run.schemas.validate(schema, offered.arguments)
    if not verdict.of_kind(ProblemKind.INSTANCE):
        return None
    return Wrong(arguments=offered.arguments, flaw=Flaw(keyword=offered.keyword, text=offered.description))


async def _wrong_type(subject: Subject, schema: JsonObject, offered: InvalidArguments) -> Wrong | None:
    """Return the arguments with a value of an unmistakably wrong type in the place of the offered one."""
    if not offered.pointer:
        return None
    for value in _UNMISTAKABLE:
        arguments = _with_value(offered.arguments, offered.pointer, value)
        problems = (await subject.run.schemas.validate(schema, arguments)).of_kind(ProblemKind.INSTANCE)
        if any(_is_about(problem, offered.pointer) for problem in problems):
            kind = "an object" if isinstance(value, dict) else "an array"
            return Wrong(arguments=arguments, flaw=Flaw(keyword="type", text=f"{offered.pointer} is {kind}"))
    return None


def _is_about(problem: SchemaProblem, pointer: str) -> bool:
    """Return whether a problem is that the value at ``pointer`` has a type that is not allowed there."""
    return problem.path == pointer and problem.keyword in {"type", "anyOf", "oneOf", "enum", "const"}


def _with_value(arguments: JsonObject, pointer: str, value: Json) -> JsonObject:
    """Return a copy of the arguments with the value at a JSON Pointer (RFC 6901) replaced."""
    *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    changed: JsonObject = copy.deepcopy(arguments)
    place: Json = changed
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else _member(place, part)
    if isinstance(place, list):
        place[int(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    return changed


def _member(place: Json, name: str) -> Json:
    """Return a member of an object, or null."""
    return place.get(name) if isinstance(place, dict) else None
