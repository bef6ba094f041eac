"""The time of ``--mcp-budget`` is shared equally, and what one tool leaves unused goes to the others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from assay import Assayed, assay

from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.execution import CHECKS
from mcp_assay_suites.exercising.shares import Kind, TimeShares

PACED = Path(__file__).parent.parent / "servers" / "paced.py"
BUDGET_S = 2.0
SLOW = ("slow_first", "slow_last")


@pytest.fixture(scope="module")
def paced() -> Assayed:
    command = [sys.executable, "-S", "-E", str(PACED)]
    return assay(command, CHECKS, settings=Settings(budget_s=BUDGET_S, examples=200))


@pytest.mark.parametrize("tool", SLOW)
def test_a_slow_tool_gets_what_quick_ones_leave(paced: Assayed, tool: str) -> None:
    equal_share = BUDGET_S / len(paced.server.tools)
    assert paced.server.spent_s[tool] > equal_share


def test_of_two_slow_tools_the_first_in_the_list_gets_no_less(paced: Assayed) -> None:
    valid = {tool: calls_of(paced, tool) for tool in SLOW}
    assert abs(valid["slow_first"] - valid["slow_last"]) <= max(valid.values()) / 3


def test_wrong_calls_have_time_of_their_own(paced: Assayed) -> None:
    assert all("refused" in (paced[f"TOOL-022.{tool}"].observed or "") for tool in SLOW)


def test_the_budget_is_overdrawn_by_no_more_than_the_call_that_is_open(paced: Assayed) -> None:
    generated = {f"EXEC-001.{tool}": paced[f"EXEC-001.{tool}"] for tool in SLOW}
    assert all(verdict.outcome.value == "pass" for verdict in generated.values())
    assert sum(paced.server.spent_s.values()) < BUDGET_S + 1


def calls_of(paced: Assayed, tool: str) -> int:
    """Return how many valid calls of a tool did their work."""
    return int((paced[f"EXEC-001.{tool}"].observed or "0").split()[0])


def test_shares_are_equal_until_a_tool_is_settled() -> None:
    spent = {"a": 0.0, "b": 0.0}
    shares = TimeShares(80.0, ["a", "b"], spent)
    assert shares.left_s(Kind.VALID, "a") == shares.left_s(Kind.VALID, "b") == 20
    spent["a"] = 5.0
    shares.spend(Kind.VALID, "a", 5.0)
    assert shares.left_s(Kind.VALID, "a") == 15
    shares.settle(Kind.VALID, "a")
    assert shares.left_s(Kind.VALID, "b") == 35


def test_time_that_valid_calls_leave_goes_to_wrong_ones() -> None:
    spent = {"a": 4.0}
    shares = TimeShares(80.0, ["a", "b"], spent)
    shares.spend(Kind.VALID, "a", 4.0)
    assert shares.left_s(Kind.WRONG, "b") == (60 - 4) / 2


def test_other_calls_share_what_generated_ones_leave() -> None:
    spent = {"a": 10.0, "b": 70.0}
    shares = TimeShares(80.0, ["a", "b"], spent)
    shares.spend(Kind.VALID, "b", 70.0)
    assert shares.left_s(Kind.MORE, "a") == 0
    spent["b"], _ = 20.0, shares.spend(Kind.VALID, "b", -50.0)
    assert shares.left_s(Kind.MORE, "a") == 20
    assert shares.left_s(Kind.MORE, "b") == 30
