"""How long the server takes to be ready."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, violated
from mcp_assay.load import cold_starts
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted
from mcp_assay_suites.performance.measuring import budget_of, entry_of, machine_of, milliseconds, unmeasurable

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject

_STARTS_S = 30.0


@check("ADV-010", category=Category.PERFORMANCE)
async def cold_start(subject: Subject) -> Judgement:
    """Judge the median of some fresh starts."""
    server, budget = subject.server, budget_of(subject)
    if server.transport != "stdio":
        return not_applicable("the server is not started by us")
    fresh = partial(server.fresh_session, protocol=subject.version)
    machine = machine_of(subject)
    measured = await cold_starts(fresh, starts=budget.cold_starts, budget_s=_STARTS_S, clock=subject.run.clock)
    expected = f"the server is ready within {budget.cold_start_s:g} s of its start"
    found = measured.distribution
    if found is None:
        return unmeasurable(expected, measured)
    entry = entry_of(subject, measured)
    told = f"p50 {milliseconds(found.p50)}, slowest {milliseconds(found.max)} of {counted(measured.calls, 'start')}"
    if measured.errors:
        observed = f"{told}; {measured.errors} failed: {measured.first_error}"
        return violated("every start of the server succeeds", observed, benchmark=entry)
    if found.p50 > budget.cold_start_s:
        return violated(expected, f"{told}{machine.remark}", benchmark=entry)
    return passed(f"{told}{machine.remark}", benchmark=entry)


CHECKS = (cold_start,)
