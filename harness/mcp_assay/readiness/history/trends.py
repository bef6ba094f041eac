"""What a series of figures says: its usual level, whether the newest is worse, and where it moved for good.

Only figures of one machine and of one call are held against each other. A figure from a noisy machine speaks neither
for nor against a server, and what the machine's own slowdown explains is no regression.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from statistics import median
from typing import TYPE_CHECKING

from mcp_assay.load.machine import INDICATIVE_NOISE
from mcp_assay.load.regression import FEWEST, change
from mcp_assay.load.shifts import Shift, shifts
from mcp_assay.readiness.history.points import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_assay.readiness.history.database import RunRecord
    from mcp_assay.readiness.history.points import Figure, Metric

WINDOW = 20
"""Earlier figures that say what is usual."""
CONFIRMED_BY = 3
"""Runs in a row that must be worse. Over hundreds of series one bad night is no news, and two are rare but happen."""
UNJUDGED = ("*.p95", "*.p99", f"*.{CALLS}")
"""Metrics that are kept and judged when asked for: of fifty calls the 95th percentile is two or three of them."""
TAILS = {"latency.p95": 0, "latency.p99": 250}
"""Those of them that are shown all the same, without a word on what their newest figure says, and from how many calls.

Of 250 calls the 99th percentile is two or three, as the 95th is of fifty.
"""


class Course(StrEnum):
    """What the newest figure of a series says."""

    FEW = "few"
    NOISY = "noisy"
    STEADY = "steady"
    BETTER = "better"
    SUSPECT = "suspect"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A figure and the run it is from."""

    run: RunRecord
    figure: Figure

    @property
    def is_noisy(self) -> bool:
        """Whether the machine was too noisy for the figure to count."""
        return (self.figure.noise or 0.0) >= INDICATIVE_NOISE


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A lasting change of level.

    Attributes:
        point: The first figure on the new level.
        shift: The levels.
    """

    point: Point
    shift: Shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One series.

    Attributes:
        metric: What it is of.
        points: Its figures, oldest first.
        course: What the newest one says.
        usual: Median of the figures before, None while there are too few.
        limit: The worst figure that their noise explains, None likewise.
        turns: Where the level changed for good.
    """

    metric: Metric
    points: tuple[Point, ...]
    course: Course
    usual: float | None = None
    limit: float | None = None
    turns: tuple[Turn, ...] = ()

    @property
    def value(self) -> float:
        """The newest figure."""
        return self.points[-1].figure.value

    @property
    def share(self) -> float | None:
        """How much larger than usual the newest figure is, 0.15 for 15 %; None when nothing is usual or that is 0."""
        return None if not self.usual else self.value / self.usual - 1

    def __str__(self) -> str:
        """Return the series and what is wrong with its newest figure in one sentence."""
        metric = self.metric
        subject = ".".join(part for part in (metric.server, metric.tool) if part)
        told = f"{subject}: {metric.name} is {self.value:.4g} {metric.unit}"
        if self.usual is None or self.limit is None:
            return told
        share = "" if self.share is None else f" ({self.share:+.0%})"
        return f"{told}, usually {self.usual:.4g}{share}; noise explains up to {self.limit:.4g}"


def trends_of(
    runs: Sequence[tuple[RunRecord, Sequence[Figure]]],
    *,
    metrics: Sequence[str] = (),
    window: int = WINDOW,
    confirmed_by: int = CONFIRMED_BY,
) -> list[Trend]:
    """Return the trend of every series that the newest run has a figure of.

    Args:
        runs: Runs of one machine with their figures, oldest first.
        metrics: Patterns of metric names; none means all but `UNJUDGED`.
        window: See `WINDOW`.
        confirmed_by: See `CONFIRMED_BY`.
    """
    series: dict[Metric, list[Point]] = {}
    for run, figures in runs:
        for figure in figures:
            if is_wanted(figure.metric.name, metrics):
                series.setdefault(figure.metric, []).append(Point(run=run, figure=figure))
    newest = runs[-1][0].id if runs else None
    return [
        trend_of(points, window=window, confirmed_by=confirmed_by)
        for _, points in sorted(series.items())
        if points[-1].run.id == newest
    ]


def tails_of(runs: Sequence[tuple[RunRecord, Sequence[Figure]]]) -> list[Trend]:
    """Return the series of `TAILS` that the newest run has on enough calls, to be shown and not judged."""
    figures = runs[-1][1] if runs else ()
    calls = {_subject(figure.metric): figure.value for figure in figures if figure.metric.name == f"latency.{CALLS}"}
    return [
        trend
        for trend in trends_of(runs, metrics=tuple(TAILS))
        if calls.get(_subject(trend.metric), 0) >= TAILS[trend.metric.name]
    ]


def vanished(runs: Sequence[tuple[RunRecord, Sequence[Figure]]], *, metrics: Sequence[str] = ()) -> list[Metric]:
    """Return what the run before the newest has a figure of and the newest has not, so that nobody takes it for well.

    Args:
        runs: Runs of one machine with their figures, oldest first.
        metrics: See `trends_of`.
    """
    if len(runs) < 2:
        return []
    before, now = ({figure.metric for figure in figures} for _, figures in runs[-2:])
    return sorted(metric for metric in before - now if is_wanted(metric.name, metrics))


def _subject(metric: Metric) -> tuple[str, str, str]:
    """Return what a metric is of, whatever is measured of it."""
    return metric.config, metric.server, metric.tool


def is_wanted(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a metric is looked at."""
    chosen = list(patterns)
    if chosen:
        return any(fnmatchcase(name, pattern) for pattern in chosen)
    return not any(fnmatchcase(name, pattern) for pattern in UNJUDGED)


def trend_of(points: Sequence[Point], *, window: int = WINDOW, confirmed_by: int = CONFIRMED_BY) -> Trend:
    """Return the trend of one series of at least one figure, oldest first."""
    newest = points[-1]
    metric = newest.figure.metric
    comparable = [p for p in points if p.figure.call == newest.figure.call and not p.is_noisy]
    turns = tuple(
        Turn(point=comparable[shift.index], shift=shift) for shift in shifts([p.figure.value for p in comparable])
    )
    latest, earlier = comparable[-confirmed_by:], comparable[:-confirmed_by][-window:]
    if newest.is_noisy or len(earlier) < FEWEST:
        course = Course.NOISY if newest.is_noisy else Course.FEW
        return Trend(metric=metric, points=tuple(points), course=course, turns=turns)
    usual = median(p.figure.value for p in earlier)
    limits = [_limit(p, earlier) for p in latest]
    return Trend(
        metric=metric,
        points=tuple(points),
        course=_course(latest, limits, usual),
        usual=usual,
        limit=limits[-1],
        turns=turns,
    )


def _course(latest: Sequence[Point], limits: Sequence[float], usual: float) -> Course:
    """Return what the latest figures say: worse when all of them are beyond their limit."""
    worse = [_is_beyond(p.figure.value, limit, usual) for p, limit in zip(latest, limits, strict=True)]
    if worse[-1]:
        return Course.WORSE if all(worse) else Course.SUSPECT
    # What lies as far on the good side as the limit does on the bad one is better.
    if _is_beyond(2 * usual - latest[-1].figure.value, limits[-1], usual):
        return Course.BETTER
    return Course.STEADY


def _is_beyond(value: float, limit: float, usual: float) -> bool:
    """Return whether a value lies on the far side of a limit, seen from what is usual."""
    return value > limit if limit >= usual else value < limit


def _limit(point: Point, earlier: Sequence[Point]) -> float:
    """Return the worst value that the noise of earlier figures and the machine's own slowdown explain."""
    sign = -1.0 if point.figure.metric.more_is_better else 1.0
    held = change(sign * point.figure.value, [sign * p.figure.value for p in earlier])
    if held is None:
        raise ValueError("too few earlier figures")
    slower = _slowdown(point, earlier)
    return held.limit * slower if sign > 0 else -held.limit / slower


def _slowdown(point: Point, earlier: Sequence[Point]) -> float:
    """Return how many times slower than usual the machine itself was, at least 1."""
    pairs = [
        (point.figure.cpu_s, [p.figure.cpu_s for p in earlier if p.figure.cpu_s]),
        (point.figure.pipe_s, [p.figure.pipe_s for p in earlier if p.figure.pipe_s]),
        (point.figure.overhead_s, [p.figure.overhead_s for p in earlier if p.figure.overhead_s]),
    ]
    return max([1.0, *(now / median(before) for now, before in pairs if now and before)])
