"""How fast calls are answered: one at a time, several at once, and at a constant rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.quantities import milliseconds
from mcp_assay.core.verdicts import Category, Judgement, passed, violated
from mcp_assay.readiness.check import Scope
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.known import repeatable_call
from mcp_assay_suites.observing.judging import counted
from mcp_assay_suites.performance.loads import ALONE, MANY, SEVERAL, closed_load, open_load
from mcp_assay_suites.performance.measuring import (
    budget_of,
    entry_of,
    machine_of,
    unmeasurable,
    with_samples,
)

if TYPE_CHECKING:
    from mcp_assay.load import Distribution
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.performance.loads import Loaded


_LATE_SHARE = 0.5
"""Share of the median by which calls may be sent late before the figures are doubted."""


async def called_once(subject: Subject) -> Judgement:
    """Judge whether a call that is known to work does so once more, in a run that is to time nothing."""
    case = await repeatable_call(subject)
    if isinstance(case, Judgement):
        return case
    exchange = await subject.server.call_tool(subject.the_tool.name, case.arguments)
    if exchange.result is None or exchange.is_tool_error:
        return violated("a call that worked works once more", exchange.describe(), exchange=exchange.evidence())
    return passed(f"called once with {case.call} and not timed")


@check("ADV-011", category=Category.PERFORMANCE, scope=Scope.TOOL, untimed=called_once)
async def latency(subject: Subject) -> Judgement:
    """Judge the 95th percentile of a call that is known to work, one at a time."""
    loaded = await closed_load(subject, ALONE)
    if isinstance(loaded, Judgement):
        return loaded
    most_s = budget_of(subject).p95_s
    expected = f"95 of 100 calls are answered within {milliseconds(most_s)}, and none fails"
    found = loaded.measured.distribution
    if found is None:
        return unmeasurable(expected, loaded.measured)
    first = loaded.measured.first_byte
    told = _quantiles(found) + ("" if first is None else f", first byte {milliseconds(first.p50)}")
    return _judged(subject, loaded, expected, told, most_s=most_s)


@check("PERF-001", category=Category.PERFORMANCE, scope=Scope.TOOL)
async def several(subject: Subject) -> Judgement:
    """Judge whether a call that works alone also works when eight are open."""
    return await _at_once(subject, SEVERAL)


@check("PERF-002", category=Category.PERFORMANCE, scope=Scope.TOOL)
async def many(subject: Subject) -> Judgement:
    """Judge whether a call that works alone also works when thirty-two are open."""
    return await _at_once(subject, MANY)


@check("PERF-003", category=Category.PERFORMANCE, scope=Scope.TOOL)
async def constant_rate(subject: Subject) -> Judgement:
    """Judge whether calls that keep coming are answered; each counts from the moment it was due."""
    loaded = await open_load(subject)
    if isinstance(loaded, Judgement):
        return loaded
    rate = f"{loaded.measured.offered_per_s or 0:.3g} calls a second"
    expected = f"all of {rate} are answered"
    found = loaded.measured.distribution
    if found is None:
        return unmeasurable(expected, loaded.measured)
    late_s = loaded.measured.late_s or 0.0
    own = f", sent up to {milliseconds(late_s)} late by the harness itself: treat as indicative"
    doubt = own if late_s > found.p50 * _LATE_SHARE else ""
    return _judged(subject, loaded, expected, f"{_quantiles(found)} at {rate}{doubt}")


async def _at_once(subject: Subject, in_flight: int) -> Judgement:
    """Judge whether a call that works alone also works when several are open."""
    loaded = await closed_load(subject, in_flight)
    if isinstance(loaded, Judgement):
        return loaded
    expected = f"{in_flight} calls at once are answered as reliably as one"
    found = loaded.measured.distribution
    if found is None:
        return unmeasurable(expected, loaded.measured)
    rate = loaded.measured.rate_per_s
    told = f"{rate:.3g} calls a second with {in_flight} in flight, p95 {milliseconds(found.p95)}"
    return _judged(subject, loaded, expected, told)


def _quantiles(found: Distribution) -> str:
    """Return the quantiles that are told."""
    return f"p50 {milliseconds(found.p50)}, p95 {milliseconds(found.p95)}, p99 {milliseconds(found.p99)}"


def _judged(subject: Subject, loaded: Loaded, expected: str, told: str, *, most_s: float = float("inf")) -> Judgement:
    """Return the verdict: no call failed, and the 95th percentile is within bounds."""
    measured, found = loaded.measured, loaded.measured.distribution
    more: dict[str, float | str] = {"arguments": loaded.case.call}
    if most_s < float("inf"):
        more["budget_p95_s"] = most_s
    entry = entry_of(subject, measured, **more)
    told += f" over {counted(measured.calls, 'call')} with {loaded.case.call}{machine_of(subject).remark}"
    if measured.errors:
        told = f"{measured.errors} failed: {measured.first_error}; {told}"
    if measured.errors or found is None or found.p95 > most_s:
        return with_samples(violated(expected, told, benchmark=entry), measured)
    return with_samples(passed(told, benchmark=entry), measured)


CHECKS = (latency, several, many, constant_rate)
