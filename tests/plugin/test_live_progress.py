"""What a person at a terminal sees while lanes run, and that nobody else sees any of it.

A check of ours waits for a named pipe, so that the test decides how long a lane takes.
"""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import psutil
import pyte
import pytest
from projects import CHECKS, raw_server

from mcp_assay.core.presentation import Presenter
from mcp_assay.core.redaction import Redactor
from mcp_assay.plugin.progress import LiveProgress
from mcp_assay.readiness.progress import LaneProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Project = Callable[..., pytest.Pytester]

ROWS, COLUMNS = 24, 90
SERVERS = ("one", "two", "three")
PATIENCE_S = 90.0
HELD = """
import asyncio
import pathlib


async def held(subject):
    await asyncio.to_thread(pathlib.Path(subject.server.name).read_bytes)
    return passed()


ALL["held"] = check("BASE-001", Category.CONNECTIVITY, Scope.SERVER, held, Level.MUST)
"""


@dataclass
class Terminal:
    """A pytest in a terminal of its own, and the screen as a person sees it."""

    process: subprocess.Popen[bytes]
    master: int
    written: bytes = b""
    screen: Any = field(default_factory=lambda: pyte.HistoryScreen(COLUMNS, ROWS, history=1_000))

    def __post_init__(self) -> None:
        self.stream = pyte.ByteStream(self.screen)

    def read_until(self, pattern: str) -> str:
        """Read until the screen shows a pattern; returns the screen."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if re.search(pattern, self.text):
                return self.text
            if not self.read(1.0):
                break
        raise AssertionError(f"{pattern!r} was not shown:\n{self.text}")

    def read(self, patience_s: float) -> bool:
        """Read what is there; returns whether more may come."""
        ready, _, _ = select.select([self.master], [], [], patience_s)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65_536)
        except OSError:  # Linux ends a terminal without writers with EIO
            return False
        self.written += data
        self.stream.feed(data)
        return bool(data)

    def finish(self) -> str:
        """Read to the end; returns all lines, those that were scrolled away too."""
        end = time.monotonic() + PATIENCE_S
        while self.read(1.0) and time.monotonic() < end:
            pass
        self.process.wait(PATIENCE_S)
        history = ("".join(line[at].data for at in range(COLUMNS)) for line in self.screen.history.top)
        return "\n".join(line.rstrip() for line in (*history, *self.screen.display)).rstrip()

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(line.rstrip() for line in self.screen.display)


@pytest.fixture
def start(project: Project) -> Iterator[Callable[..., Terminal]]:
    """Start pytest in a terminal over three servers, one of which is held up."""
    folder = project({name: raw_server() for name in SERVERS})
    folder.makeconftest(CHECKS + HELD + "\nNAMES = ('reachable', 'held', 'listed')\n")
    for name in SERVERS:
        os.mkfifo(folder.path / name)
    started: list[Terminal] = []

    def run(*words: str, rows: int = ROWS, **environment: str) -> Terminal:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR", "COLUMNS", "LINES"}}
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--mcp-config", "servers.json", *words],
            cwd=folder.path,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**kept, "TERM": "xterm-256color", **environment},
        )
        os.close(slave)
        started.append(Terminal(process=process, master=master))
        return started[-1]

    yield run
    for terminal in started:
        terminal.process.kill()
        terminal.process.wait(PATIENCE_S)
        os.close(terminal.master)


def release(terminal: Terminal, folder: pytest.Pytester) -> str:
    """Let the held checks go on, and return all that the terminal showed in the end."""
    end = time.monotonic() + PATIENCE_S
    held = [folder.path / name for name in SERVERS]
    while held and time.monotonic() < end:
        held = [pipe for pipe in held if not opened(pipe)]
        terminal.read(0.1)
    assert held == [], terminal.text
    return terminal.finish()


def opened(pipe: Path) -> bool:
    """Let one check go on, when it waits already."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:  # nobody reads yet
        return False
    return True


@pytest.mark.parametrize("words", [(), ("-v", "--capture=sys")], ids=str)
def test_lanes_are_shown_while_they_run_and_leave_no_trace(
    start: Callable[..., Terminal], pytester: pytest.Pytester, words: tuple[str, ...]
) -> None:
    terminal = start(*words)
    screen = terminal.read_until(r"three .*1/3 .*BASE-001 held")
    assert len(re.findall(r"1/3", screen)) == 3
    shown = release(terminal, pytester)
    assert terminal.process.returncode == 0, shown
    assert "BASE-001 held" not in shown
    assert "1/3" not in shown
    assert re.search(r"9 passed", shown)
    assert "readiness: " in shown
    if not words:
        assert re.search(r"servers\.json \.{9} +\[100%\]", shown), shown


def gated(folder: pytest.Pytester) -> tuple[Path, dict[str, object]]:
    """Return a named pipe, and the configuration of a server that starts once somebody has written to it."""
    served, gate = raw_server(), folder.path / "gate"
    os.mkfifo(gate)
    command = [str(served["command"]), *map(str, cast("list[str]", served["args"]))]
    return gate, {"command": "sh", "args": ["-c", f'read held < {gate}; exec "$@"', "sh", *command]}


def test_servers_are_shown_while_they_start(start: Callable[..., Terminal], pytester: pytest.Pytester) -> None:
    gate, slow = gated(pytester)
    servers = {"quick": raw_server(), "slow": slow, "gone": {"command": "/does/not/exist"}}
    pytester.makefile(".json", servers=json.dumps({"mcpServers": servers}))
    terminal = start("-k", "CONN-001")
    terminal.read_until(r"slow +\S* +0/1 +(\d+ s )?is started")
    screen = terminal.read_until(r"quick .*1/1 +is there")
    assert re.search(r"gone .*1/1 +did not start", screen)
    gate.write_text("go\n")
    shown = terminal.finish()
    assert "is started" not in shown
    assert "is there" not in shown
    assert re.search(r"1 failed, 2 passed", shown), shown


def test_an_interrupt_while_servers_start_ends_them_and_accuses_none(
    start: Callable[..., Terminal], pytester: pytest.Pytester
) -> None:
    _, slow = gated(pytester)
    servers = {"quick": raw_server(), "slow": slow, "gone": {"command": "/does/not/exist"}}
    pytester.makefile(".json", servers=json.dumps({"mcpServers": servers}))
    terminal = start("--mcp-report", "json=run.json")
    terminal.read_until(r"gone +\S* +1/1 +did not start")
    started = psutil.Process(terminal.process.pid).children(recursive=True)
    terminal.process.send_signal(signal.SIGINT)
    shown = terminal.finish()
    assert terminal.process.returncode == pytest.ExitCode.INTERRUPTED, shown
    assert "is started" not in shown
    _, left = psutil.wait_procs(started, timeout=PATIENCE_S)
    assert left == []
    found = json.loads((pytester.path / "run.json").read_text())["servers"]
    assert {server["name"]: server["status"] for server in found} == {
        "quick": "interrupted", "slow": "interrupted", "gone": "failed",
    }  # fmt: skip


def test_lanes_are_shown_while_workers_judge_them(start: Callable[..., Terminal], pytester: pytest.Pytester) -> None:
    terminal = start("-n", "2")
    screen = terminal.read_until(r"\d/3 +BASE-001(.|\n)*\d/3 +BASE-001")
    assert re.findall(r"(one|two|three) .*\d/3", screen) == list(SERVERS)
    shown = release(terminal, pytester)
    assert terminal.process.returncode == 0, shown
    assert "/3" not in shown
    assert re.search(r"9 passed", shown)


def test_nothing_is_drawn_in_ci(start: Callable[..., Terminal], pytester: pytest.Pytester) -> None:
    terminal = start(CI="true")
    terminal.read_until("collected 9 items")
    release(terminal, pytester)
    assert b"BASE-001 held" not in terminal.written
    assert b"\x1b7" not in terminal.written


def test_the_display_keeps_to_what_the_terminal_can_do(
    start: Callable[..., Terminal], pytester: pytest.Pytester
) -> None:
    terminal = start("-q", "-s", NO_COLOR="1", LC_ALL="C", PYTHONIOENCODING="ascii")
    terminal.read_until("three .*BASE-001 held")
    assert "9 passed" in release(terminal, pytester)
    drawn = b"".join(re.findall(rb"\x1b7.*?\x1b8", terminal.written, re.DOTALL))
    assert b"BASE-001 held" in drawn
    assert drawn.isascii()
    assert not re.search(rb"\x1b\[[\d;]*m", drawn)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_of_servers_and_tools_are_drawn_without_secrets_and_inert(
    pytestconfig: pytest.Config, encoding: str
) -> None:
    secret, hostile = "cAnArY-8Wy_0wMa.Us1v", "\x1b[2J\x9b1mx\r\n\u202e::error::\u0436"
    encoded = base64.b64encode(f"x{secret}y".encode()).decode()
    lane = LaneProgress(
        server=f"{secret}{hostile}", done=1, total=3, current=f"TOOL-1 {hostile}{encoded}", running_s=2.0
    )
    arrived = LaneProgress(server=hostile + secret, done=1, total=1, outcome="is there")
    display = LiveProgress(
        config=pytestconfig,
        lanes=lambda: [lane, arrived, *[arrived] * 30],
        presenter=Presenter(Redactor({"env TOKEN": secret})),
    )
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    display.draw(stream)
    stream.flush()
    drawn = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]  # it is the BytesIO from above
    assert not any(text in drawn for text in (secret, secret[:9], encoded[4:-4], "\x1b[2J", "\x9b", "\u202e"))
    ours = re.compile(r"\x1b(\[[\d;]*[mKJA]|[D78])|\r\n")
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", ours.sub("", drawn))
    assert "<redacted" in drawn
    assert "and 2" in drawn


def test_an_interrupt_takes_the_display_away(start: Callable[..., Terminal], pytester: pytest.Pytester) -> None:
    terminal = start()
    terminal.read_until("BASE-001 held")
    terminal.process.send_signal(signal.SIGINT)
    shown = release(terminal, pytester)
    assert terminal.process.returncode == pytest.ExitCode.INTERRUPTED, shown
    assert "BASE-001 held" not in shown
