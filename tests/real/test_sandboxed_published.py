"""A published server that writes is called with all its tools in a sandbox, and nothing outside changes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.errors import UsageError
from mcp_assay.wire.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

PACKAGE = "npm/node_modules/@modelcontextprotocol/server-memory"
RUN_S = 60.0


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of every file."""
    found = {str(path): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {name: (entry.st_size, entry.st_mtime_ns) for name, entry in found.items()}


def test_tools_that_are_closed_outside_are_called_and_no_file_changes(installed: Path, tmp_path: Path) -> None:
    try:
        Sandbox.find()
    except UsageError as problem:
        pytest.skip(problem.message)
    package, work = installed / PACKAGE, tmp_path / "work"
    work.mkdir()
    memory: dict[str, object] = {"command": "node", "args": [str(package / "dist" / "index.js")]}
    memory["env"] = {"MEMORY_FILE_PATH": str(work / "memory.jsonl")}
    (work / "servers.json").write_text(json.dumps({"mcpServers": {"memory": memory}}))
    before = state(package)
    report = tmp_path / "run.json"
    words = ["--mcp-config", "servers.json", "--mcp-sandbox", "-m", "mcp_execution", "-k", "EXEC-001", "-q"]
    words += ["--mcp-max-examples", "3", "--mcp-report", f"json={report}", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *words]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert report.is_file(), done.stdout + done.stderr
    verdicts = {row["tool"]: row["verdict"] for row in json.loads(report.read_text())["results"]}
    assert {"create_entities", "delete_entities"} <= {tool for tool, verdict in verdicts.items() if verdict == "pass"}
    assert state(package) == before
    assert not (work / "memory.jsonl").exists()
