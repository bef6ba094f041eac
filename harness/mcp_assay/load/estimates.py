"""What can be said of a series of answer times without assuming a distribution."""

from __future__ import annotations

import math
from statistics import NormalDist, median
from typing import TYPE_CHECKING

from mcp_assay.core.statistics import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

_BATCH = 5
_MANY = 1_000
"""Values from which on the binomial distribution is taken for a normal one."""


def quantile_interval(ordered: Sequence[float], share: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the confidence interval of a quantile of sorted values, as two of these values.

    The number of values below the true quantile is binomial, which gives the interval without resampling (Conover,
    Practical Nonparametric Statistics, 3rd ed., 3.2). With few values the interval is all there is: first to last.

    Raises:
        ValueError: There are no values, or ``share`` is outside 0…1.
    """
    if not ordered or not 0 <= share <= 1:
        raise ValueError("a quantile needs values and a share between 0 and 1")
    tail = (1 - confidence) / 2
    if len(ordered) > _MANY:
        return _normal_interval(ordered, share, NormalDist().inv_cdf(1 - tail))
    below = _binomial_cumulative(len(ordered), share)
    low = next((index for index, chance in enumerate(below) if chance > tail), 0)
    high = next((index for index, chance in enumerate(below) if chance >= 1 - tail), len(ordered))
    last = len(ordered) - 1
    return ordered[min(max(low - 1, 0), last)], ordered[min(high, last)]


def _normal_interval(ordered: Sequence[float], share: float, deviations: float) -> tuple[float, float]:
    """Return the interval with the ranks that the normal approximation of the binomial distribution gives."""
    middle, last = len(ordered) * share, len(ordered) - 1
    reach = deviations * math.sqrt(len(ordered) * share * (1 - share))
    return ordered[max(0, math.floor(middle - reach) - 1)], ordered[min(last, math.ceil(middle + reach))]


def _binomial_cumulative(trials: int, chance: float) -> list[float]:
    """Return the chances of at most 0, 1, … ``trials`` successes."""
    if chance in {0.0, 1.0}:
        return [1.0 if chance == 0.0 or successes == trials else 0.0 for successes in range(trials + 1)]
    total, chances = 0.0, list[float]()
    for successes in range(trials + 1):
        total += math.exp(
            math.lgamma(trials + 1) - math.lgamma(successes + 1) - math.lgamma(trials - successes + 1)
            + successes * math.log(chance) + (trials - successes) * math.log1p(-chance)
        )  # fmt: skip
        chances.append(total)
    return chances


def warm_up_length(series: Sequence[float]) -> int:
    """Return how many values at the start of a series are still warm-up, at most half of it.

    A batch of five belongs to the warm-up while its median lies beyond the 90th percentile of the second half: slow
    beginnings are cut, a single slow answer is not.
    """
    half = len(series) // 2
    if half < 2 * _BATCH:
        return 0
    settled = quantile(sorted(series[half:]), 0.9)
    for start in range(0, half, _BATCH):
        if median(series[start : start + _BATCH]) <= settled:
            return start
    return half
