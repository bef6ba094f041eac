"""What the execution checks are made of: content, equality, smaller arguments, stack traces."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.exchange import Exchange
from mcp_assay_suites.execution.content import content_problems, decoded
from mcp_assay_suites.execution.failing import STACK_TRACE
from mcp_assay_suites.exercising.cases import Case, canonical
from mcp_assay_suites.exercising.minimal import emptied, plainest, reductions, shortest, smaller_values
from mcp_assay_suites.observing.comparing import first_difference, same

PNG = "iVBORw0KGgo="
GOOD = [
    {"type": "text", "text": ""},
    {"type": "image", "data": PNG, "mimeType": "image/png"},
    {"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"},
    {"type": "audio", "data": "", "mimeType": "audio/strange"},
    {"type": "resource_link", "uri": "a:b", "name": "b"},
    {"type": "resource", "resource": {"uri": "a:b", "text": ""}},
    {"type": "resource", "resource": {"uri": "a:b", "blob": PNG}},
]


@pytest.mark.parametrize("block", GOOD)
def test_a_proper_block_has_no_problem(block: object) -> None:
    assert content_problems({"content": [block]}) == ([], [])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("text", "it is a string"),
        ({}, "type is null"),
        ({"type": ["text"]}, "type is ['text']"),
        ({"type": "video"}, "type is 'video'"),
        ({"type": "text", "text": 1}, "text is a number"),
        ({"type": "image", "data": PNG}, "mimeType is missing"),
        ({"type": "image", "data": "%%%", "mimeType": "image/png"}, "data is no base64 text"),
        ({"type": "audio", "data": None, "mimeType": "audio/wav"}, "data is no base64 text"),
        ({"type": "resource_link", "uri": "a:b"}, "name is missing"),
        ({"type": "resource", "resource": []}, "resource is missing"),
        ({"type": "resource", "resource": {"text": ""}}, "resource.uri is missing"),
        ({"type": "resource", "resource": {"uri": "a:b"}}, "resource has neither text nor a base64 blob"),
    ],
)
def test_a_broken_block_is_told_by_its_place_and_problem(block: object, problem: str) -> None:
    problems, _ = content_problems({"content": [{"type": "text", "text": ""}, block]})  # type: ignore[list-item]
    assert problems == [f"content[1]: {problem}"]


@pytest.mark.parametrize(("result", "problem"), [({}, "content is missing"), ({"content": {}}, "content is an object")])
def test_content_must_be_an_array(result: dict[str, object], problem: str) -> None:
    assert content_problems(result) == ([problem], [])  # type: ignore[arg-type]


def test_bytes_of_another_format_are_only_odd() -> None:
    block = {"type": "image", "data": "UklGRg==", "mimeType": "image/png"}
    assert content_problems({"content": [block]}) == ([], ["content[0]: the data does not start like image/png"])


@pytest.mark.parametrize("data", ["a", "a b=", "äöü=", "QQ", None, 3])
def test_what_is_no_base64_is_not_decoded(data: object) -> None:
    assert decoded(data) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (0, False, False),
        ({"a": [1, None]}, {"a": [1, None]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [2, 1], False),
        ("1", 1, False),
        (None, False, False),
    ],
)
def test_json_values_are_compared_as_json(left: object, right: object, equal: bool) -> None:
    assert same(left, right) is equal  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "meant", "place"),
    [
        ({"a": 1}, {"a": 1.0}, None),
        ({"a": [1, {"b/c": 2}]}, {"a": [1, {"b/c": 3}]}, ("/a/1/b~1c", "2", "3")),
        ({"a": 1}, {"a": 1, "b": 2}, ("/b", "nothing", "2")),
        ([1], [1, 2], ("", "[1]", "[1, 2]")),
    ],
)
def test_the_first_difference_is_told_with_its_place(said: Any, meant: Any, place: object) -> None:
    assert first_difference(said, meant, "") == place


def test_reductions_drop_members_before_they_shorten_values() -> None:
    assert list(reductions({"a": "xyz", "b": True})) == [
        {"b": True},
        {"a": "xyz"},
        {"a": "", "b": True},
        {"a": "x", "b": True},
        {"a": "xyz", "b": False},
    ]


def test_everything_but_what_is_wrong_is_made_plain_at_once() -> None:
    given: dict[str, Any] = {"a/b": [{"c": 7, "d": "x"}, {"c": 8, "d": None}], "e": True, "f": 1.5}
    plain = {"a/b": [{"c": 7, "d": ""}, {"c": 0, "d": None}], "e": False, "f": 0}
    assert emptied(given, keep="/a~1b/0/c", plainer=plainest) == plain
    assert emptied({"a": {"b": 1}, "c": "x"}, keep="/a", plainer=plainest) == {"a": {"b": 1}, "c": ""}
    assert emptied({"a": {"b": 1}}, keep="", plainer=plainest) == {"a": {"b": 0}}
    assert emptied({"a": "xy", "b": 1}, keep="", plainer=shortest) == {"a": "x", "b": 1}


@pytest.mark.parametrize("value", [0, "", [], {}, False, None])
def test_the_plainest_values_cannot_be_reduced(value: object) -> None:
    assert list(smaller_values(value)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [7, -3.5, 1, "ab", [1, 2, 3], {"a": {"b": 1}}, True, {"a": "x" * 10_000}, 1.7e308])
def test_reducing_ends(value: object) -> None:
    steps = 0
    while (smaller := next(smaller_values(value), None)) is not None:  # type: ignore[arg-type]
        value, steps = smaller, steps + 1
        assert steps < 50


@pytest.mark.parametrize(
    "text",
    [
        'Traceback (most recent call last):\n  File "a.py", line 3, in f\nKeyError: 1',
        "TypeError: x\n    at Object.call (/srv/app/index.js:10:5)",
        "Error\n    at /srv/app/index.js:10:5",
        "java.lang.X\n\tat com.acme.Tool.call(Tool.java:33)",
        "goroutine 1 [running]:",
        "thread 'main' panicked at src/main.rs:2:5",
    ],
)
def test_stack_traces_of_common_languages_are_recognised(text: str) -> None:
    assert STACK_TRACE.search(text)


@pytest.mark.parametrize("text", ["look at line 3 of the file", "meet me at noon (12:30)", "File not found", ""])
def test_plain_messages_are_no_stack_traces(text: str) -> None:
    assert not STACK_TRACE.search(text)


def test_arguments_that_no_fast_encoder_takes_can_still_be_shown() -> None:
    assert canonical({"b": 2**70, "a": "\ud800"}) == '{"a": "\\ud800", "b": 1180591620717411303424}'


def test_long_arguments_are_cut_with_their_length() -> None:
    exchange = Exchange(
        method="tools/call", id=1, sent=b"", sent_at=0, ended_at=0, fault=Fault(kind=FaultKind.TIMEOUT, message="x")
    )
    case = Case(arguments={"a": "x" * 1000}, exchange=exchange)
    assert case.call.endswith("… (1009 characters)")
    assert case.timed_out
    assert not case.ended_server
