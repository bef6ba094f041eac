"""What was measured, in the shape of the contract: benchmarks, figures, budgets, workflows, trends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from mcp_assay.core.verdicts import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_assay.core import contract
    from mcp_assay.core.presentation import Presenter
    from mcp_assay.core.verdicts import Verdict

_MOST_BUCKETS = 200
_MOST_POINTS = 1_000
_LATENCIES = ("min", "p50", "p90", "p95", "p99", "max", "mean", "stddev")


def benchmark_entries(
    verdicts: Iterable[Verdict], others: Iterable[Mapping[str, Any]], presenter: Presenter
) -> list[contract.BenchmarkEntry]:
    """Return the contract's ``benchmarks``: those that verdicts carry, then others in the shape of the contract."""
    measured = [(verdict.config, verdict.benchmark) for verdict in verdicts if verdict.benchmark is not None]
    beside = [(str(entry.get("config", "")), entry) for entry in others]
    return [benchmark_entry(entry, config, presenter) for config, entry in (*measured, *beside)]


def figure_entries(verdicts: Iterable[Verdict]) -> list[contract.FigureEntry]:
    """Return the contract's ``figures``, in the order of the verdicts."""
    return [
        {
            "config": verdict.config,
            "server": verdict.server,
            "tool": verdict.tool or "",
            "metric": str(figure["metric"]),
            "value": number(figure["value"]),
            "unit": str(figure["unit"]),
        }
        for verdict in verdicts
        for figure in verdict.figures
    ]


def budget_entries(verdicts: Iterable[Verdict]) -> list[contract.BudgetEntry]:
    """Return the contract's ``budgets``, in the order of the verdicts."""
    return [_budget_entry(verdict, budget) for verdict in verdicts for budget in verdict.budgets]


def _budget_entry(verdict: Verdict, budget: Mapping[str, Any]) -> contract.BudgetEntry:
    """Return one budget; one that is not kept has the word of its verdict, which may be weakened to a warning."""
    word = Outcome(budget["verdict"])
    return {
        "config": verdict.config,
        "server": verdict.server,
        "tool": str(budget.get("tool") or verdict.tool or ""),
        "metric": str(budget["metric"]),
        "threshold": str(budget["threshold"]),
        "limit": finite(budget["limit"]),
        "value": None if budget["value"] is None else number(budget["value"]),
        "unit": str(budget["unit"]),
        "verdict": (verdict.outcome if word is Outcome.FAIL else word).value,
        "nodeid": verdict.nodeid,
    }


def benchmark_entry(entry: Mapping[str, Any], config: str, presenter: Presenter) -> contract.BenchmarkEntry:
    """Return one measurement in the shape of the contract, other fields kept; what is missing is 0 or empty."""
    known: contract.BenchmarkEntry = {
        "config": config,
        "server": presenter.line(str(entry.get("server", ""))),
        "tool": presenter.line(str(entry.get("tool", ""))),
        "mode": str(entry.get("mode", "")),
        "concurrency": int(finite(entry.get("concurrency", 1))),
        "calls": int(finite(entry.get("calls", 0))),
        "errors": int(finite(entry.get("errors", 0))),
        "rate_per_s": finite(entry.get("rate_per_s", 0.0)),
        "latency_s": _latency(entry.get("latency_s") or {}),
        "overhead_s": finite(entry.get("overhead_s", 0.0)),
    }
    if "budget_p95_s" in entry:
        known["budget_p95_s"] = finite(entry["budget_p95_s"])
    others = {key: value for key, value in entry.items() if key not in {"histogram", *known}}
    shown: contract.BenchmarkEntry = presenter.json({**others, **known})
    buckets = _histogram(entry.get("histogram"))
    return {**shown, "histogram": buckets} if buckets else shown


def _histogram(value: object) -> list[list[float]]:
    """Return the buckets of a histogram in the shape of the contract; nothing when they are not pairs of numbers."""
    buckets = list(cast("Sequence[object]", value)) if isinstance(value, list | tuple) else []
    pairs = [list(cast("Sequence[object]", bucket)) for bucket in buckets if isinstance(bucket, list | tuple)]
    return [[finite(part) for part in pair] for pair in pairs[:_MOST_BUCKETS] if len(pair) == 2]


def workflow_entry(workflow: contract.WorkflowEntry, presenter: Presenter) -> contract.WorkflowEntry:
    """Return one workflow with its texts presented, other fields kept."""
    known: contract.WorkflowEntry = {
        "name": presenter.line(workflow["name"]),
        "servers": [presenter.line(server) for server in workflow["servers"]],
        "verdict": workflow["verdict"],
        "steps": [presenter.json(step) for step in workflow["steps"]],
    }
    others = {key: presenter.json(value) for key, value in workflow.items() if key not in known}
    whole: contract.WorkflowEntry = {**known, **others}  # type: ignore[typeddict-item]  # a contract may grow
    return whole


def _latency(values: Mapping[str, Any]) -> contract.Latency:
    """Return a distribution in the shape of the contract."""
    low, p50, p90, p95, p99, high, mean, stddev = (finite(values.get(name, 0.0)) for name in _LATENCIES)
    return {"min": low, "p50": p50, "p90": p90, "p95": p95, "p99": p99, "max": high, "mean": mean, "stddev": stddev}


def trend_entry(trend: contract.TrendEntry, presenter: Presenter) -> contract.TrendEntry:
    """Return one trend with its texts presented and its latest points; what is no number is left out.

    Change points keep pointing at their points.
    """
    finite_points = [(at, point) for at, point in enumerate(trend["points"]) if math.isfinite(point["value"])]
    kept = finite_points[-_MOST_POINTS:]
    place = {at: number for number, (at, _) in enumerate(kept)}
    shown: contract.TrendEntry = {
        "server": presenter.line(trend["server"]),
        "tool": None if trend["tool"] is None else presenter.line(trend["tool"]),
        "metric": presenter.line(trend["metric"], 80),
        "unit": presenter.line(trend["unit"], 40),
        "points": [_trend_point(point, presenter) for _, point in kept],
        "change_points": sorted(place[at] for at in set(trend["change_points"]) if at in place),
    }
    return {**shown, "config": presenter.line(trend["config"])} if "config" in trend else shown


def _trend_point(point: contract.TrendPoint, presenter: Presenter) -> contract.TrendPoint:
    """Return one run of the past with its texts presented."""
    commit = None if point["commit"] is None else presenter.line(point["commit"], 80)
    return {"at": presenter.line(point["at"], 40), "commit": commit, "value": point["value"]}


def finite(value: object) -> float:
    """Return a measured number that JSON can hold and that is not negative; 0 for anything else."""
    return max(0.0, number(value))


def number(value: object) -> float:
    """Return a measured number that JSON can hold; 0 for anything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
