"""The templates for CI do what they promise: their own shell text is run here, with each way in which a run can end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "ci" / "gitlab-ci.yml").read_text("utf-8"))["mcp-assay"]
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"] if "name" in step}
GOOD = {"command": "python", "args": [str(HERE / "memory.py")]}
DEAD = {"command": "python", "args": ["-c", "raise SystemExit('no key')"]}
LOOSE = 'verdict = "UNPROVEN"\n'
VERY_LOOSE = 'verdict = "UNREACHABLE"\n[levels]\nMUST = 1000\n'
INPUT = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")
CASES = [
    ({"memory": GOOD}, LOOSE, 0),
    ({"memory": GOOD}, "score = 100\nevidence = 1\n", 1),
    ({"dead": DEAD}, LOOSE, 1),
    ({"memory": GOOD, "dead": DEAD}, "required = ['dead']\n" + VERY_LOOSE, 1),
    ({"memory": GOOD, "dead": DEAD}, VERY_LOOSE, 0),
    ({"memory": GOOD}, "scoer = 1\n", 4),
    ({"memory": {"comand": "x"}}, LOOSE, 4),
]


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Return a function that runs a shell text as a CI service would and returns its status and output."""

    def run(script: str, servers: dict[str, object], policy: str, **variables: str) -> tuple[int, str]:
        (tmp_path / "servers.json").write_text(json.dumps({"mcpServers": servers}))
        (tmp_path / "policy.toml").write_text(policy)
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(HERE),
            "PYTEST_ADDOPTS": "-p quick_checks",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            **variables,
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def action_variables(**inputs: str) -> dict[str, str]:
    """Return the environment of the action's main step for some inputs."""
    values = {name: str(declared.get("default", "")) for name, declared in ACTION["inputs"].items()} | inputs
    return {name: INPUT.sub(lambda match: values[match[1]], text) for name, text in STEPS["Judge"]["env"].items()}


@pytest.mark.parametrize(("servers", "policy", "expected"), CASES)
def test_the_action_ends_as_the_gate_says(
    job: Callable[..., tuple[int, str]], servers: dict[str, object], policy: str, expected: int
) -> None:
    variables = action_variables(config="servers.json", policy="policy.toml")
    status, output = job(STEPS["Judge"]["run"], servers, policy, **variables)
    assert status == expected, output


def test_the_action_without_a_policy_ends_as_pytest_does_and_leaves_every_report(
    job: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    variables = action_variables(config="servers.json", arguments="-q --mcp-min-score 10")
    assert job(STEPS["Judge"]["run"], {"memory": GOOD}, LOOSE, **variables)[0] == 0
    assert {path.suffix for path in (tmp_path / ".mcp-assay").iterdir()} >= {".json", ".html", ".md", ".xml", ".sarif"}
    assert (tmp_path / "summary.md").read_text().startswith("## MCP readiness")
    assert job(STEPS["Judge"]["run"], {"dead": DEAD}, LOOSE, **variables)[0] == 1


def test_the_action_does_not_judge_by_the_report_of_an_earlier_run(
    job: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    variables = action_variables(config="servers.json", policy="policy.toml")
    assert job(STEPS["Judge"]["run"], {"memory": GOOD}, LOOSE, **variables)[0] == 0
    without = {**variables, "ARGUMENTS": "--collect-only"}
    status, output = job(STEPS["Judge"]["run"], {"memory": GOOD}, LOOSE, **without)
    assert status == 4, output
    assert "run.json cannot be read" in output


@pytest.mark.parametrize("text", ["$(touch owned)", "`touch owned`", "x; touch owned", '"; touch owned; "'])
def test_no_input_of_the_action_is_run(job: Callable[..., tuple[int, str]], tmp_path: Path, text: str) -> None:
    for name in ("config", "policy", "arguments", "reports"):
        job(
            STEPS["Judge"]["run"], {"memory": GOOD}, LOOSE, **action_variables(**{"config": "missing.json", name: text})
        )
        assert not (tmp_path / "owned").exists(), name
    assert all("${{" not in step.get("run", "") for step in ACTION["runs"]["steps"])


@pytest.mark.parametrize(("servers", "policy", "expected"), CASES)
def test_the_gitlab_job_ends_as_the_gate_says(
    job: Callable[..., tuple[int, str]], servers: dict[str, object], policy: str, expected: int
) -> None:
    status, output = job("\n".join(GITLAB["script"]), servers, policy, **GITLAB["variables"])
    assert status == expected, output


def test_gitlab_keeps_the_file_that_the_job_writes() -> None:
    reports = GITLAB["variables"]["MCP_REPORTS"]
    assert GITLAB["artifacts"]["reports"]["junit"] == f"{reports}/run.xml"
    assert GITLAB["artifacts"]["paths"] == [f"{reports}/"]
