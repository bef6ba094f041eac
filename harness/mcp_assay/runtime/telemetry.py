"""Spans and metrics through the OpenTelemetry API; where they go is the choice of whoever installs a provider.

Names follow the semantic conventions for MCP: a client span ``tools/call NAME`` and the histogram
``mcp.client.operation.duration`` in seconds.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from mcp_assay._version import __version__

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from mcp_assay.runtime.outcome import ToolOutcome

_LOOK_S = 1.0
_SCOPE = "mcp_assay.runtime"


@cache
def process_telemetry() -> Telemetry:
    """Return what reports to the process' own providers, always the same: the API keeps every instrument for good."""
    return Telemetry()


class Telemetry:
    """Reports calls and steps.

    Args:
        tracer_provider: Takes spans, by default the process' own.
        meter_provider: Takes measurements, by default the process' own.
    """

    def __init__(
        self, *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._given = tracer_provider is not None or meter_provider is not None
        self._looked_at, self._enabled = -math.inf, False
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider)
        meter = metrics.get_meter(_SCOPE, __version__, meter_provider)
        self._durations = meter.create_histogram(
            "mcp.client.operation.duration", unit="s", description="Duration of a call as its caller saw it"
        )
        self._attempts = meter.create_counter(
            "mcp_assay.call.attempts", unit="{attempt}", description="Calls made on the wire, repeats included"
        )

    def look(self, now: float) -> tuple[bool, float]:
        """Return whether anybody may take what is reported, and until when it is sure that nobody does.

        It is looked up once a second, because calls are quick.

        Args:
            now: The time in seconds, on any clock that is always the same one.
        """
        if not self._looked_at <= now < self._looked_at + _LOOK_S:
            self._looked_at, self._enabled = now, self._has_provider
        return self._enabled, -math.inf if self._enabled else self._looked_at + _LOOK_S

    @property
    def _has_provider(self) -> bool:
        """Whether anybody may take what is reported: a provider was given, or the process has one."""
        return self._given or not (
            isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
            and type(metrics.get_meter_provider()).__module__.startswith("opentelemetry.metrics")
        )

    @contextmanager
    def call(self, tool: str) -> Generator[Span]:
        """Put a client span around a tool call; end it with `ended`."""
        attributes = {"mcp.method.name": "tools/call", "gen_ai.tool.name": tool}
        with self._tracer.start_as_current_span(
            f"tools/call {tool}", kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            yield span

    def ended(self, span: Span, outcome: ToolOutcome) -> None:
        """Tell a span and the metrics how a call ended."""
        attributes: dict[str, str] = {
            "mcp.method.name": "tools/call",
            "gen_ai.tool.name": outcome.tool,
            "mcp_assay.server": outcome.server,
        }
        if not outcome.succeeded:
            attributes["error.type"] = outcome.kind.value
        self._durations.record(outcome.duration_s, attributes)
        self._attempts.add(outcome.attempts, attributes)
        if span.is_recording():
            span.set_attributes({**attributes, "mcp_assay.attempts": outcome.attempts})
            if not outcome.succeeded:
                # The error text may quote what a server returned, so it stays out of the span.
                span.set_status(Status(StatusCode.ERROR, outcome.kind.value))

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, str]) -> Generator[Span]:
        """Put a span around a step, a compensation, or a whole workflow."""
        with self._tracer.start_as_current_span(name, attributes=dict(attributes)) as span:
            yield span

    def failed(self, span: Span, reason: str) -> None:
        """Mark a span as failed by a word that no server can choose."""
        span.set_status(Status(StatusCode.ERROR, reason))
