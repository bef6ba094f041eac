"""Accepted findings in a file: what they cover, when they expire, and how the file is written anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.core.errors import ConfigError
from mcp_assay.core.verdicts import Category, Level, Outcome, Verdict
from mcp_assay.readiness.acceptance import Acceptances, acceptance_of
from mcp_assay.readiness.baseline import Baseline, BaselineEntry

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 23)
FINDING = Verdict(
    check="TOOL-003",
    slug="tool-shape",
    category=Category.SCHEMA,
    level=Level.MUST,
    server="memory",
    config="servers.json",
    tool="create",
    outcome=Outcome.FAIL,
    nodeid="servers.json::memory::schema::TOOL-003.create",
    duration_s=0.0,
    requirement="Something holds.",
)
ENTRY = """
[[accept]]
check = "TOOL-003"
server = "memory"
tool = "create"
reason = "issue 12"
expires = 2026-11-23
"""


def read(tmp_path: Path, text: str, *, today: date = TODAY) -> Baseline:
    path = tmp_path / "known.toml"
    path.write_text(text, "utf-8")
    return Baseline.load(path, today=today)


def written(baseline: Baseline) -> Baseline:
    baseline.write()
    return Baseline.load(baseline.path, today=baseline.today)


def test_an_entry_accepts_its_finding_with_its_reason(tmp_path: Path) -> None:
    baseline = read(tmp_path, ENTRY)
    assert isinstance(baseline, Acceptances)
    assert acceptance_of(baseline, "memory", "TOOL-003", "create") == "accepted: issue 12"
    assert acceptance_of(baseline, "memory", "TOOL-003", "delete") is None
    assert acceptance_of(baseline, "time", "TOOL-003", "create") is None
    assert list(baseline.problems([replace(FINDING, outcome=Outcome.WARN)], whole=True)) == []


def test_the_last_day_still_counts_and_the_next_one_fails_the_run(tmp_path: Path) -> None:
    expired = read(tmp_path, ENTRY, today=date(2026, 11, 24))
    assert acceptance_of(read(tmp_path, ENTRY), "memory", "TOOL-003", "create") is not None
    assert acceptance_of(expired, "memory", "TOOL-003", "create") is None
    assert list(expired.problems([FINDING], whole=False)) == [
        "known.toml:2: the acceptance of TOOL-003 on create of memory expired after 2026-11-23\n"
        "hint: fix the finding and remove the entry, or set a later day"
    ]


def test_an_entry_that_no_finding_needs_fails_a_whole_run(tmp_path: Path) -> None:
    baseline, passing = read(tmp_path, ENTRY), [replace(FINDING, outcome=Outcome.PASS)]
    assert list(baseline.problems(passing, whole=True)) == [
        "known.toml:2: no finding needs the acceptance of TOOL-003 on create of memory\n"
        "hint: remove the entry, or run with --mcp-baseline-update"
    ]
    assert list(baseline.problems(passing, whole=False)) == []
    assert list(baseline.problems([], whole=True, unreached=["memory"])) == []


def test_what_was_not_exercised_keeps_its_entry(tmp_path: Path) -> None:
    baseline = read(tmp_path, ENTRY)
    assert list(baseline.problems([replace(FINDING, outcome=Outcome.SKIP)], whole=True)) == []
    not_asked = replace(FINDING, outcome=Outcome.SKIP, applicable=False)
    assert len(list(baseline.problems([not_asked], whole=True))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[accept]]\nreason = "r"\nexpires = 2027-01-31', "has no check"),
        ('[[accept]]\ncheck = "A"\nexpires = 2027-01-31', "has no reason"),
        ('[[accept]]\ncheck = "A"\nreason = "r"', "has no expires"),
        ('[[accept]]\ncheck = "A"\nreason = " "\nexpires = 2027-01-31', "gives no reason"),
        ('[[accept]]\ncheck = "A"\nreason = "r"\nexpires = "soon"', "is no day: 'soon'"),
        ('[[accept]]\ncheck = "A"\nreason = "r"\nexpires = "2027-02-30"', "is no day"),
        ('[[accept]]\ncheck = "A"\nreason = "r"\nexpire = 2027-01-31', "unknown key 'expire'"),
        ("[accepted]", "unknown key 'accepted'"),
    ],
)
def test_a_wrong_entry_is_an_error_with_line_and_hint(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read(tmp_path, text)
    assert caught.value.line
    assert caught.value.hint


def test_an_update_accepts_new_failures_and_keeps_what_is_still_needed(tmp_path: Path) -> None:
    other = replace(FINDING, check="BASE-004", tool=None)
    known = replace(FINDING, outcome=Outcome.WARN, reason="accepted: issue 12")
    stale = ENTRY.replace("create", "gone")
    updated = written(read(tmp_path, ENTRY + stale).updated([known, other, other], whole=True))
    assert [str(entry) for entry in updated.entries] == ["TOOL-003 on create of memory", "BASE-004 on memory"]
    assert [entry.reason for entry in updated.entries] == ["issue 12", "there on 2026-11-23; not reviewed yet"]
    assert [entry.expires for entry in updated.entries] == [date(2026, 11, 23), date(2027, 2, 21)]
    assert list(updated.problems([known, other], whole=True)) == []


def test_an_update_does_not_give_an_expired_entry_a_later_day(tmp_path: Path) -> None:
    updated = read(tmp_path, ENTRY, today=date(2027, 1, 1)).updated([FINDING], whole=True)
    assert [entry.expires for entry in updated.entries] == [date(2026, 11, 23)]


def test_an_update_by_a_run_of_some_checks_drops_nothing(tmp_path: Path) -> None:
    assert len(read(tmp_path, ENTRY).updated([], whole=False).entries) == 1
    assert len(read(tmp_path, ENTRY).updated([], whole=True, unreached=["memory"]).entries) == 1
    assert read(tmp_path, ENTRY).updated([], whole=True).entries == ()


def test_an_empty_baseline_can_be_read_again(tmp_path: Path) -> None:
    assert written(Baseline(path=tmp_path / "known.toml", today=TODAY)).entries == ()


def test_a_tool_called_star_does_not_accept_all_others(tmp_path: Path) -> None:
    star = replace(FINDING, tool="*")
    updated = written(Baseline(path=tmp_path / "known.toml", today=TODAY).updated([star], whole=True))
    assert acceptance_of(updated, "memory", "TOOL-003", "*") is not None
    assert acceptance_of(updated, "memory", "TOOL-003", "create") is None


def test_a_name_with_hidden_characters_is_accepted_as_reports_show_it(tmp_path: Path) -> None:
    shown = replace(FINDING, tool="a\\u202eb")
    updated = written(Baseline(path=tmp_path / "known.toml", today=TODAY).updated([shown], whole=True))
    assert acceptance_of(updated, "memory", "TOOL-003", "a\u202eb") is not None


@given(
    reason=st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: bool(text.strip())),
    tool=st.text(st.characters(codec="utf-8"), min_size=1),
)
def test_any_text_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, reason: str, tool: str
) -> None:
    entry = BaselineEntry(check="TOOL-*", tool=tool, reason=reason, expires=TODAY)
    path = tmp_path_factory.getbasetemp() / "any.toml"
    again = written(Baseline(path=path, today=TODAY, entries=(entry,)))
    assert [replace(one, line=0) for one in again.entries] == [entry]
