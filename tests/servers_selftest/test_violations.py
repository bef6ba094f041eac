"""Each violation changes what it names, and nothing else that can be seen from outside.

One long conversation is held with the well-behaved server and with each violating one. What came back is kept by the
step that provoked it; the steps that differ must be exactly those listed in ``violations.json``.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
EXPECTED: dict[str, list[str]] = json.loads((HERE / "violations.json").read_text())
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "selftest", "version": "1"},
}
VERSION, CAPABILITIES, CLIENT = ENVELOPE
LEVEL = "io.modelcontextprotocol/logLevel"
FORMS = {**ENVELOPE, CAPABILITIES: {"elicitation": {"form": {}}}}
CLIENT_INFO = {"capabilities": {"elicitation": {}}, "clientInfo": {"name": "selftest", "version": "1"}}
SURROUNDINGS = {"PATH": "/usr/bin:/bin", "MCP_TEST_SECRET": "canary-7531"}


class Conversation:
    """A conversation with one server, kept by step."""

    def __init__(self, peer: Any) -> None:
        self.peer = peer
        self.said: dict[str, list[Any]] = {}
        self.meta: dict[str, Any] | None = ENVELOPE
        self.reply_to_requests = True

    def params(self, params: dict[str, Any] | None, meta: dict[str, Any] | None) -> dict[str, Any]:
        """Return params with the envelope of the era, and more metadata."""
        body = {**(self.meta or {}), **(meta or {})}
        return {**(params or {}), "_meta": body} if body else dict(params or {})

    def step(self, label: str, *messages: Any, last: int = 1) -> list[Any]:
        """Send messages, then a call that takes ``last`` milliseconds, and keep what comes before its answer."""
        barrier = {"name": "wait", "arguments": {"ms": last, "steps": 1}}
        end = {"jsonrpc": "2.0", "id": "barrier", "method": "tools/call", "params": self.params(barrier, None)}
        came = self.said.setdefault(label, [])
        self.peer.send(*messages, end)
        while (line := self.peer.line()) is not None:
            try:
                message = json.loads(line)
            except ValueError:
                came.append(repr(line))
                continue
            if isinstance(message, dict) and message.get("id") == "barrier":
                break
            came.append(message)
        return came

    def ask(
        self, label: str, method: str, params: Any = None, *, meta: Any = None, last: int = 1, number: Any = None
    ) -> Any:
        """Send one request and return what came."""
        request = {"jsonrpc": "2.0", "id": number or label, "method": method, "params": self.params(params, meta)}
        # Lists are waited for a little, because one violation answers them late.
        return self.step(label, request, last=max(last, 15) if method.endswith("/list") else last)

    def results(self, label: str) -> Iterator[dict[str, Any]]:
        """Yield the results that came in a step."""
        for message in self.said[label]:
            if isinstance(message, dict) and isinstance(message.get("result"), dict):
                yield message["result"]

    def pages(self, label: str, method: str) -> None:
        """Ask for the first two pages of a list."""
        self.ask(label, method)
        for result in list(self.results(label))[:1]:
            if isinstance(result.get("nextCursor"), str):
                self.ask(f"{label} 2", method, {"cursor": result["nextCursor"]})


def _lists(talk: Conversation, era: str) -> None:
    talk.pages(f"{era} tools", "tools/list")
    talk.pages(f"{era} resources", "resources/list")
    talk.pages(f"{era} templates", "resources/templates/list")
    talk.pages(f"{era} prompts", "prompts/list")
    talk.ask(f"{era} bad cursor", "prompts/list", {"cursor": "!!no-cursor"})
    talk.ask(f"{era} tools again", "tools/list")
    for result in list(talk.results(f"{era} prompts"))[:1]:
        for _ in range(2):
            talk.ask(f"{era} prompts 2 again", "prompts/list", {"cursor": result.get("nextCursor")})


def _calls(talk: Conversation, era: str) -> None:
    for name, arguments in (("echo", {"text": "hello"}), ("add", {"a": 1, "b": 2}), ("media", {})):
        talk.ask(f"{era} {name}", "tools/call", {"name": name, "arguments": arguments})
    wait = {"name": "wait", "arguments": {"ms": 4, "steps": 2}}
    talk.ask(f"{era} wait", "tools/call", wait, meta={"progressToken": 5, LEVEL: "info"}, last=20)
    talk.ask(f"{era} wait quietly", "tools/call", wait, last=20)
    for label, arguments in (
        ("missing", {"a": 1}),
        ("wrong type", {"a": "1", "b": 2}),
        ("extra", {"a": 1, "b": 2, "c": 3}),
    ):
        talk.ask(f"{era} invalid {label}", "tools/call", {"name": "add", "arguments": arguments})
    talk.ask(f"{era} unknown tool", "tools/call", {"name": "x-probe", "arguments": {}})
    talk.ask(f"{era} malformed call", "tools/call", {"name": "x-probe", "arguments": [1]})
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "slow"}}
    slow = {
        "jsonrpc": "2.0",
        "id": "slow",
        "method": "tools/call",
        "params": talk.params({"name": "wait", "arguments": {"ms": 20}}, None),
    }
    talk.step(f"{era} cancel", slow, cancelled, last=60)
    talk.step(f"{era} cancel unknown", {**cancelled, "params": {"requestId": "nobody"}}, {**cancelled, "params": {}})


def _after_calls(talk: Conversation, era: str) -> None:
    page = list(talk.results(f"{era} tools"))[:1]
    if page and isinstance(page[0].get("nextCursor"), str):
        talk.ask(f"{era} tools 2 after calls", "tools/list", {"cursor": page[0]["nextCursor"]})


def _reads(talk: Conversation, era: str) -> None:
    listed = [result.get("resources") for result in talk.results(f"{era} resources")]
    for resource in listed[0] if listed and isinstance(listed[0], list) else []:
        talk.ask(f"{era} read", "resources/read", {"uri": resource["uri"]})
    talk.ask(f"{era} read unknown", "resources/read", {"uri": "raw://nonexistent"})
    talk.ask(f"{era} read garbage", "resources/read", {"uri": ":::"})
    talk.ask(f"{era} read outside", "resources/read", {"uri": "file:///srv/raw/../../etc/passwd"})
    talk.ask(f"{era} read nothing", "resources/read")


def _prompts(talk: Conversation, era: str) -> None:
    talk.ask(f"{era} prompt show", "prompts/get", {"name": "show"})
    talk.ask(f"{era} prompt plain", "prompts/get", {"name": "plain"})
    talk.ask(f"{era} prompt unknown", "prompts/get", {"name": "x-probe"})
    talk.ask(f"{era} prompt missing", "prompts/get", {"name": "greet"})
    tone = {"name": "tone", "value": "f"}
    talk.ask(
        f"{era} complete", "completion/complete", {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": tone}
    )
    talk.ask(
        f"{era} complete unknown", "completion/complete", {"ref": {"type": "ref/prompt", "name": "x"}, "argument": tone}
    )


def _stateless(talk: Conversation) -> None:
    talk.ask("S first", "tools/list")
    talk.ask("S discover", "server/discover")
    _lists(talk, "S")
    burst = [
        {"jsonrpc": "2.0", "id": f"b{n}", "method": "prompts/list", "params": talk.params({}, None)} for n in range(12)
    ]
    talk.step("S burst", *burst, last=60)
    _calls(talk, "S")
    _after_calls(talk, "S")
    _reads(talk, "S")
    _prompts(talk, "S")
    for method in ("ping", "logging/setLevel", "resources/subscribe", "x-probe/none"):
        talk.ask(f"S {method}", method)
    knows = {**ENVELOPE, CAPABILITIES: {"extensions": {"io.modelcontextprotocol/tasks": {}}}}
    for label, method, meta in (
        ("unknown task", "tasks/get", knows),
        ("task undeclared", "tasks/get", ENVELOPE),
        ("task result", "tasks/result", knows),
    ):
        talk.ask(f"S {label}", method, {"taskId": "none"}, meta=meta)
    talk.ask("S odd capability", "tools/list", meta={**ENVELOPE, CAPABILITIES: {"x-probe": {}}})
    talk.ask("S read item", "resources/read", {"uri": "raw://item/1"})
    talk.ask("S read broken", "resources/read", {"uri": "raw://broken"})
    talk.ask("S initialize", "initialize", {"protocolVersion": "2025-11-25"})
    talk.ask("S bad level", "tools/list", meta={LEVEL: "loud"})
    for label, meta in (
        ("no envelope", {}),
        ("no version", {key: ENVELOPE[key] for key in (CAPABILITIES, CLIENT)}),
        ("no capabilities", {key: ENVELOPE[key] for key in (VERSION, CLIENT)}),
        ("no client", {key: ENVELOPE[key] for key in (VERSION, CAPABILITIES)}),
        ("bad version", {**ENVELOPE, VERSION: "1900-01-01"}),
    ):
        request = {
            "jsonrpc": "2.0",
            "id": label,
            "method": "server/discover",
            "params": {"_meta": meta} if meta else {},
        }
        talk.step(f"S {label}", request)


def _questions(talk: Conversation) -> None:
    call: dict[str, Any] = {"name": "ask", "arguments": {}}
    talk.ask("S ask undeclared", "tools/call", call)
    talk.ask("S ask", "tools/call", call, meta=FORMS)
    talk.ask("S ask undeclared again", "tools/call", call)
    talk.ask("S ask by URL", "tools/call", call, meta={**ENVELOPE, CAPABILITIES: {"elicitation": {"url": {}}}})
    state = next((result.get("requestState") for result in talk.results("S ask")), None)
    for label, more in (
        (
            "accept",
            {"requestState": state, "inputResponses": {"answer": {"action": "accept", "content": {"count": 3}}}},
        ),
        ("decline", {"requestState": state, "inputResponses": {"answer": {"action": "decline"}}}),
        ("missing", {"requestState": state, "inputResponses": {}}),
        (
            "too many",
            {"requestState": state, "inputResponses": {"answer": {"action": "decline"}, "more": {"action": "decline"}}},
        ),
        (
            "elsewhere",
            {
                "arguments": {"question": "Who?"},
                "requestState": state,
                "inputResponses": {"answer": {"action": "decline"}},
            },
        ),
        (
            "invalid",
            {"requestState": state, "inputResponses": {"answer": {"action": "accept", "content": {"count": "3"}}}},
        ),
        (
            "tampered",
            {"requestState": "AAAA", "inputResponses": {"answer": {"action": "accept", "content": {"count": 3}}}},
        ),
    ):
        talk.ask(f"S ask {label}", "tools/call", {**call, **more}, meta=FORMS)


def _subscriptions(talk: Conversation) -> None:
    talk.ask("S listen", "subscriptions/listen", {"notifications": {"toolsListChanged": True}}, number=901, last=20)
    ended = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 901}}
    talk.ask("S listen twice", "subscriptions/listen", {"notifications": {"toolsListChanged": True}}, number=902)
    talk.step("S listen cancelled", ended, last=50)


def _handshake(talk: Conversation) -> None:
    talk.meta = None
    for revision in ("1999-01-01", "2025-06-18", "2025-11-25"):
        talk.ask(f"H initialize {revision}", "initialize", {"protocolVersion": revision, **CLIENT_INFO})
    talk.step("H initialized", {"jsonrpc": "2.0", "method": "notifications/initialized"})
    talk.ask("H ping", "ping")
    _lists(talk, "H")
    _calls(talk, "H")
    _reads(talk, "H")
    _prompts(talk, "H")
    talk.ask("H subscribe", "resources/subscribe", {"uri": "raw://readme"})
    talk.ask("H bad level", "logging/setLevel", {"level": "loud"})
    talk.ask("H set level", "logging/setLevel", {"level": "error"})
    talk.ask("H tools after level", "tools/list")
    for kind in ("tools", "resources", "prompts"):
        talk.pages(f"H {kind} after calls", f"{kind}/list")
    talk.ask("H unknown method", "x-probe/none")
    for label, said in (("accept", {"action": "accept", "content": {"count": 3}}), ("decline", {"action": "decline"})):
        asked = talk.ask(f"H ask {label}", "tools/call", {"name": "ask", "arguments": {}})
        for message in [one for one in asked if one.get("method") == "elicitation/create"]:
            talk.step(f"H ask {label}", {"jsonrpc": "2.0", "id": message["id"], "result": said})


def _no_requests(talk: Conversation) -> None:
    ping = {"jsonrpc": "2.0", "id": 70, "method": "ping"}
    talk.step("no jsonrpc", {key: ping[key] for key in ("id", "method")})
    talk.step("no method", {key: ping[key] for key in ("id", "jsonrpc")})
    talk.step("null id", {**ping, "id": None})
    talk.step("fraction id", {**ping, "id": 1.5})
    talk.step("batch", [ping])
    talk.step("no JSON", b'{"jsonrpc":')


def converse(peer: Any) -> dict[str, str]:
    """Return what a server said, as text by step."""
    talk = Conversation(peer)
    for part in (_stateless, _questions, _subscriptions, _handshake, _no_requests):
        part(talk)
    peer.stdin.close()
    stays = peer.pump(lambda: b"staying" in peer.errors)
    talk.said["end"] = [None if stays else peer.exit_code(), peer.errors.decode(), peer.buffer.decode("latin-1")]
    state = next((result.get("requestState") for result in talk.results("S ask")), None) or "<state>"
    return {label: json.dumps(came).replace(state, "<state>") for label, came in talk.said.items()}


@pytest.fixture(scope="module")
def conversations(run_raw: Callable[..., dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return what the well-behaved server (twice) and each violating one said; mostly they wait, so side by side."""
    options = {"": (), "again": (), **{check: ("--violate", check) for check in EXPECTED}}
    with ThreadPoolExecutor(8) as pool:
        said = pool.map(lambda chosen: run_raw(converse, *chosen, env=SURROUNDINGS), options.values())
        return dict(zip(options, said, strict=True))


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return the steps at which two servers said different things."""
    return sorted(label for label in {*one, *other} if one.get(label) != other.get(label))


def test_the_well_behaved_server_says_the_same_twice(conversations: dict[str, dict[str, str]]) -> None:
    assert differences(conversations[""], conversations["again"]) == []


@pytest.mark.parametrize("check", EXPECTED)
def test_violation_shows_where_it_must_and_nowhere_else(check: str, conversations: dict[str, dict[str, str]]) -> None:
    assert differences(conversations[""], conversations[check]) == EXPECTED[check]


def test_every_violation_is_expected_somewhere(run_raw: Callable[..., Any]) -> None:
    listed = json.loads(run_raw(lambda peer: peer.everything(), "--list"))

    assert sorted(listed["violations"]) == sorted(EXPECTED)
