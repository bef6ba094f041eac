"""What a series of figures says."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.readiness.history.database import RunRecord
from mcp_assay.readiness.history.points import PER_SECOND, Figure, Metric
from mcp_assay.readiness.history.trends import Course, Point, tails_of, trend_of, trends_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_assay.readiness.history.trends import Trend

SERIES = 200
METRIC = Metric(config="c", server="s", tool="t", name="latency.p50", unit="s")


def run(number: int) -> RunRecord:
    return RunRecord(
        started_at=f"2026-01-01T{number:06}Z",
        id=str(number),
        commit="",
        dirty=False,
        machine="here",
        tool_version="1",
        exit_status=0,
    )


def points(values: Sequence[float], *, metric: Metric = METRIC, **more: float) -> list[Point]:
    return [
        Point(run=run(number), figure=Figure(metric=metric, value=value, **more)) for number, value in enumerate(values)
    ]


def nightly(source: random.Random) -> float:
    """Return the figure of one night of a server that never changes: mostly within 2 %, one night in 50 far off."""
    return source.lognormvariate(0.0, 0.02) * (1.6 if source.random() < 0.02 else 1.0)


def courses(values: Sequence[float], first: int) -> list[Course]:
    return [trend_of(points(values[: at + 1])).course for at in range(first, len(values))]


def test_twenty_unchanged_nights_of_two_hundred_series_raise_no_alarm() -> None:
    source = random.Random(20)
    for _ in range(SERIES):
        values = [nightly(source) for _ in range(30)]
        assert Course.WORSE not in courses(values, 10)


def test_fifteen_per_cent_more_are_found_within_three_nights() -> None:
    source = random.Random(15)
    found = 0
    for _ in range(SERIES):
        values = [nightly(source) for _ in range(20)] + [1.15 * source.lognormvariate(0.0, 0.02) for _ in range(3)]
        found += courses(values, 22) == [Course.WORSE]
    assert found >= 0.97 * SERIES


def test_one_or_two_bad_nights_are_suspected_and_no_more() -> None:
    assert trend_of(points([1.0] * 10 + [1.5])).course is Course.SUSPECT
    assert trend_of(points([1.0] * 10 + [1.5, 1.5])).course is Course.SUSPECT
    assert trend_of(points([1.0] * 10 + [1.5, 1.5, 1.5])).course is Course.WORSE
    assert trend_of(points([1.0] * 10 + [1.5, 1.0])).course is Course.STEADY
    assert trend_of(points([1.0] * 10 + [1.5]), confirmed_by=1).course is Course.WORSE


def test_seven_runs_are_too_few_to_say_anything() -> None:
    found = trend_of(points([1.0] * 4 + [9.0] * 3))
    assert found.course is Course.FEW
    assert found.usual is None
    assert trend_of(points([1.0] * 5 + [9.0] * 3)).course is Course.WORSE


def test_a_rate_is_worse_when_it_falls() -> None:
    rate = Metric(config="c", server="s", tool="t", name="latency@8.rate", unit=PER_SECOND)
    assert trend_of(points([100.0] * 10 + [80.0] * 3, metric=rate)).course is Course.WORSE
    assert trend_of(points([100.0] * 10 + [130.0] * 3, metric=rate)).course is Course.BETTER


def test_faster_is_better() -> None:
    assert trend_of(points([1.0] * 10 + [0.5, 0.5])).course is Course.BETTER


def test_a_noisy_machine_accuses_nobody() -> None:
    usual = points([1.0] * 10, noise=0.02)
    slow = [Point(run=run(20 + at), figure=Figure(metric=METRIC, value=2.0, noise=0.38)) for at in range(3)]
    assert trend_of([*usual, *slow]).course is Course.NOISY
    again = Point(run=run(30), figure=Figure(metric=METRIC, value=1.0, noise=0.02))
    assert trend_of([*usual, *slow, again]).course is Course.STEADY


def slow_nights(cpu_s: float) -> Trend:
    usual = points([1.0] * 10, cpu_s=0.001, pipe_s=1e-6)
    slow = points([1.4] * 3, cpu_s=cpu_s, pipe_s=1e-6)
    return trend_of([*usual, *(Point(run=run(20 + at), figure=p.figure) for at, p in enumerate(slow))])


def test_what_the_machines_own_slowdown_explains_is_no_regression() -> None:
    assert slow_nights(0.001).course is Course.WORSE
    assert slow_nights(0.0014).course is Course.STEADY


def test_a_machine_that_was_busy_while_it_measured_accuses_nobody() -> None:
    usual, slow = points([1.0] * 10, overhead_s=1e-5), points([1.4] * 3, overhead_s=1.5e-5)
    found = trend_of([*usual, *(Point(run=run(20 + at), figure=p.figure) for at, p in enumerate(slow))])
    assert found.course is Course.STEADY


def test_figures_of_another_call_are_not_compared() -> None:
    usual = [Point(run=run(at), figure=Figure(metric=METRIC, value=1.0, call="a")) for at in range(10)]
    other = [Point(run=run(10 + at), figure=Figure(metric=METRIC, value=5.0, call="b")) for at in range(3)]
    assert trend_of([*usual, *other]).course is Course.FEW


def test_only_series_of_the_newest_run_are_told(
    make_run: Callable[..., RunRecord], make_figure: Callable[..., Figure]
) -> None:
    runs = [(make_run(1), [make_figure(1.0, tool="gone"), make_figure(1.0)]), (make_run(2), [make_figure(1.0)])]
    assert [trend.metric.tool for trend in trends_of(runs)] == ["read"]


def test_the_tail_is_judged_only_when_asked_for(
    make_run: Callable[..., RunRecord], make_figure: Callable[..., Figure]
) -> None:
    runs = [(make_run(1), [make_figure(1.0), make_figure(1.0, name="latency.p95")])]
    assert [trend.metric.name for trend in trends_of(runs)] == ["latency.p50"]
    assert [trend.metric.name for trend in trends_of(runs, metrics=["*.p95"])] == ["latency.p95"]


@pytest.mark.parametrize(("calls", "shown"), [(60.0, ["latency.p95"]), (250.0, ["latency.p95", "latency.p99"])])
def test_the_usual_quantiles_are_shown_as_far_as_calls_stand_behind_them(
    make_run: Callable[..., RunRecord], make_figure: Callable[..., Figure], calls: float, shown: list[str]
) -> None:
    names = {"latency.p50": 1.0, "latency.p95": 2.0, "latency.p99": 3.0, "latency.calls": calls, "open.p99": 9.0}
    runs = [(make_run(1), [make_figure(value, name=name) for name, value in names.items()])]
    assert [trend.metric.name for trend in trends_of(runs)] == ["latency.p50"]
    assert [trend.metric.name for trend in tails_of(runs)] == shown


@given(
    st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=30),
    st.floats(1e-3, 1e3),
    st.sampled_from([METRIC, Metric(config="c", server="s", tool="t", name="x.rate", unit=PER_SECOND)]),
)
def test_the_unit_in_which_time_is_told_changes_no_verdict(values: list[float], factor: float, metric: Metric) -> None:
    # Equal figures may end up a rounding apart once they are multiplied.
    scaled = [value * 2.0 ** round(factor) for value in values]
    assert trend_of(points(values, metric=metric)).course == trend_of(points(scaled, metric=metric)).course
