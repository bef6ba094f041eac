"""A plain client for the fixture servers: lines out, lines in, every wait bounded."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVERS = Path(__file__).parent.parent / "servers"
RAW = (sys.executable, "-S", "-E", str(SERVERS / "raw.py"))
PATIENCE_S = 20.0
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "selftest", "version": "1"},
}


class Peer:
    """One server process and what it said."""

    def __init__(self, command: tuple[str, ...], **how: Any) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, start_new_session=True, **pipes, **how)
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        self.stdin, self.stdout, self.stderr = self.process.stdin, self.process.stdout, self.process.stderr
        os.set_blocking(self.stdout.fileno(), False)
        os.set_blocking(self.stderr.fileno(), False)
        self.buffer = bytearray()
        self.errors = bytearray()
        self.meta: dict[str, Any] = {}
        self.number = 0

    def send(self, *messages: Any) -> None:
        """Write messages, or bytes as they are, as lines in one go."""
        lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in messages]
        self.stdin.write(b"".join(line + b"\n" for line in lines))
        self.stdin.flush()

    def pump(self, until: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
        """Read both streams until a condition holds, both have ended or time is up; return whether it holds."""
        deadline = time.monotonic() + seconds
        open_streams = {self.stdout.fileno(): self.buffer, self.stderr.fileno(): self.errors}
        while not until() and open_streams and (left := deadline - time.monotonic()) > 0:
            for descriptor in select.select([*open_streams], [], [], left)[0]:
                chunk = os.read(descriptor, 1 << 20)
                open_streams[descriptor] += chunk
                if not chunk:
                    del open_streams[descriptor]
        return until()

    def line(self, seconds: float = PATIENCE_S) -> bytes | None:
        """Return the next line, or None when there is none in time."""
        if not self.pump(lambda: b"\n" in self.buffer, seconds):
            return None
        line, _, rest = bytes(self.buffer).partition(b"\n")
        self.buffer[:] = rest
        return line

    def message(self, seconds: float = PATIENCE_S) -> Any:
        """Return the next message, or None when there is none in time."""
        line = self.line(seconds)
        return None if line is None else json.loads(line)

    def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return a request in the era in use, with a fresh id."""
        self.number += 1
        body = dict(params or {})
        if self.meta:
            body["_meta"] = {**self.meta, **body.get("_meta", {})}
        return {"jsonrpc": "2.0", "id": self.number, "method": method, "params": body}

    def ask(self, method: str, params: dict[str, Any] | None = None, seconds: float = PATIENCE_S) -> Any:
        """Send a request and return the next message."""
        self.send(self.request(method, params))
        return self.message(seconds)

    def call(self, name: str, seconds: float = PATIENCE_S, **arguments: Any) -> Any:
        """Call a tool and return the next message."""
        return self.ask("tools/call", {"name": name, "arguments": arguments}, seconds)

    def open(self, revision: str = "2025-11-25", **capabilities: Any) -> Any:
        """Begin in the era of a revision and return what the server said to that."""
        if revision >= "2026":
            self.meta = {**ENVELOPE, "io.modelcontextprotocol/clientCapabilities": capabilities}
            return self.ask("server/discover")
        params = {
            "protocolVersion": revision,
            "capabilities": capabilities,
            "clientInfo": {"name": "t", "version": "1"},
        }
        answer = self.ask("initialize", params)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def exit_code(self, seconds: float = PATIENCE_S) -> int | None:
        """Return the exit status once the process has ended, or None when it has not in time."""
        try:
            self.pump(lambda: self.process.poll() is not None, 0)
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def everything(self) -> bytes:
        """Return all that is left on stdout once the process has ended."""
        self.pump(lambda: False)
        return bytes(self.buffer)

    def close(self) -> int | None:
        """Close stdin and return the exit status."""
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        self.pump(lambda: False)
        return self.exit_code()

    def kill(self) -> None:
        """Kill the process and all that is left of its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        for stream in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Peer]]:
    """Start servers by command; all of them are killed at the end."""
    peers: list[Peer] = []

    def begin(*command: str, **how: Any) -> Peer:
        peers.append(Peer(command, **how))
        return peers[-1]

    yield begin
    for peer in peers:
        peer.kill()


@pytest.fixture
def raw(start: Callable[..., Peer]) -> Callable[..., Peer]:
    """Start the raw server with the given options."""
    return lambda *options, **how: start(*RAW, *options, **how)


@pytest.fixture
def faulty(raw: Callable[..., Peer]) -> Callable[..., Peer]:
    """Start the raw server with one fault and begin the handshake."""

    def begin(fault: str, revision: str = "2025-11-25") -> Peer:
        peer = raw("--fault", fault)
        peer.open(revision)
        return peer

    return begin


@pytest.fixture(scope="session")
def run_raw() -> Callable[..., Any]:
    """Return a function that starts the raw server with options and environment, talks to it and kills it."""

    def run(talk: Callable[[Peer], Any], *options: str, **how: Any) -> Any:
        peer = Peer((*RAW, *options), **how)
        try:
            return talk(peer)
        finally:
            peer.kill()

    return run


class Web:
    """One HTTP server process, spoken to one plain request at a time."""

    def __init__(self, *options: str, **how: Any) -> None:
        self.peer = Peer((sys.executable, "-S", "-E", str(SERVERS / "http_raw.py"), *options), **how)
        self.url = (self.peer.line() or b"").decode()
        self.place = self.url.split("/")[2]
        self.session: str | None = None
        self.number = 0

    def send(self, method: str, path: str = "/mcp", body: bytes = b"", **headers: str) -> Reply:
        """Send one HTTP request on a connection of its own and return the answer."""
        connection = http.client.HTTPConnection(self.place, timeout=PATIENCE_S)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body or None, named)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def post(
        self, method: str, params: dict[str, Any] | None = None, *, stateless: bool = False, **headers: str
    ) -> Reply:
        """Post a request in either era, with the headers that belong to it unless others are given."""
        self.number += 1
        message: dict[str, Any] = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": dict(params or {})}
        known = {"Content_Type": "application/json", "Accept": "application/json, text/event-stream"}
        if stateless:
            message["params"]["_meta"] = {**ENVELOPE, **message["params"].get("_meta", {})}
            known |= {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": method}
            name = message["params"].get("name", message["params"].get("uri"))
            known |= {} if name is None else {"Mcp_Name": name}
        elif self.session is not None:
            known |= {"MCP_Protocol_Version": "2025-11-25", "Mcp_Session_Id": self.session}
        kept = {name: value for name, value in {**known, **headers}.items() if value}
        return self.send("POST", body=json.dumps(message).encode(), **kept)

    def open(self) -> Reply:
        """Begin a session."""
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        answer = self.post("initialize", params)
        self.session = answer.headers.get("Mcp-Session-Id")
        return answer

    def call(self, name: str = "echo", *, stateless: bool = False, **arguments: Any) -> Reply:
        """Call a tool."""
        return self.post("tools/call", {"name": name, "arguments": arguments}, stateless=stateless)


class Reply:
    """The answer to an HTTP request."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def messages(self) -> list[Any]:
        """Return the messages in the body, one or many."""
        if self.headers.get("Content-Type") != "text/event-stream":
            return [json.loads(self.body)] if self.body else []
        return [json.loads(line[6:]) for line in self.body.splitlines() if line.startswith(b"data: {")]

    @property
    def result(self) -> Any:
        """Return the result in the last message."""
        return self.messages[-1]["result"]


@pytest.fixture
def web() -> Iterator[Callable[..., Web]]:
    """Start HTTP servers with options; all of them are killed at the end."""
    sites: list[Web] = []

    def begin(*options: str, **how: Any) -> Web:
        sites.append(Web(*options, **how))
        return sites[-1]

    yield begin
    for site in sites:
        site.peer.kill()


@pytest.fixture(scope="session")
def run_web() -> Callable[..., Any]:
    """Return a function that starts the HTTP server with options, talks to it and kills it."""

    def run(talk: Callable[[Web], Any], *options: str) -> Any:
        site = Web(*options)
        try:
            return talk(site)
        finally:
            site.peer.kill()

    return run
