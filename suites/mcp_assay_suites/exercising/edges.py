"""Arguments at the edges of an input schema, and with values that the server itself has named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay_suites.exercising.arguments import input_schema
from mcp_assay_suites.exercising.cases import canonical
from mcp_assay_suites.exercising.durations import unit_of
from mcp_assay_suites.exercising.texts import values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Calls, Case

_MOST_LISTED = 8
_MOST_KNOWN = 5
_LONGEST_KNOWN = 200
_PLAIN: Mapping[str, tuple[Json, ...]] = {
    "integer": (0, 1, -1),
    "number": (0, 1, -1, 0.5),
    "string": ("", "a", "é"),
    "boolean": (True, False),
    "array": ([],),
    "object": ({},),
}
_BOUNDS = ("minimum", "maximum")


async def edge_arguments(
    subject: Subject, made: Sequence[Case], known: Mapping[str, tuple[Json, ...]], count: int
) -> list[JsonObject]:
    """Return valid arguments that differ from those of earlier calls in one value, which is an edge or a known one.

    Args:
        subject: The tool.
        made: The earlier calls.
        known: Values by parameter name, see `known_values`.
        count: How many at most.
    """
    schema = input_schema(subject)
    found: dict[str, JsonObject] = {}
    seen = {canonical(case.arguments) for case in made}
    for base in _bases(made):
        for candidate in _variations(schema, base, known):
            key = canonical(candidate)
            if key in seen:
                continue
            seen.add(key)
            if (await subject.run.schemas.validate(schema, candidate)).clean:
                found[key] = candidate
            if len(found) >= count:
                return list(found.values())
    return list(found.values())


def _bases(made: Sequence[Case]) -> list[JsonObject]:
    """Return the plainest arguments, of a call that worked if any did, and those with the most members."""
    cases = [case for case in made if case.succeeded] or made
    if not cases:
        return [{}]
    plain, rich = cases[0].arguments, max(cases, key=lambda case: len(case.arguments)).arguments
    return [plain] if plain == rich else [plain, rich]


def _variations(schema: JsonObject, base: JsonObject, known: Mapping[str, tuple[Json, ...]]) -> Iterator[JsonObject]:
    """Yield the base with one parameter changed, known values first."""
    properties = schema.get("properties")
    parts = properties if isinstance(properties, dict) else {}
    for name in parts:
        for value in known.get(name.lower(), ())[:_MOST_KNOWN]:
            yield {**base, name: value}
    for name, part in parts.items():
        if unit_of(name) is None:
            for value in edges_of(part):
                yield {**base, name: value}


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


def known_values(calls: Iterable[Calls]) -> Mapping[str, tuple[Json, ...]]:
    """Return texts and numbers in the results of calls that worked, by the lower-case name of their member.

    What stands in an array counts under the array's name without its plural: ``{"ids": ["a"]}`` names an ``id``.
    """
    known: dict[str, dict[str, Json]] = {}
    for made in calls:
        for case in made.successes:
            for name, value in values_of(case):
                if isinstance(value, str) and not 0 < len(value) <= _LONGEST_KNOWN:
                    continue
                known.setdefault(singular(name.lower()), {}).setdefault(canonical(value), value)
    return {name: tuple(values.values()) for name, values in known.items()}


def singular(name: str) -> str:
    """Return an English noun without its plural, as far as its ending tells."""
    if name.endswith("ies") and len(name) > 4:
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") and len(name) > 2 else name
