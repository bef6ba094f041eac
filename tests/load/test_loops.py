"""Closed and open loops, in virtual time: it passes only when the loop would have slept, so every figure is exact."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest
from virtual_time import CLOCK, TURN_S, run

from mcp_assay.load import ClosedPlan, Measurement, OpenPlan, Sample, closed_loop, open_loop

if TYPE_CHECKING:
    from collections.abc import Callable


class Server:
    """Answers each call after the seconds that ``takes`` says for it; one at a time when it is ``serial``."""

    def __init__(
        self,
        takes: float | Callable[[int], float],
        *,
        fails: str | Callable[[int], str | None] | None = None,
        lost_at: int | None = None,
        serial: bool = False,
    ) -> None:
        self.takes = takes
        self.fails = fails
        self.lost_at = lost_at
        self.calls = 0
        self.open = 0
        self.most_open = 0
        self.serial = serial
        self.free_at = 0.0

    async def __call__(self) -> Sample:
        number, self.calls = self.calls, self.calls + 1
        started = CLOCK.monotonic()
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        seconds = self.takes(number) if callable(self.takes) else self.takes
        if self.serial:
            begins = max(started, self.free_at)
            self.free_at = begins + seconds
            seconds = self.free_at - started
        await asyncio.sleep(seconds)
        self.open -= 1
        lost = self.lost_at is not None and number >= self.lost_at
        error = self.fails(number) if callable(self.fails) else self.fails
        return Sample(started=started, ended=CLOCK.monotonic(), error="gone" if lost else error, lost=lost)


CLOSE = {"abs": 5 * TURN_S}


def closed(server: Server, **plan: float) -> Measurement:
    return run(lambda: closed_loop(server, ClosedPlan(**plan), CLOCK))  # type: ignore[arg-type]


def opened(server: Server, **plan: float) -> Measurement:
    return run(lambda: open_loop(server, OpenPlan(**plan), CLOCK, nap=lambda _: None))  # type: ignore[arg-type]


def test_a_constant_delay_is_reported_as_it_is() -> None:
    found = closed(Server(0.005), calls=50, warm_up=3).distribution
    assert found is not None
    assert [found.min, found.p50, found.p99, found.max, found.mean] == pytest.approx([0.005] * 5, **CLOSE)
    assert found.stddev == pytest.approx(0, **CLOSE)


def test_warm_up_calls_are_made_and_not_counted() -> None:
    server = Server(lambda number: 1.0 if number < 3 else 0.001)
    measured = closed(server, calls=10, warm_up=3, budget_s=60)
    assert (server.calls, measured.calls, measured.warm_up) == (13, 10, 3)
    assert measured.distribution is not None
    assert measured.distribution.max == pytest.approx(0.001, **CLOSE)


def test_a_slow_beginning_longer_than_the_planned_warm_up_is_left_out() -> None:
    server = Server(lambda number: 0.5 if number < 13 else 0.001 + number * 1e-7)
    measured = closed(server, calls=50, warm_up=3, budget_s=60)
    assert (measured.warm_up, len(measured.latencies_s)) == (13, 40)


def test_a_single_slow_answer_is_no_warm_up() -> None:
    server = Server(lambda number: 0.5 if number == 3 else 0.001 + number * 1e-7)
    measured = closed(server, calls=50, warm_up=3, budget_s=60)
    assert measured.warm_up == 3
    assert measured.distribution is not None
    assert measured.distribution.max == pytest.approx(0.5, **CLOSE)


def test_the_loop_ends_with_its_budget() -> None:
    measured = closed(Server(0.1), calls=1000, warm_up=0, budget_s=1.0)
    assert (measured.calls, measured.stopped) == (10, "budget")


def test_one_call_is_made_however_small_the_budget() -> None:
    assert closed(Server(9.0), calls=5, warm_up=0, budget_s=0.0).calls == 1


def test_errors_are_counted_apart_from_answers() -> None:
    server = Server(lambda number: 0.001 if number % 4 else 3.0, fails=lambda number: None if number % 4 else "boom")
    measured = closed(server, calls=40, warm_up=0, budget_s=600)
    assert (measured.calls, measured.errors, measured.first_error) == (40, 10, "boom")
    assert measured.error_rate == 0.25
    assert measured.distribution is not None
    assert measured.distribution.max == pytest.approx(0.001, **CLOSE)


def test_a_target_that_only_fails_is_given_up_and_gives_no_number() -> None:
    server = Server(0.001, fails="no")
    measured = closed(server, calls=500, warm_up=0)
    assert (server.calls, measured.stopped, measured.distribution) == (5, "errors", None)
    assert measured.to_entry(server="s", tool="t") is None


def test_a_lost_connection_ends_the_loop() -> None:
    server = Server(0.001, lost_at=7)
    measured = closed(server, calls=500, warm_up=0)
    assert (server.calls, measured.errors, measured.stopped) == (8, 1, "lost")


def test_throughput_grows_with_calls_in_flight_while_the_server_scales() -> None:
    measured = closed(Server(0.01), calls=400, in_flight=8, warm_up=0, budget_s=60)
    assert measured.concurrency == 8
    assert measured.rate_per_s == pytest.approx(800, rel=0.01)


def test_throughput_of_a_server_that_works_one_by_one_does_not_grow() -> None:
    measured = closed(Server(0.01, serial=True), calls=400, in_flight=8, warm_up=0, budget_s=60)
    assert measured.rate_per_s == pytest.approx(100, rel=0.01)
    assert measured.distribution is not None
    assert measured.distribution.p50 == pytest.approx(0.08, rel=0.01)


def test_never_more_calls_are_open_than_asked_for() -> None:
    server = Server(0.01)
    closed(server, calls=100, in_flight=3)
    assert server.most_open == 3


def test_rounds_end_once_the_median_is_known_well_enough() -> None:
    measured = closed(Server(0.01), calls=10_000, warm_up=0, budget_s=600, tight=0.05)
    assert (measured.stopped, measured.calls) == ("tight", 50)


def test_the_collector_is_off_inside_the_loop_and_as_before_afterwards() -> None:
    seen: list[bool] = []
    closed(Server(lambda _: seen.append(gc.isenabled()) or 0.0), calls=3, warm_up=0)
    assert seen == [False, False, False]
    assert gc.isenabled()


def test_a_stall_shows_in_the_open_loop_and_hides_in_the_closed_one() -> None:
    def stalls(number: int) -> float:
        return 1.0 if number == 100 else 0.001

    whole = opened(Server(stalls, serial=True), rate_per_s=100, duration_s=10).distribution
    hidden = closed(Server(stalls, serial=True), calls=1000, warm_up=0, budget_s=60).distribution
    assert whole is not None
    assert hidden is not None
    assert whole.p99 > 0.85
    assert hidden.p99 == pytest.approx(0.001, **CLOSE)


def test_the_open_loop_sends_on_schedule() -> None:
    measured = opened(Server(0.05), rate_per_s=200, duration_s=2)
    assert (measured.calls, measured.errors, measured.offered_per_s) == (400, 0, 200)
    assert measured.late_s == pytest.approx(0, **CLOSE)
    assert measured.concurrency in {10, 11}
    assert measured.distribution is not None
    assert measured.distribution.max == pytest.approx(0.05, **CLOSE)


def test_calls_that_wait_for_room_are_charged_from_the_moment_they_were_due() -> None:
    measured = opened(Server(0.1), rate_per_s=100, duration_s=1, most_in_flight=5, grace_s=60)
    assert measured.calls == 100
    assert measured.distribution is not None
    assert measured.distribution.max == pytest.approx(1.06, rel=0.03)


def test_calls_that_can_never_be_sent_are_errors() -> None:
    measured = opened(Server(30.0), rate_per_s=10, duration_s=1, most_in_flight=4, grace_s=1)
    assert (measured.calls, measured.errors, measured.first_error) == (10, 6, "no room to send it")


def test_a_lost_connection_ends_the_open_loop() -> None:
    server = Server(0.001, lost_at=3)
    measured = opened(server, rate_per_s=10, duration_s=100)
    assert measured.stopped == "lost"
    assert server.calls < 10
