"""Figures for ``benchmark-action/github-action-benchmark``, its tool ``customSmallerIsBetter``.

Only figures of which less is better are in it, because the tool takes one direction for a whole file: times and shares
of failed calls, not rates and scores.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcp_assay_reports.texts import line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.contract import BenchmarkEntry, Document

_MILLI = 1_000


def render(document: Document) -> str:
    """Return the figures as a JSON array of objects with ``name``, ``unit``, ``value``, ``range`` and ``extra``."""
    entries = [entry for measured in document["benchmarks"] for entry in _entries(measured)]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _entries(measured: BenchmarkEntry) -> Iterator[dict[str, Any]]:
    """Yield the figures of one measurement, named the same in every run."""
    subject = ".".join(line(part, 200) for part in (measured["server"], measured["tool"]) if part)
    # How many calls an open loop had open at most is not the same every night.
    several = measured["mode"] == "closed" and measured["concurrency"] > 1
    load = f"closed x{measured['concurrency']}" if several else measured["mode"]
    latency = measured["latency_s"]
    extra = f"{measured['calls']} calls, {measured['rate_per_s']:.4g}/s"
    for name in ("p50", "p95"):
        yield {
            "name": f"{subject} {load} {name}",
            "unit": "ms",
            "value": latency["p50"] * _MILLI if name == "p50" else latency["p95"] * _MILLI,
            "range": f"± {latency['stddev'] * _MILLI:.3g}",
            "extra": extra,
        }
    if measured["calls"]:
        share = measured["errors"] / measured["calls"]
        yield {"name": f"{subject} {load} errors", "unit": "share", "value": share, "extra": extra}
