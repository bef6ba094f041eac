"""Every rule says why it matters and how to keep it, and every finding brings that along."""

from __future__ import annotations

import pytest

from mcp_assay_suites import all_checks
from mcp_assay_suites.catalogue import CATALOGUE
from mcp_assay_suites.guidance import GUIDANCE, _entries

LONGEST = 420
"""Characters of an answer that is still read."""


def test_every_rule_of_the_catalogue_has_an_answer_and_no_answer_is_left_over() -> None:
    assert set(GUIDANCE) == set(CATALOGUE)


def test_every_check_brings_its_fix_to_its_findings() -> None:
    assert [check.id for check in all_checks() if not check.fix] == []


def test_answers_are_made_of_short_whole_sentences() -> None:
    texts = [text for one in GUIDANCE.values() for text in (one.why, one.python, one.typescript, one.both) if text]
    unfit = [text for text in texts if text[-1] != "." or len(text) > LONGEST or text.count("`") % 2]
    assert unfit == []


@pytest.mark.parametrize(
    "entry",
    [
        {"checks": ["A-1"], "why": "w", "whose": "sdk"},
        {"checks": ["A-1"], "why": "w", "whose": "sdk", "python": "p"},
        {"checks": ["A-1"], "why": "w", "whose": "sdk", "python": "p", "typescript": "t", "fix": "f"},
        {"checks": ["A-1", "A-1"], "why": "w", "whose": "sdk", "fix": "f"},
        {"checks": ["A-1"], "why": "w", "whose": "nobody", "fix": "f"},
    ],
)
def test_an_answer_that_leaves_somebody_out_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"give fix|two answers|nobody"):
        list(_entries({"answer": [entry]}))
