"""Tasks of 2025-11-25 and of the extension: each rule is kept by one server, and broken alone by another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.execution import CHECKS

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVER = Path(__file__).parent.parent / "servers" / "tasked.py"
WORDS = {
    "begins-completed": "'slow': the task begins as 'completed'",
    "odd-status": "there is no status 'thinking'",
    "no-ttl": "ttl is 'missing'",
    "odd-time": "createdAt is 'yesterday'",
    "comes-back": "the task is 'working' after it was completed",
    "early-result": "tasks/result is answered while the task is 'working'",
    "renamed": "the task is called 't-2' later",
}
TASKS = {"TASK-001", "TASK-002", "TASK-003"}


@pytest.fixture(scope="module")
def judged(bench) -> Mapping[str, object]:
    def entry(*fault: str) -> dict[str, object]:
        return {"command": sys.executable, "args": ["-S", "-E", str(SERVER), *fault]}

    servers = {"right": entry(), "runs-anyway": entry("runs-anyway"), **{fault: entry(fault) for fault in WORDS}}
    chosen = [check for check in CHECKS if check.id in TASKS]
    return bench.judge({**servers, "none": bench.raw()}, chosen, settings=Settings(check_s=60.0, examples=1, tier=2))


def test_a_server_whose_tasks_are_right_passes(judged):
    assert judged["right"].findings == {}
    assert [verdict.outcome for verdict in judged["right"].of("TASK-001")] == [Outcome.PASS]
    lifecycle = judged["right"].of("TASK-002")[0]
    assert lifecycle.outcome is Outcome.PASS
    assert "'slow': working, completed; 'either': working, completed" in lifecycle.observed


def test_a_tool_that_runs_without_the_task_it_wants_is_found(judged):
    assert set(judged["runs-anyway"].findings) == {"TASK-001"}
    assert judged["runs-anyway"].findings["TASK-001"].observed.startswith("'slow': a result:")


@pytest.mark.parametrize("fault", WORDS)
def test_a_task_that_breaks_a_rule_is_found_and_nothing_else(judged, fault):
    assert set(judged[fault].findings) == {"TASK-002"}
    assert WORDS[fault] in judged[fault].findings["TASK-002"].observed
    assert judged[fault].findings["TASK-002"].exchange


def test_a_server_without_tasks_is_not_asked(judged):
    assert [verdict.applicable for check in ("TASK-001", "TASK-002") for verdict in judged["none"].of(check)] == [
        False,
        False,
    ]


SHAPES = {
    "not-yet": ("TASK-004", "'either': JSON-RPC error -32602: Not here"),
    "no-result": ("TASK-005", "'either': it is completed and has no result"),
    "failed-without": ("TASK-005", "'either': it is failed and has no error"),
    "task-again": ("TASK-005", "'either': resultType is 'task' in an answer to tasks/get"),
    "odd-status": ("TASK-005", "'either': there is no status 'thinking'"),
}


@pytest.fixture(scope="module")
def extended(bench) -> Mapping[str, object]:
    servers = {
        fault: {"command": sys.executable, "args": ["-S", "-E", str(SERVER), "stateless", fault]}
        for fault in ("right", *SHAPES)
    }
    servers["none"] = bench.raw("--era", "stateless")
    chosen = [check for check in CHECKS if check.id.startswith("TASK-")]
    settings = Settings(check_s=60.0, examples=1, tier=2)
    return bench.judge(servers, chosen, settings=settings, protocol="2026-07-28")


def test_a_server_whose_extension_tasks_are_right_passes(extended):
    assert extended["right"].findings == {}
    for check in ("TASK-004", "TASK-005"):
        assert [verdict.outcome for verdict in extended["right"].of(check)] == [Outcome.PASS]
    assert extended["right"].of("TASK-005")[0].observed == "working, completed"


@pytest.mark.parametrize("fault", SHAPES)
def test_an_extension_task_that_breaks_a_rule_is_found_by_its_own_check(extended, fault):
    check, words = SHAPES[fault]
    assert set(extended[fault].findings) == {check}
    assert words in extended[fault].findings[check].observed
    assert extended[fault].findings[check].exchange


def test_a_server_that_answers_by_no_task_is_not_judged(extended):
    for check in ("TASK-004", "TASK-005"):
        assert "that may be called again answers by a task" in extended["none"].of(check)[0].reason
