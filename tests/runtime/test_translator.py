from __future__ import annotations

import copy

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.runtime.coercion import admitted_types, type_of
from mcp_assay.runtime.inventory import ToolDefinition
from mcp_assay.runtime.outcome import OutcomeKind
from mcp_assay.runtime.translator import ToolCallTranslator
from mcp_assay.wire.exchange import Exchange, HttpMeta

NAMES = ("a", "b", "c", "d/~")
TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
    | st.sampled_from(
        ["1", "1.50", "-0", "1e400", "NaN", "true", "No", "[1]", '{"a": "2"}', " 7 ", "1" * 30, "0.1", "9" * 5000]
    )
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)


def described(inner):
    typed = st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, max_size=3),
            "default": values,
            "properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
            "items": inner,
            "required": st.lists(st.sampled_from(NAMES) | st.just([]), max_size=2),
            "additionalProperties": st.booleans(),
            "anyOf": st.lists(st.fixed_dictionaries({"type": st.sampled_from(TYPES)}), max_size=2),
        },
    )
    return typed | st.booleans()


schemas = st.recursive(st.fixed_dictionaries({"type": st.sampled_from(TYPES)}), described, max_leaves=6)
objects = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from(NAMES), schemas, max_size=4)},
    optional={"additionalProperties": st.booleans(), "required": st.lists(st.sampled_from(NAMES), max_size=3)},
)
arguments = st.dictionaries(st.sampled_from((*NAMES, "e")), values, max_size=4)


def tool(schema):
    return ToolDefinition(name="t", raw={"name": "t", "inputSchema": schema})


def normalised(schema, given_arguments, **options):
    return ToolCallTranslator().normalize_parameters(tool(schema), given_arguments, **options)


def one(kind, value, **more):
    return normalised({"properties": {"x": {"type": kind, **more}}}, {"x": value}).arguments["x"]


@given(schema=objects, given_arguments=arguments, drop=st.booleans())
def test_the_changes_give_the_original_back(schema, given_arguments, drop):
    before = copy.deepcopy((schema, given_arguments))
    result = normalised(schema, given_arguments, drop_unknown=drop)
    assert result.original == given_arguments
    assert (schema, given_arguments) == before


@given(schema=objects, given_arguments=arguments)
def test_whatever_is_changed_is_explained(schema, given_arguments):
    result = normalised(schema, given_arguments)
    if not result.changes:
        assert result.arguments == given_arguments
        assert [type(value) for value in result.arguments.values()] == [type(v) for v in given_arguments.values()]
    assert all(change.reason and change.name for change in result.changes)


@given(schema=objects, given_arguments=arguments)
def test_a_second_pass_changes_no_type(schema, given_arguments):
    once = normalised(schema, given_arguments)
    # Defaults are the server's own and sent as they are.
    assume(not any(change.action == "defaulted" for change in once.changes))
    twice = normalised(schema, once.arguments)
    assert [change for change in twice.changes if change.action == "coerced"] == []


@given(value=values, kinds=st.lists(st.sampled_from(TYPES), min_size=1, max_size=3))
def test_a_value_of_an_admitted_type_is_not_touched(value, kinds):
    schema = {"type": [*kinds, type_of(value)]}
    assert type_of(value) in admitted_types(schema)
    result = normalised({"properties": {"x": schema}}, {"x": value})
    assert result.changes == ()
    assert result.arguments == {"x": value}


@pytest.mark.parametrize(
    ("kind", "value", "after"),
    [
        ("integer", "7", 7),
        ("integer", " 7 ", 7),
        ("integer", 7.0, 7),
        ("number", "1.50", 1.5),
        ("boolean", "No", False),
        ("array", "x", ["x"]),
        ("array", "[1, 2]", [1, 2]),
        ("object", '{"a": 1}', {"a": 1}),
        ("string", 7, "7"),
    ],
)
def test_what_a_text_spells_is_taken(kind, value, after):
    assert one(kind, value) == after
    assert type(one(kind, value)) is type(after)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", "7.5"),
        ("integer", 1e300),
        ("integer", "9007199254740993"),
        ("integer", "9" * 5000),
        ("number", "1e400"),
        ("number", "NaN"),
        ("number", "Infinity"),
        ("number", "0.10000000000000000001"),
        ("number", "true"),
        ("boolean", "maybe"),
        ("string", True),
        ("string", None),
        ("object", "[1]"),
        ("array", None),
    ],
)
def test_what_would_lose_something_is_left_alone(kind, value):
    assert one(kind, value) is value


def test_a_list_of_texts_takes_a_text_as_it_is():
    assert one("array", "[1]", items={"type": "string"}) == ["[1]"]


def test_a_default_of_the_wrong_type_is_not_sent():
    schema = {"properties": {"x": {"type": "string", "default": None}, "y": {"type": "integer", "default": 3}}}
    assert normalised(schema, {}).arguments == {"y": 3}


def test_a_default_can_be_changed_without_changing_the_definition():
    schema = {"properties": {"x": {"default": []}}}
    normalised(schema, {}).arguments["x"].append(1)
    assert schema["properties"]["x"]["default"] == []


def test_unknown_and_missing_arguments_are_named():
    schema = {"properties": {"x": {}}, "required": ["x", ["hostile"], None], "additionalProperties": False}
    assert normalised(schema, {"y": 1}).problems == ("t takes no argument 'y'", "t needs the argument 'x'")
    dropped = normalised(schema, {"y": 1}, drop_unknown=True)
    assert [change.action for change in dropped.changes] == ["dropped"]


def exchange(message=None, fault=None, http=None):
    return Exchange(
        method="tools/call", id=1, sent=b"", sent_at=0.0, ended_at=1.0, message=message, fault=fault, http=http
    )


def outcome_of(message=None, fault=None, http=None):
    return ToolCallTranslator().translate_responses(exchange(message, fault, http), server="s", tool="t")


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({"content": []}, OutcomeKind.RESULT),
        ({}, OutcomeKind.RESULT),
        ({"content": [], "isError": True}, OutcomeKind.TOOL_ERROR),
        ({"resultType": "input_required", "inputRequests": {"a": {}}}, OutcomeKind.TOOL_ERROR),
    ],
)
def test_a_result_is_good_or_a_tool_error(result, kind):
    outcome = outcome_of({"jsonrpc": "2.0", "id": 1, "result": result})
    assert outcome.kind is kind
    assert (outcome.error is None) == outcome.succeeded


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (FaultKind.TIMEOUT, OutcomeKind.TIMEOUT),
        (FaultKind.STDIN_BLOCKED, OutcomeKind.TIMEOUT),
        (FaultKind.UNREADABLE, OutcomeKind.PROTOCOL_ERROR),
        (FaultKind.OVERSIZED, OutcomeKind.PROTOCOL_ERROR),
        (FaultKind.EXITED, OutcomeKind.UNAVAILABLE),
        (FaultKind.HTTP, OutcomeKind.UNAVAILABLE),
    ],
)
def test_a_fault_is_a_timeout_a_protocol_error_or_no_server(fault, kind):
    outcome = outcome_of(fault=Fault(kind=fault, message="why"))
    assert (outcome.kind, outcome.error, outcome.fault_kind) == (kind, "why", fault)


def test_a_result_beside_an_error_is_no_result():
    message = {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {"code": 1, "message": "x"}}
    assert outcome_of(message).kind is OutcomeKind.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("blocks", "structured", "found"),
    [
        ([{"type": "text", "text": '{"a": 1}'}], None, {"a": 1}),
        ([{"type": "text", "text": '{"a": NaN}'}], None, None),
        ([{"type": "text", "text": "[" * 100_000}], None, None),
        ([{"type": "text", "text": "7"}], None, None),
        ([{"type": "text", "text": "[1]"}, {"type": "text", "text": "[2]"}], None, None),
        ([{"type": "text", "text": "[1]"}, 5, {"type": "image"}], {"b": 2}, {"b": 2}),
    ],
)
def test_structured_content_is_what_the_server_gave_or_the_only_json_text(blocks, structured, found):
    result = {"content": blocks} if structured is None else {"content": blocks, "structuredContent": structured}
    outcome = outcome_of({"jsonrpc": "2.0", "id": 1, "result": result})
    assert outcome.structured == found
    assert outcome.content == tuple(blocks)
    assert outcome.exchange is not None


def test_an_outcome_can_be_sent_on_as_json():
    outcome = outcome_of({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": '{"a": 1e999}'}]}})
    assert orjson.dumps(outcome.structured) == b"null"


@pytest.mark.parametrize(
    ("status", "value", "seconds"), [(429, "7", 7.0), (503, "9999", 60.0), (429, "Wed, 21 Oct", 0.0), (500, "7", None)]
)
def test_a_server_that_refused_unseen_says_how_long_to_wait(status, value, seconds):
    http = HttpMeta(status=status, headers=(("Retry-After", value),), stream="json")
    assert outcome_of(fault=Fault(kind=FaultKind.HTTP, message="x"), http=http).retry_after_s == seconds
