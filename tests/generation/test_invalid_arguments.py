"""Generated invalid arguments break exactly the keyword they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings

from mcp_assay.generation import (
    Breaker,
    InvalidArguments,
    UnsatisfiableError,
    invalid_arguments,
    invalid_examples,
    maker_of,
)

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject

KEYWORDS: dict[str, JsonObject] = json.loads(
    (Path(__file__).parent / "keyword_schemas.json").read_text(encoding="utf-8")
)
QUIET = settings(database=None, derandomize=True, max_examples=80, suppress_health_check=list(HealthCheck))
BUSY: JsonObject = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 1, "maximum": 10, "multipleOf": 2},
        "s": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
        "e": {"enum": ["x", "y"]},
        "l": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3, "uniqueItems": True},
        "u": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "f": {"type": "string", "format": "date"},
        "d": {"type": "object", "properties": {"q": {"type": "boolean"}}, "required": ["q"], "maxProperties": 2},
        "c": {"type": "array", "contains": {"const": 1}},
    },
    "required": ["n", "s"],
    "additionalProperties": False,
}


def python_errors(schema: JsonObject, broken: InvalidArguments) -> list[Any]:
    cls = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    return list(cls(schema).iter_errors(broken.arguments))


def test_the_first_ones_are_the_faults_servers_forget_most() -> None:
    made = invalid_examples(BUSY, seed=1, count=60)
    assert [each.keyword for each in made[:5]] == ["required", "type", "enum", "additionalProperties", "minimum"]
    assert made[0] == InvalidArguments(
        arguments={"s": "aa"}, keyword="required", pointer="", description="the required property 'n' is missing"
    )
    assert (made[1].pointer, made[1].arguments["n"]) == ("/n", {"unexpected": True})
    assert made[1].description == "/n: an object instead of an integer"


def test_each_keyword_of_a_schema_is_broken() -> None:
    broken = {each.keyword for each in invalid_examples(BUSY, seed=1, count=100)}
    assert broken == {
        "required", "type", "enum", "additionalProperties", "minimum", "maximum", "multipleOf", "pattern",
        "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "anyOf", "format", "maxProperties", "contains",
    }  # fmt: skip


def test_an_item_that_nothing_evaluates_is_offered() -> None:
    listed: JsonObject = {"type": "array", "prefixItems": [{"type": "integer"}], "unevaluatedItems": False}
    schema: JsonObject = {"type": "object", "properties": {"v": listed}, "required": ["v"]}
    offered = {each.keyword for each in invalid_examples(schema, seed=0, count=20)}
    assert offered == {"required", "type", "unevaluatedItems"}


def test_invalid_arguments_are_as_small_as_their_place_allows() -> None:
    made = invalid_examples(BUSY, seed=1, count=100)
    enum = next(each for each in made if each.keyword == "enum")
    assert enum.arguments == {"n": 2, "s": "aa", "e": "x-unknown"}


def test_published_tools_get_arguments_that_break_just_the_named_keyword(corpus: dict[str, JsonObject]) -> None:
    keywords = set[str]()
    for name, schema in corpus.items():
        for broken in invalid_examples(schema, seed=1, count=12):
            keywords.add(broken.keyword)
            errors = python_errors(schema, broken)
            if broken.keyword == "format":
                continue
            assert [error.validator for error in errors] == [broken.keyword], (name, broken)
    assert {"required", "type", "enum", "additionalProperties", "anyOf", "minimum", "maxLength"} <= keywords


@pytest.mark.parametrize("name", KEYWORDS)
def test_every_keyword_schema_is_broken_in_one_place_or_admits_everything(name: str) -> None:
    known = {key: value for key, value in KEYWORDS[name].items() if key != "$schema" or "json-schema.org" in str(value)}
    validator = jsonschema_rs.validator_for(known, validate_formats=True, offline=True)
    for broken in invalid_examples(KEYWORDS[name], seed=5, count=20):
        errors = list(validator.iter_errors(broken.arguments))
        assert len(errors) == 1
        assert broken.keyword in map(str, errors[0].schema_path)


def test_hypothesis_draws_invalid_arguments_of_many_kinds() -> None:
    validator = jsonschema_rs.validator_for(BUSY, validate_formats=True)
    seen = set[str]()

    @QUIET
    @given(invalid_arguments(BUSY))
    def broken(made: InvalidArguments) -> None:
        seen.add(made.keyword)
        assert len(list(validator.iter_errors(made.arguments))) == 1

    broken()
    assert len(seen) > 6


def test_a_schema_that_admits_every_object_has_no_invalid_arguments() -> None:
    assert invalid_examples({"type": "object"}, seed=0, count=5) == []
    with pytest.raises(UnsatisfiableError, match="every object conforms"):
        invalid_arguments({"type": "object"})


def test_the_same_seed_gives_the_same_invalid_arguments() -> None:
    assert invalid_examples(BUSY, seed=4, count=50) == invalid_examples(BUSY, seed=4, count=50)


def test_an_invalid_call_shrinks_without_losing_its_fault() -> None:
    breaker = Breaker(maker_of(BUSY))
    arguments: JsonObject = {"n": 998, "s": "abcd", "e": "x", "l": ["one", "two"]}
    found = InvalidArguments(arguments=arguments, keyword="maximum", pointer="/n", description="")
    while (better := next(breaker.simpler(found), None)) is not None:
        found = better
    assert found.arguments == {"n": 12, "s": "aa"}
