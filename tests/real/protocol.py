"""Puts what the connectivity and schema checks found to its server once more, by bare clients.

Where a request was found to be answered wrongly, the same request is sent again, word for word but for its id; what
is done beside requests, such as half a line or the end of stdin, is done again by hand. Whether the answer shows the
finding is decided here, from the specification, by code that shares nothing with the project.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bare import HEADERS, HttpPeer, SsePeer, asked, peer_of
from oracle import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bare import AnyPeer, Reply

Message = dict[str, Any]

STATELESS = "2026"
EVIL = "evil.example"
ANSWER_S = 30.0
EXIT_S = 8.0
LOGGED_S = 2.0
LONGEST = 200
CLIENT = {"name": "bare", "version": "1"}
ERROR_LEVELS = ("error", "critical", "alert", "emergency")
SENTENCES = re.compile(r"[.!?]\s+\S")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was sent, what came, and whether that is what the finding says."""

    sent: str
    came: str
    holds: bool


@dataclass(slots=True)
class Talk:
    """A conversation with one server in one revision, opened when something is first sent."""

    entry: Message
    revision: str
    capabilities: Message = field(default_factory=dict[str, Any])
    _peer: AnyPeer | None = None
    _number: int = 100

    @property
    def peer(self) -> AnyPeer:
        """The open connection; one that ended is opened again."""
        if self._peer is None or self._peer.ended:
            self.end()
            self._peer = self._opened()
        return self._peer

    def _opened(self) -> AnyPeer:
        peer = peer_of(self.entry)
        if not self.revision.startswith(STATELESS):
            params = {"protocolVersion": self.revision, "capabilities": {}, "clientInfo": CLIENT}
            self.capabilities = peer.ask(1, "initialize", params)["result"]["capabilities"]
            if isinstance(peer, HttpPeer) and self.revision >= "2025-06-18":
                peer.headers["MCP-Protocol-Version"] = self.revision
            peer.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return peer

    def request(self, method: str, params: Message | None = None, *, revision: str = "") -> Message:
        """Return a request of this revision with an id of its own."""
        self._number += 1
        body = dict(params or {})
        if self.revision.startswith(STATELESS):
            names = {"protocolVersion": revision or self.revision, "clientCapabilities": {}, "clientInfo": CLIENT}
            body["_meta"] = {f"io.modelcontextprotocol/{name}": value for name, value in names.items()}
        return {"jsonrpc": "2.0", "id": self._number, "method": method, "params": body}

    def again(self, text: str) -> Message:
        """Return a recorded request with an id that is free."""
        self._number += 1
        return {**json.loads(text), "id": self._number}

    def answer(self, request: Message) -> Message | None:
        """Send a request and return its answer, None without one."""
        self.peer.send(request)
        return self.peer.answer_to(request["id"], ANSWER_S)

    def alive(self) -> bool:
        """Return whether a harmless request is answered."""
        method = "server/discover" if self.revision.startswith(STATELESS) else "ping"
        return "result" in (self.answer(self.request(method)) or {})

    def end(self) -> None:
        """End the connection."""
        if self._peer is not None:
            self._peer.end()
        self._peer = None


def text_of(value: Any) -> str:
    """Return a message as compact JSON, or that there is none."""
    return "no answer" if value is None else json.dumps(value, ensure_ascii=False)


def recorded(findings: list[Message]) -> str:
    """Return the request that a finding quotes."""
    return str(findings[0]["exchange"]["request"])


def code_of(answer: Message | None) -> int | None:
    """Return the code of an error."""
    return (answer or {}).get("error", {}).get("code")


def not_with(wanted: int) -> Callable[[Talk, list[Message]], Seen]:
    """Return the question whether the recorded request is answered by anything but an error with a code."""

    def question(talk: Talk, findings: list[Message]) -> Seen:
        request = talk.again(recorded(findings))
        answer = talk.answer(request)
        return Seen(text_of(request), text_of(answer), answer is not None and code_of(answer) != wanted)

    return question


def wordy(talk: Talk, findings: list[Message]) -> Seen:
    """Whether the error has more than one line or sentence, or more than 200 characters."""
    request = talk.again(recorded(findings))
    answer = talk.answer(request)
    message = str((answer or {}).get("error", {}).get("message", ""))
    many = len(message.strip().splitlines()) > 1 or len(message) > LONGEST or SENTENCES.search(message) is not None
    return Seen(text_of(request), text_of(answer), many)


def half_a_line(talk: Talk, findings: list[Message]) -> Seen:
    """Whether half a message brings anything but error -32700."""
    text = recorded(findings)
    came = odd(talk, text)
    return Seen(text, came, code_in(came) != -32700)


def no_request(talk: Talk, findings: list[Message]) -> Seen:
    """Whether one of four messages that are no request brings anything but error -32600."""
    method = "server/discover" if talk.revision.startswith(STATELESS) else "ping"
    whole = talk.request(method)
    messages = [
        {key: value for key, value in whole.items() if key != "jsonrpc"},
        {key: value for key, value in whole.items() if key != "method"},
        {**whole, "id": None},
        {**whole, "id": 1.5},
    ]
    answers = [odd(talk, text_of(message)) for message in messages]
    wrong = [index for index, came in enumerate(answers) if code_in(came) != -32600]
    first = wrong[0] if wrong else 0
    return Seen(text_of(messages[first]), answers[first], bool(wrong))


def batch(talk: Talk, findings: list[Message]) -> Seen:
    """Whether an array of requests is executed, or passed over in silence."""
    request = talk.again(text_of(json.loads(recorded(findings))[0]))
    text = text_of([request])
    came = odd(talk, text)
    return Seen(text, came, came == "no answer" or '"result"' in came)


def odd(talk: Talk, text: str) -> str:
    """Send an odd text; return what it brought before and soon after the next request was answered."""
    peer = talk.peer
    before = len(peer.answers)
    peer.send(text)
    refusal = refused(peer)
    sign = talk.request("server/discover" if talk.revision.startswith(STATELESS) else "ping")
    answer = talk.answer(sign)
    brought = [one for one in peer.settle(before + 2)[before:] if one.get("id") != sign["id"]]
    silence = "no answer" if answer is not None else "no answer, nor to the request after it"
    return text_of(brought[0]) if brought else refusal or silence


def refused(peer: AnyPeer) -> str:
    """Return how HTTP refused the last message, or an empty text."""
    reply = None if isinstance(peer, Peer) else peer.last
    return f"HTTP {reply.status} {reply.body}" if reply is not None and reply.status >= 400 else ""


def code_in(came: str) -> int | None:
    """Return the code of an error in text."""
    found = re.search(r'"code": ?(-?\d+)', came)
    return int(found[1]) if found else None


def undeclared_log(talk: Talk, findings: list[Message]) -> Seen:
    """Whether log messages come though ``logging`` is not declared."""
    text = '{"jsonrpc":'
    odd(talk, text)
    logs = logged(talk)
    return Seen(text, text_of(logs[0] if logs else None), bool(logs) and "logging" not in talk.capabilities)


def level_ignored(talk: Talk, findings: list[Message]) -> Seen:
    """Whether something below ``error`` is logged once that level was set."""
    request = talk.request("logging/setLevel", {"level": "error"})
    talk.answer(request)
    before = len(logged(talk))
    listed = (talk.answer(talk.request("tools/list")) or {})["result"]["tools"]
    plain = [tool for tool in listed if (tool.get("annotations") or {}).get("readOnlyHint")]
    for tool in [tool for tool in plain if not tool["inputSchema"].get("required")][:3]:
        talk.answer(talk.request("tools/call", {"name": tool["name"], "arguments": {}}))
    deadline = time.monotonic() + LOGGED_S
    while len(logged(talk)) == before and time.monotonic() < deadline:
        talk.alive()
    lower = [one for one in logged(talk)[before:] if one["params"]["level"] not in ERROR_LEVELS]
    return Seen(text_of(request), text_of(lower[0] if lower else None), bool(lower))


def logged(talk: Talk) -> list[Message]:
    """Return the log messages so far."""
    return [one for one in talk.peer.heard if one["method"] == "notifications/message"]


def outlives_stdin(talk: Talk, findings: list[Message]) -> Seen:
    """Whether the process is still there some time after its stdin was closed."""
    peer = talk.peer
    assert isinstance(peer, Peer)
    assert peer.process.stdin is not None
    peer.process.stdin.close()
    try:
        code = peer.process.wait(EXIT_S)
    except subprocess.TimeoutExpired:
        return Seen("end of stdin", f"still running after {EXIT_S:g} s", holds=True)
    return Seen("end of stdin", f"it exited with status {code}", holds=False)


def not_up(talk: Talk, findings: list[Message]) -> Seen:
    """Whether the server ends before it answers ``initialize``."""
    try:
        talk.alive()
    except (EOFError, OSError):
        peer = talk._peer or peer_of(talk.entry)
        peer.answer_to(0, ANSWER_S)
        code = peer.process.wait(EXIT_S) if isinstance(peer, Peer) else None
        return Seen("initialize", f"it exited with status {code}", holds=True)
    return Seen("initialize", "a result", holds=False)


def no_list(talk: Talk, findings: list[Message]) -> Seen:
    """Whether a list that is offered is no list."""
    request = talk.again(recorded(findings))
    answer = talk.answer(request)
    name = str(request["method"]).partition("/")[0]
    holds = answer is not None and not isinstance((answer.get("result") or {}).get(name), list)
    return Seen(text_of(request), text_of(answer), holds)


def open_shape(talk: Talk, findings: list[Message]) -> Seen:
    """Whether each of the tools takes no parameters and does not say that it takes no others."""
    request = talk.request("tools/list")
    listed = {tool["name"]: tool["inputSchema"] for tool in (talk.answer(request) or {})["result"]["tools"]}
    shapes = [listed[finding["tool"]] for finding in findings]
    holds = all(not one.get("properties") and one.get("additionalProperties") is not False for one in shapes)
    return Seen(text_of(request), text_of({"name": findings[0]["tool"], "inputSchema": shapes[0]}), holds)


def knows_1900(talk: Talk, findings: list[Message]) -> Seen:
    """Whether a revision that nobody speaks is taken once another request went well."""
    talk.answer(talk.request("tools/list"))
    request = talk.request("server/discover", revision="1900-01-01")
    answer = talk.answer(request)
    return Seen(text_of(request), text_of(answer), answer is not None and code_of(answer) != -32022)


def with_header(**header: str) -> Callable[[Talk, list[Message]], Seen]:
    """Return the question whether a request with a header of somebody else's is served."""

    def question(talk: Talk, findings: list[Message]) -> Seen:
        peer, request = talk.peer, talk.request("ping")
        assert isinstance(peer, HttpPeer)
        reply = asked(peer.url, "POST", text_of(request), {**peer.headers, **header})
        return Seen(f"{header} {text_of(request)}", told(reply), reply.status == 200)

    return question


def session_lives_on(talk: Talk, findings: list[Message]) -> Seen:
    """Whether a request in a session that was ended gets anything but status 404."""
    peer, request = talk.peer, talk.request("ping")
    assert isinstance(peer, HttpPeer)
    asked(peer.url, "DELETE", None, peer.headers)
    reply = asked(peer.url, "POST", text_of(request), peer.headers)
    return Seen(f"DELETE, then {text_of(request)}", told(reply), reply.status != 404)


def sse_only(talk: Talk, findings: list[Message]) -> Seen:
    """Whether the address serves HTTP+SSE and refuses Streamable HTTP."""
    assert isinstance(talk.peer, SsePeer)
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT}
    request = talk.request("initialize", params)
    reply = asked(talk.peer.url, "POST", text_of(request), HEADERS)
    return Seen(f"POST {text_of(request)}", told(reply), reply.status >= 400)


def told(reply: Reply) -> str:
    """Return a response as text."""
    return f"HTTP {reply.status} {' '.join(reply.body.split())}"


QUESTIONS: dict[str, Callable[[Talk, list[Message]], Seen]] = {
    "BASE-005": wordy,
    "BASE-009": not_with(-32601),
    "BASE-014": not_with(-32602),
    "COMP-003": not_with(-32602),
    "DISC-004": knows_1900,
    "LOG-004": not_with(-32602),
    "PAGE-004": not_with(-32602),
    "PROMPT-006": not_with(-32602),
    "RES-002": no_list,
    "RES-008": not_with(-32002),
    "TOOL-014": open_shape,
    "LOG-003": level_ignored,
    "BASE-011": half_a_line,
    "BASE-012": no_request,
    "BASE-013": batch,
    "LOG-001": undeclared_log,
    "CONN-001": not_up,
    "DEP-001": sse_only,
    "HTTP-003": with_header(Origin=f"http://{EVIL}"),
    "HTTP-004": with_header(Host=EVIL),
    "HTTP-030": session_lives_on,
    "STDIO-003": outlives_stdin,
}
"""How each check is put again, in the order in which that is done on one connection: what ends it comes last."""


def put_again(entry: Message, revision: str, found: dict[str, list[Message]]) -> dict[str, Seen]:
    """Return what came of each check's finding on a server in a revision; a check without a question is left out."""
    talk, seen = Talk(entry, revision), dict[str, Seen]()
    try:
        for check in order(found):
            try:
                seen[check] = QUESTIONS[check](talk, found[check])
            except (OSError, EOFError, KeyError, AssertionError) as problem:
                seen[check] = Seen(check, f"{type(problem).__name__}: {problem}", holds=False)
                talk.end()
    finally:
        talk.end()
    return seen


def order(checks: Iterable[str]) -> list[str]:
    """Return the checks that can be put again, in their order."""
    wanted = set(checks)
    return [check for check in QUESTIONS if check in wanted]
