"""Generators of objects, and of the properties that no schema names."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from jsonschema_rs import CanonicalSchema, canonical

from mcp_assay.generation.containers import Object
from mcp_assay.generation.document import canonicalised, intersected, validator_of
from mcp_assay.generation.errors import TooComplexError
from mcp_assay.generation.nodes import Node, RejectedError, fixed
from mcp_assay.generation.regex import PatternError, pattern_text
from mcp_assay.generation.sources import Choice, Style, Texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.json_types import Json
    from mcp_assay.generation.document import Document
    from mcp_assay.generation.hints import Hint
    from mcp_assay.generation.sources import Chooser

_MOST_PROPERTIES = 2_000
_PLAIN_NAMES = Choice(("extra", "note", "x-example"))
_HOSTILE_NAMES = Choice(("__proto__", "constructor", "", "a.b", "$ref", "\x00", "toString", "🙂" * 20))
_ODD_NAMES = Texts(0, 8)
_ODD: Choice[bool] = Choice((False, False, True))
_EXTRAS: tuple[Json, ...] = ("example", 1, True, None, [], {}, ["example"])


class Parts(Protocol):
    """What builds the generators of parts."""

    @property
    def document(self) -> Document:
        """Return the schema as a whole."""
        ...

    def node(self, schema: CanonicalSchema, hint: Hint) -> Node:
        """Return the generator of ``schema`` in the place that ``hint`` describes."""
        ...

    def settle(self) -> None:
        """Work out the weights of parts built since."""
        ...


def object_node(parts: Parts, view: canonical.ObjectView | None, hint: Hint) -> Object:
    """Return the generator of the objects of ``view``, of any objects without one.

    Raises:
        TooComplexError: The smallest object has too many properties.
    """
    if view is None:
        return Object(required={}, optional={}, extra=_Anything(), low=0, high=_MOST_PROPERTIES)
    low = max(view.min_properties or 0, len(view.required))
    if low > _MOST_PROPERTIES:
        raise TooComplexError(f"an object has at least {low} properties")
    described = _Described(parts=parts, view=view, hint=hint)
    closed = _listed(view.property_names)
    optional = dict.fromkeys([*_written_order(view, hint), *(closed or ())])
    return Object(
        required={name: described.node(name) for name in view.required},
        optional={name: described.node(name) for name in optional if name not in view.required},
        extra=None if closed is not None or described.closed else described,
        breaches=[described.breach(violation, number) for number, violation in enumerate(view.violations)],
        low=low,
        high=_MOST_PROPERTIES if view.max_properties is None else view.max_properties,
    )


def _written_order(view: canonical.ObjectView, hint: Hint) -> list[str]:
    """Return the names of properties in the order in which the schema lists them."""
    written = [name for schema in hint.schemas for name in _keys(schema.get("properties"))]
    places = {name: place for place, name in reversed(list(enumerate(written)))}
    return sorted(view.properties, key=lambda name: places.get(name, len(written)))


def _keys(properties: Json) -> list[str]:
    """Return the names in ``properties``."""
    return list(properties) if isinstance(properties, dict) else []


def _listed(names: CanonicalSchema | None) -> list[str] | None:
    """Return all property names that are admitted, or None when they cannot be listed."""
    match names.view() if names is not None else None:
        case canonical.ConstView(value):
            return [str(value)]
        case canonical.EnumView(values):
            return [str(value) for value in values]
        case canonical.FalseView():
            return []
        case _:
            return None


@dataclass(slots=True)
class _Anything:
    """Any property."""

    def name(self, choose: Chooser) -> str:
        """Return a name."""
        if choose.style is Style.HOSTILE:
            return choose(_HOSTILE_NAMES)
        return choose(_ODD_NAMES) if choose(_ODD) else choose(_PLAIN_NAMES)

    def numbered(self, number: int) -> str:
        """Return the name that stands for a number."""
        return f"extra{number}"

    def node(self, name: str) -> Node:
        """Return the generator of any small value."""
        del name
        return fixed(_EXTRAS)


@dataclass(slots=True, kw_only=True)
class _Described:
    """Properties as an object schema describes them.

    Attributes:
        parts: Builds generators.
        view: The object schema.
        hint: Where it stands.
    """

    parts: Parts
    view: canonical.ObjectView
    hint: Hint
    _properties: dict[str, CanonicalSchema] = field(init=False)
    _names: Node | None = field(default=None, init=False)
    _additional: Node = field(default_factory=lambda: fixed(_EXTRAS), init=False)
    _patterned: list[tuple[Callable[[Json], bool], CanonicalSchema]] = field(init=False)
    _built: dict[CanonicalSchema, Node] = field(default_factory=dict[CanonicalSchema, Node], init=False)

    def __post_init__(self) -> None:
        view, dialect = self.view, self.parts.document.dialect
        # Each access to the view builds the mapping anew.
        self._properties = view.properties
        elsewhere = self.hint.member("")
        if view.property_names is not None and _listed(view.property_names) is None:
            self._names = self.parts.node(view.property_names, self.hint.named("key"))
        if view.additional_properties is not None:
            self._additional = self.parts.node(view.additional_properties, elsewhere)
        self._patterned = [
            (validator_of({"pattern": pattern}, dialect).is_valid, schema)
            for pattern, schema in view.pattern_properties.items()
        ]
        self._built = {schema: self.parts.node(schema, elsewhere) for _, schema in self._patterned}

    @property
    def closed(self) -> bool:
        """Return whether no property beyond the named ones is admitted."""
        return self._additional.weight == math.inf and not self._patterned and _barred(self.view)

    def name(self, choose: Chooser) -> str:
        """Return a name that the schema admits."""
        if self._names is not None:
            made = self._names.value(choose)
            if not isinstance(made, str):
                raise RejectedError
            return made
        if len(self._patterned) > 0 and choose(_ODD):
            return self._matching_name(choose)
        return _Anything().name(choose)

    def numbered(self, number: int) -> str | None:
        """Return the name that stands for a number, or None when names have to follow a rule."""
        return None if self._names is not None else f"extra{number}"

    def node(self, name: str) -> Node:
        """Return the generator of what every matching part of the schema asks of ``name``."""
        applying = [schema for matches, schema in self._patterned if matches(name)]
        if name in self._properties:
            applying.insert(0, self._properties[name])
        if not applying:
            return self._additional
        merged = applying[0]
        for other in applying[1:]:
            merged = intersected(merged, other)
        if name in self._properties:
            return self.parts.node(merged, self.hint.member(name))
        if merged not in self._built:
            self._built[merged] = self.parts.node(merged, self.hint.member(""))
            self.parts.settle()
        return self._built[merged]

    def breach(
        self,
        violation: canonical.NameFailsView | canonical.UndeclaredValueFailsView | canonical.PatternValueFailsView,
        number: int,
    ) -> tuple[Node, Node]:
        """Return the generators of the name and value of a property that some part of the schema has to refuse.

        Such demands come from ``not`` around rules for properties. What cannot be turned into its opposite is made
        freely, and left to the validator.
        """
        free = fixed([f"breach{number}"]), fixed(_EXTRAS)
        dialect, elsewhere = self.parts.document.dialect, self.hint.named("")
        try:
            match violation:
                case canonical.NameFailsView(schema):
                    names = canonicalised({"type": "string"}, dialect).subtract(schema)
                    return self.parts.node(names, elsewhere), self._additional
                case canonical.UndeclaredValueFailsView(_, _, additional):
                    return free[0], self.parts.node(additional.negate(), elsewhere)
                case canonical.PatternValueFailsView(pattern, schema):
                    names = canonicalised({"type": "string", "pattern": pattern}, dialect)
                    return self.parts.node(names, elsewhere), self.parts.node(schema.negate(), elsewhere)
        except (canonical.UnsupportedOperand, canonical.UnsupportedResult, canonical.IncompatibleOperands):
            return free

    def _matching_name(self, choose: Chooser) -> str:
        """Return a name that a key of ``patternProperties`` matches."""
        pattern = choose(Choice(sorted(self.view.pattern_properties)))
        try:
            return pattern_text(pattern).make(choose)
        except PatternError:
            raise RejectedError from None


def _barred(view: canonical.ObjectView) -> bool:
    """Return whether properties that the schema does not name are forbidden outright."""
    additional = view.additional_properties
    return additional is not None and additional.kind is canonical.CanonicalKind.FALSE
