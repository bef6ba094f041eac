"""What the tests of the wire share: a transport in memory, servers of a few lines, and a look for leaks."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
import textwrap
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import psutil
import pytest

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.core.clock import SystemClock
from mcp_assay.wire.channel import Channel
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.reaper import Reaper
from mcp_assay.wire.reaper_main import MARK_VARIABLE
from mcp_assay.wire.transport import CloseReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_assay.wire.transport import Outgoing

SMALL = Limits(
    start_s=8.0,
    list_s=4.0,
    call_s=4.0,
    walk_s=8.0,
    probe_s=0.3,
    exit_s=0.3,
    terminate_s=0.5,
    line_bytes=1024 * 1024,
    samples=20,
)

PRELUDE = """
import json, os, signal, subprocess, sys, time
def say(message):
    sys.stdout.write(json.dumps(message) + "\\n"); sys.stdout.flush()
def ready(request):
    say({"jsonrpc": "2.0", "id": request["id"], "result": {"protocolVersion": request["params"]["protocolVersion"],
         "capabilities": {"tools": {}}, "serverInfo": {"name": "inline", "version": "1"}}})
def requests():
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("method") == "initialize":
            ready(message)
        elif "id" in message and "method" in message:
            yield message
"""


@dataclass
class FakeTransport:
    """Keeps what is sent; what the server says is fed to the channel by the test."""

    kind: str = "fake"
    pid: int | None = None
    stderr_tail: str = ""
    unread_bytes: int = 0
    partial_bytes: int = 0
    version: str = ""
    abandoned: list = field(default_factory=list)
    slowed: list[float] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    reply: Callable[[dict], bytes | None] | None = None
    channel: Channel | None = None

    def send(self, message: Outgoing) -> None:
        self.sent.append(message)
        parsed = None if message.probe else orjson.loads(message.data)
        answer = self.reply(parsed) if self.reply and parsed and "id" in parsed and "method" in parsed else None
        if answer is not None:
            asyncio.get_running_loop().call_soon(self.channel.line_received, answer)

    def use_version(self, version: str) -> None:
        self.version = version

    def abandon(self, request_id: object) -> None:
        self.abandoned.append(request_id)

    def slow_down(self, seconds: float) -> None:
        self.slowed.append(seconds)

    async def close(self) -> CloseReport:
        return CloseReport(seconds=0.0, needed="exit")

    def messages(self) -> list[dict]:
        """Return what was sent, parsed."""
        return [orjson.loads(message.data) for message in self.sent]


@pytest.fixture
def fake() -> Callable[..., tuple[Channel, FakeTransport]]:
    """Return a maker of a channel over a transport in memory."""

    def make(
        reply: Callable[[dict], bytes | None] | None = None, limits: Limits = SMALL, **options: object
    ) -> tuple[Channel, FakeTransport]:
        transport = FakeTransport(reply=reply)
        channel = Channel(transport, limits, SystemClock(), **options)
        transport.channel = channel
        return channel, transport

    return make


def marked(run: str) -> list[psutil.Process]:
    """Return the live processes that carry a mark of this run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK_VARIABLE, "").startswith(run) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """Fail when a test leaves a process, a thread, a file descriptor or a file in the temporary folder."""
    fds = psutil.Process().num_fds()
    threads = set(threading.enumerate())
    temporary = set(Path(os.environ.get("TMPDIR", "/tmp")).glob("mcp-assay*"))
    yield
    assert not set(threading.enumerate()) - threads
    assert psutil.Process().num_fds() <= fds
    assert set(Path(os.environ.get("TMPDIR", "/tmp")).glob("mcp-assay*")) == temporary


@pytest.fixture
def reaper(nothing_left: None) -> Iterator[Reaper]:
    """Yield a reaper; at the end no process with a mark of it may live."""
    reaper = Reaper()
    run = reaper.new_mark().rpartition(".")[0]
    yield reaper
    psutil.wait_procs(marked(run), timeout=2)  # a killed process takes a moment to be gone
    left = marked(run)
    reaper.close()
    assert not left


@pytest.fixture
def connector(reaper: Reaper) -> Connector:
    """Return a connector with small budgets."""
    return Connector(limits=SMALL, reaper=reaper)


@pytest.fixture
def inline(tmp_path: Path) -> Callable[..., Launch]:
    """Return a maker of launches for servers of a few lines of Python."""

    def make(body: str, *, prelude: bool = True, env: dict[str, str] | None = None) -> Launch:
        script = tmp_path / "server.py"
        script.write_text((PRELUDE if prelude else "") + textwrap.dedent(body))
        return Launch(
            name="inline", transport=TransportKind.STDIO, command=(sys.executable, "-I", str(script)), env=env or {}
        )

    return make


@pytest.fixture
def hurried(reaper: Reaper) -> Connector:
    """Return a connector for faults that run into their time."""
    return Connector(limits=dataclasses.replace(SMALL, call_s=0.7, exit_s=1.0), reaper=reaper)


@pytest.fixture
def impatient(reaper: Reaper) -> Connector:
    """Return a connector for servers that never become ready."""
    return Connector(limits=dataclasses.replace(SMALL, start_s=0.7), reaper=reaper)


@pytest.fixture
def raw() -> Callable[..., Launch]:
    """Return a maker of launches of the server with faults to switch on."""
    script = Path(__file__).parents[1] / "servers" / "raw.py"

    def make(fault: str | None = None, *, options: tuple[str, ...] = ()) -> Launch:
        switched = () if fault is None else ("--fault", fault)
        command = (sys.executable, "-S", "-E", str(script), *switched, *options)
        return Launch(name="raw", transport=TransportKind.STDIO, command=command)

    return make
