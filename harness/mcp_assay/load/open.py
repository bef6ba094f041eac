"""Open-loop load: calls are due at a constant rate, whether or not earlier ones were answered.

A call's time counts from the moment it was due, not from the moment it could be sent. A generator that waits for a
stalled server before it sends the next call would hide just the stall ("coordinated omission", Tene 2013).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.statistics import quantile
from mcp_assay.load.measurement import Measurement
from mcp_assay.load.quiet import quiet_collector

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.clock import Clock
    from mcp_assay.load.samples import Call

# An event loop sleeps in steps of a millisecond; the rest of a wait is spent in short naps between its turns. Polling
# without them would take a whole core, which the server may need.
_POLLED_S = 0.0015
_NAP_S = 20e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPlan:
    """How much load.

    Attributes:
        rate_per_s: Calls that become due in a second.
        duration_s: For how long.
        most_in_flight: Open calls beyond which sending waits; the wait counts as the server's.
        grace_s: Seconds after the duration in which late calls are still sent; what is due then counts as an error.
    """

    rate_per_s: float
    duration_s: float = 5.0
    most_in_flight: int = 1_000
    grace_s: float = 10.0

    @property
    def calls(self) -> int:
        """Calls that become due."""
        return max(1, round(self.rate_per_s * self.duration_s))


async def open_loop(
    call: Call, plan: OpenPlan, clock: Clock, *, nap: Callable[[float], None] = time.sleep
) -> Measurement:
    """Measure a call under open-loop load; never raises for what a server does.

    Args:
        call: What to measure; its own timeout bounds the wait for the last answers.
        plan: How much.
        clock: Source of time, the same that stamps the samples.
        nap: Blocks for a few microseconds; answers that come meanwhile are read that much later.
    """
    generator = _Generator(call, plan, clock, nap)
    with quiet_collector():
        async with asyncio.TaskGroup() as group:
            await generator.send_all(group)
    return generator.measurement()


class _Generator:
    """Sends on schedule and collects what comes back."""

    def __init__(self, call: Call, plan: OpenPlan, clock: Clock, nap: Callable[[float], None]) -> None:
        self._nap = nap
        self._call = call
        self._plan = plan
        self._clock = clock
        self._slots = asyncio.Semaphore(plan.most_in_flight)
        self._open = 0
        self._most_open = 0
        self._latencies: list[float] = []
        self._first_bytes: list[float] = []
        self._lateness: list[float] = []
        self._errors: list[str] = []
        self._lost = False
        self._started = clock.monotonic()
        self._ended = self._started

    async def send_all(self, group: asyncio.TaskGroup) -> None:
        """Start every call when it is due, or as soon after as there is room."""
        last_chance = self._started + self._plan.duration_s + self._plan.grace_s
        for number in range(self._plan.calls):
            due = self._started + number / self._plan.rate_per_s
            await self._until(due)
            if not await self._room(last_chance):
                self._errors += ["no room to send it"] * (self._plan.calls - number)
                return
            self._lateness.append(self._clock.monotonic() - due)
            self._open += 1
            self._most_open = max(self._most_open, self._open)
            group.create_task(self._one(due))

    def measurement(self) -> Measurement:
        """Return what was measured."""
        return Measurement(
            mode="open",
            concurrency=max(1, self._most_open),
            latencies_s=tuple(self._latencies),
            first_bytes_s=tuple(self._first_bytes),
            errors=len(self._errors),
            elapsed_s=self._ended - self._started,
            stopped="lost" if self._lost else "done",
            first_error=self._errors[0] if self._errors else None,
            offered_per_s=self._plan.rate_per_s,
            late_s=quantile(sorted(self._lateness), 0.99) if self._lateness else None,
        )

    async def _until(self, due: float) -> None:
        """Wait for a moment, to some fifty microseconds."""
        while (left := due - self._clock.monotonic()) > 0:
            if left <= _POLLED_S:
                self._nap(min(left, _NAP_S))
            await asyncio.sleep(max(0.0, left - _POLLED_S))

    async def _room(self, last_chance: float) -> bool:
        """Wait until another call may be open; return whether there is still any sense in it."""
        if not self._slots.locked():
            await self._slots.acquire()
            return not self._lost
        try:
            async with asyncio.timeout(max(0.0, last_chance - self._clock.monotonic())):
                await self._slots.acquire()
        except TimeoutError:
            return False
        return not self._lost

    async def _one(self, due: float) -> None:
        """Make one call and keep its time since it was due."""
        sample = await self._call()
        self._slots.release()
        self._open -= 1
        self._ended = max(self._ended, sample.ended)
        self._lost = self._lost or sample.lost
        if sample.error is None:
            self._latencies.append(sample.ended - due)
            if sample.first_byte_s is not None:
                self._first_bytes.append(sample.started + sample.first_byte_s - due)
        else:
            self._errors.append(sample.error)
