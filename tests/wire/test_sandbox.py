"""What a sandbox keeps from a server, and that there is none only with a clear error."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.spec import Confinement, Launch, TransportKind
from mcp_assay.core.errors import UsageError
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.sandbox import HOME, Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.wire.exchange import Exchange

CURIOUS = Path(__file__).parent.parent / "servers" / "curious.py"
MIB = 1024 * 1024
SMALL = Confinement(memory_bytes=400 * MIB, processes=40)


def launch(cwd: Path) -> Launch:
    command = (sys.executable, "-S", "-E", str(CURIOUS))
    return Launch(name="curious", transport=TransportKind.STDIO, command=command, cwd=cwd)


@pytest.fixture
def sandbox() -> Sandbox:
    """A sandbox with small limits; skipped where there is none."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    try:
        return replace(Sandbox.find(), confinement=SMALL)
    except UsageError as problem:
        pytest.skip(problem.message)


def tried(confined: Launch, *deeds: Mapping[str, str]) -> list[Exchange]:
    """Return what came of some deeds of one server."""

    async def work() -> list[Exchange]:
        session = await connector.open_session(confined)
        try:
            return [await session.call_tool("try_out", dict(deed), timeout_s=20) for deed in deeds]
        finally:
            await session.close()

    connector = Connector()
    try:
        return asyncio.run(work())
    finally:
        connector.reaper.close()


def said(exchange: Exchange) -> str:
    assert exchange.result is not None, exchange.describe()
    content = exchange.result["content"]
    assert isinstance(content, list)
    assert isinstance(content[0], dict)
    return str(content[0]["text"])


def test_files_are_read_only_but_for_a_home_and_a_working_directory_of_its_own(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "there-before.txt").write_text("kept")
    secret = Path.home() / ".ssh"
    monkeypatch.setenv("HOME", str(Path.home()))
    deeds = (
        {"deed": "home"},
        {"deed": "write", "of": f"{HOME}/made"},
        {"deed": "listing", "of": "."},
        {"deed": "write", "of": "made"},
        {"deed": "write", "of": "there-before.txt"},
        {"deed": "write", "of": "/etc/mcp-assay-made"},
        {"deed": "listing", "of": str(secret)},
        {"deed": "listing", "of": "/run"},
        {"deed": "processes"},
    )
    answers = [said(exchange) for exchange in tried(sandbox.confined(launch(tmp_path / "here")), *deeds)]
    home, in_home, listed, in_cwd, over, outside, hidden, run, processes = answers
    assert json.loads(home) == [HOME, []]
    assert (in_home, json.loads(listed), in_cwd) == ('"written"', ["there-before.txt"], '"written"')
    assert over.startswith("OSError: [Errno 30]")
    assert outside.startswith("OSError: [Errno 30]")
    assert hidden == "[]" or hidden.startswith("FileNotFoundError")
    assert not any("sock" in name or name == "dbus" for name in json.loads(run))
    assert int(processes) <= 3
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["there-before.txt"]


def test_there_is_no_network_unless_it_is_opened(sandbox: Sandbox, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        deed = {"deed": "connect", "of": str(server.getsockname()[1])}
        (alone,) = tried(sandbox.confined(launch(tmp_path)), deed)
        (opened,) = tried(sandbox.confined(launch(tmp_path), network=True), deed)
    assert said(alone).startswith("ConnectionRefusedError")
    assert said(opened) == '"connected"'


def test_a_folder_can_be_given_empty_and_writable(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious.txt").write_text("kept")
    folder = str(tmp_path / "data")
    deeds = ({"deed": "listing", "of": folder}, {"deed": "write", "of": f"{folder}/precious.txt"})
    listed, written = tried(sandbox.confined(launch(tmp_path), folders=[folder]), *deeds)
    assert (said(listed), said(written)) == ("[]", '"written"')
    assert (tmp_path / "data" / "precious.txt").read_text() == "kept"


def test_memory_and_processes_are_limited_and_the_end_says_why(sandbox: Sandbox, tmp_path: Path) -> None:
    modest, greedy = tried(
        sandbox.confined(launch(tmp_path)), {"deed": "take", "of": "100"}, {"deed": "take", "of": "600"}
    )
    assert said(modest) == str(100 * MIB)
    assert said(greedy).startswith("MemoryError")
    (bomb,) = tried(sandbox.confined(launch(tmp_path)), {"deed": "start", "of": "60"})
    if bomb.fault is None:
        assert "BlockingIOError" in said(bomb)  # the kernel counts the processes of everybody but root
    else:
        assert "40 may be" in bomb.fault.stderr_tail


def test_what_starts_nothing_is_left_as_it_is(tmp_path: Path) -> None:
    sandbox = Sandbox(program="/usr/bin/bwrap")
    remote = Launch(name="remote", transport=TransportKind.HTTP, url="http://127.0.0.1:1/mcp")
    missing = Launch(name="missing", transport=TransportKind.STDIO, command=("no-such-program-anywhere",))
    assert sandbox.confined(remote) is remote
    assert sandbox.confined(missing) is missing
    assert not remote.contained


def test_only_a_sandbox_without_a_network_contains_a_server(tmp_path: Path) -> None:
    sandbox = Sandbox(program="/usr/bin/bwrap")
    assert sandbox.confined(launch(tmp_path)).contained
    assert not sandbox.confined(launch(tmp_path), network=True).contained
    assert not launch(tmp_path).contained


def test_no_secret_of_the_environment_stands_on_the_command_line(tmp_path: Path) -> None:
    secret = replace(launch(tmp_path), env={"TOKEN": "s3cr3t-canary"})
    confined = Sandbox(program="/usr/bin/bwrap").confined(secret)
    assert "s3cr3t-canary" not in " ".join(confined.command)
    assert confined.env["TOKEN"] == "s3cr3t-canary"


def test_without_bubblewrap_there_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="needs bubblewrap") as caught:
        Sandbox.find()
    assert "nothing was started" in (caught.value.hint or "")


def test_bubblewrap_that_may_make_no_sandbox_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(UsageError, match="No permissions to create new namespace"):
        Sandbox.find()
