"""The nightly example does what its comments say: its own script is run here, night after night."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mcp_assay.readiness.gate_policy import GatePolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    Night = Callable[[dict[str, Any]], subprocess.CompletedProcess[str]]

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
EXAMPLE = ROOT / "examples" / "nightly"
SERVER = {"command": "python", "args": [str(HERE / "memory.py")]}
DEAD = {"command": "python", "args": ["-c", "raise SystemExit('no key')"]}


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """Return a function that runs the script as cron would, in a copy of the example, and returns how it ended."""
    folder = tmp_path / "nightly"
    shutil.copytree(EXAMPLE, folder)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")

    def run(servers: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        (folder / "servers.json").write_text(json.dumps({"mcpServers": servers}))
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(HERE),
            "PYTEST_ADDOPTS": "-p quick_checks",
        }
        return subprocess.run(
            [folder / "nightly.sh"],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )

    return run


def test_two_nights_show_a_trend_and_leave_every_report(night: Night, tmp_path: Path) -> None:
    first = night({"memory": SERVER})
    assert first.returncode == 0, first.stdout
    second = night({"memory": SERVER})
    assert second.returncode == 0, second.stdout
    assert re.search(r"^.+: 2 runs$", second.stdout, re.MULTILINE)
    assert re.search(r"^memory +connect +2 ", second.stdout, re.MULTILINE)
    left = {path.name for path in (tmp_path / "nightly" / ".mcp-assay").iterdir()}
    assert left >= {"history.db", "nightly.json", "nightly.html", "nightly.prom", "nightly.benchmark.json"}


def test_a_server_that_is_down_closes_the_night(night: Night) -> None:
    done = night({"memory": SERVER, "dead": DEAD})
    assert done.returncode == 1, done.stdout
    assert "dead" in done.stdout


def test_a_configuration_that_cannot_be_used_ends_with_four(night: Night, tmp_path: Path) -> None:
    (tmp_path / "nightly" / ".mcp-assay").mkdir()
    (tmp_path / "nightly" / ".mcp-assay" / "nightly.json").write_text("{}")
    done = night({"memory": {"comand": "x"}})
    assert done.returncode == 4, done.stdout
    assert not (tmp_path / "nightly" / ".mcp-assay" / "nightly.json").exists()


def test_the_workflow_runs_the_script_and_keeps_its_history() -> None:
    job = yaml.safe_load((EXAMPLE / "nightly.yml").read_text("utf-8"))["jobs"]["assay"]
    steps = job["steps"]
    assert [step["run"] for step in steps if step.get("name") == "Judge"] == ["./nightly.sh"]
    caches = [step["with"] for step in steps if "cache" in step.get("uses", "")]
    assert {cache["path"] for cache in caches} == {".mcp-assay/history.db"}
    assert len({cache["key"] for cache in caches}) == 1
    assert all("${{" not in step.get("run", "") for step in steps)


def test_the_policy_of_the_example_can_be_read() -> None:
    assert GatePolicy.load(EXAMPLE / "policy.toml").bars.regressions == 0


def test_every_server_of_the_example_is_one_that_is_tested_here() -> None:
    text = (EXAMPLE / "servers.json").read_text("utf-8")
    pinned = json.loads((ROOT / "tests/real/package.json").read_text("utf-8"))["dependencies"]
    packages = dict(re.findall(r'"(@[\w./-]+)@([\d.]+)"', text))
    assert len(packages) == 2
    assert packages.items() <= pinned.items()
    assert re.findall(r"mcp-server-time==[\d.]+", text)[0] in (ROOT / "tests/real/requirements.txt").read_text("utf-8")
