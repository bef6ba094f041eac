"""Does something grow with the number of calls? Slope and trend of a series of samples, and the calls that make it."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

from mcp_assay.load.resources import resources_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.clock import Clock
    from mcp_assay.load.resources import Resources
    from mcp_assay.load.samples import Call, Sample

SIGNIFICANT = 0.01
"""Chance of a trend by accident below which it is taken for one."""

_IN_FLIGHT = 4
_BATCHES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How a value changes with the number of calls.

    Attributes:
        per_call: Theil-Sen slope, the median of the slopes between all pairs of samples.
        chance: One-sided p-value of the Mann-Kendall test: how likely so many rises are without a trend.
        total: Last value minus first.
    """

    per_call: float
    chance: float
    total: float

    def grows_beyond(self, per_call: float) -> bool:
        """Return whether there is a rising trend steeper than a limit."""
        return self.chance < SIGNIFICANT and self.per_call > per_call


def trend_of(points: Sequence[tuple[float, float]]) -> Trend:
    """Return the trend of (calls, value) points; a single one or none is flat.

    Sources: Sen, JASA 63 (1968) 1379; Mann, Econometrica 13 (1945) 245, with the correction for ties and continuity.
    """
    slopes = [
        (later[1] - early[1]) / (later[0] - early[0]) for early, later in combinations(points, 2) if later[0] > early[0]
    ]
    if not slopes:
        return Trend(per_call=0.0, chance=1.0, total=0.0)
    values = [value for _, value in points]
    return Trend(per_call=median(slopes), chance=_mann_kendall(values), total=values[-1] - values[0])


def _mann_kendall(values: Sequence[float]) -> float:
    """Return the one-sided p-value that a series has no rising trend, by the normal approximation."""
    count = len(values)
    score = sum((later > early) - (later < early) for early, later in combinations(values, 2))
    ties = [values.count(value) for value in set(values)]
    variance = (count * (count - 1) * (2 * count + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    if variance <= 0 or score <= 0:
        return 1.0
    return 0.5 * math.erfc((score - 1) / math.sqrt(variance) / math.sqrt(2))


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthRun:
    """Samples of a process tree over some calls.

    Attributes:
        samples: One before the first call and one after each batch, oldest first.
        calls: Calls that were made.
        errors: How many of them failed.
        first_error: What the first failed one got, or None.
    """

    samples: tuple[Resources, ...]
    calls: int
    errors: int = 0
    first_error: str | None = None

    def trend(self, name: str) -> Trend:
        """Return the trend of one field of the samples over the last two thirds of the run; the first warms up."""
        settled = self.samples[len(self.samples) // 3 :]
        return trend_of([(float(sample.calls), float(getattr(sample, name))) for sample in settled])


async def growth_run(call: Call, pid: int, *, calls: int, budget_s: float, clock: Clock) -> GrowthRun:
    """Make many calls and sample the server's processes on the way.

    It ends early when the budget is spent, the connection is lost or the process is gone.

    Args:
        call: What to repeat.
        pid: The server's process.
        calls: How often.
        budget_s: Seconds after which no further batch is begun.
        clock: Source of time.
    """
    deadline = clock.monotonic() + budget_s
    samples, failed, made = [resources_of(pid)], list["Sample"](), 0
    while made < calls and samples[-1] is not None and clock.monotonic() < deadline:
        batch = await _batch(call, max(1, calls // _BATCHES))
        made += len(batch)
        failed += [sample for sample in batch if sample.error is not None]
        if any(sample.lost for sample in batch):
            break
        samples.append(resources_of(pid, calls=made))
    return GrowthRun(
        samples=tuple(sample for sample in samples if sample is not None),
        calls=made,
        errors=len(failed),
        first_error=failed[0].error if failed else None,
    )


async def _batch(call: Call, count: int) -> list[Sample]:
    """Make some calls, a few at a time."""
    done: list[Sample] = []
    begun = 0

    async def worker() -> None:
        nonlocal begun
        while begun < count and not (done and done[-1].lost):
            begun += 1
            done.append(await call())

    async with asyncio.TaskGroup() as group:
        for _ in range(_IN_FLIGHT):
            group.create_task(worker())
    return done
