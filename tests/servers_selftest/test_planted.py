"""The planted server shows each of its 25 faults on the smallest call, and its healthy twin none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema_rs import is_valid

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Any]

PLANTED = (sys.executable, "-S", "-E", str(Path(__file__).parent.parent / "servers" / "planted.py"))
LISTED = subprocess.run([*PLANTED, "--list"], check=True, capture_output=True, timeout=60).stdout
PLANTS = {plant["tool"]: plant for plant in json.loads(LISTED)}
SECRET = "canary-7531"
# What stands in for the values in angle brackets.
CALLS: dict[str, dict[str, Any]] = {
    "scale": {"factor": "5"},
    "describe_season": {"season": "monsoon"},
    "pad_text": {"text": "", "width": 0},
    "check_code": {"code": ""},
    "sort_words": {"words": [], "more": 1},
    "total_price": {"items": [{"amount": 0.5}]},
    "lower_text": {"text": ""},
    "count_letters": {"text": "\x80"},
    "transpose": {"matrix": None},
    "echo_slowly": {"text": "one"},
    "sleep": {"ms": 10},
    "digest": {"text": "x" * 65_537},
}


def calls_of(tool: str) -> dict[str, Any]:
    """Return the arguments of the smallest call."""
    return CALLS.get(tool, PLANTS[tool]["smallest"])


def observe(peer: Any, tool: str) -> str:
    """Return in one word what a tool did on its smallest call, ``fine`` if it did what it should."""
    definition = next(one for one in _tools(peer) if one["name"] == tool)
    arguments = calls_of(tool)
    valid = is_valid(definition["inputSchema"], arguments)
    if tool == "echo_slowly":
        return _observe_two_at_once(peer)
    if tool == "sleep":
        return _observe_cancelled(peer)
    if tool == "hit_count":
        return "fine" if peer.call(tool)["result"] == peer.call(tool)["result"] else "read-only is not"
    request = peer.request("tools/call", {"name": tool, "arguments": arguments, "_meta": {"progressToken": "p"}})
    peer.send(request, peer.request("ping"))
    said: list[Any] = []
    while (message := peer.message()) is not None and message.get("id") != peer.number:
        said.append(message)
    return _judge(peer, definition, said, valid=valid)


def _tools(peer: Any) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, Any] = {}
    while True:
        result = peer.ask("tools/list", cursor)["result"]
        found += result["tools"]
        if "nextCursor" not in result:
            return found
        cursor = {"cursor": result["nextCursor"]}


def _observe_two_at_once(peer: Any) -> str:
    peer.send(*(peer.request("tools/call", {"name": "echo_slowly", "arguments": {"text": text}}) for text in "ab"))
    said = [peer.message()["result"]["structuredContent"]["text"] for _ in range(2)]
    return "fine" if said == ["a", "b"] else "answers mixed up"


def _observe_cancelled(peer: Any) -> str:
    request = peer.request("tools/call", {"name": "sleep", "arguments": {"ms": 10}})
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request["id"]}}
    peer.send(request, cancel, peer.request("tools/call", {"name": "sleep", "arguments": {"ms": 50}}))
    return "fine" if peer.message()["id"] != request["id"] else "cancellation ignored"


def _judge(peer: Any, definition: Any, said: list[Any], *, valid: bool) -> str:
    progress = [message["params"]["progress"] for message in said if message.get("method") == "notifications/progress"]
    if progress != sorted(set(progress)):
        return "progress goes back"
    answers = [message for message in said if "id" in message]
    if not answers:
        died = peer.exit_code(0.5) is not None
        return ("large text" if definition["name"] == "digest" else "dies") if died else "no answer"
    if "error" in answers[0]:
        return "internal error"
    return _judge_result(definition, answers[0]["result"], valid=valid)


def _judge_result(definition: Any, result: Any, *, valid: bool) -> str:
    texts = [block["text"] for block in result["content"] if block["type"] == "text"]
    schema, value = definition.get("outputSchema"), result.get("structuredContent")
    faults = {
        "secret": SECRET in json.dumps(result),
        "failure without a word": result.get("isError") and not texts,
        "stack trace": result.get("isError") and "Traceback" in "".join(texts),
        "fine": result.get("isError"),
        "accepted": not valid,
        "no base64": any(block.get("data") == "<svg/>" for block in result["content"]),
        "no structured content": schema and "structuredContent" not in result,
        "does not conform": schema and not is_valid(schema, value),
        "text differs": schema and texts[:1] != [json.dumps(value)],
    }
    return next((word for word, seen in faults.items() if seen), "fine")


# Where several kinds look the same from outside.
SEEN = {
    **dict.fromkeys(("missing required", "wrong type", "not in enum", "out of range", "bad pattern"), "accepted"),
    **dict.fromkeys(("extra property", "nested type"), "accepted"),
    "structured content does not conform": "does not conform",
    "value from another tool": "does not conform",
    "not only ASCII": "internal error",
    "dies of invalid arguments": "dies",
}


@pytest.mark.parametrize("tool", PLANTS)
def test_planted_fault_shows_on_its_smallest_call(start: Start, tool: str) -> None:
    peer = start(*PLANTED, env={"MCP_TEST_SECRET": SECRET})
    peer.open()

    assert observe(peer, tool) == SEEN.get(PLANTS[tool]["kind"], PLANTS[tool]["kind"])


def test_healthy_twin_shows_none(start: Start) -> None:
    peer = start(*PLANTED, "--healthy", env={"MCP_TEST_SECRET": SECRET})
    peer.open()

    assert {tool: observe(peer, tool) for tool in PLANTS} == dict.fromkeys(PLANTS, "fine")
    assert peer.close() == 0


def test_there_are_25_kinds_and_one_tool_each() -> None:
    assert len(PLANTS) == len({plant["kind"] for plant in PLANTS.values()}) == 25
