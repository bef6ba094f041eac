"""Values that break one keyword.

Each function offers candidates for one keyword, given the schema it stands in and a value that conforms. Whether a
candidate breaks that keyword and nothing else is for the validator to say, so being generous here costs time only.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from mcp_assay.generation.nodes import written
from mcp_assay.generation.regex import PatternError, pattern_text
from mcp_assay.generation.sources import SimplestChooser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject

Offer: TypeAlias = "tuple[Json, str]"
"""A value, and what is wrong with it in a few words."""
STRANGE_NAME = "unexpectedProperty"
_LONGEST = 100_000
_MOST_ITEMS = 1_000
_MOST_NAMES = 30
_BY_TYPE: dict[str, Json] = {
    "object": {"unexpected": True},
    "array": [True, False],
    "string": "not what was asked for",
    "integer": 12345,
    "number": 0.5,
    "boolean": True,
    "null": None,
}
_ANYTHING: tuple[Json, ...] = (
    {"unexpected": True}, [True, False], "not what was asked for", 12345, 0.5, -1, True, None, {}, [], "", 0,
)  # fmt: skip
_ODD_TEXTS = ("!", " ", "\x00", "not what was asked for", "ä🙂", "A", "0", "-", "a b", "[]", "x" * 300)


def candidates(keyword: str, schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Yield values to put in the place of ``value``, each with what it breaks in plain words."""
    offer = _OFFERS.get(keyword)
    if offer is not None:
        yield from offer(schema, value)


def _wrong_type(schema: JsonObject) -> Iterator[Offer]:
    """Offer values of other types, those that nobody could convert first."""
    declared = schema.get("type")
    allowed = set(declared if isinstance(declared, list) else [declared])
    for kind, other in _BY_TYPE.items():
        if kind not in allowed and not (kind == "integer" and "number" in allowed):
            yield other, f"{_article(kind)} instead of {_either(map(str, allowed))}"


def _not_listed(schema: JsonObject) -> Iterator[Offer]:
    """Offer values like the admitted ones that are not among them."""
    listed = schema.get("enum")
    admitted = listed if isinstance(listed, list) else [schema.get("const")]
    for known in admitted[:5]:
        if isinstance(known, str):
            yield f"{known}-unknown", "a value that is not listed"
        elif isinstance(known, int | float) and not isinstance(known, bool):
            yield known + 1_000_003, "a value that is not listed"
    yield from ((other, "a value that is not listed") for other in _ANYTHING)


def _below(schema: JsonObject) -> Iterator[Offer]:
    """Offer numbers under the least one."""
    yield from _beyond(schema, ("minimum", "exclusiveMinimum"), -1)


def _above(schema: JsonObject) -> Iterator[Offer]:
    """Offer numbers over the greatest one."""
    yield from _beyond(schema, ("maximum", "exclusiveMaximum"), 1)


def _beyond(schema: JsonObject, keywords: tuple[str, str], sign: int) -> Iterator[Offer]:
    """Offer numbers at and beyond a bound in the direction of ``sign``, multiples of the step first."""
    step = _step(schema)
    for bound in _numbers(schema.get(keyword) for keyword in keywords):
        grid = Fraction(bound // step) * step
        side = "less" if sign < 0 else "more"
        for number in (
            bound,
            *(grid + sign * factor * step for factor in (0, 1, 2, 1_000)),
            bound + sign,
            bound + sign * Fraction(1, 2),
        ):
            yield written(number), f"{side} than the bound {written(bound)}"


def _off_grid(schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Offer numbers between multiples."""
    step = _step(schema)
    start = next(_numbers([value]), Fraction(0))
    for part in (Fraction(1), Fraction(-1), step / 2, -step / 2, step / 3):
        yield written(start + part), f"no multiple of {written(step)}"


def _step(schema: JsonObject) -> Fraction:
    """Return the step between numbers, 1 without one."""
    step = next(_numbers([schema.get("multipleOf")]), Fraction(0))
    return step if step > 0 else Fraction(1)


def _numbers(values: Iterable[Json]) -> Iterator[Fraction]:
    """Yield the finite numbers among ``values``."""
    for value in values:
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e300:
            yield Fraction(str(value))


def _too_short(schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Offer texts with fewer characters than the least."""
    least = schema.get("minLength")
    if isinstance(value, str) and isinstance(least, int) and 0 < least <= _LONGEST:
        for text in (value[: least - 1], "a" * (least - 1), ""):
            yield text, f"{len(text)} characters where at least {least} are asked for"


def _too_long(schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Offer texts with more characters than the most."""
    most = schema.get("maxLength")
    if not isinstance(value, str) or not isinstance(most, int) or most >= _LONGEST:
        return
    texts = [value + "a" * (most + 1 - len(value)), "a" * (most + 1), "1" * (most + 1)]
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        texts[:0] = _matching(pattern, most + 1)
    for text in texts:
        yield text, f"{len(text)} characters where at most {most} are admitted"


def _matching(pattern: str, length: int) -> list[str]:
    """Return a text for ``pattern`` of at least ``length`` characters, if there is one."""
    try:
        return [pattern_text(pattern).make(SimplestChooser(), length)]
    except PatternError:
        return []


def _mismatching(value: Json) -> Iterator[Offer]:
    """Offer texts of the same length that the pattern probably does not match, then others."""
    if not isinstance(value, str):
        return
    for odd in _ODD_TEXTS:
        yield (odd * (len(value) + 1))[: max(1, len(value))], "a text that the pattern does not match"
    for text in (f"{value}!", f"!{value}", "", *_ODD_TEXTS):
        yield text, "a text that the pattern does not match"


def _misformatted(schema: JsonObject) -> Iterator[Offer]:
    """Offer texts that no format admits."""
    for text in ("not what was asked for", " ", "\x00", "%", "{", "(", "a" * 300):
        yield text, f"a text that is no {schema.get('format')}"


def _too_few(schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Offer arrays with fewer items than the least."""
    least = schema.get("minItems")
    if isinstance(value, list) and isinstance(least, int) and least > 0:
        for count in (least - 1, 0):
            yield value[:count], f"{count} items where at least {least} are asked for"


def _too_many(schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Offer arrays with more items than the most."""
    most = schema.get("maxItems")
    if not isinstance(value, list) or not isinstance(most, int) or most >= _MOST_ITEMS:
        return
    for filler in (value[:1], *([odd] for odd in _ANYTHING)):
        longer = [*value, *(filler * (most + 1))][: most + 1]
        yield longer, f"{len(longer)} items where at most {most} are admitted"
    for start in (0, "item "):
        numbered: list[Json] = [index if start == 0 else f"{start}{index}" for index in range(most + 1)]
        yield [*value, *numbered][: most + 1], f"{most + 1} items where at most {most} are admitted"


def _repeated(value: Json) -> Iterator[Offer]:
    """Offer arrays in which an item comes twice."""
    if isinstance(value, list) and value:
        for repeated in ([value[0], value[0]], [*value, value[0]], [*value[:-1], value[0]]):
            yield repeated, "an item that comes twice"


def _uncontained(value: Json) -> Iterator[Offer]:
    """Offer arrays without, or with too many of, the items that have to be there."""
    if isinstance(value, list) and len(value) <= _MOST_ITEMS:
        for index in range(min(len(value), 5)):
            yield [item for place, item in enumerate(value) if place != index], "an array without a required item"
            yield [*value, *([value[index]] * 20)], "an array with too many of an item"
        yield from (([odd], "an array without a required item") for odd in _ANYTHING)
        yield [], "an array without a required item"


def _surplus(value: Json) -> Iterator[Offer]:
    """Offer arrays with one more item, of each type, where need be after one that stands in a place of its own."""
    if isinstance(value, list) and len(value) < _MOST_ITEMS:
        for before in ([], *([item] for item in _BY_TYPE.values())):
            yield from (([*value, *before, odd], "an item that is not admitted") for odd in _BY_TYPE.values())


def _incomplete(schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Offer the object without each of its required properties."""
    if isinstance(value, dict):
        for name in _names(schema.get("required")):
            yield _without(value, name), f"the required property {name!r} is missing"


def _independent(schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Offer the object with a property but without those that have to come with it."""
    if isinstance(value, dict):
        for keyword in ("dependentRequired", "dependencies"):
            needs = schema.get(keyword)
            for name, needed in needs.items() if isinstance(needs, dict) else ():
                for missing in _names(needed):
                    wanting = _without({**value, name: value.get(name, "example")}, missing)
                    yield wanting, f"{name!r} without {missing!r}"


def _names(value: Json) -> list[str]:
    """Return the strings of a list, at most 30."""
    return [name for name in value if isinstance(name, str)][:_MOST_NAMES] if isinstance(value, list) else []


def _without(value: JsonObject, name: str) -> JsonObject:
    """Return the object without a property."""
    return {key: item for key, item in value.items() if key != name}


def _additional(value: Json) -> Iterator[Offer]:
    """Offer the object with one more property, first one that only an exact reading refuses."""
    if isinstance(value, dict):
        items: tuple[Json, ...] = ("unexpected", {"unexpected": True})
        for name, item in itertools.product((STRANGE_NAME, "!", ""), items):
            yield {**value, name: item}, f"the property {name!r} is not admitted"


def _misnamed(value: Json) -> Iterator[Offer]:
    """Offer the object with a property whose name is not admitted."""
    if isinstance(value, dict):
        admitted = next(iter(value.values()), "example")
        for name, item in itertools.product((STRANGE_NAME, *_ODD_TEXTS, ""), (admitted, *_ANYTHING[:5])):
            yield {**value, name: item}, f"the property name {name[:20]!r} is not admitted"


def _too_small(schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Offer the object with fewer properties than the least."""
    least = schema.get("minProperties")
    if isinstance(value, dict) and isinstance(least, int) and least > 0:
        needed = _names(schema.get("required"))
        kept = [*needed, *(name for name in value if name not in needed)][: least - 1]
        yield {name: value[name] for name in kept if name in value}, f"fewer than {least} properties"


def _too_large(schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Offer the object with more properties than the most."""
    most = schema.get("maxProperties")
    if isinstance(value, dict) and isinstance(most, int) and most < _MOST_ITEMS:
        for filler in (next(iter(value.values()), "example"), *_ANYTHING):
            missing = most + 1 - len(value)
            larger = {**value, **{f"{STRANGE_NAME}{index}": filler for index in range(missing)}}
            yield larger, f"{len(larger)} properties where at most {most} are admitted"


def _uncombined(schema: JsonObject, value: Json) -> Iterator[Offer]:
    """Offer values that no alternative, or a forbidden one, is likely to admit."""
    if isinstance(value, dict):
        for name in itertools.islice(value, _MOST_NAMES):
            yield _without(value, name), "a combination of properties that is not admitted"
        yield {}, "a combination of properties that is not admitted"
        for name in _mentioned(schema):
            yield {**value, name: value.get(name, "example")}, "a combination of properties that is not admitted"
        for name, item in itertools.product(itertools.islice(value, _MOST_NAMES), _ANYTHING[:6]):
            yield {**value, name: item}, "a combination of properties that is not admitted"
    for other in (*_ANYTHING, *_literals(schema)):
        yield other, "a value that fits none or too many of the alternatives"


def _mentioned(schema: JsonObject) -> list[str]:
    """Return property names that the alternatives speak of."""
    branches = _branches(schema)
    named = [name for branch in branches for name in _names(branch.get("required"))]
    for branch in branches:
        properties = branch.get("properties")
        named.extend(properties if isinstance(properties, dict) else ())
    return list(dict.fromkeys(named))[:_MOST_NAMES]


def _literals(schema: JsonObject) -> list[Json]:
    """Return constants that the alternatives speak of."""
    found: list[Json] = []
    for branch in _branches(schema):
        listed = branch.get("enum")
        found.extend(listed[:5] if isinstance(listed, list) else ())
        found.extend([branch["const"]] if "const" in branch else ())
    return found[:_MOST_NAMES]


def _branches(schema: JsonObject) -> list[JsonObject]:
    """Return the subschemas that a combining keyword holds."""
    found: list[JsonObject] = []
    for keyword in ("anyOf", "oneOf", "not", "if", "then", "else"):
        held = schema.get(keyword)
        found.extend(each for each in (held if isinstance(held, list) else [held]) if isinstance(each, dict))
    return found


def _article(kind: str) -> str:
    """Return a JSON type with its article."""
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"


def _either(kinds: Iterable[str]) -> str:
    """Return JSON types as a list in words."""
    return " or ".join(_article(kind) for kind in sorted(kinds))


def _by_schema(offer: Callable[[JsonObject], Iterator[Offer]]) -> Callable[[JsonObject, Json], Iterator[Offer]]:
    """Return ``offer`` for a caller that has a value as well."""
    return lambda schema, _: offer(schema)


def _by_value(offer: Callable[[Json], Iterator[Offer]]) -> Callable[[JsonObject, Json], Iterator[Offer]]:
    """Return ``offer`` for a caller that has a schema as well."""
    return lambda _, value: offer(value)


_OFFERS: Mapping[str, Callable[[JsonObject, Json], Iterator[Offer]]] = {
    "required": _incomplete,
    "type": _by_schema(_wrong_type),
    "enum": _by_schema(_not_listed),
    "const": _by_schema(_not_listed),
    "additionalProperties": _by_value(_additional),
    "unevaluatedProperties": _by_value(_additional),
    "additionalItems": _by_value(_surplus),
    "unevaluatedItems": _by_value(_surplus),
    "minimum": _by_schema(_below),
    "exclusiveMinimum": _by_schema(_below),
    "maximum": _by_schema(_above),
    "exclusiveMaximum": _by_schema(_above),
    "pattern": _by_value(_mismatching),
    "minLength": _too_short,
    "maxLength": _too_long,
    "minItems": _too_few,
    "maxItems": _too_many,
    "uniqueItems": _by_value(_repeated),
    "multipleOf": _off_grid,
    "format": _by_schema(_misformatted),
    "dependentRequired": _independent,
    "dependencies": _independent,
    "propertyNames": _by_value(_misnamed),
    "minProperties": _too_small,
    "maxProperties": _too_large,
    "contains": _by_value(_uncontained),
    "minContains": _by_value(_uncontained),
    "maxContains": _by_value(_uncontained),
    "anyOf": _uncombined,
    "oneOf": _uncombined,
    "not": _uncombined,
}
KEYWORDS = tuple(_OFFERS)
"""Keywords that can be broken one at a time, those that servers forget most often first."""
