"""Locust itself, headless: a master and a worker on loopback, each a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.locust

HERE = Path(__file__).parent
RAW = HERE.parent / "servers" / "raw.py"
PATIENCE_S = 120


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    server = {"command": sys.executable, "args": ["-S", "-E", str(RAW)], "env": {"LEFT": str(tmp_path)}}
    (tmp_path / "servers.json").write_text(json.dumps({"mcpServers": {"raw": server}}), "utf-8")
    return {**os.environ, "MCP_CONFIG": str(tmp_path / "servers.json"), "MCP_SERVER": "raw", "NO_COLOR": "1"}


def locust(environment: dict[str, str], folder: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), *options]
    with (folder / f"{len(options)}.log").open("wb") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def left_behind(folder: Path) -> list[str]:
    """Return the servers that were started for this test and still live."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if process.environ().get("LEFT") == str(folder):
                found.append(str(process.info["cmdline"]))
        except psutil.Error:
            continue
    return found


def written(path: Path, words: str) -> str:
    """Return a file's text once it holds some words; Locust writes its files every second."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        text = path.read_text("utf-8") if path.exists() else ""
        if words in text:
            return text
        time.sleep(0.1)
    raise AssertionError(f"{words!r} did not come")


def test_a_worker_generates_the_load_and_the_master_counts_it(environment: dict[str, str], tmp_path: Path) -> None:
    port = str(free_port())
    master = locust(
        environment, tmp_path, "--master", "--headless", "--expect-workers", "1", "-u", "4", "-r", "4", "-t", "6s",
        "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--csv", "stats", "--exit-code-on-error", "0",
    )  # fmt: skip
    worker = locust(environment, tmp_path, "--worker", "--master-host", "127.0.0.1", "--master-port", port)
    try:
        assert (master.wait(PATIENCE_S), worker.wait(PATIENCE_S)) == (0, 0)
    finally:
        for process in (master, worker):
            process.kill()
    rows = [line.split(",") for line in (tmp_path / "stats_stats.csv").read_text("utf-8").splitlines()]
    counts = {row[1]: (row[0], int(row[2]), int(row[3])) for row in rows[1:]}
    kind, requests, failures = counts["echo"]
    assert (kind, failures) == ("tools/call", 0)
    assert requests > 20
    strange = counts["a tool that is not there"]
    assert strange[1] == strange[2] > 0
    assert "JSON-RPC error" in (tmp_path / "stats_failures.csv").read_text("utf-8")
    assert (tmp_path / "stats_exceptions.csv").read_text("utf-8").count("\n") <= 1
    assert left_behind(tmp_path) == []


def test_a_server_that_cannot_be_reached_ends_the_users_with_the_reason(
    environment: dict[str, str], tmp_path: Path
) -> None:
    wrong = {**environment, "MCP_SERVER": "row"}
    alone = locust(wrong, tmp_path, "--headless", "-u", "1", "-r", "1", "--csv", "stats", "Reader")
    try:
        exceptions = written(tmp_path / "stats_exceptions.csv", "has no server 'row'")
        alone.terminate()
        assert alone.wait(PATIENCE_S) == 1
    finally:
        alone.kill()
    assert "it has raw" in exceptions


def test_a_run_that_ends_before_anybody_is_connected_has_failed(environment: dict[str, str], tmp_path: Path) -> None:
    config = json.loads((tmp_path / "servers.json").read_text("utf-8"))
    config["mcpServers"]["raw"]["args"] += ["--fault", "never-answer=initialize"]
    (tmp_path / "servers.json").write_text(json.dumps(config), "utf-8")
    alone = locust(environment, tmp_path, "--headless", "-u", "1", "-r", "1", "-t", "3s", "Reader")
    try:
        assert alone.wait(PATIENCE_S) == 1
    finally:
        alone.kill()
    assert left_behind(tmp_path) == []
