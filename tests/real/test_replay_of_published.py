"""A recorded run over published servers is judged again with none of them there, and every report is the same.

What it finds is what the page of published servers says, and was confirmed by hand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from timeless import timeless_reports

from mcp_assay_suites import all_checks

pytestmark = pytest.mark.real

CHOSEN = ("everything", "filesystem", "memory", "sequential-thinking")
REVISION = "2025-11-25"
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
    found = json.loads((tmp_path / "json").read_text())["results"]
    assert judged(tmp_path, "--mcp-replay", "tape", path="/nowhere") == live
    assert findings(found) == confirmed()


def findings(results: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return check and server of what speaks against a server, advice left out."""
    told = [one for one in results if one["verdict"] in {"fail", "warn", "error"} and one["level"] != "ADV"]
    return {(one["check"], one["server"]) for one in told}


def confirmed() -> set[tuple[str, str]]:
    """Return what the page of published servers says of the chosen ones, finer points left out."""
    rows = json.loads(Path(__file__).with_name("matrix.json").read_text("utf-8"))["findings"]
    asked = {check.id for check in all_checks() if check.tier == 1}
    return {(id_, name) for id_ in asked & rows.keys() for name in CHOSEN if _in_revision(rows[id_].get(name))}


def _in_revision(row: dict[str, Any] | None) -> bool:
    return row is not None and REVISION in row["revisions"]
