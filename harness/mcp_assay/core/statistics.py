"""Statistics used in scores and measurements."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the ``share`` quantile of already sorted values by linear interpolation.

    This is definition 7 of Hyndman and Fan (1996), the default of NumPy and R.

    Raises:
        ValueError: There are no values, or ``share`` is outside 0…1.
    """
    if not ordered or not 0 <= share <= 1:
        raise ValueError("a quantile needs values and a share between 0 and 1")
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


_SMALLEST = 1e-12


def log_histogram(values: Sequence[float], per_decade: int = 10) -> list[tuple[float, int]]:
    """Return how many positive values fall into buckets of equal width on a logarithmic scale.

    Args:
        values: What is counted; values of 0 and below go to the lowest bucket, values below 1e-12 count as that.
        per_decade: Buckets from one power of ten to the next.

    Returns:
        The upper bound and the count of every bucket from the lowest to the highest value, empty ones included; bounds
        are powers of ten to multiples of ``1 / per_decade``, so that histograms of different runs line up.
    """
    positive = [max(value, _SMALLEST) for value in values if value > 0]
    if not positive:
        return []
    places = [math.ceil(round(math.log10(value) * per_decade, 9)) for value in positive]
    lowest, highest = min(places), max(places)
    counts = [0] * (highest - lowest + 1)
    counts[0] = len(values) - len(positive)
    for place in places:
        counts[place - lowest] += 1
    return [(10.0 ** ((lowest + at) / per_decade), count) for at, count in enumerate(counts)]


def wilson_lower_bound(successes: int, trials: int, z: float = 1.959964) -> float:
    """Return the lower end of the Wilson score interval of a success rate (Wilson 1927; ``z`` defaults to 95 %).

    Three of three is 0.44, not 1. Without trials the bound is 0.

    Raises:
        ValueError: ``successes`` is negative or above ``trials``.
    """
    if not 0 <= successes <= trials:
        raise ValueError("successes must lie between 0 and the number of trials")
    if trials == 0:
        return 0.0
    rate = successes / trials
    spread = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    bound = (rate + z * z / (2 * trials) - spread) / (1 + z * z / trials)
    # Rounding can put the bound a hair outside of what it bounds.
    return min(rate, max(0.0, bound))
