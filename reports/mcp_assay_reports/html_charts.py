"""The measured parts of the HTML report: latencies as ranges on one scale, workflows as steps in time."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from mcp_assay_reports.texts import line, plural, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.contract import BenchmarkEntry, Document, Latency, WorkflowEntry

_WIDTH = 1_000
_HEIGHT = 24
_MOST = 1_000
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
    longest = max(max(entry["latency_s"]["max"], _budget(entry) or 0.0) for entry in entries)
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
        f"Ranges run from {seconds(shortest)} to {seconds(longest)} on a logarithmic scale: the line from the shortest "
        "to the longest call, the bar from p50 to p95, the mark at p99, the dashed mark at the budget for p95. "
        "The number after the load model is that of calls in flight."
    )


def _latency_row(entry: BenchmarkEntry, scale: _Scale) -> str:
    """Return one measurement."""
    latency = entry["latency_s"]
    load = line(f"{entry['mode']}, {entry['concurrency']}", 60)
    numbers = [entry["calls"], entry["errors"], *(seconds(latency[name]) for name in ("p50", "p90", "p95", "p99"))]
    cells = "".join(f'<td class="number">{value}</td>' for value in numbers)
    return (
        f'<tr><th scope="row">{escape(line(entry["server"], 80))}</th><td>{escape(line(entry["tool"], 80))}</td>'
        f"<td>{escape(load)}</td>{cells}<td>{_range(latency, _budget(entry), scale)}</td></tr>"
    )


def _budget(entry: BenchmarkEntry) -> float | None:
    """Return the longest p95 that is no finding, None without one."""
    return entry.get("budget_p95_s")


def _range(latency: Latency, budget: float | None, scale: _Scale) -> str:
    """Return a distribution as a drawing that also says its figures."""
    low, p50, p95, p99, high = (scale.at(latency[name]) for name in ("min", "p50", "p95", "p99", "max"))
    words = ", ".join(f"{name} {seconds(latency[name])}" for name in ("min", "p50", "p95", "p99", "max"))
    limit = "" if budget is None else _mark("budget", scale.at(budget))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{words}">'
        f'<line class="range" x1="{low}" y1="12" x2="{high}" y2="12"/>'
        f'<rect class="body" x="{p50}" y="6" width="{max(round(p95 - p50, 1), 3)}" height="12"/>'
        f"{_mark('tick', p99)}{limit}</svg>"
    )


def _mark(kind: str, at: float) -> str:
    """Return an upright mark."""
    return f'<line class="{kind}" x1="{at}" y1="2" x2="{at}" y2="22"/>'


def workflow_section(document: Document) -> str:
    """Return every workflow with its steps in order."""
    if not document["workflows"]:
        return ""
    return "<h2>Workflows</h2>" + "".join(_workflow(workflow) for workflow in document["workflows"][:_MOST])


def _workflow(workflow: WorkflowEntry) -> str:
    """Return one workflow: its verdict, its servers, its steps."""
    longest = max((step["duration_s"] for step in workflow["steps"]), default=0.0) or 1.0
    rows = "".join(
        f'<tr><th scope="row">{escape(line(step["id"], 80))}</th><td>{escape(line(step["server"], 80))}</td>'
        f"<td>{escape(line(step['tool'], 80))}</td><td>{escape(line(step['outcome'], 80))}</td>"
        f'<td class="number">{seconds(step["duration_s"])}</td><td>{_bar(step["duration_s"] / longest)}</td></tr>'
        for step in workflow["steps"][:_MOST]
    )
    titles = "".join(f'<th scope="col">{title}</th>' for title in ("Step", "Server", "Tool", "Outcome", "Took", ""))
    servers = escape(line(", ".join(workflow["servers"])))
    verdict = workflow["verdict"]
    return (
        f'<h3>{escape(line(workflow["name"], 120))} <span class="chip {verdict}">{verdict}</span></h3>'
        f'<p class="soft">over {servers}</p><div class="scroll"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _bar(share: float) -> str:
    """Return a step's duration as a bar, relative to the longest step."""
    width = round(min(1.0, max(0.0, share)) * _WIDTH, 1)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="body" x="0" y="6" width="{width}" height="12"/></svg>'
    )
