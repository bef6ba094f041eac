"""What a run says of another: the report of an earlier one, or the findings that were accepted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    Project = Callable[..., pytest.Pytester]

BASELINE = """
[[accept]]
check = "ADV-001"
reason = "known"
expires = 2099-01-01

[[accept]]
check = "TOOL-002"
reason = "gone by now"
expires = 2099-01-01
"""


def run(folder: pytest.Pytester, *words: str) -> tuple[pytest.RunResult, Any]:
    result = folder.runpytest("--mcp-config", "servers.json", "--mcp-report", "json=now.json", *words)
    return result, json.loads((folder.path / "now.json").read_text())


def test_what_changed_since_another_run_is_in_summary_and_report(project: Project) -> None:
    folder = project({"raw": raw_server()}, checks=("reachable", "listed", "described"))
    _, first = run(folder)
    before = [{**result, "verdict": "pass"} for result in first["results"]]
    counts = {**first["summary"]["checks"], "pass": len(before), "warn": 0}
    earlier = {**first, "results": before, "summary": {**first["summary"], "checks": counts}}
    (folder.path / "main.json").write_text(json.dumps(earlier))
    result, document = run(folder, "--mcp-against", "main.json")
    assert {entry["check"] for entry in document["changes"]["new"]} == {"ADV-001"}
    result.stdout.fnmatch_lines(["since main.json: * new finding*, 0 gone, 0 still there", "  new: ADV-001 on *"])


def test_without_one_the_accepted_findings_are_what_a_run_is_compared_with(project: Project) -> None:
    folder = project({"raw": raw_server()}, checks=("reachable", "listed", "described"))
    (folder.path / "known.toml").write_text(BASELINE)
    _, document = run(folder, "--mcp-level", "all", "--mcp-baseline", "known.toml")
    changes = document["changes"]
    assert changes["since"] == "known.toml"
    assert changes["new"] == []
    assert changes["known"] == sum(result["check"] == "ADV-001" for result in document["results"])
    assert [entry["check"] for entry in changes["gone"]] == ["TOOL-002"]


def test_an_earlier_report_that_cannot_be_read_stops_the_run_before_anything_starts(project: Project) -> None:
    folder = project({"raw": raw_server()})
    result = folder.runpytest("--mcp-config", "servers.json", "--mcp-against", "missing.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*missing.json cannot be read: No such file or directory"])
