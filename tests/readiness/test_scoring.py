from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.core.statistics import wilson_lower_bound
from mcp_assay.core.verdicts import Category, Level, Outcome, Verdict
from mcp_assay.readiness.scoring import Fitness, ScoringPolicy, assess, worst


def verdict(
    check: str = "TOOL-001",
    outcome: Outcome = Outcome.PASS,
    *,
    level: Level = Level.MUST,
    category: Category = Category.SCHEMA,
    tool: str | None = None,
    applicable: bool = True,
) -> Verdict:
    return Verdict(
        check=check,
        slug=check.lower(),
        category=category,
        level=level,
        server="memory",
        config="servers.json",
        tool=tool,
        outcome=outcome,
        nodeid=f"servers.json::memory::{category}::{check}.{tool}",
        duration_s=0.0,
        requirement="Something holds.",
        applicable=applicable,
    )


@st.composite
def verdicts(draw: st.DrawFn) -> list[Verdict]:
    """Verdicts as an engine makes them: a check has one category and one level."""
    made: list[Verdict] = []
    for number in range(draw(st.integers(0, 6))):
        level, category = draw(st.sampled_from(Level)), draw(st.sampled_from(Category))
        for outcome in draw(st.lists(st.sampled_from(Outcome), min_size=1, max_size=4)):
            applicable = outcome is not Outcome.SKIP or draw(st.booleans())
            check = f"{category}-{number}"
            made.append(verdict(check, outcome, level=level, category=category, applicable=applicable))
    return made


policies = st.builds(
    ScoringPolicy,
    weights=st.fixed_dictionaries({category: st.floats(0.01, 100) for category in Category}),
)


@given(verdicts(), policies)
def test_scores_evidence_and_rates_stay_in_bounds(made: list[Verdict], policy: ScoringPolicy) -> None:
    result = assess(made, policy=policy)
    assert 0 <= result.score <= 100
    assert 0 <= result.evidence <= 1
    assert 0 <= result.rate_low <= result.rate <= 1


@given(verdicts().filter(bool), st.data(), policies)
def test_mending_or_exercising_never_lowers_score_or_evidence(
    made: list[Verdict], data: st.DataObject, policy: ScoringPolicy
) -> None:
    index = data.draw(st.integers(0, len(made) - 1))
    before = assess(made, policy=policy)
    mended = replace(made[index], outcome=Outcome.PASS, applicable=True)
    after = assess([*made[:index], mended, *made[index + 1 :]], policy=policy)
    if made[index].applicable:
        assert after.evidence >= before.evidence - 1e-9
    assert after.score >= before.score - 1e-9


@given(verdicts().filter(bool), policies)
def test_the_points_that_findings_cost_add_up_to_what_is_missing(made: list[Verdict], policy: ScoringPolicy) -> None:
    result = assess(made, policy=policy)
    if result.judged:
        assert sum(finding.points for finding in result.findings) == pytest.approx(100 - result.score, abs=1e-6)


@given(verdicts())
def test_a_requirement_that_does_not_apply_changes_nothing_but_the_count(made: list[Verdict]) -> None:
    extra = verdict("OTHER-1", Outcome.SKIP, category=Category.EXECUTION, applicable=False)
    before, after = assess(made), assess([*made, extra])
    assert (before.score, before.evidence, before.verdict) == (after.score, after.evidence, after.verdict)


@given(verdicts(), st.randoms())
def test_the_order_of_verdicts_does_not_matter(made: list[Verdict], random: object) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random
    assert assess(shuffled).score == pytest.approx(assess(made).score)


def test_a_check_with_a_hundred_tools_counts_once() -> None:
    many = [verdict("TOOL-001", Outcome.FAIL, level=Level.ADV, tool=f"t{n}") for n in range(100)]
    result = assess([*many, verdict("TOOL-002", level=Level.ADV)])
    assert result.score == pytest.approx(50)


def test_a_must_weighs_as_much_as_ten_pieces_of_advice() -> None:
    result = assess([verdict("A-1", Outcome.FAIL, level=Level.MUST), verdict("A-2", level=Level.ADV)])
    assert result.score == pytest.approx(100 / 11)


def test_categories_weigh_as_configured() -> None:
    made = [verdict("A-1", Outcome.FAIL), verdict("B-1", category=Category.EXECUTION)]
    even = ScoringPolicy(weights={Category.SCHEMA: 1, Category.EXECUTION: 1})
    assert assess(made).score == pytest.approx(60)
    assert assess(made, policy=even).score == pytest.approx(50)


def test_a_category_that_is_skipped_thins_the_evidence_and_leaves_the_score() -> None:
    made = [verdict("A-1"), verdict("B-1", Outcome.SKIP, category=Category.EXECUTION)]
    result = assess(made)
    assert result.score == 100
    assert result.evidence == pytest.approx(0.4)
    assert result.verdict is Fitness.UNPROVEN
    assert result.categories[Category.EXECUTION].score is None


def test_nothing_wrong_and_enough_seen_is_ready() -> None:
    assert assess([verdict()]).verdict is Fitness.READY


def test_one_failed_must_among_many_passes_blocks() -> None:
    made = [verdict(f"A-{n}") for n in range(50)]
    result = assess([*made, verdict("B-1", Outcome.FAIL)])
    assert result.score > 90
    assert result.verdict is Fitness.NOT_READY
    assert [blocker.check for blocker in result.blockers] == ["B-1"]


def test_a_low_score_without_blocker_is_not_ready() -> None:
    result = assess([verdict("A-1", Outcome.WARN, level=Level.SHOULD), verdict("A-2", level=Level.SHOULD)])
    assert result.verdict is Fitness.NOT_READY
    assert not result.blockers


def test_our_own_error_costs_points_and_proves_nothing() -> None:
    result = assess([verdict("A-1", Outcome.ERROR), verdict("A-2")])
    assert result.score == pytest.approx(50)
    assert result.evidence == pytest.approx(0.5)


def test_a_server_that_was_never_reached_scores_nothing() -> None:
    result = assess([verdict()], reachable=False)
    assert (result.score, result.verdict) == (0.0, Fitness.UNREACHABLE)


def test_no_verdicts_prove_nothing() -> None:
    result = assess([])
    assert (result.score, result.evidence, result.verdict) == (0.0, 0.0, Fitness.UNPROVEN)


def test_findings_come_costliest_first_and_gather_the_tools_of_a_check() -> None:
    made = [
        verdict("A-1", Outcome.WARN, level=Level.ADV, tool="one"),
        verdict("A-2", Outcome.FAIL, tool="one"),
        verdict("A-2", Outcome.FAIL, tool="two"),
        verdict("A-2", tool="three"),
    ]
    first, second = assess(made).findings
    assert [item.tool for item in first.verdicts] == ["one", "two"]
    assert first.points > second.points
    assert second.verdicts[0].check == "A-1"


def test_three_of_three_is_quoted_with_its_lower_bound() -> None:
    result = assess([verdict(f"A-{n}") for n in range(3)])
    assert result.rate == 1
    assert result.rate_low == wilson_lower_bound(3, 3) == pytest.approx(0.4385, abs=1e-4)


@pytest.mark.parametrize(
    "weights", [{}, {Category.SCHEMA: 0.0}, {Category.SCHEMA: -1.0}, {Category.SCHEMA: float("nan")}]
)
def test_weights_without_meaning_are_refused(weights: dict[Category, float]) -> None:
    with pytest.raises(ValueError, match="category weights"):
        ScoringPolicy(weights=weights)


def test_the_worst_of_several_verdicts_is_told() -> None:
    assert worst([Fitness.READY, Fitness.UNREACHABLE, Fitness.NOT_READY]) is Fitness.UNREACHABLE
    assert worst([Fitness.READY, Fitness.UNPROVEN]) is Fitness.UNPROVEN
    assert worst([]) is Fitness.UNPROVEN


def test_a_category_weighs_as_much_as_it_was_exercised() -> None:
    closed = [verdict("EXEC-001", Outcome.SKIP, category=Category.EXECUTION, tool=f"t{n}") for n in range(9)]
    warned = verdict("EXEC-002", Outcome.WARN, category=Category.EXECUTION, level=Level.DESC)
    readiness = assess([verdict("CONN-001", Outcome.PASS, category=Category.CONNECTIVITY), *closed, warned])
    assert readiness.categories[Category.EXECUTION].score == 0
    assert readiness.score > 85
    assert readiness.verdict is Fitness.UNPROVEN
