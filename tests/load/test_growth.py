"""Trends, floors, and the processes that are sampled."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.clock import SystemClock
from mcp_assay.load import Sample
from mcp_assay.load.growth import GrowthRun, growth_run, trend_of
from mcp_assay.load.machine import machine_speed, noise_of
from mcp_assay.load.resources import Resources, resources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KIB = 1024


def samples(memory: Sequence[float], *, step: int = 100) -> GrowthRun:
    made = tuple(
        Resources(calls=index * step, rss_bytes=int(value), descriptors=9, children=0, cpu_s=0.0)
        for index, value in enumerate(memory)
    )
    return GrowthRun(samples=made, calls=made[-1].calls)


def test_a_straight_rise_has_its_slope_and_is_significant() -> None:
    trend = trend_of([(float(calls), 5.0 * calls) for calls in range(20)])
    assert trend.per_call == pytest.approx(5.0)
    assert trend.grows_beyond(4.9)
    assert not trend.grows_beyond(5.1)


@pytest.mark.parametrize("points", [[], [(0.0, 1.0)], [(0.0, 1.0), (0.0, 2.0)], [(float(c), 7.0) for c in range(20)]])
def test_without_change_there_is_no_trend(points: list[tuple[float, float]]) -> None:
    assert not trend_of(points).grows_beyond(0.0)


def test_a_fall_is_no_rise() -> None:
    assert trend_of([(float(calls), -3.0 * calls) for calls in range(20)]).chance == 1.0


def test_noise_without_a_trend_is_seldom_taken_for_one() -> None:
    source = random.Random(5)
    alarms = sum(
        trend_of([(float(call), source.gauss(0, 1)) for call in range(20)]).grows_beyond(0.0) for _ in range(500)
    )
    assert alarms <= 15


def test_one_outlier_does_not_make_a_slope() -> None:
    values = [100.0] * 20
    values[10] = 1e9
    assert trend_of(list(zip(map(float, range(20)), values, strict=True))).per_call == 0.0


def test_a_leak_below_a_noisy_heap_is_found() -> None:
    source = random.Random(3)
    run = samples([1e8 + index * 100 * 10 * KIB + source.uniform(0, 2e6) for index in range(60)])
    assert run.trend("rss_bytes").grows_beyond(5 * KIB)
    assert run.trend("rss_bytes").per_call == pytest.approx(10 * KIB, rel=0.2)


@pytest.mark.parametrize("period", [3, 7, 15, 19])
@pytest.mark.parametrize("count", [57, 60, 71])
def test_a_heap_that_is_collected_again_and_again_has_a_flat_floor(period: int, count: int) -> None:
    run = samples([1e8 + (index % period) * 3e6 for index in range(count)])
    assert not run.trend("rss_bytes").grows_beyond(1.0)


def test_a_leak_below_a_heap_that_is_collected_is_found() -> None:
    run = samples([1e8 + index * 1e6 + (index % 7) * 3e6 for index in range(60)])
    assert run.trend("rss_bytes").grows_beyond(5 * KIB)
    assert run.trend("rss_bytes").total == pytest.approx(2e7, rel=0.3)


def test_a_heap_that_grows_once_and_stays_is_no_leak() -> None:
    run = samples([5e7 + min(index, 15) * 4e6 for index in range(60)])
    assert not run.trend("rss_bytes").grows_beyond(1.0)


async def _answered() -> Sample:
    return Sample(started=0.0, ended=0.0)


async def _lost() -> Sample:
    return Sample(started=0.0, ended=0.0, error="gone", lost=True)


def run(call: Callable[[], object], pid: int, *, calls: int = 40) -> GrowthRun:
    async def work() -> GrowthRun:
        async with asyncio.timeout(30):
            return await growth_run(call, pid, calls=calls, budget_s=30.0, clock=SystemClock())  # type: ignore[arg-type]

    return asyncio.run(work())


def test_every_call_is_made_and_every_batch_sampled() -> None:
    found = run(_answered, os.getpid())
    assert (found.calls, found.errors, found.lost) == (40, 0, False)
    assert [sample.calls for sample in found.samples] == list(range(0, 41, 2))


def test_a_lost_connection_ends_the_run() -> None:
    found = run(_lost, os.getpid())
    assert (found.lost, found.first_error) == (True, "gone")
    assert found.calls < 40


def test_a_process_that_is_gone_gives_no_sample() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    assert resources_of(ended.pid) is None
    assert run(_answered, ended.pid).calls == 0


def test_a_process_is_sampled_with_its_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        parent.stdout.readline()
        found = resources_of(parent.pid)
        parent.stdin.close()
    assert found is not None
    assert found.children == 1
    assert found.rss_bytes > 1_000_000
    assert found.descriptors > 3


def test_the_machine_is_measured_in_positive_figures() -> None:
    speed = machine_speed(SystemClock())
    assert speed.cpu_s > 0
    assert speed.pipe_s > 0
    assert set(speed.to_entry()) == {"cpu_s", "pipe_s", "noise"}


def test_a_noisy_machine_is_said_to_be_one() -> None:
    assert noise_of([1.0] * 21) == 0.0
    assert noise_of([1.0 + 0.05 * step for step in range(21)]) > 0.2
