"""A recorded run can be judged again without its servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    Project = Callable[..., pytest.Pytester]

CHECKS = ("reachable", "listed", "described", "answered", "timed")


def verdicts_of(pytester: pytest.Pytester, name: str) -> list[dict[str, Any]]:
    report = json.loads((pytester.path / name).read_text())
    return [{key: value for key, value in entry.items() if key != "duration_s"} for entry in report["results"]]


def test_a_replay_gives_the_same_verdicts_and_starts_nothing(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=CHECKS)
    common = ("--mcp-config", "servers.json", "--mcp-allow-writes")
    recorded = pytester.runpytest_subprocess(*common, "--mcp-record", "tape", "--mcp-report", "json=a.json")
    broken = {"mcpServers": {"memory": {"command": "no-such-command-at-all"}}}
    pytester.path.joinpath("servers.json").write_text(json.dumps(broken, indent=2))
    replayed = pytester.runpytest_subprocess(*common, "--mcp-replay", "tape", "--mcp-report", "json=b.json")
    assert (recorded.ret, replayed.ret) == (0, 0), replayed.stdout.str()
    assert verdicts_of(pytester, "b.json") == verdicts_of(pytester, "a.json")


def test_a_server_that_could_not_be_reached_is_not_reached_again(project: Project) -> None:
    pytester = project({"bad": {"command": "sh", "args": ["-c", "exit 7"]}}, checks=("reachable",))
    pytester.runpytest_subprocess("--mcp-config", "servers.json", "--mcp-record", "tape").assert_outcomes(failed=1)
    replayed = pytester.runpytest_subprocess("--mcp-config", "servers.json", "--mcp-replay", "tape")
    replayed.assert_outcomes(failed=1)
    replayed.stdout.fnmatch_lines(["*exited with status 7*"])


def test_a_recording_that_is_not_there_is_a_usage_error(project: Project) -> None:
    result = project({"memory": raw_server()}).runpytest_subprocess(
        "--mcp-config", "servers.json", "--mcp-replay", "no"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no is no folder*", "hint: record one with --mcp-record"])
