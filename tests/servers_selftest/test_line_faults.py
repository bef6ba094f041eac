"""The faults of the bytes on stdout are really there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Any]

ECHO = {"name": "echo", "arguments": {"text": "hello"}}
BEFORE = {
    "noise-before": b"Acme MCP server 1.0",
    "noise-flood=5": b"DEBUG loading plugin",
    "noise-binary": b"\xff\xfe\x00banner\x9f",
    "speaks-no-mcp": b"Server running at http://127.0.0.1:3000/",
}


@pytest.mark.parametrize("fault", BEFORE)
def test_noise_comes_before_the_first_message(raw: Start, fault: str) -> None:
    assert raw("--fault", fault).line() == BEFORE[fault]


def test_glued_noise_and_bom_spoil_the_first_line_only(raw: Start) -> None:
    for fault, start in (("noise-glued", b"ready> {"), ("bom", b"\xef\xbb\xbf{")):
        peer = raw("--fault", fault)
        peer.send(peer.request("server/discover"))

        assert peer.line().startswith(start)
        assert peer.ask("server/discover")["id"] == 2


def _line(peer: Any) -> bytes:
    """Call echo and return the next line as it is."""
    peer.send(peer.request("tools/call", ECHO))
    line = peer.line()
    assert line is not None
    return line


ANSWER = (
    b'{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"{\\"text\\": \\"hello\\"}"}],'
    b'"structuredContent":{"text":"hello"}}}'
)
SPOILT = {
    "noise-between": lambda line: line == b"handling the call",
    "noise-json": lambda line: "jsonrpc" not in json.loads(line),
    "empty-lines": lambda line: line == b"",
    "crlf": lambda line: line == ANSWER + b"\r",
    "invalid-utf8": lambda line: line == ANSWER.replace(b'"text"', b'"te\xff\xfext"'),
    "nul-bytes": lambda line: line == b"\0\0" + ANSWER,
    "pretty-printed": lambda line: line == b"{",
    "two-on-a-line": lambda line: line.endswith(b"}" + ANSWER),
    "batch-answer": lambda line: line == b"[" + ANSWER + b"]",
    "nan": lambda line: b'"text":NaN}' in line,
    "infinity": lambda line: b'"text":-Infinity}' in line,
    "huge-number": lambda line: b'"text":1e400}' in line,
    "big-integer": lambda line: b'"text":' + b"7" * 5000 + b"}" in line,
    "lone-surrogate": lambda line: json.loads(line)["result"]["structuredContent"]["text"] == "\ud800",
    "duplicate-members": lambda line: line.startswith(b'{"jsonrpc":"2.0","id":987654,"id":2,'),
    "huge-line=3000000": lambda line: len(line) > 3_000_000 and json.loads(line)["id"] == 2,
    "deep-nesting=5000": lambda line: b"[" * 5000 + b"]" * 5000 in line,
    "split-writes=5": lambda line: line == ANSWER,
    "byte-by-byte=0": lambda line: line == ANSWER,
}


@pytest.mark.parametrize("fault", SPOILT)
def test_fault_spoils_the_line_of_an_answer(raw: Start, fault: str) -> None:
    peer = raw("--fault", fault)
    peer.send(peer.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}))
    if fault == "empty-lines":
        assert peer.line() == b""
    assert b'"protocolVersion"' in peer.line()
    if fault == "empty-lines":
        assert peer.line() == b""

    assert SPOILT[fault](_line(peer))


@pytest.mark.parametrize(
    "fault", ["invalid-utf8", "nul-bytes", "huge-line=100000", "nan", "deep-nesting=2000", "half-line", "batch-answer"]
)
def test_the_next_call_is_answered_well(faulty: Start, fault: str) -> None:
    peer = faulty(fault)
    peer.send(
        peer.request("tools/call", ECHO), peer.request("tools/call", {"name": "add", "arguments": {"a": 1, "b": 2}})
    )

    assert peer.pump(lambda: b'"structuredContent":{"sum":3}}}\n' in peer.buffer)


def test_half_line_never_ends(faulty: Start) -> None:
    peer = faulty("half-line")
    peer.send(peer.request("tools/call", ECHO))

    assert peer.line(0.3) is None
    assert bytes(peer.buffer) == ANSWER[: (len(ANSWER) + 1) // 2]


def test_half_line_exit_ends_in_the_middle(faulty: Start) -> None:
    peer = faulty("half-line-exit")
    peer.send(peer.request("tools/call", ECHO))

    assert peer.exit_code() == 1
    assert peer.everything() == ANSWER[: (len(ANSWER) + 1) // 2]


def test_unended_line_lacks_its_end_and_is_the_last(faulty: Start) -> None:
    peer = faulty("unended-line")
    peer.send(peer.request("tools/call", ECHO))

    assert peer.everything() == ANSWER


def test_utf16_and_lsp_framing_are_no_json_lines(raw: Start) -> None:
    for fault, start in (("utf16", b"\xff\xfe{\0"), ("lsp-framing", b"Content-Length: ")):
        peer = raw("--fault", fault)
        peer.send(peer.request("server/discover"))

        assert peer.line().startswith(start)


def test_echo_input_sends_back_what_it_gets(raw: Start) -> None:
    peer = raw("--fault", "echo-input")

    assert peer.ask("initialize")["method"] == "initialize"


def test_speaks_no_mcp_answers_nothing(raw: Start) -> None:
    peer = raw("--fault", "speaks-no-mcp")
    peer.line()
    peer.send(peer.request("initialize"))

    assert peer.line(0.3) is None


def test_noise_after_comes_when_stdin_has_ended(faulty: Start) -> None:
    peer = faulty("noise-after")
    peer.close()

    assert bytes(peer.buffer) == b"bye\n"
