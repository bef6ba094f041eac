"""Bootstrap confidence intervals of quantiles of a series of answer times."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

from mcp_assay.core.statistics import quantile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_RESAMPLES = 200
_MOST_RESAMPLED = 2_000
_SEED = 20_261_125

Interval = tuple[float, float]


def bootstrap_intervals(series: Sequence[float], shares: Mapping[str, float]) -> dict[str, Interval]:
    """Return the 95 % confidence interval of each quantile of a series, in the order in which it was measured.

    Answer times that follow each other are alike, so whole blocks of the length n^(1/3) are drawn instead of single
    values (moving block bootstrap: Künsch, Annals of Statistics 17 (1989) 1217; Hall, Horowitz, Jing, Biometrika 82
    (1995) 561). Of a long series 2,000 values from its whole length are resampled and the interval is narrowed by the
    square root of what was left out (Bickel, Götze, van Zwet, Statistica Sinica 7 (1997) 1). The same series always
    has the same intervals.

    Args:
        series: The values, at least one.
        shares: Each quantile by its name.

    Raises:
        ValueError: There are no values, or a share is outside 0…1.
    """
    found = {name: quantile(sorted(series), share) for name, share in shares.items()}
    kept = _thinned(series)
    drawn: dict[str, list[float]] = {name: [] for name in shares}
    for sample in _resamples(kept):
        sample.sort()
        for name, share in shares.items():
            drawn[name].append(quantile(sample, share))
    shrink = math.sqrt(len(kept) / len(series))
    return {name: _interval(sorted(drawn[name]), found[name], shrink) for name in shares}


def _thinned(series: Sequence[float]) -> Sequence[float]:
    """Return the series, or evenly spaced runs of a long one, so that what follows each other still does."""
    if len(series) <= _MOST_RESAMPLED:
        return series
    run = _block_length(len(series))
    runs = _MOST_RESAMPLED // run
    step = (len(series) - run) / max(1, runs - 1)
    return [value for number in range(runs) for value in series[round(number * step) : round(number * step) + run]]


def _resamples(series: Sequence[float]) -> Iterator[list[float]]:
    """Yield series of the same length, each made of random blocks of the given one."""
    source, length = Random(_SEED), _block_length(len(series))  # noqa: S311  (resampling, not cryptography)
    places, blocks = len(series) - length + 1, math.ceil(len(series) / length)
    for _ in range(_RESAMPLES):
        sample: list[float] = []
        for _ in range(blocks):
            start = int(source.random() * places)
            sample += series[start : start + length]
        yield sample[: len(series)]


def _block_length(count: int) -> int:
    """Return the length of a block."""
    return max(1, round(math.cbrt(count)))


def _interval(drawn: Sequence[float], found: float, shrink: float) -> Interval:
    """Return the percentile interval, its halves narrowed around the estimate."""
    low, high = quantile(drawn, 0.025), quantile(drawn, 0.975)
    return found - max(0.0, found - low) * shrink, found + max(0.0, high - found) * shrink
