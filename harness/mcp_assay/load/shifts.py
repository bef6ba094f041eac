"""Where a series of figures moved to another level and stayed there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHORTEST = 5
"""Figures on either side without which a level is no level."""

_SIGNIFICANT = 0.01
_LEAST_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A lasting change of level.

    Attributes:
        index: Place of the first figure on the new level.
        before: Median of the level before.
        after: Median of the level after.
    """

    index: int
    before: float
    after: float

    @property
    def share(self) -> float:
        """Change as a share of the level before, 0.15 for 15 % more; 0 when that was 0."""
        return self.after / self.before - 1 if self.before else 0.0


def shifts(series: Sequence[float]) -> list[Shift]:
    """Return the lasting changes of level in a series, in its order.

    The most likely place is that of Pettitt's test, which compares the ranks on both sides as Mann and Whitney do and
    so assumes no distribution (Pettitt, Applied Statistics 28 (1979) 126, with his approximation of the chance). Where
    it stands is decided by the same statistic over its own deviation, which favours no place; each side is then
    searched in the same way. A change below five per cent is none: nobody could act on it.
    """
    if not series:
        return []
    cuts = [0, *sorted(_cuts(series, 0)), len(series)]
    levels = [median(series[start:end]) for start, end in pairwise(cuts)]
    return [
        Shift(index=cut, before=before, after=after)
        for cut, (before, after) in zip(cuts[1:], pairwise(levels), strict=False)
        if abs(after - before) >= _LEAST_SHARE * abs(before)
    ]


def _cuts(series: Sequence[float], offset: int) -> Iterator[int]:
    """Yield the places where a series breaks, counted from ``offset``."""
    found = _break_of(series)
    if found is None:
        return
    yield offset + found
    yield from _cuts(series[:found], offset)
    yield from _cuts(series[found:], offset + found)


def _break_of(series: Sequence[float]) -> int | None:
    """Return the most likely place of a break that leaves enough figures on both sides, or None without one."""
    count = len(series)
    if count < 2 * SHORTEST:
        return None
    scores = [0]
    for value in series:
        scores.append(scores[-1] + sum((value > other) - (value < other) for other in series))
    places = range(SHORTEST, count - SHORTEST + 1)
    chance = 2 * math.exp(-6 * max(scores[at] ** 2 for at in places) / (count**3 + count**2))
    if chance >= _SIGNIFICANT:
        return None
    return max(places, key=lambda at: scores[at] ** 2 / (at * (count - at)))
