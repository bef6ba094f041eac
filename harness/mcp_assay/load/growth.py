"""Does something grow with the number of calls? Slope and trend of a series of samples, and the calls that make it."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from itertools import accumulate, combinations
from statistics import median
from typing import TYPE_CHECKING

from mcp_assay.load.resources import resources_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_assay.core.clock import Clock
    from mcp_assay.load.resources import Resources
    from mcp_assay.load.samples import Call, Sample

SIGNIFICANT = 0.01
"""Chance of a trend by accident below which it is taken for one."""

_IN_FLIGHT = 16
RUNAWAY: Mapping[str, float] = {"rss_bytes": 512 * 1024 * 1024, "descriptors": 400, "children": 200}
"""Growth by field of a sample that no machine should be asked to bear; a run ends there."""

_MOST_AT_ONCE = 4
"""How many times that the first batch may take: what is loaded with the first call is no growth, within bounds."""

_FEWEST = 2
_SUSTAINED = 0.25
"""Share of the earlier slope that a rise must still have in the end: less is something that fills up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How a value changes with the number of calls.

    Attributes:
        per_call: Change with each call.
        chance: How likely so many rises are without a trend.
        total: Change over the whole series.
        goes_on: Whether it still rises in the end as it did before.
    """

    per_call: float
    chance: float
    total: float
    goes_on: bool = True

    def grows_beyond(self, per_call: float) -> bool:
        """Return whether there is a rising trend steeper than a limit."""
        return self.chance < SIGNIFICANT and self.per_call > per_call


def trend_of(points: Sequence[tuple[float, float]]) -> Trend:
    """Return the trend of (calls, value) points; a single one or none is flat.

    The slope is the median of those between all pairs (Theil-Sen), the chance the one-sided p-value of the Mann-Kendall
    test, the total the last value minus the first.

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
        lost: Whether the connection or the process was gone in the end.
    """

    samples: tuple[Resources, ...]
    calls: int
    errors: int = 0
    first_error: str | None = None
    lost: bool = False

    def rise(self, name: str) -> float:
        """Return how much one field has grown from the first to the last sample."""
        return _rise(self.samples, name)

    @property
    def settled(self) -> tuple[Resources, ...]:
        """The samples after the first batch, with which much is loaded that stays; all when there are only two."""
        return self.samples[1:] if len(self.samples) > _FEWEST else self.samples

    def ran_away(self, name: str) -> bool:
        """Return whether one field went on to grow, after the first batch, beyond what a machine should bear."""
        return _rise(self.settled, name) > RUNAWAY[name]

    def trend(self, name: str) -> Trend:
        """Return the trend of one field over the last two thirds of the run; the first third warms up.

        Its total is the rise of the floor, which is what the field never falls below again: from a third of the run to
        two thirds. A heap that fills up and is collected again and again has a flat floor, however steep it rises in
        between. A rise goes on when the floor still has a quarter of that slope in the rest of the run; a cache or a
        heap that has filled up has not.
        """
        third = len(self.samples) // 3
        points = [(float(sample.calls), float(getattr(sample, name))) for sample in self.samples[third:]]
        last = points[third:]
        if not third or not last:
            return Trend(per_call=0.0, chance=1.0, total=0.0, goes_on=False)
        floor = _floor([value for _, value in points])
        end = third + (len(last) * 3) // 4
        rise, distance = floor[third] - floor[0], last[0][0] - points[0][0]
        later = (floor[end] - floor[third]) / max(1.0, points[end][0] - last[0][0])
        found = trend_of(points)
        return Trend(
            per_call=min(found.per_call, rise / distance) if distance else 0.0,
            chance=found.chance,
            total=rise,
            goes_on=bool(distance) and later > 0 and later >= _SUSTAINED * rise / distance,
        )


def _floor(values: Sequence[float]) -> list[float]:
    """Return what a series never falls below again, from each of its points on."""
    return list(accumulate(reversed(values), min))[::-1]


async def growth_run(
    call: Call, pid: int, *, calls: int, budget_s: float, clock: Clock, batches: int = 20
) -> GrowthRun:
    """Make many calls and sample the server's processes on the way.

    It ends early when the budget is spent, the connection is lost, the process is gone, or its memory or descriptors
    grow so much that the machine would suffer.

    Args:
        call: What to repeat.
        pid: The server's process.
        calls: How often.
        budget_s: Seconds after which no further batch is begun.
        clock: Source of time.
        batches: How many samples are taken on the way.
    """
    deadline = clock.monotonic() + budget_s
    samples, failed, made, lost = _kept(resources_of(pid)), list["Sample"](), 0, False
    while samples and not lost and made < calls and clock.monotonic() < deadline and not _runs_away(samples):
        batch = await _batch(call, max(1, calls // batches))
        made += len(batch)
        failed += [sample for sample in batch if sample.error is not None]
        latest = _kept(resources_of(pid, calls=made))
        samples += latest
        lost = not latest or any(sample.lost for sample in batch)
    return GrowthRun(
        samples=tuple(samples),
        calls=made,
        errors=len(failed),
        first_error=failed[0].error if failed else None,
        lost=lost,
    )


def _kept(sample: Resources | None) -> list[Resources]:
    """Return a sample as a list, empty when there is none."""
    return [] if sample is None else [sample]


def _runs_away(samples: Sequence[Resources]) -> bool:
    """Return whether something has grown, after the first batch or with it, beyond what a machine should bear."""
    return any(
        _rise(samples[1:], name) > most or _rise(samples, name) > most * _MOST_AT_ONCE for name, most in RUNAWAY.items()
    )


def _rise(samples: Sequence[Resources], name: str) -> float:
    """Return how much one field has grown from the first to the last sample, 0 without samples."""
    return float(getattr(samples[-1], name) - getattr(samples[0], name)) if samples else 0.0


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
