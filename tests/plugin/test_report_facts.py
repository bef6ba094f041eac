"""What a report tells about the run itself, so that a gate can tell a whole run from a part of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    Project = Callable[..., pytest.Pytester]


@pytest.fixture
def told(project: Project) -> Callable[..., dict[str, Any]]:
    """Return a function that runs pytest and returns its report."""

    def run(*words: str, own_tests: str = "") -> dict[str, Any]:
        pytester = project({"raw": raw_server()}, checks=("reachable", "listed", "described"))
        if own_tests:
            pytester.makepyfile(test_own=own_tests)
        pytester.runpytest(*words, "--mcp-report", "json=r.json")
        document: dict[str, Any] = json.loads((pytester.path / "r.json").read_text())
        return document

    return run


def test_a_whole_run_has_a_verdict_for_every_planned_check(told: Callable[..., dict[str, Any]]) -> None:
    document = told("--mcp-config", "servers.json")
    assert document["run"]["planned"] == len(document["results"]) > 3
    assert document["run"]["problems"] == []


@pytest.mark.parametrize(
    "words",
    [("-k", "CONN"), ("-x", "--mcp-level=all"), ("servers.json::raw::connectivity",), ("-n2", "-k", "CONN")],
    ids=["selected by name", "stopped at the first failure", "selected by node id", "selected in workers"],
)
def test_a_part_of_a_run_says_how_much_was_planned(told: Callable[..., dict[str, Any]], words: tuple[str, ...]) -> None:
    document = told("--mcp-config", "servers.json", *words)
    assert 0 < len(document["results"]) < document["run"]["planned"]


def test_failures_that_are_no_verdicts_are_told(told: Callable[..., dict[str, Any]]) -> None:
    own = "def test_mine():\n    raise SystemError('no')\n"
    document = told("--mcp-config", "servers.json", "--mcp-suite", "test_own.py", own_tests=own)
    assert document["run"]["exit_status"] == 1
    assert document["run"]["problems"] == ["failures besides the verdicts of this report: 1"]
    assert document["summary"]["checks"]["fail"] == 0


def test_a_missed_bar_is_told(told: Callable[..., dict[str, Any]]) -> None:
    document = told("--mcp-config", "servers.json", "--mcp-min-score", "100")
    assert document["run"]["exit_status"] == 1
    assert "is below --mcp-min-score 100" in document["run"]["problems"][0]


@pytest.mark.parametrize("score", ["nan", "-1", "101", "high"])
def test_a_bar_that_nothing_can_miss_is_a_usage_error(project: Project, score: str) -> None:
    result = project({"raw": raw_server()}).runpytest("--mcp-config", "servers.json", f"--mcp-min-score={score}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--mcp-min-score*"])
