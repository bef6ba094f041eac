from __future__ import annotations

import gc
from types import SimpleNamespace

import pytest
from fleets import raw_spec
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from mcp_assay.runtime.telemetry import Telemetry
from mcp_assay.runtime.workflow.builder import CrossServerWorkflowBuilder
from mcp_assay.runtime.workflow.engine import ServerCoordinationEngine

pytestmark = pytest.mark.asyncio


async def test_a_workflow_is_a_tree_of_spans_and_calls_are_measured(fleet):
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    traces, meters = TracerProvider(), MeterProvider([reader])
    traces.add_span_processor(SimpleSpanProcessor(spans))
    telemetry = Telemetry(tracer_provider=traces, meter_provider=meters)
    async with fleet(raw_spec("one"), telemetry=telemetry) as here:
        plan = (
            CrossServerWorkflowBuilder(here.registry, name="w")
            .step("good", "one.add", {"a": 1, "b": 1})
            .step("bad", "one.remember", {"key": "NOT ALLOWED", "value": "secret"}, needs=["good"])
            .build()
        )
        report = await here.executor.execute_cross_server_workflow(plan)
    measured = reader.get_metrics_data()
    traces.shutdown()
    meters.shutdown()
    assert not report.ok
    finished = {span.name: span for span in spans.get_finished_spans()}
    assert set(finished) == {"workflow w", "step good", "step bad", "tools/call add", "tools/call remember"}
    workflow, step, call = (finished[name] for name in ("workflow w", "step bad", "tools/call remember"))
    assert step.parent.span_id == workflow.context.span_id
    assert call.parent.span_id == step.context.span_id
    assert call.attributes["mcp_assay.server"] == "c::one"
    assert {span.status.status_code for span in (workflow, step, call)} == {StatusCode.ERROR}
    assert "NOT ALLOWED" not in "".join(span.to_json() for span in finished.values())
    metrics = measured.resource_metrics[0].scope_metrics[0].metrics
    points = {metric.name: list(metric.data.data_points) for metric in metrics}
    assert sum(point.count for point in points["mcp.client.operation.duration"]) == 2
    assert {point.attributes.get("error.type") for point in points["mcp_assay.call.attempts"]} == {
        None,
        report.steps["bad"].calls[0].kind.value,
    }


async def test_engines_without_telemetry_of_their_own_keep_nothing_behind():
    executor, before = SimpleNamespace(registry=None), len(gc.get_objects())
    for _ in range(500):
        ServerCoordinationEngine(executor)
    gc.collect()
    assert len(gc.get_objects()) < before + 500
