"""How long the server takes to be ready."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from mcp_assay.core.quantities import milliseconds
from mcp_assay.core.verdicts import Category, Judgement, passed, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted
from mcp_assay_suites.performance.loads import fresh_starts
from mcp_assay_suites.performance.measuring import (
    budget_of,
    entry_of,
    machine_of,
    unmeasurable,
    with_samples,
)

if TYPE_CHECKING:
    from mcp_assay.load import Measurement
    from mcp_assay.readiness.subject import Subject


@check("ADV-010", category=Category.PERFORMANCE)
async def cold_start(subject: Subject) -> Judgement:
    """Judge the median of some fresh starts."""
    measured = await fresh_starts(subject)
    if isinstance(measured, Judgement):
        return measured
    most_s = budget_of(subject).cold_start_s
    if measured.distribution is None:
        return unmeasurable(f"the server is ready within {most_s:g} s of its start", measured)
    took = {"metric": "shutdown", "value": median(measured.closings_s), "unit": "s"}
    return replace(with_samples(_judged(subject, measured, most_s), measured), figures=[took])


def _judged(subject: Subject, measured: Measurement, most_s: float) -> Judgement:
    """Return the verdict on starts of which some succeeded."""
    found, entry, remark = measured.distribution, entry_of(subject, measured), machine_of(subject).remark
    if found is None:
        return unmeasurable("the server starts", measured)
    told = f"p50 {milliseconds(found.p50)}, slowest {milliseconds(found.max)} of {counted(measured.calls, 'start')}"
    if measured.errors:
        observed = f"{told}; {measured.errors} failed: {measured.first_error}"
        return violated("every start of the server succeeds", observed, benchmark=entry)
    if found.p50 > most_s:
        expected = f"the server is ready within {most_s:g} s of its start"
        return violated(expected, f"{told}{remark}", benchmark=entry)
    closed = f", ended within {milliseconds(max(measured.closings_s))}"
    return passed(f"{told}{closed}{remark}", benchmark=entry)


CHECKS = (cold_start,)
