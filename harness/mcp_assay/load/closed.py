"""Closed-loop load: a fixed number of calls in flight, each followed at once by the next."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.load.estimates import warm_up_length
from mcp_assay.load.measurement import Distribution, Measurement
from mcp_assay.load.quiet import quiet_collector

if TYPE_CHECKING:
    from mcp_assay.core.clock import Clock
    from mcp_assay.load.samples import Call, Sample

_HOPELESS_AFTER = 5
_FEWEST_FOR_TIGHTNESS = 50
_TIGHTNESS_AGAIN = 1.3
"""How much the number of answers grows from one look at the interval to the next: a look takes the longer, the more
answers there are, and calls in flight wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPlan:
    """How much load, and when it is enough.

    Attributes:
        calls: Calls that are measured at most.
        in_flight: Calls kept open at the same time.
        warm_up: Calls made before, not counted. More are left out when the beginning was still slow.
        budget_s: Seconds after which no further call is made, warm-up included.
        tight: End once half the median's confidence interval is below this share of the median; 0 never does.
    """

    calls: int = 50
    in_flight: int = 1
    warm_up: int = 3
    budget_s: float = 5.0
    tight: float = 0.0


async def closed_loop(call: Call, plan: ClosedPlan, clock: Clock) -> Measurement:
    """Measure a call under closed-loop load; never raises for what a server does.

    The loop ends early when the connection is lost or the first five calls all fail.

    Args:
        call: What to measure.
        plan: How much.
        clock: Source of time, the same that stamps the samples.
    """
    loop = _Loop(call, plan, clock)
    with quiet_collector():
        await loop.warm_up()
        async with asyncio.TaskGroup() as group:
            for _ in range(plan.in_flight):
                group.create_task(loop.worker())
    return loop.measurement()


class _Loop:
    """The state that the workers of one closed loop share."""

    def __init__(self, call: Call, plan: ClosedPlan, clock: Clock) -> None:
        self._call = call
        self._plan = plan
        self._clock = clock
        self._deadline = clock.monotonic() + plan.budget_s
        self._begun = 0
        self._answered: list[Sample] = []
        self._failed: list[Sample] = []
        self._stopped: str | None = None
        self._next_look = _FEWEST_FOR_TIGHTNESS

    async def warm_up(self) -> None:
        """Make the calls that do not count; failures show up again in those that do."""
        for _ in range(self._plan.warm_up):
            if self._clock.monotonic() >= self._deadline or (await self._call()).lost:
                return

    async def worker(self) -> None:
        """Keep one call in flight until enough is known."""
        while self._goes_on():
            self._begun += 1
            self._take(await self._call())

    def measurement(self) -> Measurement:
        """Return what was measured."""
        settled = warm_up_length([sample.ended - sample.started for sample in self._answered])
        kept = self._answered[settled:]
        everything = [*kept, *self._failed]
        return Measurement(
            mode="closed",
            concurrency=self._plan.in_flight,
            latencies_s=tuple(sample.ended - sample.started for sample in kept),
            first_bytes_s=tuple(sample.first_byte_s for sample in kept if sample.first_byte_s is not None),
            errors=len(self._failed),
            elapsed_s=max(s.ended for s in everything) - min(s.started for s in everything) if everything else 0.0,
            warm_up=self._plan.warm_up + settled,
            stopped=self._stopped or "done",
            first_error=self._failed[0].error if self._failed else None,
        )

    def _goes_on(self) -> bool:
        """Return whether another call is to be made; at least one always is."""
        if self._stopped is None and self._begun and self._clock.monotonic() >= self._deadline:
            self._stopped = "budget"
        return self._stopped is None and self._begun < self._plan.calls

    def _take(self, sample: Sample) -> None:
        """Keep a sample and see whether it ends the loop."""
        (self._answered if sample.error is None else self._failed).append(sample)
        if sample.lost:
            self._stopped = "lost"
        elif not self._answered and len(self._failed) >= _HOPELESS_AFTER:
            self._stopped = "errors"
        elif self._is_tight():
            self._stopped = "tight"

    def _is_tight(self) -> bool:
        """Return whether the median is known well enough."""
        if not self._plan.tight or len(self._answered) < self._next_look:
            return False
        self._next_look = int(self._next_look * _TIGHTNESS_AGAIN)
        latencies = [sample.ended - sample.started for sample in self._answered]
        return Distribution.of(latencies[warm_up_length(latencies) :]).spread <= self._plan.tight
