"""Definitions against ``mcp-assay.lock``: --mcp-lock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from projects import CHECKS, raw_server

from mcp_assay.runtime.inventory import ToolDefinition

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Project = Callable[..., pytest.Pytester]

DRIFT = """
from mcp_assay_suites.schema.drift import definition_drift
ALL["drift"] = definition_drift
NAMES = ("reachable", "drift")
"""


@pytest.fixture
def locked(project: Project) -> pytest.Pytester:
    """A project whose one server has just been locked."""
    pytester = project({"memory": raw_server()})
    pytester.makeconftest(CHECKS + DRIFT)
    result = run(pytester, "--mcp-lock", "update", "--collect-only")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["mcp-assay.lock: added servers.json::memory, definitions: *"])
    return pytester


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest("--mcp-config", "servers.json", *options)


def relock(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Lock another definition of echo than the server has, as if the server had changed since."""
    text = json.loads(path.read_text())
    entry = text["servers"]["servers.json::memory"]["tools"]["echo"]
    change(entry["definition"])
    entry["digest"] = ToolDefinition(name="echo", raw=entry["definition"]).digest
    path.write_text(json.dumps(text))


def test_an_unchanged_server_passes(locked: pytest.Pytester) -> None:
    result = run(locked, "--mcp-lock", "check", "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*ADV-008 PASSED*"])


def test_a_flipped_annotation_fails_a_check_with_a_readable_diff(locked: pytest.Pytester) -> None:
    relock(locked.path / "mcp-assay.lock", lambda tool: tool["annotations"].update(readOnlyHint=False))
    result = run(locked, "--mcp-lock", "check")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*breaking: tool 'echo' annotations.readOnlyHint: false -> true*"])


def test_without_the_option_the_same_change_is_a_warning(locked: pytest.Pytester) -> None:
    relock(locked.path / "mcp-assay.lock", lambda tool: tool["annotations"].update(readOnlyHint=False))
    result = run(locked, "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*ADV-008 WARN*"])


def test_other_words_are_a_warning_when_checked(locked: pytest.Pytester) -> None:
    relock(locked.path / "mcp-assay.lock", lambda tool: tool.update(description="Something else entirely."))
    result = run(locked, "--mcp-lock", "check", "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*ADV-008 WARN*"])


def test_an_update_shows_what_it_accepts_and_the_next_check_passes(locked: pytest.Pytester) -> None:
    relock(locked.path / "mcp-assay.lock", lambda tool: tool["inputSchema"]["properties"].pop("text"))
    result = run(locked, "--mcp-lock", "update")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["mcp-assay.lock: updated servers.json::memory", "*tool 'echo' inputSchema: text *"])
    assert run(locked, "--mcp-lock", "check").ret == 0


def test_a_server_that_cannot_be_reached_stays_locked(locked: pytest.Pytester) -> None:
    before = (locked.path / "mcp-assay.lock").read_text()
    servers = {"mcpServers": {"memory": {"command": "false"}}}
    (locked.path / "servers.json").write_text(json.dumps(servers))
    result = run(locked, "--mcp-lock", "update")
    result.stdout.fnmatch_lines(
        ["mcp-assay.lock: servers.json::memory could not be listed in full and stays as it was"]
    )
    assert (locked.path / "mcp-assay.lock").read_text() == before


def test_a_server_that_was_never_locked_fails_a_check(locked: pytest.Pytester) -> None:
    servers = {"mcpServers": {"newcomer": raw_server()}}
    (locked.path / "servers.json").write_text(json.dumps(servers))
    result = run(locked, "--mcp-lock", "check")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*mcp-assay.lock does not hold this server; --mcp-lock update adds it"])


def test_an_update_that_connects_to_nothing_says_so(locked: pytest.Pytester) -> None:
    own = locked.makepyfile("def test_own(): pass")
    result = run(locked, "--mcp-lock", "update", str(own))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--mcp-lock update: no server was connected"])


def test_a_run_without_a_lock_file_has_nothing_to_compare_with(project: Project) -> None:
    pytester = project({"memory": raw_server()})
    pytester.makeconftest(CHECKS + DRIFT)
    result = run(pytester, "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*there is no mcp-assay.lock to compare with*"])


def test_a_check_without_a_lock_file_is_a_usage_error(project: Project) -> None:
    result = run(project({"memory": raw_server()}), "--mcp-lock", "check")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--mcp-lock check: there is no *mcp-assay.lock", "hint: --mcp-lock update writes it"])


def test_a_broken_lock_file_stops_the_run_before_anything_is_started(locked: pytest.Pytester) -> None:
    (locked.path / "mcp-assay.lock").write_text('{"version": 9}')
    result = run(locked)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*mcp-assay.lock:1:1: this is no lock file of version 1"])


def test_workers_write_the_lock_file_once(project: Project) -> None:
    pytester = project({"memory": raw_server()})
    pytester.makeconftest(CHECKS + DRIFT)
    assert run(pytester, "--mcp-lock", "update", "-n", "2").ret == 0
    assert run(pytester, "--mcp-lock", "check", "-n", "2").ret == 0
