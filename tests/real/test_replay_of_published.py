"""A recorded run over published servers is judged again with none of them there, and every report is the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from timeless import timeless_reports

pytestmark = pytest.mark.real

CHOSEN = ("everything", "memory", "sequential-thinking")
FORMATS = ("json", "markdown", "junit", "html", "sarif", "github")
PATIENCE_S = 170


def judged(folder: Path, *words: str, path: str) -> dict[str, str]:
    """Judge the chosen servers and return every report without its times."""
    places = [word for kind in FORMATS for word in ("--mcp-report", f"{kind}={folder / kind}")]
    chosen = [word for name in CHOSEN for word in ("--mcp-server", name)]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), *chosen, *words]
    command += ["--mcp-config", "published.json", "-m", "not mcp_performance", *places]
    environ = {**os.environ, "PATH": path}
    ended = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    return timeless_reports(folder, FORMATS)


def test_a_replay_of_published_servers_reports_the_same_but_for_times(settled: Path, tmp_path: Path) -> None:
    (tmp_path / "published.json").write_text(Path(__file__).with_name("published.json").read_text())
    live = judged(tmp_path, "--mcp-record", "tape", path=os.environ["PATH"])
    assert {server["status"] for server in json.loads((tmp_path / "json").read_text())["servers"]} == {"connected"}
    assert judged(tmp_path, "--mcp-replay", "tape", path="/nowhere") == live
