"""The measured parts of the HTML report: latencies as ranges on one scale, workflows as steps in time."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from mcp_assay_reports.texts import line, plural, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.contract import BenchmarkEntry, Document, StepEntry, WorkflowEntry

_WIDTH = 1_000
_HEIGHT = 36
_FLOOR = 26
_MOST = 1_000
_STEP_TITLES = ("Step", "Needs", "Server", "Tool", "Outcome", "Took", "When")
_NUMBER = ' class="number"'
_LATENCY_TEXTS = ("Server", "Tool", "Load", "Range")
_LATENCY_TITLES = ("Server", "Tool", "Load", "Calls", "Errors", "p50", "p90", "p95", "p99", "Range")


class _Scale:
    """A logarithmic scale of durations over the width of a chart."""

    def __init__(self, shortest: float, longest: float) -> None:
        self._low = math.log10(max(shortest, 1e-7))
        self._span = max(math.log10(max(longest, 1e-7)) - self._low, 1e-9)

    def at(self, value: float) -> float:
        """Return where a duration in seconds stands, 0…1000."""
        share = (math.log10(max(value, 1e-7)) - self._low) / self._span
        return round(min(1.0, max(0.0, share)) * _WIDTH, 1)


def latency_section(document: Document) -> str:
    """Return the table of measurements, every range on the same scale."""
    entries = document["benchmarks"][:_MOST]
    if not entries:
        return ""
    return "".join(_latency_table(entries, len(document["benchmarks"]) - len(entries)))


def _latency_table(entries: list[BenchmarkEntry], missing: int) -> Iterator[str]:
    """Yield the table of measurements and what its ranges mean."""
    shortest = min(entry["latency_s"]["min"] for entry in entries)
    longest = max(max(entry["latency_s"]["max"], entry.get("budget_p95_s", 0.0)) for entry in entries)
    scale = _Scale(shortest, longest)
    head = "".join(_title(title) for title in _LATENCY_TITLES)
    yield f"<h2>Latency</h2><p>{_legend(shortest, longest)}</p>"
    yield f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>'
    yield from (_latency_row(entry, scale) for entry in entries)
    yield "</tbody></table></div>"
    if missing > 0:
        yield f"<p>and {plural(missing, 'more measurement')} in the JSON report</p>"


def _title(title: str) -> str:
    """Return a column's title, to the right over numbers."""
    return f'<th scope="col"{"" if title in _LATENCY_TEXTS else _NUMBER}>{title}</th>'


def _legend(shortest: float, longest: float) -> str:
    """Return what the ranges show, in words."""
    return (
        f"Ranges run from {seconds(shortest)} to {seconds(longest)} on a logarithmic scale. Above, how many calls took "
        "how long; below, the line from the shortest to the longest call and on it the bar from p50 to p95. "
        "The upright mark is p99, the dashed one the budget for p95. "
        "The number after the load model is that of calls in flight."
    )


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
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{words}">{bars}'
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


def workflow_section(document: Document) -> str:
    """Return every workflow with its steps in order."""
    if not document["workflows"]:
        return ""
    return "<h2>Workflows</h2>" + "".join(_workflow(workflow) for workflow in document["workflows"][:_MOST])


def _workflow(workflow: WorkflowEntry) -> str:
    """Return one workflow: its verdict, its servers, its steps on a common line of time."""
    steps = workflow["steps"][:_MOST]
    length = max((_started(steps, at) + step["duration_s"] for at, step in enumerate(steps)), default=0.0) or 1.0
    rows = "".join(_step(step, _started(steps, at), length) for at, step in enumerate(steps))
    titles = "".join(f'<th scope="col">{title}</th>' for title in _STEP_TITLES)
    servers = escape(line(", ".join(workflow["servers"])))
    verdict = workflow["verdict"]
    return (
        f'<h3>{escape(line(workflow["name"], 120))} <span class="chip {verdict}">{verdict}</span></h3>'
        f'<p class="soft">over {servers}, {seconds(length)} in all</p>'
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _started(steps: list[StepEntry], at: int) -> float:
    """Return when a step started; steps that do not say so are taken to follow each other."""
    return steps[at].get("started_s", sum(step["duration_s"] for step in steps[:at]))


def _step(step: StepEntry, started: float, length: float) -> str:
    """Return one step: what it needs, what it did, and when."""
    needs = ", ".join(step.get("needs", []))
    texts = "".join(
        f"<td>{escape(line(text, 80))}</td>" for text in (needs, step["server"], step["tool"], step["outcome"])
    )
    bar = _bar(started / length, step["duration_s"] / length)
    return (
        f'<tr><th scope="row">{escape(line(step["id"], 80))}</th>{texts}'
        f'<td class="number">{seconds(step["duration_s"])}</td><td>{bar}</td></tr>'
    )


def _bar(start: float, share: float) -> str:
    """Return a step as a bar from its start, both as shares of the workflow's time."""
    left = round(min(1.0, max(0.0, start)) * _WIDTH, 1)
    width = max(round(min(1.0, max(0.0, share)) * _WIDTH, 1), 2)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="body" x="{left}" y="12" width="{width}" height="12"/></svg>'
    )
