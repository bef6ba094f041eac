"""Is the server itself again after more load than it can bear?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.quantities import milliseconds
from mcp_assay.core.verdicts import Category, Judgement, passed, skipped, violated
from mcp_assay.load import tool_call
from mcp_assay.load.recovery import OverloadPlan, recovery
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted
from mcp_assay_suites.performance.loads import ALONE, closed_load, once
from mcp_assay_suites.performance.measuring import budget_of, unmeasurable, unrecorded
from mcp_assay_suites.performance.repeating import explorable_cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.load.recovery import Recovery
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

_SLOWER = 3.0
_LEAST_S = 0.01
"""Answers within three times the usual p95 and at least this are as before: a busy machine is no slow server."""

_PATIENCE_S = 10.0


@check("PERF-004", category=Category.PERFORMANCE)
async def recovers(subject: Subject) -> Judgement:
    """Judge whether calls are answered as before once an overload is over."""
    found = await overloaded(subject)
    if isinstance(found, Judgement):
        return found
    load = f"{counted(found.calls, 'call')} during an overload, {found.errors} of them without a result"
    if found.seconds is None:
        why = found.last.error or f"the last call took {milliseconds(found.last.ended - found.last.started)}"
        return violated(f"the server recovers within {_PATIENCE_S:g} s", f"it did not after {load}: {why}")
    figure = {"metric": "recovery", "value": found.seconds, "unit": "s"}
    return replace(passed(f"as before {milliseconds(found.seconds)} after {load}"), figures=[figure])


async def overloaded(subject: Subject) -> Recovery | Judgement:
    """Return how a fresh instance recovered, measured once, or the verdict when it is not to be overloaded."""
    return await once(subject, "recovery", partial(_overloaded, subject))


async def _overloaded(subject: Subject) -> Recovery | Judgement:
    """Measure what `overloaded` returns."""
    overload_s = budget_of(subject).overload_s
    if not overload_s:
        return skipped("overload_s is 0")
    if subject.server.transport != "stdio":
        return skipped("only an instance that is started for it is overloaded")
    cases = await explorable_cases(subject)
    if isinstance(cases, Judgement):
        return cases
    return await _by_quickest(subject, cases, overload_s)


async def _by_quickest(subject: Subject, cases: Sequence[tuple[str, Case]], overload_s: float) -> Recovery | Judgement:
    """Overload the server by the tool that answered quickest, after it was measured alone."""
    name, case = min(cases, key=lambda found: found[1].exchange.duration_s)
    tool = next(tool for tool in subject.server.tools if tool.name == name)
    alone = await closed_load(replace(subject, tool=tool), ALONE)
    if isinstance(alone, Judgement):
        return alone
    if alone.measured.distribution is None:
        return unmeasurable("calls are answered", alone.measured)
    usual_s = max(_LEAST_S, _SLOWER * alone.measured.distribution.p95)
    plan = OverloadPlan(usual_s=usual_s, overload_s=overload_s, patience_s=_PATIENCE_S)
    try:
        return await _of_fresh_instance(subject, name, case, plan)
    except ConnectError as problem:
        return skipped(f"a second instance of the server cannot be used: {problem.fault.message}")


async def _of_fresh_instance(subject: Subject, tool: str, case: Case, plan: OverloadPlan) -> Recovery:
    """Overload an instance of its own.

    Raises:
        ConnectError: It does not start.
    """
    async with subject.server.fresh_session(protocol=subject.version) as session:
        with unrecorded(session):
            return await recovery(tool_call(session, tool, case.arguments), plan, subject.run.clock)


CHECKS = (recovers,)
