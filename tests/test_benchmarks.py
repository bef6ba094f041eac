"""How every benchmark ends: a table of ratios and goals, and one flat JSON object as the last line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from scripts import script_at

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
TARGETS = {"speed_vs_goal": ("<=", 1.0), "rate_vs_other": (">=", 2.0)}


@pytest.fixture(scope="module")
def goals() -> Any:
    return script_at(BENCHMARKS / "goals.py")


@pytest.mark.parametrize(
    ("speed", "rate", "met", "told"),
    [
        (1.0, 2.0, True, ["yes", "yes"]),
        (1.01, 2.0, False, ["no", "yes"]),
        (0.5, 1.99, False, ["yes", "no"]),
        (0.5, None, False, ["yes", "not measured"]),
    ],
)
def test_ratios_are_held_against_their_goals_and_end_in_one_flat_object(
    goals: Any, capsys: pytest.CaptureFixture[str], speed: float, rate: float | None, met: bool, told: list[str]
) -> None:
    assert goals.conclude({"speed_vs_goal": speed, "rate_vs_other": rate, "aside": 3.14159}, TARGETS) is met
    *table, last = capsys.readouterr().out.splitlines()
    assert json.loads(last) == {"speed_vs_goal": speed, "rate_vs_other": rate, "aside": 3.1416}
    rows = [re.split(r"\s{2,}", row.strip()) for row in table]
    assert [row[3] for row in rows if row[0] in TARGETS] == told


def test_a_goal_that_was_not_measured_at_all_is_not_met(goals: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert goals.conclude({}, TARGETS) is False
    assert capsys.readouterr().out.count("not measured") == 2


def test_a_lowered_priority_is_said(
    goals: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for lowered, told in ((0, False), (10, True)):
        monkeypatch.setattr(goals.os, "getpriority", lambda *_, lowered=lowered: lowered)
        goals.conclude({}, {})
        assert ("priority lowered by 10" in capsys.readouterr().out) is told
