"""The value of each metric that a user can set a limit for, or why there is none."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Judgement
from mcp_assay_suites.performance.loads import ALONE, SEVERAL, closed_load, fresh_starts
from mcp_assay_suites.performance.measuring import limits_of
from mcp_assay_suites.performance.recovering import overloaded
from mcp_assay_suites.performance.repeating import cpu_per_call, growth_per_call, peak, repeated_calls

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject

_FIELDS = {"rss": "rss_bytes", "open_files": "descriptors", "children": "children"}
_GROWTH = "_growth"


async def tool_value(metric: str, subject: Subject) -> tuple[float | str, bool]:
    """Return a tool's value in the metric's own unit, or why there is none, and whether there should be one.

    There should be none for a tool that may not be called again and again, unless the user opened it. The first byte
    of an answer that does not come as a stream is the answer.
    """
    loaded = await closed_load(subject, SEVERAL if metric == "throughput" else ALONE)
    if isinstance(loaded, Judgement):
        measurable = subject.the_tool.decision.allowed and subject.the_tool.decision.explicit
        return _reason(loaded), measurable
    measured, found = loaded.measured, loaded.measured.distribution
    if metric == "error_rate":
        return measured.error_rate, True
    if found is None:
        return f"nothing was answered: {measured.first_error}", True
    if metric == "throughput":
        return measured.rate_per_s, True
    if metric == "first_byte":
        return (measured.first_byte or found).p50, True
    value: float = getattr(found, metric)
    return value, True


async def server_value(metric: str, subject: Subject) -> float | str:
    """Return a server's value in the metric's own unit, or why it could not be measured."""
    if metric in {"cold_start", "shutdown"}:
        return await _of_starts(metric, subject)
    if metric == "recovery":
        found = await overloaded(subject)
        if isinstance(found, Judgement):
            return _reason(found)
        return "it did not recover" if found.seconds is None else found.seconds
    return await _of_repeated_calls(metric, subject)


async def _of_starts(metric: str, subject: Subject) -> float | str:
    """Return the median of some starts or ends of the server, or why there is none."""
    measured = await fresh_starts(subject)
    if isinstance(measured, Judgement):
        return _reason(measured)
    if measured.distribution is None:
        return f"it did not start: {measured.first_error}"
    return measured.distribution.p50 if metric == "cold_start" else median(measured.closings_s)


async def _of_repeated_calls(metric: str, subject: Subject) -> float | str:
    """Return what the processes held over repeated calls, or why that was not seen."""
    made = await repeated_calls(subject)
    if isinstance(made, Judgement):
        return _reason(made)
    runs = [repeated.run for repeated in made]
    if not any(run.calls for run in runs):
        return "no call was made, or its process could not be looked at"
    if metric == "cpu":
        return cpu_per_call(runs)
    if metric.endswith(_GROWTH):
        limit = limits_of(subject).get(metric)
        return growth_per_call(made, metric, None if limit is None else limit.limit)
    found = peak(runs, _FIELDS[metric])
    return "its processes could not be looked at" if found is None else found


def _reason(judgement: Judgement) -> str:
    """Return why a judgement was made instead of a measurement."""
    return judgement.reason or judgement.observed or "it could not be measured"
