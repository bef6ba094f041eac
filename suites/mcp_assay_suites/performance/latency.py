"""How fast calls are answered, one at a time and several at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, passed, violated
from mcp_assay.load import ClosedPlan, closed_loop, tool_call
from mcp_assay.readiness.check import Scope
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.known import repeatable_call
from mcp_assay_suites.observing.judging import counted
from mcp_assay_suites.performance.measuring import (
    budget_of,
    entry_of,
    machine_of,
    milliseconds,
    unmeasurable,
    unrecorded,
    with_own_cost,
)

if TYPE_CHECKING:
    from mcp_assay.load import Measurement
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

SEVERAL = 8
"""Calls kept in flight to see how the server takes several at once."""


@check("ADV-011", category=Category.PERFORMANCE, scope=Scope.TOOL)
async def latency(subject: Subject) -> Judgement:
    """Judge the 95th percentile of a call that is known to work, one at a time."""
    case = await repeatable_call(subject)
    if isinstance(case, Judgement):
        return case
    budget = budget_of(subject)
    measured = await _measured(subject, case, in_flight=1)
    expected = f"95 of 100 calls are answered within {milliseconds(budget.p95_s)}, and none fails"
    found = measured.distribution
    if found is None:
        return unmeasurable(expected, measured)
    entry = entry_of(subject, measured, budget_p95_s=budget.p95_s)
    told = (
        f"p50 {milliseconds(found.p50)}, p95 {milliseconds(found.p95)}, p99 {milliseconds(found.p99)} over "
        f"{counted(measured.calls, 'call')} with {case.call}{machine_of(subject).remark}"
    )
    if measured.errors:
        return violated(expected, f"{measured.errors} failed: {measured.first_error}; {told}", benchmark=entry)
    return violated(expected, told, benchmark=entry) if found.p95 > budget.p95_s else passed(told, benchmark=entry)


@check("PERF-001", category=Category.PERFORMANCE, scope=Scope.TOOL)
async def throughput(subject: Subject) -> Judgement:
    """Judge whether a call that works alone also works when several are open."""
    case = await repeatable_call(subject)
    if isinstance(case, Judgement):
        return case
    measured = await _measured(subject, case, in_flight=SEVERAL)
    expected = f"{SEVERAL} calls at once are answered as reliably as one"
    found = measured.distribution
    if found is None:
        return unmeasurable(expected, measured)
    entry = entry_of(subject, measured)
    told = (
        f"{measured.rate_per_s:.3g} calls a second with {SEVERAL} in flight, p95 {milliseconds(found.p95)} over "
        f"{counted(measured.calls, 'call')} with {case.call}{machine_of(subject).remark}"
    )
    if measured.errors:
        return violated(expected, f"{measured.errors} failed: {measured.first_error}; {told}", benchmark=entry)
    return passed(told, benchmark=entry)


async def _measured(subject: Subject, case: Case, *, in_flight: int) -> Measurement:
    """Return the closed loop over a known call on the live session, with the harness's own share of a call."""
    budget, tool = budget_of(subject), subject.the_tool.name
    machine_of(subject)
    session = await subject.server.session()
    plan = ClosedPlan(
        calls=budget.calls * min(in_flight, 4),
        in_flight=in_flight,
        warm_up=budget.warm_up,
        budget_s=budget.per_tool_s,
    )
    with unrecorded(session):
        measured = await closed_loop(tool_call(session, tool, case.arguments), plan, subject.run.clock)
    made = measured.calls + measured.warm_up
    subject.server.calls[tool] = subject.server.calls.get(tool, 0) + made
    return await with_own_cost(subject, measured, case.exchange)


CHECKS = (latency, throughput)
