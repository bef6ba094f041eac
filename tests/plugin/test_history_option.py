"""``--mcp-history``: what a run leaves for the next one, and what it says when it cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Project = Callable[..., pytest.Pytester]

CHECKS = ("reachable", "timed")
ARGUMENTS = ("--mcp-config", "servers.json", "--mcp-report", "json=run.json")


def document(pytester: pytest.Pytester) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((pytester.path / "run.json").read_text("utf-8"))
    return loaded


def test_the_second_run_shows_the_first_one_in_its_trends(project: Project) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    assert "trends" not in document_after(pytester)
    for number in (1, 2):
        result = pytester.runpytest(*ARGUMENTS, "--mcp-history")
        result.stdout.fnmatch_lines([f"history: * figures kept in *history.db, run {number} on this machine; 0 of *"])
    trends = {(trend["tool"], trend["metric"]): trend for trend in document(pytester)["trends"]}
    assert {len(trend["points"]) for trend in trends.values()} == {2}
    tails = [trends.pop(place) for place in list(trends) if place[1] in {"latency.p95", "latency.p99"}]
    assert tails
    assert all(trend.keys().isdisjoint({"course", "usual", "limit"}) for trend in tails)
    assert {trend["course"] for trend in trends.values()} == {"few"}
    assert (None, "connect") in trends
    assert (pytester.path / ".mcp-assay" / "history.db").is_file()


def document_after(pytester: pytest.Pytester) -> dict[str, Any]:
    assert pytester.runpytest(*ARGUMENTS).ret == 0
    return document(pytester)


def test_a_history_that_cannot_be_written_costs_the_run_nothing_but_its_exit_status(project: Project) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    (pytester.path / "file").write_text("not a folder")
    result = pytester.runpytest(*ARGUMENTS, "--mcp-history=file/history.db")
    assert result.ret == 1
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(
        ["this run is missing in the history: the history in *file/history.db cannot be written*"]
    )
    found = document(pytester)
    assert found["summary"]["checks"]["pass"] == 7
    assert found["run"]["exit_status"] == 1
    (problem,) = found["run"]["problems"]
    assert "missing in the history" in problem


def test_an_address_that_cannot_be_used_stops_before_anything_is_started(project: Project) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    result = pytester.runpytest(*ARGUMENTS, "--mcp-history=nosuch://me:s3cret-word@host/db")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--mcp-history: unknown database 'nosuch'", "hint: *"])
    assert "s3cret-word" not in result.stdout.str() + result.stderr.str()
    assert not (pytester.path / "run.json").exists()


def test_a_replay_is_no_run_to_keep(project: Project) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    pytester.mkdir("tape")
    result = pytester.runpytest(*ARGUMENTS, "--mcp-history", "--mcp-replay", "tape")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--mcp-history keeps what a run measures, and --mcp-replay measures nothing"])


def test_the_address_may_stand_in_the_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester = project({"memory": raw_server()}, CHECKS)
    monkeypatch.setenv("MCP_ASSAY_HISTORY", "kept.db")
    monkeypatch.setenv("MCP_ASSAY_MACHINE", "the old laptop")
    pytester.runpytest(*ARGUMENTS, "--mcp-history")
    assert (pytester.path / "kept.db").is_file()
    assert {trend["machine"] for trend in document(pytester)["trends"]} == {"the old laptop"}


def test_workers_leave_the_history_to_their_controller(project: Project) -> None:
    pytester = project({"memory": raw_server(), "time": raw_server()}, CHECKS)
    result = pytester.runpytest(*ARGUMENTS, "--mcp-history", "-n", "2")
    result.stdout.fnmatch_lines(["history: * run 1 on this machine*"])
