"""How words and numbers look in every report."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from mcp_assay.core.presentation import inert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.contract import CategoryEntry, Summary, VerdictWord

CATEGORY_TITLES = {
    "connectivity": "Connectivity",
    "schema": "Schema",
    "execution": "Execution",
    "cross_server": "Cross-server",
    "performance": "Performance",
}
"""The categories in their order, as people read them."""

WORST_FIRST: Sequence[VerdictWord] = ("fail", "error", "warn", "pass", "skip")
"""The verdicts in the order in which people want to hear of them."""

_LINK = re.compile(r"https://[A-Za-z0-9][A-Za-z0-9.-]*(?:/[A-Za-z0-9._~/%+=-]*)?(?:#[A-Za-z0-9._~%-]*)?")


def line(text: str, limit: int = 300) -> str:
    """Return ``text`` on one line, without control characters, cut to about ``limit`` characters."""
    return " ".join(inert(text, limit).split())


def block(text: str, limit: int = 4_000) -> str:
    """Return ``text`` without control characters, cut to about ``limit`` characters; line ends stay."""
    return inert(text, limit)


def link(url: str) -> str | None:
    """Return ``url`` when it is a plain ``https`` address that needs no escaping anywhere, otherwise None."""
    return url if _LINK.fullmatch(url) else None


def score(value: float) -> str:
    """Return a score 0…100 with one decimal, rounded down so that no bar looks met that is not."""
    return f"{math.floor(value * 10 + 1e-6) / 10:.1f}"


def overall(summary: Summary) -> str:
    """Return the score of a run with the evidence behind it: a score counts only what was judged."""
    evidence = summary.get("evidence")
    told = "" if evidence is None else f", evidence {percent(evidence)}"
    return f"score {score(summary['score'])} of 100{told}"


def percent(share: float) -> str:
    """Return a share 0…1 in whole percent, rounded down."""
    return f"{math.floor(share * 100 + 1e-6)} %"


def category_score(category: CategoryEntry | None) -> str:
    """Return a category's score, ``n/a`` when nothing applies, ``-`` when nothing was judged."""
    if category is None or not category.get("applicable", True):
        return "n/a"
    return score(category["score"]) if _judged(category) else "-"


def _judged(category: CategoryEntry) -> bool:
    """Return whether any verdict of a category counts in its score."""
    return bool(category["pass"] or category["fail"] or category["warn"] or category["error"])


def seconds(value: float | None) -> str:
    """Return a duration in a unit that reads well, three significant digits; ``-`` for None."""
    if value is None:
        return "-"
    for factor, unit in ((1e6, "us"), (1e3, "ms")):
        if value * factor < 999.5:
            return f"{_significant(value * factor)} {unit}"
    return f"{_significant(value)} s"


def _significant(value: float) -> str:
    """Return ``value`` with up to three significant digits and without an exponent."""
    return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"


def plural(number: int, noun: str) -> str:
    """Return ``number`` and ``noun``, with an ``s`` unless there is exactly one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listing(names: Sequence[str], most: int = 5) -> str:
    """Return up to ``most`` names separated by commas, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
