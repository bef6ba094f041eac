"""Figures in the formats of other systems, read back by the libraries of those systems."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from mcp_assay_reports import find_writer

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document


@pytest.fixture
def measured(document: Document) -> Document:
    """The sample with one measurement of which every number is known."""
    latency: Any = dict(zip(("min", "p50", "p90", "p95", "p99", "max", "mean", "stddev"), range(1, 9), strict=True))
    entry: Any = {
        "config": "servers.json",
        "server": 'me"mo\\ry',
        "tool": "read",
        "mode": "closed",
        "concurrency": 8,
        "calls": 10,
        "errors": 1,
        "rate_per_s": 3.5,
        "latency_s": latency,
        "overhead_s": 0.001,
        "histogram": [[1.0, 4], [2.0, 5]],
    }
    figure: Any = {"config": "c", "server": "s", "tool": "", "metric": "rss", "value": 2.5, "unit": "MB/1000 calls"}
    return {**document, "benchmarks": [entry], "figures": [figure]}


def prometheus(document: Document) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    families = text_string_to_metric_families(find_writer("prometheus").render(document))
    return {
        family.name: {tuple(sorted(sample.labels.items())): sample.value for sample in family.samples}
        for family in families
    }


def test_prometheus_reads_every_number_back(measured: Document) -> None:
    found = prometheus(measured)
    about = {"config": "servers.json", "server": 'me"mo\\ry', "tool": "read", "mode": "closed", "concurrency": "8"}
    labels = tuple(sorted(about.items()))
    assert found["mcp_assay_measured_calls"] == {labels: 10.0}
    assert found["mcp_assay_measured_errors"] == {labels: 1.0}
    assert found["mcp_assay_call_rate_per_second"] == {labels: 3.5}
    quantiles = {dict(key)["quantile"]: value for key, value in found["mcp_assay_call_duration_seconds"].items()}
    assert quantiles == {"0.5": 2.0, "0.9": 3.0, "0.95": 4.0, "0.99": 5.0}
    assert list(found["mcp_assay_figure"].values()) == [2.5]
    assert sum(found["mcp_assay_checks"].values()) == len(measured["results"])
    assert found["mcp_assay_run_exit_status"] == {(): float(measured["run"]["exit_status"])}
    scores = {dict(key)["server"]: value for key, value in found["mcp_assay_server_score"].items()}
    assert scores == {server["name"]: server["readiness"]["score"] for server in measured["servers"]}


def test_no_text_of_a_server_breaks_out_of_its_label(hostile_document: Document) -> None:
    text = find_writer("prometheus").render(hostile_document)
    assert all(row.startswith(("# HELP mcp_assay_", "# TYPE mcp_assay_", "mcp_assay_")) for row in text.splitlines())
    prometheus(hostile_document)


def test_otlp_is_what_the_protocol_says(measured: Document) -> None:
    text = find_writer("otlp").render(measured)
    assert text.count("\n") == 1
    request = json_format.Parse(text, ExportMetricsServiceRequest())
    (resource,) = request.resource_metrics
    metrics = {metric.name: metric for metric in resource.scope_metrics[0].metrics}
    (point,) = metrics["mcp.assay.call.duration"].histogram.data_points
    assert (point.count, list(point.bucket_counts), list(point.explicit_bounds)) == (9, [4, 5, 0], [1.0, 2.0])
    assert (point.min, point.max, point.sum) == (1.0, 6.0, 63.0)
    assert point.time_unix_nano - point.start_time_unix_nano == round(measured["run"]["duration_s"] * 1e9)
    attributes = {attribute.key: attribute.value for attribute in point.attributes}
    assert attributes["mcp.server.name"].string_value == 'me"mo\\ry'
    assert attributes["mcp.assay.load.concurrency"].int_value == 8
    assert [p.as_double for p in metrics["mcp.assay.call.p95"].gauge.data_points] == [4.0]
    assert len(metrics["mcp.assay.server.score"].gauge.data_points) == len(measured["servers"])


def test_otlp_without_measurements_is_valid_as_well(document: Document) -> None:
    json_format.Parse(find_writer("otlp").render({**document, "benchmarks": []}), ExportMetricsServiceRequest())


def test_github_action_benchmark_gets_what_custom_smaller_is_better_asks_for(measured: Document) -> None:
    entries = json.loads(find_writer("github-benchmark").render(measured))
    assert [(entry["name"], entry["unit"], entry["value"]) for entry in entries] == [
        ('me"mo\\ry.read closed x8 p50', "ms", 2000.0),
        ('me"mo\\ry.read closed x8 p95', "ms", 4000.0),
        ('me"mo\\ry.read closed x8 errors', "share", 0.1),
    ]
    assert {key for entry in entries for key in entry} <= {"name", "unit", "value", "range", "extra"}


@pytest.mark.parametrize("name", ["prometheus", "otlp", "github-benchmark"])
def test_an_export_is_the_same_for_the_same_run(name: str, document: Document) -> None:
    assert find_writer(name).render(document) == find_writer(name).render(deepcopy(document))
