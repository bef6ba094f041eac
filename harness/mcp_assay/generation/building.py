"""From the canonical form of a schema to generators.

The canonical form has merged ``allOf``, decided ``if``/``then``/``else``, spelled out ``dependent*``, ``not`` and
``unevaluated*`` and dropped contradictory branches, so what is left maps on generators one to one. Where it could not
decide, a generator makes candidates and the validator picks.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from jsonschema_rs import CanonicalSchema, canonical

from mcp_assay.generation.containers import Array, Checked, Link, Needed, Suggested, Union, identity
from mcp_assay.generation.document import Document, conforms, intersected, validator_of
from mcp_assay.generation.errors import TooComplexError, UnsatisfiableError
from mcp_assay.generation.hints import Hint, root_hint
from mcp_assay.generation.names import plausible_numbers, plausible_texts
from mcp_assay.generation.nodes import Interval, Node, fixed, number
from mcp_assay.generation.objects import object_node
from mcp_assay.generation.texts import text_node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from mcp_assay.core.json_types import Json
    from mcp_assay.generation.surroundings import Surroundings

LONGEST_ARRAY = 5_000
_HEAVIEST = 20_000
_MOST_NODES = 20_000
_DEEPEST = 80
_MOST_COMBINATIONS = 64
_LONGEST_CHAIN = 10
_ANYTHING: tuple[Json, ...] = ("example", 1, True, None, 0.5, [], {}, ["example"], {"example": 1}, "", -1, "ä🙂")
_BARE: dict[str, tuple[Json, ...]] = {
    "null": (None,),
    "boolean": (True, False),
    "array": ([], ["example"], [1, 2], [None], [[]]),
    "object": ({}, {"example": "example"}, {"example": {}}, {"": None}),
}


@dataclass(slots=True)
class Builder:
    """Builds the generators of one document.

    Attributes:
        document: The schema.
        surroundings: What plausible values are made of.
        nodes: Every generator built so far.
    """

    document: Document
    surroundings: Surroundings
    nodes: list[Node] = field(default_factory=list["Node"])
    _open: int = 0
    _known: dict[tuple[object, ...], Node] = field(default_factory=dict["tuple[object, ...]", Node])

    def root(self) -> Node:
        """Return the generator of arguments.

        Raises:
            UnsatisfiableError: Every conforming value would be infinitely large.
            TooComplexError: The smallest conforming value is too large, or there are too many parts.
        """
        hint = root_hint(self.document.root)
        node = self._any_of([self.node(each, hint) for each in self.document.alternatives])
        self.settle()
        if node.weight == math.inf:
            raise UnsatisfiableError("no finite arguments conform to the schema")
        if node.weight > _HEAVIEST:
            raise TooComplexError(f"the smallest conforming arguments have {node.weight:.0f} parts")
        return node

    def settle(self) -> None:
        """Work out all weights; parts refer to each other in cycles, so until nothing changes."""
        changed = True
        while changed:
            # Every part has a turn in each round: stopping at the first change would take a round for each.
            changed = sum(node.settle() for node in self.nodes) > 0

    def node(self, schema: CanonicalSchema, hint: Hint) -> Node:
        """Return the generator of ``schema`` in the place that ``hint`` describes.

        Raises:
            TooComplexError: The schema has too many parts, or one that cannot be modelled.
        """
        key = (schema, *hint.key)
        if key in self._known:
            return self._known[key]
        if len(self.nodes) > _MOST_NODES or self._open > _DEEPEST:
            raise TooComplexError("the schema has too many parts within parts")
        link = self._known[key] = Link()
        self.nodes.append(link)
        self._open += 1
        link.target = self._suggested(schema, hint, self._plain(schema, hint))
        self._open -= 1
        self._known[key] = link.target
        return link.target

    def keep(self, node: Node) -> Node:
        """Return ``node`` and remember it for settling."""
        self.nodes.append(node)
        return node

    def passes(self, schema: CanonicalSchema) -> Callable[[Json], bool]:
        """Return the check whether a value conforms to ``schema``."""
        validator = validator_of(cast("Json", schema.to_json_schema()), self.document.dialect)
        return functools.partial(conforms, validator)

    def _suggested(self, schema: CanonicalSchema, hint: Hint, node: Node) -> Node:
        """Return ``node``, preferring conforming values that somebody wrote down or that fit the name."""
        if isinstance(schema.view(), canonical.ConstView | canonical.EnumView | canonical.FalseView):
            return node
        wanted: list[Json] = [*self.surroundings.known.get(hint.name, ()), *hint.values()]
        kinds = _kinds(schema)
        if not wanted and {"boolean", "string"} <= kinds <= {"boolean", "string", "null"}:
            # The text is for callers that cannot help it: "true" or "false".
            wanted.extend((False, True))
        elif not wanted and "string" in kinds:
            wanted.extend(plausible_texts(hint.name, self.surroundings))
        if not wanted:
            return node
        passes = self.passes(schema)
        values = [value for value in wanted if passes(value)]
        return self.keep(Suggested(node, values)) if values else node

    def _plain(self, schema: CanonicalSchema, hint: Hint) -> Node:
        """Return the generator of ``schema`` without suggestions."""
        match schema.view():
            case canonical.TrueView():
                return fixed(_ANYTHING)
            case canonical.FalseView():
                return self.keep(Union(()))
            case canonical.ConstView(value):
                return fixed([cast("Json", value)])
            case canonical.EnumView(values):
                return fixed(_in_written_order(cast("list[Json]", values), hint))
            case canonical.MultiTypeView(types):
                return self._any_of([self._bare(schema, kind, hint) for kind in _plainest_first(types)])
            case _:
                return self._constrained(schema, hint)

    def _constrained(self, schema: CanonicalSchema, hint: Hint) -> Node:
        """Return the generator of one type with constraints."""
        match schema.view():
            case canonical.TypedGroupView(_, body):
                return self.keep(Checked(self.node(body, hint), self.passes(schema)))
            case canonical.StringView() as view:
                return text_node(view, self.passes(schema), hint, self.surroundings)
            case canonical.IntegerView() | canonical.NumberView() as view:
                return _number(view, hint)
            case canonical.ArrayView() as view:
                return self.keep(self._array(view, hint))
            case canonical.ObjectView() as view:
                return self.keep(object_node(self, view, hint))
            case _:
                return self._composed(schema, hint)

    def _composed(self, schema: CanonicalSchema, hint: Hint) -> Node:
        """Return the generator of references and combinations.

        Raises:
            TooComplexError: The canonical form gave the schema up.
        """
        match schema.view():
            case canonical.ReferenceView(uri):
                target = schema.definition(uri)
                return self.node(target, hint) if target is not None else fixed(_ANYTHING)
            case canonical.AnyOfView(branches):
                return self._any_of([self.node(branch, hint) for branch in branches])
            case canonical.OneOfView(branches):
                union = self._any_of([self.node(branch, hint) for branch in branches])
                return self.keep(Checked(union, self.passes(schema)))
            case canonical.AllOfView(branches):
                return self._all_of(schema, branches, hint)
            case canonical.NotView():
                return self.keep(Checked(fixed(_ANYTHING), self.passes(schema)))
            case _:
                raise TooComplexError("the schema combines too many cases")

    def _any_of(self, nodes: Sequence[Node]) -> Node:
        """Return the generator of one of ``nodes``."""
        return nodes[0] if len(nodes) == 1 else self.keep(Union(nodes))

    def _all_of(self, schema: CanonicalSchema, branches: Sequence[CanonicalSchema], hint: Hint) -> Node:
        """Return values of the branches' intersections, one member of each alternative at a time."""
        merged: list[CanonicalSchema] = []
        for branch in branches:
            members = _members(_followed(branch))
            merged = [intersected(one, other) for one in merged for other in members] if merged else members
            merged = [each for each in merged if not _impossible(each)][:_MOST_COMBINATIONS]
        simpler = [each for each in dict.fromkeys(merged) if each != schema]
        # Without a simpler form the values of single branches are candidates, and the check picks.
        nodes = [self.node(each, hint) for each in simpler or branches]
        return self.keep(Checked(self._any_of(nodes), self.passes(schema)))

    def _bare(self, schema: CanonicalSchema, kind: str, hint: Hint) -> Node:
        """Return the generator of one type without constraints."""
        match kind:
            case "string":
                return text_node(None, None, hint, self.surroundings)
            case "integer" | "number":
                return number(Interval(), _plain_number(hint), whole=kind == "integer")
            case "object" if schema in self.document.alternatives:
                return self.keep(object_node(self, None, hint))
            case _:
                return fixed(_BARE[kind])

    def _array(self, view: canonical.ArrayView, hint: Hint) -> Array:
        """Return the generator of arrays.

        Raises:
            TooComplexError: The shortest array is too long.
        """
        low = view.min_items or 0
        if low > LONGEST_ARRAY:
            raise TooComplexError(f"an array has at least {low} items")
        items = None if view.items is not None and _impossible(view.items) else self._items(view.items, hint)
        prefix = [self.node(each, hint.item(index)) for index, each in enumerate(view.prefix_items)]
        needed = [
            Needed(
                node=self._contained(each.schema, view.items, hint),
                least=1 if each.min_contains is None else each.min_contains,
            )
            for each in view.contains
        ]
        high = view.max_items if view.max_items is not None else LONGEST_ARRAY
        return Array(
            prefix=prefix,
            items=items,
            low=low,
            high=min(high, len(prefix)) if items is None else high,
            unique=view.distinctness is canonical.Distinctness.ALL_DISTINCT,
            needed=needed,
        )

    def _items(self, items: CanonicalSchema | None, hint: Hint) -> Node:
        """Return the generator of an array's items beyond the prefix."""
        return fixed(_ANYTHING) if items is None else self.node(items, hint.item(None))

    def _contained(self, wanted: CanonicalSchema, items: CanonicalSchema | None, hint: Hint) -> Node:
        """Return the generator of an item that ``contains`` asks for."""
        return self.node(wanted if items is None else intersected(wanted, items), hint.item(None))


def _followed(schema: CanonicalSchema) -> CanonicalSchema:
    """Return what ``schema`` refers to, itself when it is no reference."""
    for _ in range(_LONGEST_CHAIN):
        view = schema.view()
        target = schema.definition(view.uri) if isinstance(view, canonical.ReferenceView) else None
        if target is None:
            break
        schema = target
    return schema


def _members(schema: CanonicalSchema) -> list[CanonicalSchema]:
    """Return the alternatives of ``schema``, itself when there are none."""
    view = schema.view()
    return list(view.branches) if isinstance(view, canonical.OneOfView | canonical.AnyOfView) else [schema]


def _impossible(schema: CanonicalSchema) -> bool:
    """Return whether ``schema`` is known to admit nothing."""
    return schema.kind is canonical.CanonicalKind.FALSE


def _kinds(schema: CanonicalSchema) -> frozenset[str]:
    """Return the JSON types among which a plain schema chooses."""
    match schema.view():
        case canonical.MultiTypeView(types):
            return frozenset(types)
        case canonical.StringView():
            return frozenset({"string"})
        case canonical.AnyOfView(branches):
            return frozenset(kind for branch in branches if branch != schema for kind in _kinds(branch))
        case _:
            return frozenset()


def _plainest_first(types: Sequence[str]) -> list[str]:
    """Return types with those a tool most likely wants in front and null last."""
    order = ("string", "integer", "number", "boolean", "object", "array", "null")
    return sorted(types, key=order.index)


def _in_written_order(values: list[Json], hint: Hint) -> list[Json]:
    """Return ``values`` in the order in which the schema lists them, its default and examples first."""
    written = hint.values()
    for schema in hint.schemas:
        listed = schema.get("enum")
        written.extend(listed if isinstance(listed, list) else ())
    places = {identity(value): place for place, value in reversed(list(enumerate(written)))}
    return sorted(values, key=lambda value: places.get(identity(value), len(written)))


def _number(view: canonical.IntegerView | canonical.NumberView, hint: Hint) -> Node:
    """Return the generator of the numbers of ``view``."""
    real = view if isinstance(view, canonical.NumberView) else None
    barred = [_fraction(step) for step in view.not_multiple_of]
    if real and real.excludes_integers:
        barred.append(Fraction(1))
    interval = Interval(
        low=None if view.minimum is None else _fraction(view.minimum),
        high=None if view.maximum is None else _fraction(view.maximum),
        above=real is not None and real.exclusive_minimum,
        below=real is not None and real.exclusive_maximum,
        steps=tuple(_fraction(step) for step in view.multiple_of),
        barred=tuple(barred),
    )
    return number(interval, _plain_number(hint), whole=real is None)


def _fraction(value: int | float | Decimal) -> Fraction:  # noqa: PYI041  (three spellings of one JSON number)
    """Return a JSON number as it is written: 0.1 is one tenth."""
    return Fraction(str(value))


def _plain_number(hint: Hint) -> int:
    """Return the number that fits the property's name best."""
    return next(iter(plausible_numbers(hint.name)), 1)
