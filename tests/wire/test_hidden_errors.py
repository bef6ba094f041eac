"""Results that are errors are told from results that speak of errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mcp_assay.wire.exchange import Exchange
from mcp_assay.wire.hidden_errors import hidden_error

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject


def texted(value: object) -> JsonObject:
    return {"content": [{"type": "text", "text": json.dumps(value)}]}


def answered(**message: Any) -> Exchange:
    sent = json.dumps({"method": "tools/call", "params": {"name": "convert", "arguments": {"to": "km"}}}).encode()
    raw = json.dumps(message).encode()
    return Exchange(method="tools/call", id=1, sent=sent, sent_at=0, ended_at=0, raw=raw, message=message)


@pytest.mark.parametrize(
    "value",
    [
        {"error": "unknown unit"},
        {"error": "unknown unit", "to": "km"},
        {"success": False, "error": "unknown unit", "code": 7},
        {"error": {"message": "unknown unit", "data": []}},
        {"error": True, "message": "unknown unit"},
    ],
)
def test_an_object_that_is_an_error_is_one(value: JsonObject) -> None:
    assert hidden_error(texted(value), tool="convert", arguments={"to": "km"}) == "unknown unit"
    assert hidden_error({"structuredContent": value}, tool="convert", arguments={"to": "km"}) == "unknown unit"


@pytest.mark.parametrize(
    "value",
    [
        {"error": "", "result": 3},
        {"error": None, "rows": []},
        {"error": "two rows skipped", "rows": [1]},
        {"valid": False, "error": "a comma is missing"},
        {"errors": ["a"]},
        {"success": False, "message": "not yet"},
        {"error": 3},
        [{"error": "x"}],
        "error",
    ],
)
def test_a_result_that_speaks_of_an_error_is_a_result(value: object) -> None:
    assert hidden_error(texted(value), tool="convert", arguments={}) is None


@pytest.mark.parametrize(
    "tool", ["check_site", "validate_json", "last_error", "pingHost", "json-lint", "parse_date", "siteCheck"]
)
def test_a_tool_that_looks_for_errors_may_return_one(tool: str) -> None:
    assert hidden_error(texted({"error": "timeout"}), tool=tool, arguments={}) is None


@pytest.mark.parametrize(
    "exchange",
    [
        answered(result=texted({"error": "Limit 15/day"})),
        answered(result={"isError": True, "content": [{"type": "text", "text": "Rate limit exceeded: 100 requests"}]}),
        answered(error={"code": -32000, "message": "429 Too Many Requests"}),
    ],
)
def test_a_call_too_many_is_told_from_a_failure(exchange: Exchange) -> None:
    assert exchange.is_throttled


@pytest.mark.parametrize(
    "exchange",
    [
        answered(result=texted({"limits": "100 requests per minute"})),
        answered(result=texted({"error": "unknown unit"})),
        answered(result={"isError": True, "content": [{"type": "text", "text": "limit must be at most 100"}]}),
    ],
)
def test_other_answers_are_not_taken_for_limits_of_calls(exchange: Exchange) -> None:
    assert not exchange.is_throttled


def test_the_details_of_an_error_are_told() -> None:
    value: JsonObject = {"error": "Validation error", "details": "the id must be positive"}
    told = hidden_error(texted(value), tool="image_inspect", arguments={})
    assert told == "Validation error: the id must be positive"
