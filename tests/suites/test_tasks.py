"""Tasks of 2025-11-25: each rule is kept by one server and broken by another that is right in everything else."""

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
