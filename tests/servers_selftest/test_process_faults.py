"""The faults of the process are really there."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Any]

ECHO = {"name": "echo", "arguments": {"text": "hello"}}


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("exit-at-once", 3, "cannot open the database"),
        ("exit-at-once=17", 17, "cannot open the database"),
        ("exit-silently", 0, ""),
        ("start-not-installed", 1, "No module named 'acme_mcp'"),
        ("start-npm-not-found", 1, "E404"),
        ("start-wrong-arguments", 2, "unrecognized arguments"),
        ("start-missing-variable", 1, "ACME_API_KEY"),
        ("start-needs-credentials", 1, "401"),
        ("start-traceback", 1, "Traceback"),
        ("start-crash", -signal.SIGSEGV, ""),
    ],
)
def test_start_fault_ends_the_server_before_it_reads(raw: Start, fault: str, code: int, said: str) -> None:
    peer = raw("--fault", fault)

    assert peer.everything() == b""
    assert peer.exit_code() == code
    assert said in peer.errors.decode()


def test_usage_on_stdout_ends_with_zero(raw: Start) -> None:
    peer = raw("--fault", "start-usage")

    assert peer.everything().startswith(b"acme-mcp 1.0")
    assert peer.exit_code() == 0


def test_slow_start_answers_in_the_end(raw: Start) -> None:
    peer = raw("--fault", "start-slow=50")

    assert peer.open()["result"]["protocolVersion"] == "2025-11-25"


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_exit_in_handshake_answers_neither_era(raw: Start, revision: str) -> None:
    peer = raw("--fault", "exit-in-handshake")
    peer.send(peer.request("initialize" if revision < "2026" else "server/discover"))

    assert peer.exit_code() == 7
    assert peer.everything() == b""


def test_exit_on_discover_leaves_the_handshake_alone(raw: Start) -> None:
    peer = raw("--fault", "exit-on-discover")

    assert peer.open()["result"]
    assert peer.ask("server/discover") is None
    assert peer.exit_code() == 7


@pytest.mark.parametrize(
    ("fault", "code"),
    [("exit-mid-call", 11), ("kill-mid-call", -signal.SIGKILL), ("crash-mid-call", -signal.SIGSEGV)],
)
def test_fault_ends_the_server_in_the_middle_of_a_call(faulty: Start, fault: str, code: int) -> None:
    peer = faulty(fault)
    assert peer.call("add", a=1, b=2)["result"]["structuredContent"] == {"sum": 3}

    assert peer.call("echo", text="hello") is None
    assert peer.exit_code() == code


def test_exit_mid_call_can_be_moved_to_another_method(faulty: Start) -> None:
    peer = faulty("exit-mid-call=tools/list")

    assert peer.ask("tools/list") is None
    assert peer.exit_code() == 11


def test_exit_after_answers_before_it_ends(faulty: Start) -> None:
    peer = faulty("exit-after=2")

    assert [peer.call("add", a=1, b=2) is not None for _ in range(2)] == [True, True]
    assert peer.exit_code() == 9


def test_stop_mid_call_leaves_a_stopped_process(faulty: Start) -> None:
    peer = faulty("stop-mid-call")
    peer.send(peer.request("tools/call", ECHO))

    assert os.WIFSTOPPED(os.waitpid(peer.process.pid, os.WUNTRACED)[1])


def test_ignore_eof_stays_until_it_is_terminated(faulty: Start) -> None:
    peer = faulty("ignore-eof")
    peer.stdin.close()
    assert peer.pump(lambda: b"staying" in peer.errors)
    assert peer.process.poll() is None

    peer.process.terminate()
    assert peer.exit_code() == 0


def test_ignore_sigterm_ends_with_stdin(faulty: Start) -> None:
    peer = faulty("ignore-sigterm")
    peer.process.terminate()

    assert peer.call("add", a=1, b=2)["result"]
    assert peer.close() == 0


def test_unstoppable_needs_a_kill(faulty: Start) -> None:
    peer = faulty("unstoppable")
    peer.stdin.close()
    assert peer.pump(lambda: b"staying" in peer.errors)
    peer.process.terminate()

    assert peer.exit_code(0.2) is None
    peer.process.kill()
    assert peer.exit_code() == -signal.SIGKILL


def test_slow_exit_and_exit_code_end_late_and_badly(raw: Start) -> None:
    peer = raw("--fault", "slow-exit=30", "--fault", "exit-code=6")
    peer.open()

    assert peer.close() == 6


def _child(peer: Any) -> int:
    """Return the id of the child that a server names on stderr."""
    assert peer.pump(lambda: b"\n" in peer.errors)
    return int(peer.errors.split()[1])


@pytest.mark.parametrize(("fault", "same_group"), [("grandchild", True), ("grandchild-session", False)])
def test_grandchild_outlives_the_server(faulty: Start, fault: str, same_group: bool) -> None:
    peer = faulty(fault)
    child = _child(peer)
    try:
        assert (os.getpgid(child) == peer.process.pid) == same_group
        assert peer.close() == 0
        assert Path(f"/proc/{child}/status").exists()
    finally:
        os.kill(child, signal.SIGKILL)


def test_grandchild_pipes_keeps_stdout_open(faulty: Start) -> None:
    peer = faulty("grandchild-pipes")
    child = _child(peer)
    try:
        peer.stdin.close()
        assert peer.process.wait(20) == 0
        assert Path(f"/proc/{child}/fd/1").readlink() == Path(f"/proc/self/fd/{peer.stdout.fileno()}").readlink()
    finally:
        os.kill(child, signal.SIGKILL)


def test_close_stdout_ends_the_stream_and_not_the_process(faulty: Start) -> None:
    peer = faulty("close-stdout")
    peer.send(peer.request("tools/call", ECHO))

    assert not peer.pump(lambda: b"\n" in peer.buffer, 0.3)
    assert os.read(peer.stdout.fileno(), 1) == b""
    assert peer.process.poll() is None


def test_stop_reading_blocks_the_writer(faulty: Start) -> None:
    peer = faulty("stop-reading")
    peer.send(peer.request("tools/call", ECHO))
    os.set_blocking(peer.stdin.fileno(), False)

    def fill() -> None:
        for _ in range(64):
            os.write(peer.stdin.fileno(), b" " * (1 << 16))

    with pytest.raises(BlockingIOError):
        fill()


def test_leave_file_leaves_it_where_it_is_told(raw: Start, tmp_path: Path) -> None:
    raw("--fault", f"leave-file={tmp_path}").open()

    assert [path.name for path in tmp_path.iterdir()] == ["raw-left-behind"]


def _resident(pid: int) -> int:
    """Return the resident memory of a process in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_leaks_grow_with_each_call(raw: Start) -> None:
    peer = raw("--fault", "leak-memory=8", "--fault", "leak-descriptors", "--fault", "leak-children")
    peer.open()
    peer.call("add", a=1, b=2)
    pid = peer.process.pid
    memory, files = _resident(pid), len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208  (only the count matters)
    for _ in range(5):
        peer.call("add", a=1, b=2)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    assert _resident(pid) - memory > 5 * 7 * 1024
    assert len(os.listdir(f"/proc/{pid}/fd")) - files == 5  # noqa: PTH208  (only the count matters)
    assert len(children) == 6


def test_stderr_flood_leaves_stdout_clean(raw: Start) -> None:
    peer = raw("--fault", "stderr-flood=1000000")

    assert peer.open()["result"]
    assert len(peer.errors) > 900_000


def test_stderr_binary_is_no_text(raw: Start) -> None:
    peer = raw("--fault", "stderr-binary")

    assert peer.open()["result"]
    assert peer.pump(lambda: b"::error::" in peer.errors)
    with pytest.raises(UnicodeDecodeError):
        peer.errors.decode()
