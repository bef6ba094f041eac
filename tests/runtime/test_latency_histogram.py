from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.runtime.metrics import CallMetrics, ExecutorMetrics, LatencyHistogram
from mcp_assay.runtime.outcome import OutcomeKind, ToolOutcome

durations = st.lists(st.floats(1e-5, 100.0), min_size=1, max_size=200)


@given(values=durations, share=st.floats(0, 1))
def test_a_quantile_is_within_six_percent_of_the_truth(values, share):
    histogram = LatencyHistogram()
    for value in values:
        histogram.add(value)
    truth = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    assert histogram.quantile(share) == pytest.approx(truth, rel=0.06)


@given(values=st.lists(st.floats(0, 1e6), min_size=1), share=st.floats(0, 1))
def test_a_quantile_is_never_outside_of_what_was_counted(values, share):
    histogram = LatencyHistogram()
    for value in values:
        histogram.add(value)
    assert min(values) <= histogram.quantile(share) <= max(values)
    assert histogram.total == len(values)


def test_nothing_counted_is_zero():
    assert LatencyHistogram().quantile(0.5) == 0.0


def outcome(kind, *, attempts=1, duration_s=0.01):
    return ToolOutcome(kind=kind, server="s", tool="t", attempts=attempts, duration_s=duration_s)


def test_calls_without_an_answer_are_errors_but_no_latencies():
    metrics = ExecutorMetrics()
    for kind in (OutcomeKind.RESULT, OutcomeKind.TIMEOUT, OutcomeKind.TOOL_ERROR, OutcomeKind.UNAVAILABLE):
        metrics.add(outcome(kind, attempts=3))
    counts = metrics.servers["s"]
    assert (counts.calls, counts.retries, counts.error_rate) == (4, 8, 0.75)
    assert counts.latency.total == 2
    assert metrics.tools["s", "t"].kinds == counts.kinds


def test_a_call_that_was_never_sent_counts_no_negative_retries():
    counts = CallMetrics()
    counts.add(outcome(OutcomeKind.UNAVAILABLE, attempts=0))
    assert counts.retries == 0
