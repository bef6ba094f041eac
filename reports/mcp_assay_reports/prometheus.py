"""Prometheus' text exposition format, for node_exporter's textfile collector or a Pushgateway."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from mcp_assay_reports.texts import line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prometheus_client.core import Metric

    from mcp_assay.core.contract import BenchmarkEntry, Document, ServerEntry

_SERVER = ("config", "server")
_CALLS = ("config", "server", "tool", "mode", "concurrency")
_QUANTILES: dict[str, Callable[[BenchmarkEntry], float]] = {
    "0.5": lambda entry: entry["latency_s"]["p50"],
    "0.9": lambda entry: entry["latency_s"]["p90"],
    "0.95": lambda entry: entry["latency_s"]["p95"],
    "0.99": lambda entry: entry["latency_s"]["p99"],
}


def render(document: Document) -> str:
    """Return every score, count and time of a run as a gauge: they say how it was when the run ended."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(document))
    return generate_latest(registry).decode("utf-8")


class _Collector:
    """Hands the families of one report to the library that writes them."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def collect(self) -> Iterator[Metric]:
        """Yield the families of metrics."""
        yield from _of_run(self._document)
        yield from _of_servers(self._document)
        yield from _of_calls(self._document)
        yield from _of_figures(self._document)


def _family(name: str, about: str, labels: Sequence[str], samples: dict[tuple[str, ...], float]) -> GaugeMetricFamily:
    """Return a family of gauges; of two samples with the same labels the last one counts."""
    family = GaugeMetricFamily(f"mcp_assay_{name}", about, labels=labels)
    shown = {tuple(line(label, 200) for label in values): value for values, value in samples.items()}
    for values, value in shown.items():
        family.add_metric(values, value)
    return family


def _of_run(document: Document) -> Iterator[Metric]:
    """Yield when the run was and how it ended."""
    run, tool = document["run"], document["tool"]
    started = datetime.fromisoformat(run["started_at"]).timestamp()
    yield _family("run_start_time_seconds", "When the run started.", (), {(): started})
    yield _family("run_duration_seconds", "How long the run took.", (), {(): run["duration_s"]})
    yield _family("run_exit_status", "Exit status of the run.", (), {(): float(run["exit_status"])})
    yield _family("info", "Who wrote this.", ("version",), {(tool["version"],): 1.0})


def _of_servers(document: Document) -> Iterator[Metric]:
    """Yield scores, evidence, verdicts and connection times by server."""
    servers: dict[tuple[str, ...], ServerEntry] = {(s["config"], s["name"]): s for s in document["servers"]}
    connected = {key: float(server["status"] == "connected") for key, server in servers.items()}
    yield _family("server_connected", "Whether the server was connected.", _SERVER, connected)
    scores = {key: server["readiness"]["score"] for key, server in servers.items()}
    yield _family("server_score", "Readiness from 0 to 100.", _SERVER, scores)
    evidence = {key: server["readiness"]["evidence"] for key, server in servers.items()}
    yield _family("server_evidence_ratio", "Share of the applicable checks that were exercised.", _SERVER, evidence)
    times = {key: s["connect_s"] for key, s in servers.items() if s["connect_s"] is not None}
    yield _family("server_connect_seconds", "From the start of the server to its first answer.", _SERVER, times)
    counts: dict[tuple[str, ...], float] = {}
    for result in document["results"]:
        key = (result.get("config", ""), result["server"], result["category"], result["verdict"])
        counts[key] = counts.get(key, 0.0) + 1
    yield _family("checks", "Verdicts of the run.", (*_SERVER, "category", "verdict"), counts)


def _of_calls(document: Document) -> Iterator[Metric]:
    """Yield what was measured of calls."""
    measured = {_labels(entry): entry for entry in document["benchmarks"]}
    latency: dict[tuple[str, ...], float] = {
        (*labels, quantile): value_of(entry)
        for labels, entry in measured.items()
        for quantile, value_of in _QUANTILES.items()
    }
    yield _family("call_duration_seconds", "Quantiles of the time to answer.", (*_CALLS, "quantile"), latency)
    for name, about, value_of in _COUNTED:
        yield _family(name, about, _CALLS, {labels: value_of(entry) for labels, entry in measured.items()})


def _of_figures(document: Document) -> Iterator[Metric]:
    """Yield the measured values that are no times of calls; the unit is a label, because it may be any."""
    figures: dict[tuple[str, ...], float] = {
        (entry.get("config", ""), entry["server"], entry["tool"], entry["metric"], entry["unit"]): entry["value"]
        for entry in document.get("figures", [])
    }
    yield _family("figure", "Other measured values.", (*_SERVER, "tool", "metric", "unit"), figures)


def _labels(entry: BenchmarkEntry) -> tuple[str, ...]:
    """Return the labels of one measurement, the same in every run: only a closed loop keeps to a concurrency."""
    kept = str(entry["concurrency"]) if entry["mode"] == "closed" else ""
    return entry.get("config", ""), entry["server"], entry["tool"], entry["mode"], kept


_COUNTED: tuple[tuple[str, str, Callable[[BenchmarkEntry], float]], ...] = (
    ("measured_calls", "Calls that were measured, failed ones included.", lambda entry: float(entry["calls"])),
    ("measured_errors", "Measured calls that failed.", lambda entry: float(entry["errors"])),
    ("call_rate_per_second", "Answered calls a second.", lambda entry: entry["rate_per_s"]),
    ("harness_overhead_seconds", "The harness's own share of one call.", lambda entry: entry["overhead_s"]),
)
