"""A server's readiness in the shape of the contract."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.scoring import Fitness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core import contract
    from mcp_assay.readiness.scoring import CategoryReadiness, Finding, Readiness

_MOST_COSTLIEST = 10
_MOST_NAMED_TOOLS = 200


def readiness_entry(readiness: Readiness, *, asked_for: bool) -> contract.ReadinessEntry:
    """Return a server's readiness in the shape of the contract."""
    return {
        "score": rounded(readiness.score),
        "verdict": readiness.verdict.value if asked_for else Fitness.UNPROVEN.value,
        "evidence": rounded(readiness.evidence),
        "categories": {category.value: _category_entry(c) for category, c in readiness.categories.items()},
        "costliest": [_costly(finding) for finding in readiness.findings[:_MOST_COSTLIEST]],
        "blockers": len(readiness.blockers),
        "rate": rounded(readiness.rate),
        "rate_low": rounded(readiness.rate_low),
    }


def _category_entry(category: CategoryReadiness) -> contract.CategoryEntry:
    """Return one category of a server; what could not be judged or does not apply is 0 with evidence 0."""
    return {
        "score": rounded(category.score or 0.0),
        "evidence": rounded(category.evidence or 0.0),
        "applicable": category.evidence is not None,
        **counts(category.counts),
    }


def counts(counts: Mapping[Outcome, int]) -> contract.Counts:
    """Return the numbers of verdicts under the contract's words."""
    return {
        "pass": counts[Outcome.PASS],
        "fail": counts[Outcome.FAIL],
        "warn": counts[Outcome.WARN],
        "skip": counts[Outcome.SKIP],
        "error": counts[Outcome.ERROR],
    }


def _costly(finding: Finding) -> contract.CostlyFinding:
    """Return what one check cost a server; the tool is named when it is the only one."""
    tools = sorted({verdict.tool for verdict in finding.verdicts if verdict.tool is not None})
    return {
        "check": finding.verdicts[0].check,
        "tool": tools[0] if len(tools) == 1 else None,
        "points": rounded(finding.points),
        "count": len(finding.verdicts),
        "tools": tools[:_MOST_NAMED_TOOLS],
    }


def rounded(value: float) -> float:
    """Return a share or score as it stands in the report: four decimals, rounded down so that no bar looks met."""
    return math.floor(value * 10_000 + 1e-6) / 10_000
