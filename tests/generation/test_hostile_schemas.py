"""Hostile schemas end in arguments or in a reason; none hangs, crashes or reaches the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_assay.generation import (
    Style,
    TooComplexError,
    UnsatisfiableError,
    UnusableSchemaError,
    example_arguments,
    invalid_examples,
    maker_of,
)

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject


def having(**properties: Json) -> JsonObject:
    return {"type": "object", "properties": properties, "required": list(properties)}


def nested(levels: int) -> JsonObject:
    schema: JsonObject = {"type": "string"}
    for _ in range(levels):
        schema = having(a=schema)
    return schema


def linked(count: int, step: str) -> JsonObject:
    """Return definitions each of which refers to the next, once (`chain`), or twice in one place or two."""
    definitions: dict[str, Json] = {f"d{count}": {"type": "string"}}
    for index in range(count):
        onward: Json = {"$ref": f"#/$defs/d{index + 1}"}
        definitions[f"d{index}"] = {
            "chain": having(n=onward),
            "allOf": {"allOf": [onward, dict(onward)]},
            "anyOf": {"anyOf": [onward, dict(onward)]},
            "pair": having(a=onward, b=onward),
        }[step]
    return {**having(r={"$ref": "#/$defs/d0"}), "$defs": definitions}


IMPOSSIBLE: dict[str, JsonObject] = {
    "contradictory length": having(a={"type": "string", "minLength": 5, "maxLength": 3}),
    "contradictory range": having(a={"type": "integer", "minimum": 5, "maximum": 4}),
    "no multiple in range": having(a={"type": "integer", "multipleOf": 7, "minimum": 1, "maximum": 6}),
    "forbidden but required": {**having(a=False)},
    "endless": {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]},
    "endless in arrays": having(c={"type": "array", "items": {"$ref": "#"}, "minItems": 1}),
    "too few different items": having(
        a={"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": True}
    ),
    "no object": {"type": "array"},
    "everything is wrong": {"type": "object", "not": {}},
    "closed but required": {"type": "object", "required": ["a"], "additionalProperties": False},
}
EXCESSIVE: dict[str, JsonObject] = {
    "nesting": nested(400),
    "bottomless nesting": nested(100_000),
    "chain of references": linked(2_000, "chain"),
    "exponential references": linked(40, "allOf"),
    "exponential alternatives": linked(30, "anyOf"),
    "exponential size": linked(40, "pair"),
    "endless text": having(a={"type": "string", "minLength": 10**12}),
    "endless array": having(a={"type": "array", "minItems": 10**9}),
    "endless object": {"type": "object", "minProperties": 10**9},
    "endless repetition": having(a={"type": "string", "pattern": "^a{90000}$"}),
    "nested repetition": having(a={"type": "string", "pattern": "^((a{200}){200}){200}$"}),
    "pattern that nothing matches": having(a={"type": "string", "pattern": "^(a+)+b(?<=x)$"}),
    "huge schema": having(a={"type": "string", "enum": ["x" * 1_000_000]}),
    "too many subschemas": {"type": "object", "properties": {f"p{index}": {} for index in range(6_000)}},
    "tangle": {
        **having(a={"$ref": "#/$defs/d0"}),
        "$defs": {
            f"d{index}": {"anyOf": [{"$ref": f"#/$defs/d{(index * step + 1) % 300}"} for step in range(1, 8)]}
            for index in range(300)
        },
    },
}
BROKEN: dict[str, JsonObject] = {
    "wrong type name": {"type": "objct"},
    "dangling reference": having(a={"$ref": "#/$defs/gone"}),
    "network reference": having(a={"$ref": "http://127.0.0.1:9/schema.json"}),
    "file reference": having(a={"$ref": "file:///etc/passwd"}),
    "broken pattern": having(a={"type": "string", "pattern": "("}),
}
COSTLY: dict[str, JsonObject] = {
    "backtracking pattern": having(a={"type": "string", "pattern": "^(a+)+$"}),
    "backtracking look-ahead": having(a={"type": "string", "pattern": "^(?=(a+)+$)(a|a)*\\1$"}),
    "many properties": {"type": "object", "properties": {f"p{index}": {"type": "string"} for index in range(1_000)}},
    "many values": having(a={"enum": list(range(5_000))}),
    "many different items": having(
        a={"type": "array", "items": {"type": "integer"}, "minItems": 300, "uniqueItems": True}
    ),
    "many cases": {
        "type": "object",
        "allOf": [{"anyOf": [{"required": [f"a{index}"]}, {"required": [f"b{index}"]}]} for index in range(30)],
    },
    "not itself or else": {"type": "object", "properties": {"a": {"not": {"$ref": "#"}}}},
    "huge number": having(a={"type": "integer", "minimum": 10**400}),
    "long text": having(a={"type": "string", "minLength": 50_000}),
    "odd names": having(**{"a/b~c": {"type": "null"}, "": {"type": "null"}, "ä🙂": {"type": "null"}}),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_contradictory_schema_is_called_so(name: str) -> None:
    with pytest.raises(UnsatisfiableError):
        maker_of(IMPOSSIBLE[name])


def test_a_contradiction_is_named_with_its_place() -> None:
    with pytest.raises(UnsatisfiableError) as caught:
        maker_of(IMPOSSIBLE["contradictory length"])
    assert caught.value.message == (
        "no arguments conform to the schema: maxLength and minLength contradict each other at /properties/a"
    )


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"type": "integer", "enum": ["a"]}, "enum and type contradict each other at /properties/a"),
        ({"const": 1, "enum": [2, 3]}, "const and enum contradict each other at /properties/a"),
        ({"type": "string", "minLength": 2, "enum": ["a"]}, "enum and minLength and type contradict each other"),
        ({"description": "Nothing", "enum": []}, "enum admits no value at /properties/a"),
    ],
)
def test_listed_values_that_are_not_allowed_are_named(part: JsonObject, told: str) -> None:
    with pytest.raises(UnsatisfiableError) as caught:
        maker_of(having(a=part))
    assert told in caught.value.message


@pytest.mark.parametrize("name", EXCESSIVE)
def test_an_excessive_schema_is_given_up(name: str) -> None:
    with pytest.raises((TooComplexError, UnusableSchemaError)) as caught:
        example_arguments(EXCESSIVE[name], seed=1, count=1)
    assert len(caught.value.message) < 500


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_schema_is_called_unusable(name: str) -> None:
    with pytest.raises(UnusableSchemaError):
        maker_of(BROKEN[name])


@pytest.mark.parametrize("name", COSTLY)
def test_a_costly_schema_is_still_served(name: str) -> None:
    assert example_arguments(COSTLY[name], seed=1, count=2)
    assert isinstance(invalid_examples(COSTLY[name], seed=1, count=5), list)
    assert example_arguments(COSTLY[name], seed=1, count=2, style=Style.HOSTILE)
