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
