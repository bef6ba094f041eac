"""Arguments at the edges of an input schema, and with values that the server itself has named."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

from mcp_assay_suites.exercising.arguments import input_schema
from mcp_assay_suites.exercising.bombs import bombs
from mcp_assay_suites.exercising.cases import canonical
from mcp_assay_suites.exercising.durations import unit_of
from mcp_assay_suites.exercising.known_values import Known
from mcp_assay_suites.exercising.recalling import recalled_or_chosen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case
    from mcp_assay_suites.exercising.known_values import KnownValues

_MOST_LISTED = 8
_MOST_KNOWN = 5
_PLAIN: Mapping[str, tuple[Json, ...]] = {
    "integer": (0, -1, 1, 2**53 - 1),
    "number": (0, -1, 0.5, 1, -0.0, 1e308),
    "string": ("", "1", "%", "a", "é", "\U0001f642"),
    "boolean": (True, False),
    "array": ([],),
    "object": ({},),
}
_LARGE = 2**31
"""A size that can be asked for, and then takes all there is: only what is in a sandbox is called with it."""

_TEXT, _NUMBERS = frozenset({"string"}), frozenset({"integer", "number"})
_SCALARS = _TEXT | _NUMBERS
_BOUNDS = ("minimum", "maximum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Arguments to try.

    Attributes:
        arguments: The arguments.
        uses: The known values in them, by parameter.
    """

    arguments: JsonObject
    uses: Mapping[str, Known]


async def edge_arguments(
    subject: Subject, made: Sequence[Case], known: Callable[[], KnownValues], count: int
) -> list[Candidate]:
    """Return valid arguments that differ from those of earlier calls in values which are known, or in one edge.

    Args:
        subject: The tool.
        made: The earlier calls.
        known: Returns values that mean something to the server.
        count: How many at most.
    """
    return await recalled_or_chosen(
        subject,
        f"edges.{count}",
        lambda: _chosen(subject, made, known(), count),
        write=lambda chosen: [asdict(candidate) for candidate in chosen],
        read=lambda kept: [_read(candidate) for candidate in kept],
    )


def _read(kept: Mapping[str, Any]) -> Candidate:
    """Return a candidate that a recording keeps."""
    return Candidate(arguments=kept["arguments"], uses={name: Known(**use) for name, use in kept["uses"].items()})


async def slow_arguments(subject: Subject, made: Sequence[Case]) -> list[JsonObject]:
    """Return valid arguments that may take for ever, for a tool in a sandbox; see `bombs`."""
    schema = input_schema(subject)
    offered = [*bombs(schema, _bases(made)[0])] if subject.the_tool.decision.contained else []
    verdicts = await subject.run.schemas.validate_each(schema, offered)
    return [arguments for arguments, verdict in zip(offered, verdicts, strict=True) if verdict.clean]


async def _chosen(subject: Subject, made: Sequence[Case], known: KnownValues, count: int) -> list[Candidate]:
    """Return arguments for `edge_arguments`."""
    schema = input_schema(subject)
    found: list[Candidate] = []
    large = subject.the_tool.decision.contained
    offered = _new(
        made, (candidate for base in _bases(made) for candidate in _variations(schema, base, known, large=large))
    )
    while some := list(islice(offered, count - len(found))):
        verdicts = await subject.run.schemas.validate_each(schema, [candidate.arguments for candidate in some])
        found += [candidate for candidate, verdict in zip(some, verdicts, strict=True) if verdict.clean]
    return found


def _new(made: Sequence[Case], candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield the candidates whose arguments no call was made with, each once."""
    seen = {canonical(case.arguments) for case in made}
    for candidate in candidates:
        key = canonical(candidate.arguments)
        if key not in seen:
            seen.add(key)
            yield candidate


def _bases(made: Sequence[Case]) -> list[JsonObject]:
    """Return the plainest arguments, of a call that worked if any did, and those with the most members."""
    cases = [case for case in made if case.succeeded] or made
    if not cases:
        return [{}]
    plain, rich = cases[0].arguments, max(cases, key=lambda case: len(case.arguments)).arguments
    return [plain] if plain == rich else [plain, rich]


def _variations(schema: JsonObject, base: JsonObject, known: KnownValues, *, large: bool) -> Iterator[Candidate]:
    """Yield the base with edges and with known values in turns, so that neither crowds out the other."""
    properties = schema.get("properties")
    parts = properties if isinstance(properties, dict) else {}
    both = zip_longest(_with_edges(parts, base, large=large), _with_known(parts, base, known))
    yield from (candidate for pair in both for candidate in pair if candidate is not None)


def _with_known(parts: Mapping[str, Json], base: JsonObject, known: KnownValues) -> Iterator[Candidate]:
    """Yield the base with known values in all parameters that have any, then in one of them."""
    fitting = {
        name: [*islice((use for use in known.of(name) if _may_be(part, use.value)), _MOST_KNOWN)]
        for name, part in parts.items()
    }
    fitting = {name: values for name, values in fitting.items() if values}
    # What belongs together was mostly found together: the first value of each, then the second.
    for turn in range(max(map(len, fitting.values()), default=0)):
        yield _with(base, parts, {name: values[min(turn, len(values) - 1)] for name, values in fitting.items()})
    for name, values in fitting.items():
        yield from (_with(base, parts, {name: value}) for value in values)


def _may_be(part: Json, value: Json) -> bool:
    """Return whether a text or number is of a type that a parameter's schema names, itself or for its items."""
    kind = part.get("type") if isinstance(part, dict) else None
    named = {name for name in (kind if isinstance(kind, list) else [kind]) if isinstance(name, str)}
    return not named & _SCALARS or bool(named & (_TEXT if isinstance(value, str) else _NUMBERS)) or "array" in named


def _with_edges(parts: Mapping[str, Json], base: JsonObject, *, large: bool) -> Iterator[Candidate]:
    """Yield the base with an edge in one parameter: the first edge of each, then the second."""
    edged = {name: [*edges_of(part), *large_of(part, large=large)] for name, part in parts.items()}
    edges = [[(name, value) for value in values] for name, values in edged.items() if unit_of(name) is None]
    turns = (edge for turn in zip_longest(*edges) for edge in turn if edge is not None)
    yield from (Candidate(arguments={**base, name: value}, uses={}) for name, value in turns)


def _with(base: JsonObject, parts: Mapping[str, Json], uses: Mapping[str, Known]) -> Candidate:
    """Return the base with known values; an array gets its one item."""
    given: JsonObject = {}
    for name, use in uses.items():
        part = parts.get(name)
        listed = isinstance(part, dict) and part.get("type") == "array"
        given[name] = [use.value] if listed else use.value
    return Candidate(arguments={**base, **given}, uses=uses)


def edges_of(part: Json) -> Iterator[Json]:
    """Yield the values at the edges of a parameter's schema; whether they are valid is for a validator to say."""
    if not isinstance(part, dict):
        return
    listed = part.get("enum")
    yield from listed[:_MOST_LISTED] if isinstance(listed, list) else ()
    yield from (part[bound] for bound in _BOUNDS if isinstance(part.get(bound), int | float))
    kind = part.get("type")
    for name in kind if isinstance(kind, list) else [kind]:
        yield from _PLAIN.get(name, ()) if isinstance(name, str) else ()


def large_of(part: Json, *, large: bool) -> Iterator[Json]:
    """Yield `_LARGE` for a parameter that is a number, if that is wanted."""
    if large and isinstance(part, dict) and part.get("type") in _NUMBERS:
        yield _LARGE
