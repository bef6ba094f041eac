"""Metrics in OTLP/JSON, the file format that an OpenTelemetry Collector's ``otlpjsonfile`` receiver reads.

One line holds one ``ExportMetricsServiceRequest`` in the JSON encoding of protobuf with the deviations of the OTLP
specification: names in lowerCamelCase, 64-bit integers as strings (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mcp_assay_reports.texts import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.contract import BenchmarkEntry, Document

_NANO = 1_000_000_000
_DELTA = 1


def render(document: Document) -> str:
    """Return the metrics of a run as one line of JSON."""
    tool = document["tool"]
    resource = {
        "service.name": tool["name"],
        "service.version": tool["version"],
        "mcp.assay.run": document["run"]["id"],
    }
    metrics = [
        _histogram(document),
        _gauge("mcp.assay.call.p95", "s", "95th percentile of the time to answer", _p95(document), document),
        _gauge("mcp.assay.call.rate", "{call}/s", "Answered calls a second", _rates(document), document),
        _gauge("mcp.assay.call.errors", "{call}", "Measured calls that failed", _errors(document), document),
        _gauge("mcp.assay.server.score", "1", "Readiness from 0 to 100", _scores(document), document),
        _gauge("mcp.assay.server.connect", "s", "From the start to the first answer", _connects(document), document),
    ]
    scope = {"scope": {"name": tool["name"], "version": tool["version"]}, "metrics": metrics}
    request = {"resourceMetrics": [{"resource": {"attributes": _attributes(resource)}, "scopeMetrics": [scope]}]}
    return json.dumps(request, ensure_ascii=False) + "\n"


def _histogram(document: Document) -> dict[str, Any]:
    """Return the answer times of every measurement as histograms."""
    points = [_histogram_point(entry, _times(document)) for entry in document["benchmarks"]]
    return {
        "name": "mcp.assay.call.duration",
        "unit": "s",
        "description": "Time to answer",
        "histogram": {"aggregationTemporality": _DELTA, "dataPoints": points},
    }


def _histogram_point(entry: BenchmarkEntry, times: Mapping[str, str]) -> dict[str, Any]:
    """Return one measurement's histogram; the bucket above the last bound is empty."""
    buckets = entry.get("histogram", [])
    answered = entry["calls"] - entry["errors"]
    counts = [*(round(count) for _, count in buckets), 0] if buckets else [answered]
    latency = entry["latency_s"]
    return {
        **times,
        "attributes": _attributes(_about(entry)),
        "count": str(sum(counts)),
        "sum": latency["mean"] * sum(counts),
        "bucketCounts": [str(count) for count in counts],
        "explicitBounds": [bound for bound, _ in buckets],
        "min": latency["min"],
        "max": latency["max"],
    }


def _gauge(
    name: str, unit: str, description: str, values: Iterable[tuple[dict[str, Any], float]], document: Document
) -> dict[str, Any]:
    """Return a gauge with a point for each pair of attributes and value."""
    times = _times(document)
    points = [{**times, "attributes": _attributes(about), "asDouble": value} for about, value in values]
    return {"name": name, "unit": unit, "description": description, "gauge": {"dataPoints": points}}


def _p95(document: Document) -> Iterable[tuple[dict[str, Any], float]]:
    return [(_about(entry), entry["latency_s"]["p95"]) for entry in document["benchmarks"]]


def _rates(document: Document) -> Iterable[tuple[dict[str, Any], float]]:
    return [(_about(entry), entry["rate_per_s"]) for entry in document["benchmarks"]]


def _errors(document: Document) -> Iterable[tuple[dict[str, Any], float]]:
    return [(_about(entry), float(entry["errors"])) for entry in document["benchmarks"]]


def _scores(document: Document) -> Iterable[tuple[dict[str, Any], float]]:
    return [(_server(s["config"], s["name"]), s["readiness"]["score"]) for s in document["servers"]]


def _connects(document: Document) -> Iterable[tuple[dict[str, Any], float]]:
    found = ((s["config"], s["name"], s["connect_s"]) for s in document["servers"])
    return [(_server(config, name), value) for config, name, value in found if value is not None]


def _about(entry: BenchmarkEntry) -> dict[str, Any]:
    """Return the attributes of one measurement."""
    more = {"mcp.tool.name": entry["tool"]} if entry["tool"] else {}
    load = {"mcp.assay.load.mode": entry["mode"], "mcp.assay.load.concurrency": entry["concurrency"]}
    return {**_server(entry.get("config", ""), entry["server"]), **more, **load}


def _server(config: str, name: str) -> dict[str, Any]:
    """Return the attributes of a server."""
    return {"mcp.server.name": name, "mcp.assay.config": config}


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return attributes as OTLP writes them."""
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: object) -> dict[str, Any]:
    """Return one attribute's value."""
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": line(str(value), 200)}


def _times(document: Document) -> dict[str, str]:
    """Return when the run began and ended, in nanoseconds since 1970."""
    run = document["run"]
    # A float does not hold the nanoseconds since 1970, the thousandths of a second it does.
    started = round(datetime.fromisoformat(run["started_at"]).timestamp() * 1_000) * (_NANO // 1_000)
    return {
        "startTimeUnixNano": str(started),
        "timeUnixNano": str(started + round(run["duration_s"] * _NANO)),
    }
