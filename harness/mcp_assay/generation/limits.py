"""Keeping schemas out of this process that would take too long, or too much stack, to evaluate.

Canonicalisation and validation run in native code that cannot be interrupted and that recurses along references, so
the bounds are checked on the graph of subschemas beforehand, without recursion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin

from mcp_assay.generation.errors import TooComplexError
from mcp_assay.wire.schemas.dialects import DEFAULT_BASE, Dialect, Place, children, places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_assay.core.json_types import JsonObject

MOST_SUBSCHEMAS = 5_000
LONGEST_PATH = 100
"""Subschemas within subschemas, references followed; native code was seen to crash at 2 000 on a stack of 8 MiB and
at 150 on one of 512 KiB, which is what threads get on some systems."""
MOST_STEPS = 20_000
"""Subschemas that one value may be held against."""
MOST_TANGLED = 200
"""Subschemas referred to, when they refer to each other in circles."""
_MOST_COUNTED = 10**12
_IN_PLACE = ("/allOf", "/anyOf", "/oneOf", "/not", "/if", "/then", "/else", "/dependentSchemas", "/dependencies")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_ANCHORS = ("$anchor", "$dynamicAnchor")


def check_bounds(root: JsonObject, dialect: Dialect) -> None:
    """Let pass schemas whose evaluation is bounded.

    Raises:
        TooComplexError: The schema is too large, too deep, or fans out too far.
    """
    found = list(places(root, dialect))
    if len(found) > MOST_SUBSCHEMAS:
        raise TooComplexError(f"the schema has {len(found)} subschemas")
    index = _index(found)
    graph = _graph(found, index, dialect)
    walk = _Walk(graph={pointer: inner + outer for pointer, (inner, outer) in graph.items()})
    in_place = _Walk(graph={pointer: inner for pointer, (inner, _) in graph.items()})
    for pointer in graph:
        walk.visit(pointer)
        in_place.visit(pointer)
    targets = {target for place in found for target in _targets(place, index)}
    if walk.longest > LONGEST_PATH:
        raise TooComplexError("the schema is nested too deeply")
    if max(in_place.steps.values()) > MOST_STEPS:
        raise TooComplexError("the schema's references fan out too far")
    if walk.circular and len(targets) > MOST_TANGLED:
        raise TooComplexError("too many parts of the schema refer to each other")


def cases(root: JsonObject, dialect: Dialect) -> int:
    """Return into how many cases the busiest subschema falls apart when its alternatives are multiplied; capped."""
    found = list(places(root, dialect))
    index = _index(found)
    known: dict[str, int] = {}
    # Inner subschemas stand behind their parents, so going backwards finds all but references already counted.
    for place in reversed(found):
        known[place.pointer] = min(_own_cases(place, index, known), _MOST_COUNTED)
    return max(known.values(), default=1)


def _own_cases(place: Place, index: Mapping[str, str], known: Mapping[str, int]) -> int:
    """Return the number of cases of one subschema, given those of the subschemas in it."""
    schema, total = place.schema, 1
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches:
            total *= sum(known.get(f"{place.pointer}/{keyword}/{number}", 1) for number in range(len(branches)))
    demanded = schema.get("allOf")
    parts = [f"{place.pointer}/allOf/{number}" for number in range(len(demanded) if isinstance(demanded, list) else 0)]
    total *= math.prod(known.get(part, 1) for part in [*parts, *_targets(place, index)])
    for keyword in ("dependentRequired", "dependentSchemas", "dependencies"):
        needs = schema.get(keyword)
        total *= 2 ** min(len(needs) if isinstance(needs, dict) else 0, 32)
    return total * (2 if "if" in schema else 1)


def _graph(
    found: Sequence[Place], index: Mapping[str, str], dialect: Dialect
) -> dict[str, tuple[list[str], list[str]]]:
    """Return for each subschema those that judge the same value, and those that judge its parts."""
    graph: dict[str, tuple[list[str], list[str]]] = {}
    for place in found:
        steps = [step for step, _ in children(place.schema, dialect)]
        inner = [place.pointer + step for step in steps if step.startswith(_IN_PLACE)]
        outer = [place.pointer + step for step in steps if not step.startswith(_IN_PLACE)]
        graph[place.pointer] = ([*inner, *_targets(place, index)], outer)
    return graph


def _index(found: Sequence[Place]) -> dict[str, str]:
    """Return the pointers of subschemas that have a URI of their own."""
    index = {DEFAULT_BASE: ""}
    for place in found:
        if any(isinstance(place.schema.get(keyword), str) for keyword in ("$id", "id")):
            index.setdefault(place.base, place.pointer)
        for keyword in _ANCHORS:
            anchor = place.schema.get(keyword)
            if isinstance(anchor, str):
                index[f"{place.base}#{anchor}"] = place.pointer
    return index


def _targets(place: Place, index: Mapping[str, str]) -> list[str]:
    """Return the pointers of the subschemas that ``place`` refers to within the document."""
    found: list[str] = []
    for keyword in _REFERENCES:
        reference = place.schema.get(keyword)
        if not isinstance(reference, str):
            continue
        try:
            resource, fragment = urldefrag(urljoin(place.base, reference))
        except ValueError:
            continue
        if fragment and not fragment.startswith("/"):
            found.extend([index[f"{resource}#{fragment}"]] if f"{resource}#{fragment}" in index else [])
        elif resource in index:
            found.append(index[resource] + unquote(fragment))
    return found


@dataclass(slots=True)
class _Walk:
    """A walk over all paths from one subschema to the next.

    Attributes:
        graph: The subschemas that follow each.
        steps: How many subschemas are met from each, those met on several paths counted for each; capped.
        heights: How long the longest path from each is.
        longest: Length of the longest path met, paths that end in a circle included.
        circular: Whether some path leads back to where it started.
    """

    graph: Mapping[str, Sequence[str]]
    steps: dict[str, int] = field(default_factory=dict[str, int])
    heights: dict[str, int] = field(default_factory=dict[str, int])
    longest: int = 0
    circular: bool = False
    _open: dict[str, int] = field(default_factory=dict[str, int])

    def visit(self, start: str) -> None:
        """Walk everything that can be reached from ``start`` and was not walked before."""
        pending = [(start, False)]
        while pending:
            current, leaving = pending.pop()
            following = self.graph.get(current, ())
            if leaving:
                del self._open[current]
                self.steps[current] = min(MOST_STEPS + 1, 1 + sum(self.steps.get(each, 1) for each in following))
                self.heights[current] = 1 + max((self.heights.get(each, 0) for each in following), default=0)
                self.longest = max(self.longest, self.heights[current])
            elif current not in self.steps and current not in self._open:
                self._open[current] = len(self._open) + 1
                self.longest = max(self.longest, len(self._open))
                self.circular |= any(each in self._open for each in following)
                pending.append((current, True))
                pending.extend((each, False) for each in following)
