"""The user's workflows are test items, one for each step and one for the whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    Project = Callable[..., pytest.Pytester]

SUM = """
inputs:
  a: {type: integer, default: 2}
steps:
  sum:
    tool: one.add
    needs: [alone]
    arguments: {a: "${inputs.a}", b: 3}
    fallback:
      - {tool: one.add, arguments: {a: "${inputs.a}", b: 4}}
  say:
    tool: two.echo
    arguments: {text: "sum ${steps.sum.structured.sum}"}
  alone:
    tool: two.echo
    arguments: {text: alone}
    compensate: {tool: two.echo, arguments: {text: "not ${steps.alone.text}"}}
"""
OPEN = '[servers."*".tools]\nadd = {call = true}\necho = {call = true}\n'
ITEMS = "servers.json::workflows::sums::"


@pytest.fixture
def workflow(project: Project) -> Callable[..., pytest.Pytester]:
    """Return a maker of a project with two servers and the workflow beside their configuration."""

    def make(text: str = SUM, settings: str = OPEN) -> pytest.Pytester:
        pytester = project({"one": raw_server(), "two": raw_server()}, checks=("listed",))
        folder = pytester.mkdir("workflows")
        (folder / "sums.yaml").write_text(text)
        (folder / "theirs.yml").write_text("jobs: {}\n")
        (pytester.path / "mcp-assay.toml").write_text(settings)
        return pytester

    return make


def judged(pytester: pytest.Pytester, *arguments: str) -> tuple[pytest.RunResult, list[dict]]:
    """Run and return the result and the report's workflows."""
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-report", "json=r.json", "-v", "-rs", *arguments)
    report = pytester.path / "r.json"
    return result, json.loads(report.read_text())["workflows"] if report.exists() else []


def test_each_step_and_the_whole_is_an_item_and_the_report_tells_of_all(workflow: Callable) -> None:
    result, reported = judged(workflow(), "-k", "workflows")
    result.assert_outcomes(passed=4, deselected=2)
    result.stdout.fnmatch_lines([f"{ITEMS}sum PASSED*", f"{ITEMS}say PASSED*", f"{ITEMS}whole-workflow PASSED*"])
    assert [(entry["name"], entry["servers"], entry["verdict"]) for entry in reported] == [
        ("sums", ["two", "one"], "pass")
    ]
    needs = {step["id"]: step["needs"] for step in reported[0]["steps"]}
    assert needs == {"sum": ["alone"], "say": ["sum"], "alone": []}
    result.stdout.fnmatch_lines(["workflows", "  PASS sums: 3 steps in *"])


def test_a_selected_step_runs_with_what_it_needs_and_nothing_else(workflow: Callable) -> None:
    result, reported = judged(workflow(), f"{ITEMS}say")
    result.assert_outcomes(passed=1)
    assert sorted(step["id"] for step in reported[0]["steps"]) == ["alone", "say", "sum"]


def test_a_failing_step_fails_its_item_and_the_whole_and_skips_what_needs_it(workflow: Callable) -> None:
    pytester = workflow(settings=OPEN + "[workflows.sums.inputs]\na = 3000000000\n")
    result, reported = judged(pytester, "-k", "sum or say or whole")
    assert result.parseoutcomes()["failed"] == 2
    result.stdout.fnmatch_lines(["*workflow sums, step sum*", f"*reproduce:*pytest {ITEMS}sum"])
    result.stdout.no_fnmatch_line("*failures besides the verdicts*")
    result.stdout.fnmatch_lines(["workflows", "  FAIL sums: *"])
    steps = {step["id"]: step for step in reported[0]["steps"]}
    assert (steps["sum"]["outcome"], steps["sum"]["fallback"]) == ("fail", ["one.add"])
    assert steps["sum"]["observed"]
    assert (steps["alone"]["undo"], steps["alone"]["undone"]) == ("two.echo", True)
    assert result.ret == 1


def test_a_closed_tool_or_a_server_that_is_left_out_skips_the_workflow_with_the_reason(workflow: Callable) -> None:
    pytester = workflow(settings="[servers]\n")
    closed, _ = judged(pytester, "-k", "workflows")
    assert closed.ret == 0
    closed.stdout.fnmatch_lines(["SKIPPED*workflows/sums.yaml:1: it calls *one.add*, which may not be called; *"])
    partial, _ = judged(pytester, "-k", "workflows", "--mcp-server", "one")
    assert partial.ret == 0
    partial.stdout.fnmatch_lines(["SKIPPED*it needs two, which is not part of this run*"])


def test_workflows_are_named_turned_off_and_kept_in_one_worker(workflow: Callable) -> None:
    pytester = workflow()
    off, reported = judged(pytester, "--mcp-workflows", "none", "-k", "workflows")
    assert (off.ret, reported) == (pytest.ExitCode.NO_TESTS_COLLECTED, [])
    spread, reported = judged(pytester, "--mcp-workflows", "workflows/sums.yaml", "-k", "workflows", "-n", "2")
    spread.assert_outcomes(passed=4)
    assert len(reported) == 1


def test_a_place_that_does_not_exist_is_one_clear_error(workflow: Callable) -> None:
    result, _ = judged(workflow(), "--mcp-workflows", "nowhere")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--mcp-workflows: *nowhere does not exist", "hint: *"])
