"""Puts the findings of a report to their servers once more, by a bare client, and says which the raw answer confirms.

    python tests/real/confirming.py CONFIG REPORT [--confined]

prints one JSON array: for each finding of the execution category what was sent, what came back, and whether that is
what the finding says. It shares no code with the project: requests are lines of JSON written to a process, arguments
are held against the listed schema by python-jsonschema. With ``--confined`` servers run in a bubblewrap of their own,
so that tools which write can be called.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
from bare import peer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bare import AnyPeer

Message = dict[str, Any]

CALL_S = 30.0
FIRST = 100
NOBODY = "x-oracle-none"
LONG = {"65 537 characters": "x" * 65_537, "256 KiB": "long text " * 26_215}
CUT = 400
CONFINED = (
    *("bwrap", "--die-with-parent", "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc"),
    *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),
    *("--setenv", "HOME", "/tmp", "--chdir", "/tmp"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call and what came of it: the answer, or None with whether the server ended.

    Attributes:
        arguments: What the tool was called with.
        answer: The answer.
        ended: Whether the server ended without one.
    """

    arguments: Message
    answer: Message | None
    ended: bool = False

    @property
    def result(self) -> Message:
        """The result, empty for an error or no answer."""
        return (self.answer or {}).get("result") or {}

    @property
    def code(self) -> int | None:
        """The code of a JSON-RPC error."""
        return (self.answer or {}).get("error", {}).get("code")

    @property
    def worked(self) -> bool:
        """Whether there is a result that says no error, not even in its text."""
        told = wrapped(self.result) or error_alone(self.result)
        return bool(self.result) and not self.result.get("isError") and not told

    @property
    def shown(self) -> str:
        """The answer as it came, cut."""
        if self.answer is None:
            return "the server ended" if self.ended else f"no answer within {CALL_S:g} s"
        text = json.dumps(self.answer, ensure_ascii=False)
        return text if len(text) <= CUT else f"{text[:CUT]}…"


def wrapped(result: Message) -> bool:
    """Return whether a result's one text is a result with ``isError``."""
    blocks = result.get("content") or []
    inner = parsed(blocks[0].get("text")) if len(blocks) == 1 else None
    return isinstance(inner, dict) and inner.get("isError") is True


def error_alone(result: Message) -> bool:
    """Return whether a result without ``isError`` has one text, and that is an object with an ``error`` in words."""
    blocks = result.get("content") or []
    inner = parsed(blocks[0].get("text")) if len(blocks) == 1 and not result.get("isError") else None
    return isinstance(inner, dict) and bool(inner.get("error"))


def parsed(text: Any) -> Any:
    """Return the value of a JSON text, None for any other."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


class Server:
    """A server that is started again when it ended, and asked one call at a time."""

    def __init__(self, entry: Message) -> None:
        self._entry = entry
        self._peer: AnyPeer | None = None
        self._number = FIRST
        self.tools: dict[str, Message] = {}

    def call(self, tool: str, arguments: Message) -> Asked:
        """Call a tool once."""
        peer = self._peer or self._started()
        self._number += 1
        params = {"name": tool, "arguments": arguments}
        peer.send({"jsonrpc": "2.0", "id": self._number, "method": "tools/call", "params": params})
        answer = peer.answer_to(self._number, CALL_S)
        if answer is None:
            ended = peer.ended
            self.end()
            return Asked(arguments=arguments, answer=None, ended=ended)
        return Asked(arguments=arguments, answer=answer)

    def _started(self) -> AnyPeer:
        self._peer = peer = peer_of(self._entry)
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bare", "version": "1"}}
        peer.ask(1, "initialize", client)
        peer.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.tools = {tool["name"]: tool for tool in peer.ask(2, "tools/list")["result"]["tools"]}
        return peer

    def end(self) -> None:
        """End it; the next call starts it again."""
        if self._peer is not None:
            self._peer.end()
        self._peer = None


def broken(server: Server, tool: str, arguments: Message) -> str:
    """Return the keyword of the schema that the server itself lists which arguments break, or an empty string."""
    schema = server.tools[tool]["inputSchema"]
    cls = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    return next((str(error.validator) for error in cls(schema).iter_errors(arguments)), "")


def worked(server: Server, finding: Message) -> Asked:
    """Call as found, and where that does nothing with words for empty texts and a file that is there.

    What was found may only do in the state that other calls had left, with a file that they had made.
    """
    asked = server.call(finding["tool"], finding["given"])
    there = {"": "true", "/tmp/mcp-assay/example.txt": "/etc/hostname"}
    given = {
        name: there.get(value, value) if isinstance(value, str) else value for name, value in asked.arguments.items()
    }
    again = given != asked.arguments and not (asked.worked or asked.ended)
    return server.call(finding["tool"], given) if again else asked


def unknown_tool(server: Server, finding: Message) -> tuple[Asked, bool]:
    asked = server.call(NOBODY, {})
    return asked, bool(asked.result)


def taken(server: Server, finding: Message) -> tuple[Asked, bool]:
    asked = worked(server, finding)
    return asked, bool(broken(server, finding["tool"], asked.arguments)) and (asked.worked or asked.ended)


def refused_by_error(server: Server, finding: Message) -> tuple[Asked, bool]:
    asked = server.call(finding["tool"], finding["given"])
    return asked, bool(broken(server, finding["tool"], asked.arguments)) and asked.code is not None


def failed_otherwise(server: Server, finding: Message) -> tuple[Asked, bool]:
    asked = server.call(finding["tool"], finding["given"])
    return asked, asked.code == -32603 or wrapped(asked.result) or error_alone(asked.result)


def not_in_text(server: Server, finding: Message) -> tuple[Asked, bool]:
    asked = worked(server, finding)
    structured = asked.result.get("structuredContent")
    texts = [parsed(block.get("text")) for block in asked.result.get("content", [])]
    return asked, structured is not None and structured not in texts


def counting(server: Server, finding: Message) -> tuple[Asked, bool]:
    """Call five times and look whether some number in the answers rises by the same step each time."""
    made = [server.call(finding["tool"], finding["given"]) for _ in range(5)]
    rows = [list(numbers(asked.result)) for asked in made]
    steps = [{later - early for early, later in pairwise(column)} for column in zip(*rows, strict=False)]
    return made[-1], any(len(step) == 1 and 0 < min(step) <= 10 for step in steps)


def numbers(value: Any) -> Iterator[int]:
    """Yield the integers in a result, those in JSON texts as well."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers(part)
    elif isinstance(value, str) and value[:1] in {"{", "["}:
        yield from numbers(parsed(value))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


def fatal(server: Server, finding: Message) -> tuple[Asked, bool]:
    """Call, and where there is an answer look whether the server lives on."""
    asked = server.call(finding["tool"], finding["given"])
    after = asked if asked.answer is None else server.call(NOBODY, {})
    return Asked(arguments=asked.arguments, answer=after.answer, ended=after.ended), after.answer is None


def fatal_when_long(server: Server, finding: Message) -> tuple[Asked, bool]:
    text = next((text for kind, text in LONG.items() if finding["observed"].startswith(kind)), "")
    given = {name: text if isinstance(value, str) else value for name, value in finding["given"].items()}
    asked = server.call(finding["tool"], given)
    return Asked(arguments=finding["given"], answer=asked.answer, ended=asked.ended), asked.answer is None


CONFIRMS: dict[str, Callable[[Server, Message], tuple[Asked, bool]]] = {
    "ADV-014": fatal,
    "EXEC-001": fatal,
    "EXEC-003": fatal_when_long,
    "TOOL-018": not_in_text,
    "TOOL-021": unknown_tool,
    "TOOL-022": taken,
    "TOOL-023": refused_by_error,
    "TOOL-026": failed_otherwise,
    "TOOL-029": counting,
}
"""How the raw answer shows what a check says; a check that is not listed is not confirmed by this client."""


def cases(finding: Message) -> Iterator[Message]:
    """Yield a finding once for each call that it tells of."""
    told = finding["observed"].split("; ") if finding["check"] == "TOOL-022" else []
    shown = [parsed(part.partition(" (")[0]) for part in told if part.startswith("{")]
    calls = [json.loads(finding["arguments"] or "{}"), *(given for given in shown if isinstance(given, dict))]
    seen = list[Message]()
    for given in calls:
        if given not in seen:
            seen.append(given)
            yield {**finding, "given": given}


def prepared(server: Server, finding: Message) -> None:
    """Start the server anew and make the calls that a finding says must come before, if any."""
    before = json.loads(finding.get("before") or "[]")
    if before:
        server.end()
    for made in before:
        server.call(made["tool"], made["arguments"])


def confirmed(entry: Message, findings: list[Message]) -> list[Message]:
    """Return what became of each finding on one server."""
    server, rows = Server(entry), list[Message]()
    for finding in (case for found in findings for case in cases(found)):
        prepared(server, finding)
        check = CONFIRMS.get(finding["check"])
        asked, holds = (None, False) if check is None else check(server, finding)
        rows.append(
            {
                **{key: finding[key] for key in ("server", "check", "tool")},
                "breaks": broken(server, finding["tool"], finding["given"]) if finding["tool"] in server.tools else "",
                "arguments": finding["given"] if asked is None else asked.arguments,
                "answer": "no such rule" if asked is None else asked.shown,
                "confirmed": holds,
            }
        )
    server.end()
    return rows


def confined(entry: Message) -> Message:
    """Return a server's entry in a sandbox."""
    return {**entry, "command": CONFINED[0], "args": [*CONFINED[1:], entry["command"], *entry.get("args", [])]}


def main(config: Path, report: Path, *, apart: bool) -> None:
    """Print what became of each finding."""
    servers = json.loads(config.read_text(encoding="utf-8"))["mcpServers"]
    found: dict[str, list[Message]] = {}
    for result in json.loads(report.read_text(encoding="utf-8"))["results"]:
        if result["category"] == "execution" and result["verdict"] in {"fail", "warn"}:
            found.setdefault(result["server"], []).append(result)
    entries = [confined(servers[name]) if apart else servers[name] for name in found]
    with ThreadPoolExecutor(max_workers=2) as pool:
        rows = [row for each in pool.map(confirmed, entries, found.values()) for row in each]
    sys.stdout.write(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), apart="--confined" in sys.argv)
