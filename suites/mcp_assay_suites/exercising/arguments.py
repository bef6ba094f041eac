"""Arguments to call a tool with: the user's own, generated valid ones, and generated ones that are surely wrong."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING

from mcp_assay.generation import GenerationError, Style, example_arguments, invalid_examples
from mcp_assay.wire.schemas import ProblemKind
from mcp_assay_suites.exercising.cases import Flaw, canonical
from mcp_assay_suites.exercising.durations import shortened
from mcp_assay_suites.exercising.recalling import recalled_or_chosen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.generation import InvalidArguments
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.schemas import SchemaVerdict

ANNOTATIONS_ONLY = frozenset({"format", "contentEncoding", "contentMediaType", "contentSchema"})
"""Keywords that a validator need not enforce (JSON Schema 2020-12, validation, 7 and 8)."""

TOLD_FIRST = ("required", "type", "enum", "additionalProperties")
"""The flaws that the catalogue names; others follow."""

_OFFERED_PER_CALL = 4
_LONE_SURROGATE = re.compile(
    r"(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}|\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})"
)
"""In JSON that holds ASCII only."""


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
    return await recalled_or_chosen(
        subject,
        f"valid.{count}",
        lambda: _chosen_valid(subject, count),
        write=asdict,
        read=lambda kept: Chosen(**kept),
    )


async def _chosen_valid(subject: Subject, count: int) -> Chosen:
    """Return arguments for `valid_arguments`."""
    schema = input_schema(subject)
    try:
        made = await asyncio.to_thread(example_arguments, schema, seed=subject.run.settings.seed, count=count)
    except GenerationError as problem:
        return Chosen(arguments=(), problem=f"no arguments can be generated: {problem.message}")
    short = [shortened(arguments) for arguments in made]
    fit = await subject.run.schemas.validate_each(schema, short)
    fitting: dict[str, JsonObject] = {}
    for arguments, candidate, verdict in zip(made, short, fit, strict=True):
        if verdict.clean:
            fitting.setdefault(canonical(candidate), candidate)
        elif (await subject.run.schemas.validate(schema, arguments)).clean:
            fitting.setdefault(canonical(arguments), arguments)
    return Chosen(
        arguments=list(fitting.values())[:count],
        problem=None if fitting else "no arguments can be generated that fit the input schema",
    )


async def odd_arguments(subject: Subject, count: int) -> list[JsonObject]:
    """Return up to ``count`` different arguments that fit the input schema and that careless code stumbles over.

    Half of them lie at the edges of what the schema allows, however deep inside; the others hold hostile texts.
    """
    return await recalled_or_chosen(subject, f"odd.{count}", lambda: _chosen_odd(subject, count), write=list, read=list)


async def _chosen_odd(subject: Subject, count: int) -> list[JsonObject]:
    """Return arguments for `odd_arguments`."""
    schema, seed = input_schema(subject), subject.run.settings.seed
    made: list[JsonObject] = []
    for style in (Style.EDGES, Style.HOSTILE):
        try:
            made += await asyncio.to_thread(example_arguments, schema, seed=seed, count=count // 2, style=style)
        except GenerationError:
            return []
    # Half of a surrogate pair is no text that every JSON reader takes (RFC 8259, section 8.2).
    texts = [arguments for arguments in made if not _LONE_SURROGATE.search(canonical(arguments))]
    short = [shortened(_declared(schema, arguments)) for arguments in texts]
    fit = await subject.run.schemas.validate_each(schema, short)
    return [arguments for arguments, verdict in zip(short, fit, strict=True) if verdict.clean]


def _declared(schema: JsonObject, arguments: JsonObject) -> JsonObject:
    """Return arguments without members that the schema does not name: what becomes of these its author never said."""
    properties = schema.get("properties")
    named = properties if isinstance(properties, dict) and properties else arguments
    return {name: value for name, value in arguments.items() if name in named}


async def wrong_arguments(subject: Subject, count: int) -> list[Wrong]:
    """Return up to ``count`` arguments that break the input schema in different ways beyond doubt.

    Each is refused by an independent validator. A wrong type is one that no reading of the expected one could mean: a
    server may well take ``"5"`` for 5, but not an object.
    """
    return await recalled_or_chosen(
        subject,
        f"wrong.{count}",
        lambda: _chosen_wrong(subject, count),
        write=lambda made: [asdict(wrong) for wrong in made],
        read=lambda kept: [Wrong(arguments=one["arguments"], flaw=Flaw(**one["flaw"])) for one in kept],
    )


async def _chosen_wrong(subject: Subject, count: int) -> list[Wrong]:
    """Return arguments for `wrong_arguments`."""
    schema = input_schema(subject)
    try:
        made = await asyncio.to_thread(
            invalid_examples, schema, seed=subject.run.settings.seed, count=count * _OFFERED_PER_CALL
        )
    except GenerationError:
        return []
    chosen: list[Wrong] = []
    offers = (offered for offered in _varied(made) if _could_not_be_meant(offered))
    while some := list(islice(offers, count - len(chosen))):
        verdicts = await subject.run.schemas.validate_each(schema, [offered.arguments for offered in some])
        chosen += [_wrong(offered) for offered, verdict in zip(some, verdicts, strict=True) if _refused(verdict)]
    return chosen


async def flaw_of(subject: Subject, arguments: JsonObject) -> Flaw | None:
    """Return how arguments that were not generated break the input schema, or None when they fit it."""
    verdict = await subject.run.schemas.validate(input_schema(subject), arguments)
    problem = next(iter(verdict.of_kind(ProblemKind.INSTANCE)), None)
    if problem is None:
        return None
    return Flaw(keyword=problem.keyword, pointer=problem.path, text=problem.message)


def _varied(made: Iterable[InvalidArguments]) -> list[InvalidArguments]:
    """Return the offers with the first of each keyword in front, and the catalogue's keywords before others."""
    seen: dict[str, int] = {}
    ranked: list[tuple[int, int, int, InvalidArguments]] = []
    for index, offered in enumerate(made):
        turn = seen[offered.keyword] = seen.get(offered.keyword, -1) + 1
        rank = TOLD_FIRST.index(offered.keyword) if offered.keyword in TOLD_FIRST else len(TOLD_FIRST)
        ranked.append((turn, rank, index, offered))
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:3])]


def _could_not_be_meant(offered: InvalidArguments) -> bool:
    """Return whether no reading of the offer makes it right."""
    if offered.keyword in ANNOTATIONS_ONLY:
        return False
    return offered.keyword != "type" or isinstance(value_at(offered.arguments, offered.pointer), dict | list)


def _refused(verdict: SchemaVerdict) -> bool:
    """Return whether the validator finds that an offer is wrong."""
    return bool(verdict.of_kind(ProblemKind.INSTANCE))


def _wrong(offered: InvalidArguments) -> Wrong:
    """Return an offer as what a tool is called with."""
    flaw = Flaw(keyword=offered.keyword, pointer=offered.pointer, text=offered.description)
    return Wrong(arguments=offered.arguments, flaw=flaw)


def value_at(arguments: JsonObject, pointer: str) -> Json:
    """Return the value at a JSON Pointer (RFC 6901), or null where there is none."""
    place: Json = arguments
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict):
            place = place.get(name)
        elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            return None
    return place
