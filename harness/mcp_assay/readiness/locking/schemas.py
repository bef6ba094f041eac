"""Whether a JSON Schema takes less, more or something else than before.

A narrower input schema refuses calls that were fine; a wider output schema lets through results that no reader knows.
References are not followed, and what cannot be judged counts as breaking. Recursion is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from mcp_assay.core.presentation import inert
from mcp_assay.readiness.locking.changes import Change, Severity, canonical, named, quoted, reworded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject

DEEPEST = 48
"""Levels of subschemas that are compared."""

_SHOWN_VALUES = 100
_WORDING = frozenset({"$comment", "description", "examples", "title"})
_HARMLESS = frozenset({"$anchor", "$id", "$schema", "deprecated", "readOnly", "writeOnly"})
_EVERY_TYPE = frozenset({"array", "boolean", "fraction", "integer", "null", "object", "string"})
# The value that stands for a bound which is not there (JSON Schema 2020-12, validation, section 6).
_LOWER: Mapping[str, float] = {
    "exclusiveMinimum": float("-inf"), "minItems": 0, "minLength": 0, "minProperties": 0, "minimum": float("-inf"),
}  # fmt: skip
_UPPER = frozenset({"exclusiveMaximum", "maxItems", "maxLength", "maxProperties", "maximum"})
_RESTRICTING = frozenset({"format", "multipleOf", "pattern"})
_NESTED = frozenset({"additionalProperties", "items", "propertyNames", "unevaluatedProperties"})
_NAMED = frozenset({"$defs", "definitions", "patternProperties"})


class Side(StrEnum):
    """Who must keep to a schema: the caller or the server."""

    INPUT = "input"
    OUTPUT = "output"


class _Effect(StrEnum):
    """What a change does to the values that a schema takes."""

    NARROWED = "narrowed"
    WIDENED = "widened"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Two states of one subschema."""

    old: JsonObject
    new: JsonObject
    subject: str
    place: str
    side: Side
    depth: int = 0

    def change(self, effect: _Effect, text: str) -> Change:
        """Return a change whose severity follows from its effect and the side."""
        harmless = _Effect.WIDENED if self.side is Side.INPUT else _Effect.NARROWED
        return self.stated(Severity.COMPATIBLE if effect is harmless else Severity.BREAKING, text)

    def stated(self, severity: Severity, text: str) -> Change:
        """Return a change of this severity."""
        return Change(severity=severity, subject=self.subject, text=f"{self.place}: {text}")

    def turned(self, keyword: str) -> str:
        """Return a keyword with its value before and after."""
        old, new = (quoted(one[keyword]) if keyword in one else "none" for one in (self.old, self.new))
        return f"{named(keyword)} {old} -> {new}"

    def below(self, old: Json, new: Json, part: str) -> Iterator[Change]:
        """Yield the changes of a subschema."""
        return _compared(self, old, new, f"{self.place}{part}")


_Handler: TypeAlias = Callable[[_Pair, str], Iterator[Change]]


def schema_changes(old: Json, new: Json, *, subject: str, place: str, side: Side) -> Iterator[Change]:
    """Yield what became of a schema.

    Args:
        old: The schema before; true where there was none.
        new: The schema now; true where there is none.
        subject: What the schema belongs to, for messages.
        place: Where it stands in that, for messages.
        side: See `Side`.
    """
    outside = _Pair(old={}, new={}, subject=subject, place=place, side=side, depth=-1)
    return _compared(outside, old, new, place)


def _compared(outside: _Pair, old: Json, new: Json, place: str) -> Iterator[Change]:
    """Yield the changes between two subschemas at one place."""
    pair = replace(outside, old=_object(old), new=_object(new), place=place, depth=outside.depth + 1)
    if canonical(old) == canonical(new):
        return
    if pair.depth > DEEPEST or not isinstance(old, dict | bool) or not isinstance(new, dict | bool):
        yield pair.change(_Effect.UNCLEAR, "changed in a way that cannot be judged")
    elif old is False or new is False:
        effect = _Effect.NARROWED if new is False else _Effect.WIDENED
        yield pair.change(effect, f"{_allowed(old)} -> {_allowed(new)}")
    elif _has_alternatives(pair):
        yield from _alternatives(pair)
    else:
        for keyword in sorted({*pair.old, *pair.new}):
            yield from _handler(keyword)(pair, keyword)


def _allowed(schema: Json) -> str:
    """Return in a word what a schema allows that is a boolean or stands beside one."""
    return "nothing allowed" if schema is False else "anything allowed" if schema in (True, {}) else "some allowed"


def _handler(keyword: str) -> _Handler:
    """Return what compares a keyword."""
    by_group: tuple[tuple[frozenset[str] | Mapping[str, float], _Handler], ...] = (
        (_WORDING, _wording), (_HARMLESS, _harmless), (_LOWER, _lower), (_UPPER, _upper),
        (_RESTRICTING, _restricting), (_NESTED, _nested), (_NAMED, _named),
    )  # fmt: skip
    group = next((handler for keywords, handler in by_group if keyword in keywords), None)
    return group or _HANDLERS.get(keyword, _unclear)


def _wording(pair: _Pair, keyword: str) -> Iterator[Change]:
    old, new = pair.old.get(keyword), pair.new.get(keyword)
    if canonical(old) != canonical(new):
        yield pair.stated(Severity.WORDING, f"{keyword} {reworded(old, new)}")


def _harmless(pair: _Pair, keyword: str) -> Iterator[Change]:
    if _differs(pair, keyword):
        yield pair.stated(Severity.COMPATIBLE, pair.turned(keyword))


def _default(pair: _Pair, keyword: str) -> Iterator[Change]:
    """Yield a change of what a call means that leaves the argument out."""
    if _differs(pair, keyword):
        severity = Severity.BREAKING if keyword in pair.old else Severity.COMPATIBLE
        yield pair.stated(severity, pair.turned(keyword))


def _lower(pair: _Pair, keyword: str) -> Iterator[Change]:
    return _bound(pair, keyword, _LOWER[keyword], upwards=_Effect.NARROWED)


def _upper(pair: _Pair, keyword: str) -> Iterator[Change]:
    return _bound(pair, keyword, float("inf"), upwards=_Effect.WIDENED)


def _bound(pair: _Pair, keyword: str, absent: float, *, upwards: _Effect) -> Iterator[Change]:
    """Yield the change of a bound; ``upwards`` is what a higher one does."""
    old, new = pair.old.get(keyword, absent), pair.new.get(keyword, absent)
    if not _is_number(old) or not _is_number(new):
        yield from _unclear(pair, keyword)
    elif old != new:
        downwards = _Effect.WIDENED if upwards is _Effect.NARROWED else _Effect.NARROWED
        yield pair.change(upwards if new > old else downwards, pair.turned(keyword))  # type: ignore[operator]  # numbers


def _restricting(pair: _Pair, keyword: str) -> Iterator[Change]:
    """Yield the change of a keyword that can only take values away."""
    if not _differs(pair, keyword):
        return
    one_sided = _Effect.NARROWED if keyword not in pair.old else _Effect.WIDENED
    both = keyword in pair.old and keyword in pair.new
    yield pair.change(_Effect.UNCLEAR if both else one_sided, pair.turned(keyword))


def _unique(pair: _Pair, keyword: str) -> Iterator[Change]:
    old, new = pair.old.get(keyword, False), pair.new.get(keyword, False)
    if old is not new:
        yield pair.change(_Effect.NARROWED if new is True else _Effect.WIDENED, pair.turned(keyword))


def _nested(pair: _Pair, keyword: str) -> Iterator[Change]:
    part = "[]" if keyword == "items" else f".{keyword}"
    return pair.below(pair.old.get(keyword, True), pair.new.get(keyword, True), part)


def _named(pair: _Pair, keyword: str) -> Iterator[Change]:
    """Yield the changes of named subschemas; a definition that is new shows where it is used."""
    old, new = _object(pair.old.get(keyword)), _object(pair.new.get(keyword))
    for name in sorted({*old, *new}):
        if keyword == "patternProperties" or (name in old and name in new):
            yield from pair.below(old.get(name, True), new.get(name, True), f".{keyword}.{named(name)}")
        elif name in old:
            yield pair.change(_Effect.UNCLEAR, f"{keyword}.{named(name)} removed")


def _types(pair: _Pair, keyword: str) -> Iterator[Change]:
    old, new = _type_set(pair.old), _type_set(pair.new)
    if old != new:
        yield pair.change(_effect_of_sets(old, new), pair.turned(keyword))


def _values(pair: _Pair, keyword: str) -> Iterator[Change]:
    """Yield the change of ``enum`` or ``const``, which both name the values that are allowed."""
    old, new = _value_set(pair.old), _value_set(pair.new)
    told_already = keyword == "enum" and "const" in {*pair.old, *pair.new}
    if old == new or told_already:
        return
    if old is None or new is None:
        yield pair.change(_Effect.NARROWED if old is None else _Effect.WIDENED, pair.turned(keyword))
        return
    told = [f"{verb} {_some(values)}" for verb, values in (("lost", old - new), ("gained", new - old)) if values]
    yield pair.change(_effect_of_sets(old, new), f"{keyword} {', '.join(told)}")


def _some(values: frozenset[str]) -> str:
    """Return the first of some values in one inert line."""
    return inert(", ".join(sorted(values)[:8]), _SHOWN_VALUES)


def _properties(pair: _Pair, keyword: str) -> Iterator[Change]:
    """Yield the changes of named members; ``required`` is told here for those that are new."""
    old, new = _object(pair.old.get(keyword)), _object(pair.new.get(keyword))
    required, closed = _required(pair.new), _is_closed(pair.new)
    for name in sorted({*old, *new}):
        if name not in new:
            kept = pair.side is Side.INPUT and not closed
            yield pair.stated(Severity.COMPATIBLE if kept else Severity.BREAKING, f"{named(name)} removed")
        elif name in old:
            yield from pair.below(old[name], new[name], f".{named(name)}")
        elif name in required:
            yield pair.change(_Effect.NARROWED, f"{named(name)} added and required")
        else:
            yield pair.stated(Severity.COMPATIBLE, f"{named(name)} added, optional")


def _requirements(pair: _Pair, keyword: str) -> Iterator[Change]:
    """Yield the members that became required or optional."""
    old, new = _required(pair), _required(pair, now=True)
    added = _object(pair.new.get("properties")).keys() - _object(pair.old.get("properties")).keys()
    removed = _object(pair.old.get("properties")).keys() - _object(pair.new.get("properties")).keys()
    for name in sorted(new - old - added):
        yield pair.change(_Effect.NARROWED, f"{named(name)} is {keyword} now")
    for name in sorted(old - new - removed):
        yield pair.change(_Effect.WIDENED, f"{named(name)} is no longer {keyword}")


def _all_of(pair: _Pair, keyword: str) -> Iterator[Change]:
    """Yield the changes of branches that all hold: a further one narrows."""
    old, new = _list(pair.old.get(keyword)), _list(pair.new.get(keyword))
    if len(old) == len(new):
        yield from _pairwise(pair, old, new, keyword)
        return
    effect = _effect_of_sets(_branch_set(new), _branch_set(old))
    yield pair.change(effect, f"{keyword} of {len(old)} -> {len(new)} branches")


def _any_of(pair: _Pair, keyword: str) -> Iterator[Change]:
    """Yield the changes of branches of which one holds: a further one widens, the first of all narrows."""
    old, new = _list(pair.old.get(keyword)), _list(pair.new.get(keyword))
    if keyword in pair.old and keyword in pair.new:
        yield from _either(pair, old, new, keyword)
    else:
        effect = _Effect.NARROWED if keyword in pair.new else _Effect.WIDENED
        yield pair.change(effect, f"{keyword} {'added' if keyword in pair.new else 'removed'}")


def _either(pair: _Pair, old: list[Json], new: list[Json], keyword: str) -> Iterator[Change]:
    if len(old) == len(new):
        yield from _pairwise(pair, old, new, keyword)
        return
    effect = _effect_of_sets(_branch_set(old), _branch_set(new))
    yield pair.change(effect, f"{len(old)} -> {len(new)} alternatives")


def _pairwise(pair: _Pair, old: list[Json], new: list[Json], keyword: str) -> Iterator[Change]:
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        yield from pair.below(before, after, f".{keyword}[{index}]")


def _unclear(pair: _Pair, keyword: str) -> Iterator[Change]:
    if _differs(pair, keyword):
        yield pair.change(_Effect.UNCLEAR, pair.turned(keyword))


_HANDLERS: Mapping[str, _Handler] = {
    "allOf": _all_of,
    "anyOf": _any_of,
    "const": _values,
    "default": _default,
    "enum": _values,
    "oneOf": _any_of,
    "properties": _properties,
    "required": _requirements,
    "type": _types,
    "uniqueItems": _unique,
}
_BESIDE_ALTERNATIVES = _WORDING | _HARMLESS | {"default"}


def _has_alternatives(pair: _Pair) -> bool:
    """Return whether a schema became alternatives or ceased to be, such as a type that may be null now."""
    return (_branches(pair.old) is None) is not (_branches(pair.new) is None)


def _alternatives(pair: _Pair) -> Iterator[Change]:
    """Yield the changes of a schema that is one of the alternatives before or now."""
    old, new = _branches(pair.old) or [_bare(pair.old)], _branches(pair.new) or [_bare(pair.new)]
    effect = _effect_of_sets(_branch_set(old), _branch_set(new))
    yield pair.change(effect, f"{len(old)} -> {len(new)} alternatives")
    for keyword in sorted(_BESIDE_ALTERNATIVES & {*pair.old, *pair.new}):
        yield from _handler(keyword)(pair, keyword)


def _branches(schema: JsonObject) -> list[Json] | None:
    """Return the alternatives when a schema is nothing but those."""
    bare = _bare(schema)
    return _list(next(iter(bare.values()))) if len(bare) == 1 and bare.keys() <= {"anyOf", "oneOf"} else None


def _bare(schema: JsonObject) -> JsonObject:
    """Return a schema without what may stand beside alternatives."""
    return {keyword: value for keyword, value in schema.items() if keyword not in _BESIDE_ALTERNATIVES}


def _branch_set(branches: list[Json]) -> frozenset[str]:
    return frozenset(canonical(_bare(branch) if isinstance(branch, dict) else branch) for branch in branches)


def _effect_of_sets(old: frozenset[str], new: frozenset[str]) -> _Effect:
    """Return what the change of a set of allowed things does."""
    return _Effect.NARROWED if new < old else _Effect.WIDENED if new > old else _Effect.UNCLEAR


def _type_set(schema: JsonObject) -> frozenset[str]:
    """Return the types that a schema allows; a number is an integer or a fraction."""
    stated = schema.get("type")
    if stated is None:
        return _EVERY_TYPE
    names = frozenset(str(name) for name in (stated if isinstance(stated, list) else [stated]))
    return names - {"number"} | {"integer", "fraction"} if "number" in names else names


def _value_set(schema: JsonObject) -> frozenset[str] | None:
    """Return the values that ``const`` or ``enum`` allows, or None when neither is there."""
    if "const" in schema:
        return frozenset({canonical(schema["const"])})
    return frozenset(canonical(value) for value in _list(schema["enum"])) if "enum" in schema else None


def _required(source: _Pair | JsonObject, *, now: bool = False) -> frozenset[str]:
    """Return the names that a schema requires."""
    schema = (source.new if now else source.old) if isinstance(source, _Pair) else source
    return frozenset(name for name in _list(schema.get("required")) if isinstance(name, str))


def _is_closed(schema: JsonObject) -> bool:
    return schema.get("additionalProperties") is False or schema.get("unevaluatedProperties") is False


def _differs(pair: _Pair, keyword: str) -> bool:
    """Return whether a keyword came, went or has another value."""
    there = keyword in pair.old, keyword in pair.new
    return there[0] is not there[1] or canonical(pair.old.get(keyword)) != canonical(pair.new.get(keyword))


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
