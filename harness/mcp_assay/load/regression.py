"""Is a figure worse than those before it, beyond their own noise?"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 5
"""Earlier figures without which nothing can be said."""

_DEVIATIONS = 3.5
_DEVIATIONS_OF_FEW = {5: 7.17, 6: 5.89, 7: 5.21, 8: 4.79, 9: 4.50, 10: 4.30, 11: 4.14}
"""The deviation of a few figures is itself uncertain: Student's t, one-sided 0.1 %, by their number."""
_LEAST_SHARE = 0.05
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure held against earlier ones.

    Attributes:
        value: The figure; larger is worse.
        usual: Median of the earlier ones.
        limit: The largest figure that their noise explains.
    """

    value: float
    usual: float
    limit: float

    @property
    def is_worse(self) -> bool:
        """Whether the figure lies outside the noise."""
        return self.value > self.limit

    @property
    def share(self) -> float:
        """How much larger than usual it is, 0.15 for 15 %; 0 when the usual is 0."""
        return self.value / self.usual - 1 if self.usual else 0.0


def change(value: float, earlier: Sequence[float]) -> Change | None:
    """Return a figure held against earlier ones, or None when there are fewer than five.

    The limit is their median plus three and a half robust standard deviations (1.4826 times the median absolute
    deviation, Hampel, JASA 69 (1974) 383; more where there are less than twelve figures), at least five per cent: a
    lucky row of equal figures must not turn a jitter into an alarm.
    """
    if len(earlier) < FEWEST:
        return None
    usual = median(earlier)
    deviations = _DEVIATIONS_OF_FEW.get(len(earlier), _DEVIATIONS)
    noise = _MAD_TO_SIGMA * median(abs(figure - usual) for figure in earlier)
    return Change(value=value, usual=usual, limit=usual + max(deviations * noise, _LEAST_SHARE * abs(usual)))
