"""Overload and load that goes on, in virtual time; and processes that are watched while they serve."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from virtual_time import CLOCK, run

from mcp_assay.core.clock import SystemClock
from mcp_assay.load import Measurement, Sample
from mcp_assay.load.growth import GrowthRun
from mcp_assay.load.measurement import Distribution
from mcp_assay.load.recovery import OverloadPlan, Recovery, recovery
from mcp_assay.load.soak import Soak, ThinnedTimes, soak

if TYPE_CHECKING:
    from collections.abc import Callable


class Queue:
    """Answers one call after another, each after some seconds; it may fail or hang beyond a number of open calls."""

    def __init__(self, takes_s: float, *, breaks_at: int = 10**9, grows: float = 0.0) -> None:
        self.takes_s = takes_s
        self.breaks_at = breaks_at
        self.grows = grows
        self.free_at = 0.0
        self.open = 0
        self.broken = False

    async def __call__(self) -> Sample:
        started = CLOCK.monotonic()
        self.open += 1
        self.broken = self.broken or self.open >= self.breaks_at
        self.free_at = max(started, self.free_at) + self.takes_s
        self.takes_s *= 1 + self.grows
        await asyncio.sleep(self.free_at - started)
        self.open -= 1
        return Sample(started=started, ended=CLOCK.monotonic(), error="broken" if self.broken else None)


def overloaded(call: Callable[[], Any], **plan: float) -> Recovery:
    whole: dict[str, Any] = {"usual_s": 0.02, "in_flight": 64, "overload_s": 0.5, "patience_s": 5.0, **plan}
    return run(lambda: recovery(call, OverloadPlan(**whole), CLOCK))


def test_a_queue_recovers_when_it_has_worked_off_what_was_open() -> None:
    found = overloaded(Queue(0.01))
    assert found.errors == 0
    assert found.seconds == pytest.approx(0.64, abs=0.05)


def test_a_server_that_keeps_up_recovers_at_once() -> None:
    found = overloaded(Queue(0.0001))
    assert found.seconds == pytest.approx(0.0, abs=0.01)


def test_a_server_that_stays_slow_does_not_recover() -> None:
    found = overloaded(Queue(0.001, grows=0.02))
    assert found.seconds is None
    assert found.last.error is None


def test_a_server_that_breaks_under_overload_does_not_recover() -> None:
    found = overloaded(Queue(0.001, breaks_at=32))
    assert (found.seconds, found.last.error) == (None, "broken")


def soaked(call: Callable[[], Any], *, seconds: float = 60.0, pid: int | None = None) -> Soak:
    return run(lambda: soak([call], os.getpid() if pid is None else pid, duration_s=seconds, clock=CLOCK))


def test_a_soak_lasts_as_long_as_asked_for_and_samples_each_window() -> None:
    found = soaked(Queue(0.05))
    assert 40 <= len(found.run.samples) <= 61
    assert found.measured.elapsed_s == pytest.approx(60, abs=1)
    assert found.measured.calls == pytest.approx(1200, rel=0.05)
    assert (found.measured.errors, found.measured.mode, found.run.lost) == (0, "soak", False)
    assert not (found.slowing.grows_beyond(0.0) and found.slower_by > 0.1)


def test_answers_that_become_slower_are_seen() -> None:
    found = soaked(Queue(0.01, grows=0.0005))
    assert found.slowing.grows_beyond(0.0)
    assert found.slower_by > 0.3


def test_a_soak_of_a_process_that_is_gone_ends_at_once() -> None:
    found = soaked(Queue(0.01), pid=2**22 - 1)
    assert (found.measured.calls, found.run.lost, found.measured.first_error) == (0, True, "the process is gone")


def test_a_soak_in_which_everything_fails_ends_at_once() -> None:
    found = soaked(Queue(0.01, breaks_at=1))
    assert found.measured.distribution is None
    assert found.measured.errors < 200


def test_the_times_of_a_long_soak_take_bounded_room_and_keep_their_distribution() -> None:
    source, times = random.Random(4), ThinnedTimes(most=1_000)
    every = [source.lognormvariate(-6, 0.5) for _ in range(50_000)]
    every[123], every[456] = 9.0, 1e-9
    for seconds in every:
        times.add(seconds)
    kept = times.values()
    assert times.count == 50_000
    assert len(kept) <= 1_002
    found, whole = Distribution.of(kept), Distribution.of(every)
    assert (found.min, found.max) == (whole.min, whole.max)
    assert found.p50 == pytest.approx(whole.p50, rel=0.05)
    assert found.p95 == pytest.approx(whole.p95, rel=0.1)
    measured = Measurement(mode="soak", latencies_s=kept, answered=times.count, errors=10, elapsed_s=100.0)
    assert (measured.calls, measured.rate_per_s) == (50_010, 500.0)


def test_the_times_of_a_short_soak_are_all_kept() -> None:
    times = ThinnedTimes()
    for seconds in (3.0, 1.0, 2.0):
        times.add(seconds)
    assert times.values() == (3.0, 1.0, 2.0)
    assert ThinnedTimes().values() == ()


def test_noise_over_the_windows_is_no_slowing() -> None:
    source = random.Random(2)
    alarms = 0
    for _ in range(200):
        medians = tuple((float(at * 100), source.gauss(0.01, 0.001)) for at in range(60))
        empty = GrowthRun(samples=(), calls=0)
        found = Soak(run=empty, measured=Measurement(mode="soak"), medians=medians)
        alarms += found.slowing.grows_beyond(0.0) and found.slower_by > 0.5
    assert alarms == 0


def test_the_system_clock_serves_as_well() -> None:
    async def answered() -> Sample:
        now = SystemClock().monotonic()
        await asyncio.sleep(0)
        return Sample(started=now, ended=now)

    async def work() -> Soak:
        async with asyncio.timeout(30):
            return await soak([answered], os.getpid(), duration_s=0.06, clock=SystemClock())

    assert asyncio.run(work()).measured.errors == 0
