"""Generated arguments conform, are plausible, reach nothing and repeat."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_assay.generation import GenerationError, Style, Surroundings, arguments, example_arguments, maker_of
from mcp_assay.wire.schemas.text import scrubbed

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject

KEYWORDS: dict[str, JsonObject] = json.loads(
    (Path(__file__).parent / "keyword_schemas.json").read_text(encoding="utf-8")
)
QUIET = settings(database=None, derandomize=True, max_examples=60, suppress_health_check=list(HealthCheck))


def judges(schema: JsonObject) -> tuple[jsonschema_rs.Validator, Any]:
    """Return two validators that share no code with the generators: one with formats, one without."""
    known = {key: value for key, value in schema.items() if key != "$schema" or "json-schema.org" in str(value)}
    cls = jsonschema.validators.validator_for(known, default=jsonschema.Draft202012Validator)
    return jsonschema_rs.validator_for(known, validate_formats=True, offline=True), cls(known)


def python_reads(schema: JsonObject) -> bool:
    """Return whether Python's own engine understands the schema's patterns and references."""
    text = json.dumps(schema)
    return not any(part in text for part in ("\\\\p{", "a.invalid", "$dynamic"))


@pytest.mark.parametrize("name", KEYWORDS)
def test_every_keyword_is_obeyed_in_every_style(name: str) -> None:
    schema = KEYWORDS[name]
    rust, python = judges(schema)
    for style in Style:
        made = example_arguments(schema, seed=7, count=25, style=style)
        assert made
        for each in made:
            assert rust.is_valid(scrubbed(each)), (style, each)
            assert not python_reads(schema) or python.is_valid(each), (style, each)


@pytest.mark.parametrize("name", KEYWORDS)
def test_every_keyword_is_obeyed_under_hypothesis(name: str) -> None:
    rust, _ = judges(KEYWORDS[name])

    @QUIET
    @given(arguments(KEYWORDS[name]))
    def conform(made: JsonObject) -> None:
        assert rust.is_valid(made)

    conform()


def test_every_published_tool_gets_arguments_that_two_validators_accept(corpus: dict[str, JsonObject]) -> None:
    assert len(corpus) > 300
    for name, schema in corpus.items():
        rust, python = judges(schema)
        for made in example_arguments(schema, seed=1, count=8):
            assert rust.is_valid(made), (name, made)
            assert python.is_valid(made), (name, made)


def test_the_same_seed_gives_the_same_arguments_and_another_seed_others(corpus: dict[str, JsonObject]) -> None:
    schema = corpus["github.create_issue"]
    first = example_arguments(schema, seed=1, count=10)
    assert first == example_arguments(schema, seed=1, count=10)
    assert first != example_arguments(schema, seed=2, count=10)
    assert len({json.dumps(each, sort_keys=True) for each in first}) == 10


def test_the_first_example_is_minimal_and_takes_what_the_schema_suggests() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {
            "timezone": {"type": "string", "description": "IANA name (e.g. 'Europe/London')"},
            "mode": {"enum": ["z", "a"], "default": "a"},
            "level": {"type": "integer", "examples": [7, 8]},
            "when": {"type": "string", "format": "date"},
            "path": {"type": "string"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100},
            "optional": {"type": "string"},
        },
        "required": ["timezone", "mode", "level", "when", "path", "limit"],
    }
    (first,) = example_arguments(schema, seed=0, count=1, surroundings=Surroundings(directory="/tmp/x"))
    assert first == {
        "timezone": "Europe/London",
        "mode": "a",
        "level": 7,
        "when": "2024-02-28",
        "path": "/tmp/x/example.txt",
        "limit": 1,
    }


def test_an_example_that_breaks_the_schema_is_not_used() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"n": {"type": "integer", "examples": ["one"], "default": 0, "minimum": 5}},
        "required": ["n"],
    }
    assert example_arguments(schema, seed=0, count=1) == [{"n": 5}]


def test_known_values_are_preferred_where_they_conform() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"repo": {"type": "string"}, "id": {"type": "integer"}},
        "required": ["repo", "id"],
    }
    known = Surroundings(known={"repo": ("harvested",), "id": ("not a number", 42)})
    assert example_arguments(schema, seed=0, count=1, surroundings=known) == [{"repo": "harvested", "id": 42}]


@pytest.mark.parametrize("style", Style)
def test_values_that_could_reach_something_reach_nothing(style: Style) -> None:
    names = ("path", "outputFile", "dir", "url", "webhook_url", "email", "host")
    schema: JsonObject = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in names},
        "required": list(names),
    }
    place = Surroundings(directory="/tmp/assay", domain="example.invalid")
    for made in example_arguments(schema, seed=3, count=60, surroundings=place, style=style):
        for name in ("path", "outputFile", "dir"):
            value = str(made[name])
            assert value.startswith("/tmp/assay") or "mcp-assay-nonexistent" in value, value
        for name in ("url", "webhook_url"):
            value = str(made[name]).lower()
            assert "example.invalid" in value or "mcp-assay-nonexistent" in value or value in {"", "https://"}, value
        assert str(made["email"]).endswith("@example.invalid") or ".example.invalid" in str(made["email"])
        assert str(made["host"]).endswith("example.invalid")


def test_edges_reach_the_bounds_and_hostile_texts_are_odd() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 900}, "s": {"type": "string"}},
        "required": ["n", "s"],
    }
    edges = example_arguments(schema, seed=1, count=60, style=Style.EDGES)
    assert {3, 900} <= {made["n"] for made in edges}
    assert {"", "a" * 4_096} <= {made["s"] for made in edges}
    hostile = {str(made["s"]) for made in example_arguments(schema, seed=1, count=100, style=Style.HOSTILE)}
    assert any("\x00" in text for text in hostile)
    assert any(any(0xD800 <= ord(each) < 0xE000 for each in text) for text in hostile)


def test_a_pattern_that_only_ecma_engines_read_is_obeyed() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"v": {"type": "string", "pattern": "^[^]{2}$"}},
        "required": ["v"],
    }
    assert {len(str(made["v"])) for made in example_arguments(schema, seed=1, count=20)} == {2}


def test_arguments_handed_out_share_nothing() -> None:
    schema: JsonObject = {"type": "object", "properties": {"v": {"const": {"a": []}}}, "required": ["v"]}
    maker = maker_of(schema)
    (first,) = maker.examples(seed=0, count=1)
    assert isinstance(first["v"], dict)
    first["v"]["a"] = [1]
    assert maker.examples(seed=0, count=1) == [{"v": {"a": []}}]


def test_a_failing_call_is_shrunk_to_the_smallest_one() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"q": {"type": "string", "minLength": 2}, "n": {"type": "integer"}, "tags": {"type": "array"}},
        "required": ["q"],
    }
    maker = maker_of(schema)

    def fails(made: JsonObject) -> bool:
        return isinstance(made.get("n"), int) and made["n"] > 100

    found: JsonObject = {"q": "a long text with ünïcode", "n": 123456, "tags": ["x", {"y": 1}], "more": None}
    for _ in range(200):
        better = next((each for each in maker.simpler(found) if fails(each)), None)
        if better is None:
            break
        found = better
    assert found == {"q": "aa", "n": 101}


def test_nothing_is_written_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example_arguments(KEYWORDS["formats"], seed=1, count=20)
    assert list(tmp_path.iterdir()) == []


def subschemas() -> st.SearchStrategy[Json]:
    """Return small schemas of all kinds, many of them contradictory."""
    number = st.integers(-3, 6)
    size = st.integers(0, 4)
    value = st.sampled_from(["", "a", "abc", 0, 1, 2.5, None, True, [], [1], {}, {"a": 1}])
    name = st.sampled_from(["a", "b", "path"])
    simple = st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"]),
            "minimum": number, "maximum": number, "exclusiveMinimum": number, "multipleOf": st.integers(1, 4),
            "minLength": size, "maxLength": size, "minItems": size, "maxItems": size, "uniqueItems": st.booleans(),
            "minProperties": size, "maxProperties": size, "enum": st.lists(value, min_size=1, max_size=3),
            "const": value, "pattern": st.sampled_from(["^a", "b$", "[0-9]+", "^.{2}$"]),
            "required": st.lists(name, max_size=2, unique=True),
        },
    )  # fmt: skip
    return st.recursive(
        st.booleans() | simple,
        lambda inner: st.tuples(
            simple,
            st.fixed_dictionaries(
                {},
                optional={
                    "properties": st.dictionaries(name, inner, max_size=3),
                    "additionalProperties": inner, "items": inner, "not": inner, "contains": inner,
                    "prefixItems": st.lists(inner, min_size=1, max_size=2), "propertyNames": inner,
                    "allOf": st.lists(inner, min_size=1, max_size=2),
                    "anyOf": st.lists(inner, min_size=1, max_size=2),
                    "oneOf": st.lists(inner, min_size=1, max_size=2), "if": inner, "then": inner, "else": inner,
                    "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=1),
                    "unevaluatedProperties": inner, "dependentSchemas": st.dictionaries(name, inner, max_size=1),
                },
            ),
        ).map(lambda parts: {**parts[0], **parts[1]}),
        max_leaves=8,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("keywords", "holds"),
    [
        ({"contentEncoding": "base64"}, "SGVsbG8="),
        ({"contentMediaType": "application/json", "contentSchema": {"type": "array"}}, "[]"),
        ({"contentMediaType": "text/html"}, "<p>example</p>"),
        ({"contentMediaType": "image/png"}, None),
    ],
)
def test_a_text_with_content_holds_it(keywords: JsonObject, holds: str | None) -> None:
    part: JsonObject = {"type": "string", **keywords}
    schema: JsonObject = {"type": "object", "properties": {"attached": part}, "required": ["attached"]}
    (made,) = example_arguments(schema, seed=0, count=1)
    assert (made["attached"] == holds) is (holds is not None)


def test_content_of_a_media_type_is_encoded_as_the_schema_says() -> None:
    needs: JsonObject = {"type": "object", "properties": {"n": {"enum": [7]}, "d": {}}, "required": ["n", "d"]}
    part: JsonObject = {"type": "string", "contentEncoding": "base64", "contentMediaType": "application/json"}
    schema: JsonObject = {"type": "object", "properties": {"v": {**part, "contentSchema": needs}}, "required": ["v"]}
    (made,) = example_arguments(schema, seed=0, count=1)
    assert json.loads(base64.b64decode(str(made["v"]))) == {"n": 7, "d": {}}


def test_what_may_be_a_flag_or_a_text_is_a_flag_first() -> None:
    part: JsonObject = {"type": ["boolean", "string"]}
    made = example_arguments(
        {"type": "object", "properties": {"thought": part}, "required": ["thought"]}, seed=0, count=2
    )
    assert made == [{"thought": False}, {"thought": True}]


@settings(QUIET, max_examples=250)
@given(st.dictionaries(st.sampled_from(["a", "b", "path"]), subschemas(), max_size=3), st.integers(0, 99))
def test_any_schema_gives_conforming_arguments_or_a_reason(properties: dict[str, Json], seed: int) -> None:
    schema: JsonObject = {"type": "object", "properties": properties, "required": list(properties)}
    rust, python = judges(schema)
    try:
        made = example_arguments(schema, seed=seed, count=4)
    except GenerationError:
        return
    for each in made:
        assert rust.is_valid(each)
        assert python.is_valid(each)
