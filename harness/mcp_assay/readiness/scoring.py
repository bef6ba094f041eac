"""From verdicts to readiness: pure functions, the same for plugin, library and gate.

A check counts once, however many tools it looked at: its share is passes over judged verdicts. A category's score
is the mean of those shares weighted by level, a server's score the weighted mean over its categories; in both, a
check and a category weigh as much as they were judged, so that two calls on a server with fifty closed tools do not
decide it, and so that judging more, when it passes, never lowers a score. Evidence is the like-weighted mean of
what was exercised of what applies. The points that findings cost add up to what is missing from 100.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from mcp_assay.core.statistics import wilson_lower_bound
from mcp_assay.core.verdicts import Category, Level, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_JUDGED = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.WARN, Outcome.ERROR})
_EXERCISED = _JUDGED - {Outcome.ERROR}

DEFAULT_WEIGHTS: Mapping[Category, float] = {
    Category.CONNECTIVITY: 25.0,
    Category.SCHEMA: 20.0,
    Category.EXECUTION: 30.0,
    Category.CROSS_SERVER: 10.0,
    Category.PERFORMANCE: 15.0,
}
"""Share of each category in a server's score."""


class Fitness(StrEnum):
    """Whether a server is fit to deploy, from best to worst."""

    READY = "READY"
    UNPROVEN = "UNPROVEN"
    NOT_READY = "NOT READY"
    UNREACHABLE = "UNREACHABLE"


def worst(verdicts: Iterable[Fitness]) -> Fitness:
    """Return the worst of ``verdicts``; `Fitness.UNPROVEN` when there are none."""
    order = list(Fitness)
    return max(verdicts, key=order.index, default=Fitness.UNPROVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringPolicy:
    """What counts how much, and where the bars are.

    Attributes:
        weights: Share of each category; one that is missing counts nothing.
        ready_score: Lowest score (0…100) of a server that is ready.
        ready_evidence: Lowest evidence (0…1) of a server that is ready.
    """

    weights: Mapping[Category, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    ready_score: float = 90.0
    ready_evidence: float = 0.8

    def __post_init__(self) -> None:
        """Refuse weights that would make a score meaningless.

        Raises:
            ValueError: A weight is negative or not finite, or all are zero.
        """
        weights = self.weights.values()
        if any(not math.isfinite(weight) or weight < 0 for weight in weights) or not any(weights):
            raise ValueError("category weights must be finite, not negative and not all zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryReadiness:
    """One server in one category.

    Attributes:
        score: 0…100, or None when nothing was judged.
        evidence: Share exercised of what applies, 0…1, or None when nothing applies.
        judged_share: Share judged of what applies, errors of ours included, 0…1.
        counts: Number of verdicts by outcome.
    """

    score: float | None
    evidence: float | None
    judged_share: float
    counts: Mapping[Outcome, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """All verdicts of one check on one server that cost it points.

    Attributes:
        verdicts: The verdicts that did not pass; at least one.
        points: What they cost, out of the server's 100.
    """

    verdicts: tuple[Verdict, ...]
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """One server's fitness to be deployed.

    Attributes:
        score: 0…100.
        evidence: Share exercised of what applies, 0…1.
        verdict: What follows from both and the blockers.
        categories: Every category that has verdicts.
        blockers: Failed MUST checks.
        findings: What cost points, costliest first.
        passed: Verdicts that passed.
        judged: Verdicts that were judged.
    """

    score: float
    evidence: float
    verdict: Fitness
    categories: Mapping[Category, CategoryReadiness]
    blockers: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    passed: int
    judged: int

    @property
    def rate(self) -> float:
        """Return the share of judged verdicts that passed, 0 when none was judged."""
        return self.passed / self.judged if self.judged else 0.0

    @property
    def rate_low(self) -> float:
        """Return the Wilson 95 % lower bound of `rate`."""
        return wilson_lower_bound(self.passed, self.judged)


@dataclass(frozen=True, slots=True)
class _Check:
    """The verdicts of one check on one server."""

    verdicts: tuple[Verdict, ...]

    @property
    def weight(self) -> int:
        """Return the weight of the strongest level the check was judged at."""
        return max(verdict.level.weight for verdict in self.verdicts)

    @property
    def judged(self) -> int:
        """Return how many verdicts count in the score."""
        return sum(verdict.outcome in _JUDGED for verdict in self.verdicts)

    @property
    def applicable(self) -> int:
        """Return how many verdicts count in the evidence."""
        return sum(verdict.applicable or verdict.outcome in _JUDGED for verdict in self.verdicts)

    @property
    def passed_share(self) -> float:
        """Return passes over judged; only for checks with a judged verdict."""
        return sum(verdict.outcome is Outcome.PASS for verdict in self.verdicts) / self.judged

    @property
    def judged_share(self) -> float:
        """Return judged over applicable; only for checks with an applicable verdict."""
        return self.judged / self.applicable

    @property
    def exercised_share(self) -> float:
        """Return exercised over applicable; only for checks with an applicable verdict."""
        return sum(verdict.outcome in _EXERCISED for verdict in self.verdicts) / self.applicable


def assess(verdicts: Sequence[Verdict], *, reachable: bool = True, policy: ScoringPolicy | None = None) -> Readiness:
    """Return the readiness that follows from all verdicts on one server.

    Args:
        verdicts: The verdicts of one server.
        reachable: False when the server could not be connected; its score is 0 then.
        policy: Weights and bars; the defaults when None.
    """
    policy = policy or ScoringPolicy()
    checks = _by_category(verdicts)
    categories = {category: _assess_category(members) for category, members in checks.items()}
    score, evidence = _server_means(categories, policy)
    blockers = tuple(v for v in verdicts if v.outcome is Outcome.FAIL and v.level is Level.MUST)
    return Readiness(
        score=score or 0.0 if reachable else 0.0,
        evidence=evidence,
        verdict=_fitness(score, evidence, policy, blocked=bool(blockers)) if reachable else Fitness.UNREACHABLE,
        categories=categories,
        blockers=blockers,
        findings=_findings(checks, categories, policy),
        passed=sum(verdict.outcome is Outcome.PASS for verdict in verdicts),
        judged=sum(verdict.outcome in _JUDGED for verdict in verdicts),
    )


def unproven_at_best(readiness: Readiness) -> Readiness:
    """Return a readiness that nobody deploys by: what a run had not come to judge when it broke off may be bad."""
    ready = readiness.verdict is Fitness.READY
    return replace(readiness, verdict=Fitness.UNPROVEN) if ready else readiness


def count_outcomes(verdicts: Iterable[Verdict]) -> dict[Outcome, int]:
    """Return the number of verdicts of every outcome, zeros included."""
    counts = dict.fromkeys(Outcome, 0)
    for verdict in verdicts:
        counts[verdict.outcome] += 1
    return counts


def _by_category(verdicts: Iterable[Verdict]) -> dict[Category, list[_Check]]:
    """Return the checks of each category that has verdicts, in the order of `Category`."""
    groups: dict[Category, dict[str, list[Verdict]]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.category, {}).setdefault(verdict.check, []).append(verdict)
    return {
        category: [_Check(tuple(members)) for members in groups[category].values()]
        for category in Category
        if category in groups
    }


def _assess_category(checks: Sequence[_Check]) -> CategoryReadiness:
    """Return score and evidence of one category."""
    score = _mean((check.passed_share, check.weight * check.judged_share) for check in checks if check.judged)
    evidence = _mean((check.exercised_share, check.weight) for check in checks if check.applicable)
    judged = _mean((check.judged_share, check.weight) for check in checks if check.applicable)
    counts = count_outcomes(verdict for check in checks for verdict in check.verdicts)
    return CategoryReadiness(
        score=None if score is None else 100 * score, evidence=evidence, judged_share=judged or 0.0, counts=counts
    )


def _server_means(
    categories: Mapping[Category, CategoryReadiness], policy: ScoringPolicy
) -> tuple[float | None, float]:
    """Return the score of the categories that were judged, None without any, and the evidence of those that apply."""
    judged = ((entry.score, _reach(c, entry, policy)) for c, entry in categories.items() if entry.score is not None)
    shares = (
        (entry.evidence, policy.weights.get(c, 0.0)) for c, entry in categories.items() if entry.evidence is not None
    )
    score = _mean(judged)
    # Rounding could lift a mean of hundreds a hair above 100.
    return None if score is None else min(100.0, score), min(1.0, _mean(shares) or 0.0)


def _reach(category: Category, entry: CategoryReadiness, policy: ScoringPolicy) -> float:
    """Return what a category weighs in the score: its share, as far as it was judged."""
    return policy.weights.get(category, 0.0) * entry.judged_share


def _mean(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Return the mean of (value, weight) pairs, or None when no weight is there."""
    total = weights = 0.0
    for value, weight in pairs:
        total += value * weight
        weights += weight
    return total / weights if weights else None


def _fitness(score: float | None, evidence: float, policy: ScoringPolicy, *, blocked: bool) -> Fitness:
    """Return the verdict on a server that was reached; ``score`` is None when nothing was judged."""
    if blocked or (score is not None and score < policy.ready_score):
        return Fitness.NOT_READY
    return Fitness.UNPROVEN if score is None or evidence < policy.ready_evidence else Fitness.READY


def _findings(
    checks: Mapping[Category, Sequence[_Check]],
    categories: Mapping[Category, CategoryReadiness],
    policy: ScoringPolicy,
) -> tuple[Finding, ...]:
    """Return what cost points: costliest first, then the stronger level, then by id."""
    judged = {category: [check for check in members if check.judged] for category, members in checks.items()}
    reach = {category: _reach(category, categories[category], policy) for category in judged if judged[category]}
    total = sum(reach.values())
    findings = [
        Finding(verdicts=lost, points=100 * share * check.weight * check.judged_share * (1 - check.passed_share))
        for category, weight in reach.items()
        for share in [_share(weight, total, judged[category])]
        for check in judged[category]
        for lost in [tuple(v for v in check.verdicts if v.outcome in _JUDGED - {Outcome.PASS})]
        if lost
    ]
    return tuple(sorted(findings, key=_by_cost))


def _share(weight: float, total: float, checks: Sequence[_Check]) -> float:
    """Return what one unit of check weight is worth in a category, as a share of the server's score."""
    return weight / total / sum(check.weight * check.judged_share for check in checks) if total and checks else 0.0


def _by_cost(finding: Finding) -> tuple[float, int, str]:
    """Return the sort key of a finding."""
    first = finding.verdicts[0]
    return (-finding.points, first.level.rank, first.check)
