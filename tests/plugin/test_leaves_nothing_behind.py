"""However a run ends, no server outlives it and its verdict is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Project = Callable[..., pytest.Pytester]

PATIENCE_S = 30.0
STUBBORN = raw_server("--fault", "unstoppable")


def marked(mark: str) -> list[int]:
    """Return the processes that carry a mark in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def running(project: Project) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a pytest run that waits inside a test while its stubborn server lives."""
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    server = {**STUBBORN, "args": [*STUBBORN["args"], "--name", mark]}  # type: ignore[misc]
    pytester = project({"stubborn": server}, checks=("reachable",))
    pytester.makepyfile(
        test_waits="import pathlib, time\n\n\ndef test_waits(mcp_server):\n"
        "    pathlib.Path('waiting').touch()\n    time.sleep(60)\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "test_waits.py",
        "--mcp-config",
        "servers.json",
        "--mcp-report",
        "json=r.json",
    ]
    process = subprocess.Popen(
        command, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        assert wait_until((pytester.path / "waiting").exists), process.poll()
        assert len(marked(mark)) == 1
        yield process, mark
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 2), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_in_order(
    running: tuple[subprocess.Popen[str], str], pytester: pytest.Pytester, number: int, status: int
) -> None:
    process, mark = running
    process.send_signal(number)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status, output
    assert marked(mark) == []
    assert (pytester.path / "r.json").exists()


def test_an_interrupt_while_a_check_waits_ends_the_run_at_once(project: Project, pytester: pytest.Pytester) -> None:
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    deaf = raw_server("--fault", "never-answer=tools/call", "--name", mark)
    project({"deaf": deaf}, checks=("reachable", "answered"))
    command = [sys.executable, "-u", "-m", "pytest", "--mcp-config", "servers.json", "-v", "--mcp-allow-writes"]
    process = subprocess.Popen(
        command, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        first = next(line for line in process.stdout if "CONN-001 PASSED" in line)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE_S - 5)
    finally:
        process.kill()
    assert process.returncode == pytest.ExitCode.INTERRUPTED, first + output
    assert marked(mark) == []


def test_a_killed_run_leaves_no_server(running: tuple[subprocess.Popen[str], str]) -> None:
    process, mark = running
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert wait_until(lambda: marked(mark) == [])


def test_a_third_interrupt_leaves_no_server(running: tuple[subprocess.Popen[str], str]) -> None:
    process, mark = running
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode != 0
    assert wait_until(lambda: marked(mark) == [])


def test_a_worker_that_crashes_leaves_no_server(project: Project) -> None:
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    server = {**STUBBORN, "args": [*STUBBORN["args"], "--name", mark]}  # type: ignore[misc]
    pytester = project({"stubborn": server}, checks=("reachable",))
    pytester.makepyfile(
        test_dies="import os, signal\n\n\ndef test_dies(mcp_server):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    options = ("test_dies.py", "--mcp-config", "servers.json", "-n1", "--max-worker-restart=0")
    result = pytester.runpytest_subprocess(*options, timeout=PATIENCE_S)
    result.stdout.fnmatch_lines(["*worker 'gw0' crashed while running*"])
    assert wait_until(lambda: marked(mark) == [])


def test_a_stubborn_server_is_gone_when_the_run_ends(project: Project) -> None:
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    server = {**STUBBORN, "args": [*STUBBORN["args"], "--name", mark]}  # type: ignore[misc]
    result = project({"stubborn": server}, checks=("reachable",)).runpytest_subprocess("--mcp-config", "servers.json")
    result.assert_outcomes(passed=1)
    assert marked(mark) == []
