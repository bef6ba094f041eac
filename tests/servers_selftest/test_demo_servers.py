"""The reference servers do what their schemas say, and refuse everything else."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema_rs import is_valid, validate

import mcp_assay.demo
from mcp_assay._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Any]

SERVERS = json.loads((Path(mcp_assay.demo.__file__).parent / "servers.json").read_text())["mcpServers"]
TABLE = {"columns": [{"key": "a", "heading": "A"}, {"key": "b", "heading": "B", "align": "right"}]}
LENGTH = {"value": 1, "from_unit": "mi", "to_unit": "km"}
RULE = {"find": "a", "insert": "\\1"}
TAKEN = {
    "clock": [
        ("now", {}),
        ("now", {"zone": "UTC"}),
        ("convert_time", {"moment": "2026-07-28T09:30", "from_zone": "UTC", "to_zone": "UTC"}),
        ("days_between", {"start": "2026-07-28", "end": "2026-01-01"}),
    ],
    "notes": [
        ("list_notes", {}),
        ("get_note", {"id": "n1"}),
        ("search_notes", {"query": "MILK"}),
        ("add_note", {"title": "Tea", "tags": ["errand"]}),
        ("delete_note", {"id": "n3"}),
        ("delete_note", {"id": "n3"}),
    ],
    "text": [
        ("change_case", {"text": "Grüße 𝄞 x", "style": "kebab"}),
        ("count_text", {"text": "a\0b\n𝄞"}),
        ("substitute_text", {"text": "a\\a", "rules": [RULE], "limit": 1.0}),
        ("wrap_text", {"text": "one two three", "width": 10, "indent": 2}),
        ("render_table", {**TABLE, "rows": [{"a": 1, "b": True}, {"a": "x", "b": 2.5}]}),
    ],
    "units": [
        ("convert_length", LENGTH),
        ("convert_mass", {"value": 1.5, "from_unit": "lb", "to_unit": "g", "digits": 3.0}),
        ("convert_temperature", {"value": -459.67, "from_unit": "F", "to_unit": "K"}),
        ("list_units", {"quantity": "mass"}),
    ],
}
REFUSED = {
    "clock": [
        ("now", {"zone": "Mars/Phobos"}),
        ("now", {"zone": 1}),
        ("now", {"zone": "UTC", "more": 1}),
        ("convert_time", {"moment": "2026-07-28T09:30"}),
        ("days_between", {"start": "2026-13-01", "end": "2026-07-28"}),
        ("days_between", {"start": "2026-02-31", "end": "2026-07-28"}),
    ],
    "notes": [
        ("get_note", {"id": "n99"}),
        ("get_note", {}),
        ("add_note", {"title": ""}),
        ("add_note", {"title": "a", "tags": '["x"]'}),
        ("list_notes", {"limit": 101}),
    ],
    "text": [
        ("substitute_text", {"text": "a", "rules": json.dumps([RULE])}),
        ("substitute_text", {"text": "a", "rules": []}),
        ("substitute_text", {"text": "a", "rules": [{**RULE, "more": 1}]}),
        ("change_case", {"text": "a", "style": "camel"}),
        ("wrap_text", {"text": "x" * 10_001}),
        ("render_table", {**TABLE, "rows": [{"a": None}]}),
    ],
    "units": [
        ("convert_length", {**LENGTH, "value": "1"}),
        ("convert_length", {**LENGTH, "value": True}),
        ("convert_length", {**LENGTH, "value": -1}),
        ("convert_length", {**LENGTH, "digits": 2.5}),
        ("convert_length", {**LENGTH, "digits": "2"}),
        ("convert_temperature", {"value": -1, "from_unit": "K", "to_unit": "C"}),
        ("list_units", {"quantity": None}),
    ],
}


@pytest.fixture(params=["2024-11-05", "2026-07-28"])
def revision(request: pytest.FixtureRequest) -> str:
    """Return a revision of either era."""
    return str(request.param)


@pytest.fixture
def demo(start: Start, revision: str) -> Start:
    """Start a reference server as its configuration says, and begin in the era of the revision."""

    def begin(name: str) -> Any:
        entry = SERVERS[name]
        assert entry["command"] == "${MCP_ASSAY_PYTHON:-python3}"
        peer = start(sys.executable, *entry["args"])
        opened = peer.open(revision)["result"]
        info = opened.get("serverInfo") or opened["_meta"]["io.modelcontextprotocol/serverInfo"]
        assert (info["name"], info["version"]) == (name, __version__)
        return peer

    return begin


@pytest.mark.parametrize("name", SERVERS)
def test_reference_server_keeps_to_its_schemas(demo: Start, name: str) -> None:
    peer = demo(name)
    tools = {tool["name"]: tool for tool in peer.ask("tools/list")["result"]["tools"]}
    assert {tool for tool, _ in TAKEN[name]} == set(tools)
    for tool, arguments in TAKEN[name]:
        result = peer.call(tool, **arguments)["result"]
        assert is_valid(tools[tool]["inputSchema"], arguments)
        assert not result.get("isError")
        # The first revision knows no structured results; their text is there in every revision.
        said = json.loads(result["content"][0]["text"])
        assert result.get("structuredContent", said) == said
        if "outputSchema" in tools[tool]:
            validate(tools[tool]["outputSchema"], said)
    for tool, arguments in REFUSED[name]:
        assert peer.call(tool, **arguments)["result"]["isError"], (tool, arguments)
    assert peer.close() == 0
    assert peer.errors == b""


@pytest.mark.parametrize("name", ["clock"])
def test_reference_server_uses_the_codes_of_the_specification(demo: Start, name: str) -> None:
    peer = demo(name)
    codes = {
        "tools/call": peer.call("nobody"),
        "tools/list": peer.ask("tools/list", {"cursor": "!!"}),
        "prompts/get": peer.ask("prompts/get", {"name": "nobody"}),
        "x-probe": peer.ask("x-probe"),
    }

    assert {method: answer["error"]["code"] for method, answer in codes.items()} == {
        "tools/call": -32602,
        "tools/list": -32602,
        "prompts/get": -32602,
        "x-probe": -32601,
    }
    for line, code in (
        (b'{"jsonrpc":', -32700),
        (b'{"id":1,"method":"tools/list"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', -32600),
        (b"[]", -32600),
    ):
        peer.send(line)
        assert peer.message()["error"]["code"] == code, line


def test_notes_can_be_read_as_resources_and_in_a_prompt(demo: Start, revision: str) -> None:
    peer = demo("notes")
    listed = peer.ask("resources/list")["result"]["resources"]
    index = json.loads(peer.ask("resources/read", {"uri": listed[0]["uri"]})["result"]["contents"][0]["text"])
    one = peer.ask("resources/read", {"uri": "notes://note/n1"})["result"]["contents"][0]
    missing = peer.ask("resources/read", {"uri": "notes://note/n9"})["error"]
    prompt = peer.ask("prompts/get", {"name": "summarise_note", "arguments": {"id": "n1"}})["result"]
    review = peer.ask("prompts/get", {"name": "review_notes"})["result"]

    assert [note["id"] for note in index["notes"]] == ["n1", "n2"]
    assert one["text"].startswith("# Welcome")
    assert missing["code"] == (-32602 if revision == "2026-07-28" else -32002)
    assert "Welcome" in prompt["messages"][0]["content"]["text"]
    assert "- n2: Shopping" in review["messages"][0]["content"]["text"]
