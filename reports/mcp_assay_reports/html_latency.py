"""Latencies in the HTML report: histogram, percentiles and budget of each measurement, all on one scale."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from mcp_assay_reports.texts import line, plural, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.contract import BenchmarkEntry, Document

_WIDTH = 1_000
_HEIGHT = 36
_FLOOR = 26
_MOST = 400
_DECADES = tuple(10.0**power for power in range(-6, 4))
_NUMBER = ' class="number"'
_LATENCY_TEXTS = ("Server", "Tool", "Load")
_LATENCY_TITLES = ("Server", "Tool", "Load", "Calls", "Errors", "p50", "p90", "p95", "p99")


class _Scale:
    """A logarithmic scale of durations over the width of a chart."""

    def __init__(self, shortest: float, longest: float) -> None:
        self._low = math.log10(max(shortest, 1e-7))
        self._span = max(math.log10(max(longest, 1e-7)) - self._low, 1e-9)

    def at(self, value: float) -> float:
        """Return where a duration in seconds stands, 0…1000."""
        share = (math.log10(max(value, 1e-7)) - self._low) / self._span
        return round(min(1.0, max(0.0, share)) * _WIDTH, 1)

    @property
    def grid(self) -> list[float]:
        """Return the powers of ten between the ends, in seconds."""
        return [value for value in _DECADES if 0 < self.at(value) < _WIDTH]


def latency_section(document: Document) -> str:
    """Return the table of measurements, every range on the same scale."""
    limits = _limits(document)
    entries = [_with_limit(entry, limits) for entry in document["benchmarks"][:_MOST]]
    if not entries:
        return ""
    return "".join(_latency_table(entries, len(document["benchmarks"]) - len(entries)))


def _limits(document: Document) -> dict[tuple[str, str, str], float]:
    """Return the user's limits for p95 in seconds, by configuration, server and tool."""
    return {
        (budget.get("config", ""), budget["server"], budget["tool"]): budget["limit"]
        for budget in document.get("budgets", [])
        if budget["metric"] == "p95"
    }


def _with_limit(entry: BenchmarkEntry, limits: Mapping[tuple[str, str, str], float]) -> BenchmarkEntry:
    """Return a measurement with the user's limit in place of the usual one, where that is measured: one in flight."""
    limit = limits.get((entry.get("config", ""), entry["server"], entry["tool"]))
    alone = entry["mode"] == "closed" and entry["concurrency"] == 1
    return {**entry, "budget_p95_s": limit} if alone and limit is not None else entry


def _latency_table(entries: list[BenchmarkEntry], missing: int) -> Iterator[str]:
    """Yield the table of measurements and what its ranges mean."""
    shortest = min(entry["latency_s"]["min"] for entry in entries)
    longest = max(max(entry["latency_s"]["max"], entry.get("budget_p95_s", 0.0)) for entry in entries)
    scale = _Scale(shortest / 1.2, longest * 1.2)
    head = "".join(_title(title) for title in _LATENCY_TITLES)
    yield f"<h2>Latency</h2>{_legend(shortest, longest)}"
    yield f'<div class="scroll"><table class="latency"><thead><tr>{head}<th scope="col">{_axis(scale)}</th></tr>'
    yield "</thead><tbody>"
    yield from (_latency_row(entry, scale) for entry in entries)
    yield "</tbody></table></div>"
    if missing > 0:
        yield f"<p>and {plural(missing, 'more measurement')} in the JSON report</p>"


def _title(title: str) -> str:
    """Return a column's title, to the right over numbers."""
    return f'<th scope="col"{"" if title in _LATENCY_TEXTS else _NUMBER}>{title}</th>'


def _legend(shortest: float, longest: float) -> str:
    """Return what the drawings show, in words and with a sample of each mark."""
    samples = (
        ("bar", '<rect class="bar" x="2" y="2" width="10" height="10"/>', "how many calls took how long"),
        ("range", '<line class="range" x1="0" y1="7" x2="14" y2="7"/>', "from the shortest to the longest call"),
        ("body", '<rect class="body" x="0" y="4" width="14" height="6"/>', "from p50 to p95"),
        ("tick", '<line class="tick" x1="7" y1="1" x2="7" y2="13"/>', "p99"),
        (
            "budget",
            '<line class="budget" x1="7" y1="0" x2="7" y2="14"/>',
            "budget for p95, red where it is missed",
        ),
    )
    marks = "".join(
        f'<li><svg class="sample" viewBox="0 0 14 14" aria-hidden="true">{drawn}</svg> {words}</li>'
        for _, drawn, words in samples
    )
    return (
        f"<p>From {seconds(shortest)} to {seconds(longest)} on a logarithmic scale. The number after the load model is "
        f'that of calls in flight.</p><ul class="legend">{marks}</ul>'
    )


def _axis(scale: _Scale) -> str:
    """Return the powers of ten over the drawings."""
    marks = "".join(
        f'<text x="{scale.at(value) * 100 / _WIDTH:.1f}%" y="12" text-anchor="middle">{seconds(value)}</text>'
        for value in scale.grid
    )
    return f'<svg class="axis" role="img" aria-label="Scale">{marks}</svg>'


def _latency_row(entry: BenchmarkEntry, scale: _Scale) -> str:
    """Return one measurement."""
    latency = entry["latency_s"]
    target = entry["tool"] or ("its start" if entry["mode"] == "cold-start" else "")
    load = line(f"{entry['mode']}, {entry['concurrency']}", 60)
    numbers = [entry["calls"], entry["errors"], *(seconds(latency[name]) for name in ("p50", "p90", "p95", "p99"))]
    cells = "".join(f'<td class="number">{value}</td>' for value in numbers)
    return (
        f'<tr><th scope="row">{escape(line(entry["server"], 80))}</th><td>{escape(line(target, 80))}</td>'
        f"<td class='tight'>{escape(load)}</td>{cells}<td>{_range(entry, scale)}</td></tr>"
    )


def _range(entry: BenchmarkEntry, scale: _Scale) -> str:
    """Return a distribution as a drawing that also says its figures."""
    latency, budget = entry["latency_s"], entry.get("budget_p95_s")
    low, p50, p95, p99, high = (scale.at(latency[name]) for name in ("min", "p50", "p95", "p99", "max"))
    words = ", ".join(f"{name} {seconds(latency[name])}" for name in ("min", "p50", "p95", "p99", "max"))
    bars = _bars(entry.get("histogram", []), scale)
    body = f'<rect class="body" x="{p50}" y="{_FLOOR}" width="{max(round(p95 - p50, 1), 3)}" height="6"/>'
    limit = "" if budget is None else _mark("budget", scale.at(budget))
    words += "" if budget is None else f", budget for p95 {seconds(budget)}"
    over = " over" if budget is not None and latency["p95"] > budget else ""
    grid = "".join(_mark("grid", scale.at(value)) for value in scale.grid)
    return (
        f'<svg class="range{over}" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{words}"><title>{words}</title>{grid}{bars}'
        f'<line class="range" x1="{low}" y1="{_FLOOR + 3}" x2="{high}" y2="{_FLOOR + 3}"/>{body}'
        f"{_mark('tick', p99)}{limit}</svg>"
    )


def _bars(buckets: list[list[float]], scale: _Scale) -> str:
    """Return a histogram as bars on the scale; the first bucket is as wide as the second."""
    most = max((count for _, count in buckets), default=0.0)
    if not most:
        return ""
    ratio = buckets[1][0] / buckets[0][0] if len(buckets) > 1 and buckets[0][0] else 10**0.1
    drawn: list[str] = []
    for bound, count in buckets:
        left, right, height = scale.at(bound / ratio), scale.at(bound), round(_FLOOR * count / most, 1)
        if height:
            drawn.append(
                f'<rect class="bar" x="{left}" y="{round(_FLOOR - height, 1)}" '
                f'width="{max(round(right - left, 1), 1)}" height="{height}"/>'
            )
    return "".join(drawn)


def _mark(kind: str, at: float) -> str:
    """Return an upright mark."""
    return f'<line class="{kind}" x1="{at}" y1="2" x2="{at}" y2="{_HEIGHT - 1}"/>'
