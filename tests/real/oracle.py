"""A second opinion: a client of its own that asks servers a few questions and prints what came back.

    python tests/real/oracle.py examples/nineteen/servers.json

prints one JSON object, server name to facts. It shares no code with the project and uses the standard library only, so
that a finding which both report is about the server and not about the one who looks.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

WAIT_S = 90.0
SILENCE_S = 1.0
"""Seconds after an answer within which an earlier message would have been answered too."""

Message = dict[str, Any]

BY_CAPABILITY: tuple[tuple[str, str, str, Message], ...] = (
    ("unknown_prompt", "prompts", "prompts/get", {"name": "x-oracle-none"}),
    (
        "unknown_ref",
        "completions",
        "completion/complete",
        {
            "ref": {"type": "ref/prompt", "name": "x-oracle-none"},
            "argument": {"name": "x", "value": ""},
        },
    ),
    ("nameless_call", "tools", "tools/call", {"arguments": {}}),
    ("nameless_read", "resources", "resources/read", {}),
    ("unknown_resource", "resources", "resources/read", {"uri": "x-oracle://x-oracle-none"}),
    ("unknown_level", "logging", "logging/setLevel", {"level": "x-oracle-none"}),
)
"""Name of the fact, the capability without which the question makes no sense, method, parameters."""


def expand(text: str) -> str:
    """Return a configured text with ``${NAME:-default}`` looked up in the environment."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: os.environ.get(found[1]) or found[2], text)


class Inbox:
    """What came from a server: answers and, apart from them, everything else that it said.

    Attributes:
        heard: Its requests and notifications, in order.
    """

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self._answers: list[Message] = []
        self._news = threading.Condition()
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""
        with self._news:
            return self._ended

    @property
    def answers(self) -> list[Message]:
        """All answers so far."""
        with self._news:
            return list(self._answers)

    def send(self, message: Message | str) -> None:
        """Send a message, or a text as it is."""
        raise NotImplementedError

    def take(self, text: str | bytes) -> None:
        """Keep the messages in a text, those in an array too; what is no JSON is let go."""
        try:
            value = json.loads(text)
        except ValueError:
            return
        with self._news:
            for message in value if isinstance(value, list) else [value]:
                if isinstance(message, dict):
                    (self.heard if "method" in message else self._answers).append(message)
            self._news.notify_all()

    def close(self) -> None:
        """Note that nothing more can come."""
        with self._news:
            self._ended = True
            self._news.notify_all()

    def answer_to(self, number: int, seconds: float = WAIT_S) -> Message | None:
        """Return the answer with this id, or None when none came in time."""
        with self._news:
            self._news.wait_for(lambda: self._ended or self._find(number) is not None, seconds)
            return self._find(number)

    def _find(self, number: int) -> Message | None:
        return next((answer for answer in self._answers if answer.get("id") == number), None)

    def ask(self, number: int, method: str, params: Message | None = None) -> Message:
        """Send a request and return its answer; raise EOFError when there is none."""
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}})
        answer = self.answer_to(number)
        if answer is None:
            raise EOFError(method)
        return answer

    def settle(self, wanted: int, seconds: float = SILENCE_S) -> list[Message]:
        """Return all answers once there are so many, or after a silence."""
        with self._news:
            self._news.wait_for(lambda: self._ended or len(self._answers) >= wanted, seconds)
            return list(self._answers)

    def codes_after(self, number: int, *messages: Message | str) -> list[int]:
        """Send odd messages and then a ping with this id; return the error codes that the odd ones brought."""
        seen = len(self.answers)
        for message in messages:
            self.send(message)
        self.ask(number, "ping")
        return [answer["error"]["code"] for answer in self.settle(seen + 1 + len(messages))[seen:] if "error" in answer]


class Peer(Inbox):
    """A running server, spoken to over its pipes."""

    def __init__(self, entry: dict[str, Any]) -> None:
        super().__init__()
        inherited = {name: os.environ[name] for name in ("HOME", "PATH", "USER") if name in os.environ}
        configured = {name: expand(value) for name, value in entry.get("env", {}).items()}
        self.process = subprocess.Popen(
            [expand(part) for part in (entry["command"], *entry.get("args", ()))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=inherited | configured,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Take lines until the output ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.take(line)
        self.close()

    def send(self, message: Message | str) -> None:
        """Write a message, or a text as it is, as one line."""
        assert self.process.stdin is not None
        text = message if isinstance(message, str) else json.dumps(message)
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def end(self) -> None:
        """Kill the server and everything in its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._reader.join(SILENCE_S)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):  # what was written last may not have been read
                pipe.close()
        self.process.wait()


def outcome(answer: Message) -> int | str:
    """Return the error code of an answer, ``isError`` or ``result``."""
    if "error" in answer:
        return int(answer["error"]["code"])
    return "isError" if answer["result"].get("isError") else "result"


def facts_of(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what one server answered, or the method after which it was gone."""
    peer = Peer(entry)
    try:
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "oracle", "version": "1"}}
        opening = peer.ask(1, "initialize", client)["result"]
        peer.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return {
            "version": opening["protocolVersion"],
            "tools": [tool["name"] for tool in peer.ask(2, "tools/list")["result"]["tools"]],
            "unknown_method": outcome(peer.ask(3, "x-oracle/none")),
            "unknown_tool": outcome(peer.ask(4, "tools/call", {"name": "x-oracle-none", "arguments": {}})),
            "broken_json": peer.codes_after(5, '{"jsonrpc": "2.0", "id": 50, "method":'),
            "no_request": peer.codes_after(6, {"id": 60, "method": "ping"}, {"jsonrpc": "2.0", "id": 61}),
            "bad_cursor": outcome(peer.ask(7, "tools/list", {"cursor": "!!x-oracle"})),
            **{
                fact: outcome(peer.ask(number, method, params))
                for number, (fact, capability, method, params) in enumerate(BY_CAPABILITY, start=8)
                if capability in opening["capabilities"]
            },
        }
    except (EOFError, BrokenPipeError) as problem:
        return {"gone": str(problem)}
    finally:
        peer.end()


def main() -> None:
    """Ask all servers of a file, a few at a time."""
    servers = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["mcpServers"]
    with ThreadPoolExecutor(max_workers=6) as pool:
        facts = dict(zip(servers, pool.map(facts_of, servers.values()), strict=True))
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
