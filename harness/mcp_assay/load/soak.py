"""Load that goes on: does a server stay as it is for hours?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from mcp_assay.load.growth import GrowthRun, Trend, trend_of
from mcp_assay.load.measurement import Measurement
from mcp_assay.load.resources import resources_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.clock import Clock
    from mcp_assay.load.resources import Resources
    from mcp_assay.load.samples import Call, Sample

_WINDOWS = 60
_IN_FLIGHT = 4
_FEWEST_WINDOWS = 9
_MOST_TIMES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What load over a long time did.

    Attributes:
        run: Samples of the processes, one before and one after each window.
        measured: All calls.
        medians: The median answer time of each window, in seconds; windows without an answer are left out.
    """

    run: GrowthRun
    measured: Measurement
    medians: tuple[tuple[float, float], ...]

    @property
    def slowing(self) -> Trend:
        """The trend of the answer time over the calls, the first third left out; flat where there are few windows."""
        settled = self.medians[len(self.medians) // 3 :] if len(self.medians) >= _FEWEST_WINDOWS else ()
        return trend_of(settled)

    @property
    def slower_by(self) -> float:
        """How much longer an answer took in the last third than in the middle one, 0.5 for half as long again."""
        third = len(self.medians) // 3
        if len(self.medians) < _FEWEST_WINDOWS:
            return 0.0
        middle, last = ([value for _, value in part] for part in (self.medians[third:-third], self.medians[-third:]))
        return median(last) / median(middle) - 1 if median(middle) else 0.0


async def soak(calls: Sequence[Call], pid: int, *, duration_s: float, clock: Clock) -> Soak:
    """Repeat some calls in turn, a few in flight, for a given time, and watch the processes.

    It ends early when the connection is lost, the process is gone, or the first calls all fail.

    Args:
        calls: What to repeat.
        pid: The server's process.
        duration_s: For how long.
        clock: Source of time.
    """
    watch = _Watch(calls, pid, duration_s, clock)
    while watch.goes_on():
        await watch.window()
    return watch.soak()


class ThinnedTimes:
    """Answer times of calls without end in bounded memory: evenly spaced ones, the shortest and the longest.

    Attributes:
        count: How many were added.
    """

    def __init__(self, most: int = _MOST_TIMES) -> None:
        self.count = 0
        self._most = most
        self._step = 1
        self._kept: list[float] = []
        self._extremes: tuple[float, float] | None = None

    def add(self, seconds: float) -> None:
        """Add one time."""
        self.count += 1
        low, high = self._extremes or (seconds, seconds)
        self._extremes = min(low, seconds), max(high, seconds)
        if self.count % self._step == 0:
            self._kept.append(seconds)
        if len(self._kept) > self._most:
            self._step *= 2
            self._kept = self._kept[1::2]

    def values(self) -> tuple[float, ...]:
        """Return what was kept, in the order in which it was added; all as long as there is room."""
        if self._extremes is None or self._step == 1:
            return tuple(self._kept)
        return (self._extremes[0], *self._kept, self._extremes[1])


class _Watch:
    """A soak under way."""

    def __init__(self, calls: Sequence[Call], pid: int, duration_s: float, clock: Clock) -> None:
        self._calls = calls
        self._pid = pid
        self._clock = clock
        self._started = clock.monotonic()
        self._end = self._started + duration_s
        self._window_s = duration_s / _WINDOWS
        self._resources: list[Resources] = []
        self._times = ThinnedTimes()
        self._medians: list[tuple[float, float]] = []
        self._made = 0
        self._errors = 0
        self._first_error: str | None = None
        self._lost = False
        self._look()

    def goes_on(self) -> bool:
        """Return whether another window is to be made."""
        hopeless = self._made > 0 and not self._times.count
        return not self._lost and not hopeless and self._clock.monotonic() < self._end

    async def window(self) -> None:
        """Make calls for one window, then look at the processes."""
        until = self._clock.monotonic() + self._window_s
        answered: list[float] = []

        async def worker() -> None:
            while not self._lost and self._clock.monotonic() < until:
                call = self._calls[self._made % len(self._calls)]
                self._made += 1
                self._take(await call(), answered)

        async with asyncio.TaskGroup() as group:
            for _ in range(_IN_FLIGHT):
                group.create_task(worker())
        if answered:
            for seconds in answered:
                self._times.add(seconds)
            self._medians.append((float(self._made), median(answered)))
        self._look()

    def soak(self) -> Soak:
        """Return what was seen."""
        measured = Measurement(
            mode="soak",
            concurrency=_IN_FLIGHT,
            latencies_s=self._times.values(),
            answered=self._times.count,
            errors=self._errors,
            elapsed_s=self._clock.monotonic() - self._started,
            stopped="lost" if self._lost else "done",
            first_error=self._first_error,
        )
        run = GrowthRun(
            samples=tuple(self._resources),
            calls=self._made,
            errors=self._errors,
            first_error=self._first_error,
            lost=self._lost,
        )
        return Soak(run=run, measured=measured, medians=tuple(self._medians))

    def _take(self, sample: Sample, answered: list[float]) -> None:
        """Keep one call."""
        if sample.error is None:
            answered.append(sample.ended - sample.started)
        else:
            self._errors += 1
            self._first_error = self._first_error or sample.error
        self._lost = self._lost or sample.lost

    def _look(self) -> None:
        """Sample the processes; without any the server is gone."""
        found = resources_of(self._pid, calls=self._made)
        if found is None:
            self._lost = True
            self._first_error = self._first_error or "the process is gone"
        else:
            self._resources.append(found)
