"""Metrics over past runs in the HTML report: a small chart each, the level between changes, and the same in words."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from mcp_assay.core.quantities import shown
from mcp_assay_reports.texts import line, plural, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.core.contract import Document, TrendEntry, TrendPoint

MOST_TRENDS = 300
"""Charts that are drawn; those with changes come first, the rest is in the JSON report."""

_MOST_POINTS = 120
_WIDTH = 320
_HEIGHT = 96
_SPARK_WIDTH = 96
_SPARK_HEIGHT = 22
_MARGIN = 6
_LEAST_SPAN = 0.1


def trend_section(document: Document) -> str:
    """Return a chart for each metric that was measured in at least two runs, the changed ones first."""
    trends = [trend for trend in document.get("trends", []) if len(trend["points"]) > 1]
    if not trends:
        return ""
    return "".join(_section(sorted(trends, key=_urgency)))


def _urgency(trend: TrendEntry) -> tuple[bool, bool, bool]:
    """Return what orders trends: worse ones, then those that changed, last those that never were another value."""
    points, changes = _shown(trend)
    return trend.get("course") != "worse", not changes, len({point["value"] for point in points}) == 1


def sparkline(document: Document, config: str, server: str) -> str:
    """Return a server's score over past runs as a small line, nothing without a history."""
    for trend in document.get("trends", []):
        of_server = (trend.get("config", config), trend["server"], trend["tool"]) == (config, server, None)
        if of_server and trend["metric"] == "score" and len(trend["points"]) > 1:
            points, _ = _shown(trend)
            drawn = _line(points, _Frame(points, _SPARK_WIDTH, _SPARK_HEIGHT))
            words = f"score over {plural(len(points), 'run')}"
            return (
                f'<svg class="spark" viewBox="0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}" role="img" aria-label="{words}">'
                f"<title>{words}</title>{drawn}</svg>"
            )
    return ""


class _Frame:
    """Where points stand in a chart: runs at equal distances, values between the least and the greatest.

    The span is at least a tenth of the values, so that noise does not look like a cliff.
    """

    def __init__(self, points: Sequence[TrendPoint], width: int, height: int) -> None:
        values = [point["value"] for point in points]
        low, high = min(values), max(values)
        lacking = max(0.0, _LEAST_SPAN * max(abs(low), abs(high), 1e-9) - (high - low)) / 2
        self._low, self._high = low - lacking, high + lacking
        self._last = max(len(points) - 1, 1)
        self._width, self._height = width, height

    def x(self, at: float) -> float:
        """Return where the run with an index stands."""
        return round(_MARGIN + (self._width - 2 * _MARGIN) * at / self._last, 1)

    def y(self, value: float) -> float:
        """Return where a value stands."""
        share = (value - self._low) / (self._high - self._low)
        return round(self._height - _MARGIN - (self._height - 2 * _MARGIN) * share, 1)


def _section(trends: Sequence[TrendEntry]) -> Iterator[str]:
    """Yield the charts and what they show."""
    changed = sum(bool(_shown(trend)[1]) for trend in trends)
    yield "<h2>Trends</h2>"
    yield (
        f"<p>{plural(len(trends), 'metric')} over past runs, {changed} with a change of level. The thin line is what "
        "each run measured, the thick one the median between changes, the dashed mark the first run at a new level, "
        "the dotted line the value beyond which a run is worse than noise explains.</p>"
    )
    yield '<div class="filters" id="trend-filter" hidden><label>Find a metric '
    yield '<input type="search" autocomplete="off"></label><output></output></div><ul class="trends">'
    yield from (_card(trend) for trend in trends[:MOST_TRENDS])
    yield "</ul>"
    if len(trends) > MOST_TRENDS:
        yield f"<p>and {plural(len(trends) - MOST_TRENDS, 'more metric')} in the JSON report</p>"


def _card(trend: TrendEntry) -> str:
    """Return one metric: where it is measured, the chart, the last value, the changes in words."""
    points, changes = _shown(trend)
    where = trend["server"] if trend["tool"] is None else f"{trend['server']}: {trend['tool']}"
    values = [point["value"] for point in points]
    last, unit, metric = points[-1], trend["unit"], escape(line(trend["metric"], 60))
    told = "".join(f"<li>{escape(words)}</li>" for words in _changes_in_words(points, changes, unit))
    kind = " worse" if trend.get("course") == "worse" else " changed" if changes else ""
    return (
        f'<li class="trend{kind}"><h3>{escape(line(where, 80))}</h3>'
        f'<p><span class="soft">{metric}</span> <strong>{_value(last["value"], unit)}</strong> '
        f'<span class="soft">between {_value(min(values), unit)} and {_value(max(values), unit)} in '
        f"{plural(len(points), 'run')}</span></p>{_chart(trend, points, changes)}"
        f'<p class="ends soft"><span>{_end(points[0], last)}</span><span>{_end(last, points[0])}</span></p>'
        f"{f'<ul>{told}</ul>' if told else ''}</li>"
    )


def _shown(trend: TrendEntry) -> tuple[list[TrendPoint], list[int]]:
    """Return the latest points of a trend, and which of them start a new level."""
    left_out = max(0, len(trend["points"]) - _MOST_POINTS)
    points = trend["points"][left_out:]
    changes = (at - left_out for at in sorted(set(trend["change_points"])))
    return points, [at for at in changes if 0 < at < len(points)]


def _chart(trend: TrendEntry, points: Sequence[TrendPoint], changes: Sequence[int]) -> str:
    """Return the chart of a trend, with the value beyond which it is worse than its noise explains, if known."""
    limit = trend.get("limit")
    frame = _Frame(points, _WIDTH, _HEIGHT)
    marks = "".join(
        f'<line class="change" x1="{frame.x(at - 0.5)}" y1="2" x2="{frame.x(at - 0.5)}" y2="{_HEIGHT - 2}"/>'
        for at in changes
    )
    if limit is not None and 0 <= frame.y(limit) <= _HEIGHT:
        marks += f'<line class="limit" x1="0" y1="{frame.y(limit)}" x2="{_WIDTH}" y2="{frame.y(limit)}"/>'
    levels = "".join(_level(points, start, end, frame) for start, end in _segments(points, changes))
    last = f'<circle cx="{frame.x(len(points) - 1)}" cy="{frame.y(points[-1]["value"])}" r="3.5"/>'
    label = escape(line(f"{trend['metric']} of {trend['server']} over {plural(len(points), 'run')}", 160))
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        f"{marks}{_line(points, frame)}{levels}{last}</svg>"
    )


def _line(points: Sequence[TrendPoint], frame: _Frame) -> str:
    """Return the line through all points."""
    places = " ".join(f"{frame.x(at)},{frame.y(point['value'])}" for at, point in enumerate(points))
    return f'<polyline points="{places}"/>'


def _segments(points: Sequence[TrendPoint], changes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last index of each level."""
    bounds = [0, *changes, len(points)]
    yield from ((start, end - 1) for start, end in pairwise(bounds))


def _level(points: Sequence[TrendPoint], start: int, end: int, frame: _Frame) -> str:
    """Return the median between two changes as a line."""
    y = frame.y(median(point["value"] for point in points[start : end + 1]))
    left, right = frame.x(max(0.0, start - 0.5)), frame.x(min(len(points) - 1.0, end + 0.5))
    return f'<line class="level" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>'


def _changes_in_words(points: Sequence[TrendPoint], changes: Sequence[int], unit: str) -> Iterator[str]:
    """Yield each change: from which level to which, since which run."""
    levels = [median(point["value"] for point in points[start : end + 1]) for start, end in _segments(points, changes)]
    for number, at in enumerate(changes):
        commit = f" at {line(points[at]['commit'] or '', 80)[:10]}" if points[at]["commit"] else ""
        before, after = _value(levels[number], unit), _value(levels[number + 1], unit)
        yield f"{before} to {after} since {_day(points[at])}{commit}"


def _value(value: float, unit: str) -> str:
    """Return a measured value in its unit."""
    if unit == "s" and value >= 0:
        return seconds(value)
    return f"{value:.4g}" if unit in {"", "points"} else escape(shown(value, line(unit, 20)))


def _day(point: TrendPoint) -> str:
    """Return the day of a run."""
    return line(point["at"], 40)[:10]


def _end(point: TrendPoint, other: TrendPoint) -> str:
    """Return the day of a run at one end of a chart, its time when both ends are of one day."""
    when = line(point["at"], 40)
    return escape(when[11:16] if _day(point) == _day(other) else when[:10])
