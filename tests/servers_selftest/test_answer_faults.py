"""The faults of the answers and of the definitions are really there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Any]

ECHO = {"name": "echo", "arguments": {"text": "hello"}}
SHAPES: dict[str, Callable[[Any], bool]] = {
    "unknown-id": lambda answer: answer["id"] == "nobody-asked",
    "wrong-id": lambda answer: answer["id"] == "nobody-asked",
    "id-type": lambda answer: answer["id"] == "2",
    "id-float": lambda answer: isinstance(answer["id"], float),
    "id-null": lambda answer: answer["id"] is None,
    "id-missing": lambda answer: "id" not in answer,
    "result-and-error": lambda answer: "result" in answer and "error" in answer,
    "no-result-no-error": lambda answer: "result" not in answer and "error" not in answer,
    "result-null": lambda answer: answer["result"] is None,
    "result-list": lambda answer: answer["result"] == [],
    "result-string": lambda answer: answer["result"] == "done",
    "error-string": lambda answer: answer["error"] == "it failed",
    "error-code-string": lambda answer: answer["error"]["code"] == "E_FAIL",
    "error-unattributed": lambda answer: answer["id"] is None and "error" in answer,
    "error-internal": lambda answer: "Traceback" in answer["error"]["message"],
    "jsonrpc-missing": lambda answer: "jsonrpc" not in answer,
    "jsonrpc-one": lambda answer: answer["jsonrpc"] == "1.0",
    "answer-as-notification": lambda answer: answer["method"] == "result" and "id" not in answer,
    "ask-first": lambda answer: answer["method"] == "x-acme/ask" and answer["id"] == "s1",
    "attack=escape": lambda answer: "\x1b[31m" in answer["result"]["content"][0]["text"],
    "attack": lambda answer: "::error" in answer["result"]["content"][0]["text"],
    "always-fails": lambda answer: answer["result"]["isError"],
    "large-result=50000": lambda answer: len(answer["result"]["structuredContent"]["text"]) == 50_000,
    "redos-output": lambda answer: answer["result"]["structuredContent"]["text"] == "a" * 40 + "!",
    "unique-bomb=50": lambda answer: len(answer["result"]["structuredContent"]["items"]) == 50,
    "mixed-up": lambda answer: answer["result"]["structuredContent"] == {"text": ""},
}


@pytest.mark.parametrize("fault", SHAPES)
def test_fault_spoils_the_answer_and_nothing_else(faulty: Start, fault: str) -> None:
    peer = faulty(fault)

    assert SHAPES[fault](peer.call("echo", text="hello"))
    if fault not in {"unknown-id", "always-fails"}:
        assert peer.call("add", a=1, b=2)["result"]["structuredContent"] == {"sum": 3}


def test_duplicate_answer_comes_twice(faulty: Start) -> None:
    peer = faulty("duplicate-answer")

    assert peer.call("echo", text="hello") == peer.message()


@pytest.mark.parametrize("fault", ["never-answer", "never-answer=tools/list", "never-answer-unknown"])
def test_silence_is_kept(faulty: Start, fault: str) -> None:
    peer = faulty(fault)
    method = {"never-answer": "tools/call", "never-answer=tools/list": "tools/list"}.get(fault, "prompts/list")
    peer.send(peer.request(method, ECHO if method == "tools/call" else None))

    assert peer.call("add", a=1, b=2)["id"] == peer.number


def test_never_answer_discover_speaks_the_handshake_only(raw: Start) -> None:
    peer = raw("--fault", "never-answer-discover")
    peer.send(peer.request("server/discover"))

    assert peer.open()["result"]["protocolVersion"] == "2025-11-25"


def test_late_answer_comes_after_its_cancellation(faulty: Start) -> None:
    peer = faulty("late-answer=30")
    request = peer.request("tools/call", ECHO)
    peer.send(request, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request["id"]}})

    assert peer.message()["id"] == request["id"]


def test_late_third_answer_is_overtaken_by_the_fourth(faulty: Start) -> None:
    peer = faulty("late-third-answer=30")
    requests = [peer.request("tools/call", ECHO) for _ in range(4)]
    peer.send(*requests)

    assert [peer.message()["id"] for _ in requests] == [requests[place]["id"] for place in (0, 1, 3, 2)]


def test_blocking_holds_up_other_requests(faulty: Start) -> None:
    peer = faulty("blocking=30")
    peer.send(peer.request("tools/call", ECHO), peer.request("ping"))

    assert [peer.message()["id"], peer.message()["id"]] == [2, 3]


@pytest.mark.parametrize(
    ("fault", "method"),
    [
        ("notification-flood", "notifications/message"),
        ("progress-flood", "notifications/progress"),
        ("list-changed-flood", "notifications/tools/list_changed"),
        ("unknown-notifications=50000", "notifications/x-acme"),
        ("request-flood", "ping"),
    ],
)
def test_flood_goes_on_and_calls_are_still_answered(faulty: Start, fault: str, method: str) -> None:
    peer = faulty(fault)
    assert peer.pump(lambda: len(peer.buffer) > 500_000)
    assert peer.message()["method"] == method
    peer.send(peer.request("tools/call", ECHO))
    peer.buffer.clear()

    # Only the end of what came is searched, because there is a lot of it.
    assert peer.pump(lambda: b'"structuredContent":{"text":"hello"}' in peer.buffer[-2_500_000:])


def test_endless_and_repeated_cursors_never_end(faulty: Start) -> None:
    for fault, same in (("endless-cursor", False), ("endless-cursor=empty", False), ("repeated-cursor", True)):
        peer = faulty(fault)
        cursors = [peer.ask("tools/list")["result"]["nextCursor"]]
        cursors += [peer.ask("tools/list", {"cursor": cursors[-1]})["result"]["nextCursor"] for _ in range(5)]

        assert (len(set(cursors)) == 1) == same


def test_many_tools_and_a_long_description_are_listed(faulty: Start) -> None:
    assert len(faulty("many-tools").ask("tools/list")["result"]["tools"]) == 10_006
    listed = faulty("long-description=1000000").ask("tools/list")["result"]["tools"]
    assert len(listed[0]["description"]) == 1_000_000


def test_changing_list_differs_each_time(faulty: Start) -> None:
    peer = faulty("changing-list")

    assert peer.ask("tools/list")["result"] != peer.ask("tools/list")["result"]


def test_lies_are_told(raw: Start) -> None:
    assert raw("--fault", "lying-version").open()["result"]["protocolVersion"] == "2099-01-01"
    liar = raw("--fault", "lying-capabilities")
    assert "prompts" in liar.open()["result"]["capabilities"]
    assert liar.ask("prompts/list")["error"]["code"] == -32601
    empty = raw("--fault", "no-tools")
    assert "tools" not in empty.open()["result"]["capabilities"]
    assert empty.ask("tools/list")["error"]["code"] == -32601


def test_swapped_answers_belong_to_the_other_call(faulty: Start) -> None:
    peer = faulty("swapped-answers")
    calls = [peer.request("tools/call", {"name": "echo", "arguments": {"text": text}}) for text in ("one", "two")]
    peer.send(*calls)
    said = {
        message["id"]: message["result"]["structuredContent"]["text"] for message in (peer.message(), peer.message())
    }

    assert said == {calls[0]["id"]: "two", calls[1]["id"]: "one"}


SCHEMAS: dict[str, Callable[[Any], bool]] = {
    "redos-input": lambda tool: "+" in tool["inputSchema"]["properties"]["text"]["pattern"],
    "allof-bomb": lambda tool: len(tool["outputSchema"]["$defs"]) == 31,
    "remote-reference=http://127.0.0.1:9/x": lambda tool: "127.0.0.1:9" in json.dumps(tool),
    "file-reference": lambda tool: "file:///etc/passwd" in json.dumps(tool),
    "dangling-reference": lambda tool: "$defs" not in tool["inputSchema"],
    "circular-reference": lambda tool: tool["inputSchema"]["$defs"]["a"] == {"$ref": "#/$defs/b"},
    "recursive-schema": lambda tool: "#/$defs/tree" in json.dumps(tool["inputSchema"]["$defs"]["tree"]),
    "deep-schema": lambda tool: json.dumps(tool).count('"items"') == 500,
    "wide-schema": lambda tool: len(tool["inputSchema"]["properties"]) == 10_000,
    "impossible-schema": lambda tool: tool["inputSchema"]["properties"]["text"]["minLength"] == 5,
    "schema-not-object": lambda tool: tool["inputSchema"] == "object",
    "name-escape": lambda tool: "\x1b" in tool["name"],
    "name-path": lambda tool: tool["name"].startswith("../.."),
    "name-node-id": lambda tool: "::" in tool["name"],
    "name-long": lambda tool: len(tool["name"]) == 10_000,
    "name-empty": lambda tool: tool["name"] == "",
    "name-surrogate": lambda tool: tool["name"].endswith("\ud800"),
    "attack=hidden": lambda tool: "\u202e" in tool["description"],
    "attack=markup": lambda tool: "<script>" in tool["inputSchema"]["properties"]["text"]["description"],
}


@pytest.mark.parametrize("fault", SCHEMAS)
def test_fault_spoils_the_definition_of_a_tool(faulty: Start, fault: str) -> None:
    assert SCHEMAS[fault](faulty(fault).ask("tools/list")["result"]["tools"][0])


def test_one_bad_tool_is_among_good_ones(faulty: Start) -> None:
    tools = faulty("one-bad-tool").ask("tools/list")["result"]["tools"]

    assert ["inputSchema" in tool for tool in tools] == [True, True, False]


def test_poisoned_description_is_the_one_of_add(faulty: Start) -> None:
    tools = faulty("poisoned-description").ask("tools/list")["result"]["tools"]

    assert ["IMPORTANT" in tool["description"] for tool in tools] == [False, True, False]


def test_secret_of_the_environment_comes_back(raw: Start) -> None:
    peer = raw("--fault", "leak-environment", env={"MCP_TEST_SECRET": "canary-7531"})
    peer.open()

    assert "canary-7531" in peer.call("echo", text="x")["params"]["data"]
    assert "canary-7531" in peer.message()["result"]["content"][0]["text"]
    assert b"canary-7531" in peer.errors
