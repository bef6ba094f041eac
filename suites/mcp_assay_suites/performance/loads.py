"""The measurements of a tool, each made once: checks and the user's limits look at the same figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mcp_assay.core.verdicts import Judgement, not_applicable
from mcp_assay.load import ClosedPlan, OpenPlan, closed_loop, cold_starts, open_loop, own_cost, tool_call
from mcp_assay_suites.exercising.known import repeatable_call
from mcp_assay_suites.performance.measuring import budget_of, machine_of, unmeasurable, unrecorded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_assay.load import Call, Measurement
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

ALONE, SEVERAL, MANY = 1, 8, 32
"""Calls kept in flight."""

_SHARE_ALONE, _SHARE_OF_OTHERS = 0.4, 0.2
"""Shares of a tool's time: one call at a time, and each of the three other measurements."""

_USED = 0.5
"""Share of what the tool manages with several in flight that a constant rate asks for."""

_MORE_IN_FLIGHT = 4
_STARTS_S = 30.0
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A tool under load.

    Attributes:
        case: The call that was repeated.
        measured: What was measured.
    """

    case: Case
    measured: Measurement


async def closed_load(subject: Subject, in_flight: int) -> Loaded | Judgement:
    """Return the tool's known call under closed-loop load, or the verdict when it may not be repeated."""
    return await once(subject, f"closed-{in_flight}.{subject.the_tool.slug}", partial(_closed, subject, in_flight))


async def open_load(subject: Subject) -> Loaded | Judgement:
    """Return the tool's known call at a constant rate, or the verdict when there is none."""
    return await once(subject, f"open.{subject.the_tool.slug}", partial(_open, subject))


async def fresh_starts(subject: Subject) -> Measurement | Judgement:
    """Return some fresh starts of the server, or the verdict when it is not started by us."""
    return await once(subject, "starts", partial(_starts, subject))


async def once(subject: Subject, what: str, make: Callable[[], Awaitable[_Found]]) -> _Found:
    """Return what was measured of the server before, or measure it now."""
    memory, key = subject.server.memory, f"performance.{what}"
    if key not in memory:
        memory[key] = await make()
    found: _Found = memory[key]  # type: ignore[assignment]  # only this function writes the key, with what `make` returns
    return found


async def _closed(subject: Subject, in_flight: int) -> Loaded | Judgement:
    """Measure what `closed_load` returns."""
    case = await repeatable_call(subject)
    if isinstance(case, Judgement):
        return case
    budget = budget_of(subject)
    plan = ClosedPlan(
        calls=budget.calls * min(in_flight, _MORE_IN_FLIGHT),
        in_flight=in_flight,
        warm_up=budget.warm_up,
        budget_s=budget.per_tool_s * (_SHARE_ALONE if in_flight == ALONE else _SHARE_OF_OTHERS),
        tight=budget.tight,
    )
    return await _loaded(subject, case, lambda call: closed_loop(call, plan, subject.run.clock))


async def _open(subject: Subject) -> Loaded | Judgement:
    """Measure what `open_load` returns."""
    several = await closed_load(subject, SEVERAL)
    if isinstance(several, Judgement):
        return several
    budget = budget_of(subject)
    rate = budget.rate_per_s or several.measured.rate_per_s * _USED
    if not rate:
        return unmeasurable("calls at a constant rate are answered", several.measured)
    seconds = min(budget.per_tool_s * _SHARE_OF_OTHERS, budget.calls / rate)
    plan = OpenPlan(rate_per_s=rate, duration_s=seconds)
    return await _loaded(subject, several.case, lambda call: open_loop(call, plan, subject.run.clock))


async def _loaded(subject: Subject, case: Case, load: Callable[[Call], Awaitable[Measurement]]) -> Loaded:
    """Put the live session under load and return what was measured, with the harness's own share of a call."""
    tool = subject.the_tool.name
    machine_of(subject)
    session = await subject.server.session()
    with unrecorded(session):
        measured = await load(tool_call(session, tool, case.arguments))
    made = measured.calls + measured.warm_up
    subject.server.count_calls(tool, made)
    cost_s = await once(subject, f"own-cost.{subject.the_tool.slug}", partial(_own_cost_s, subject, case))
    return Loaded(case=case, measured=replace(measured, overhead_s=cost_s))


async def _own_cost_s(subject: Subject, case: Case) -> float:
    """Return the median time that the exchange takes in the harness alone."""
    cost = (await own_cost(case.exchange, subject.run.clock)).distribution
    return 0.0 if cost is None else cost.p50


async def _starts(subject: Subject) -> Measurement | Judgement:
    """Measure what `fresh_starts` returns."""
    server = subject.server
    if server.transport != "stdio":
        return not_applicable("the server is not started by us")
    machine_of(subject)
    fresh = partial(server.fresh_session, protocol=subject.version)
    starts = budget_of(subject).cold_starts
    return await cold_starts(fresh, starts=starts, budget_s=_STARTS_S, clock=subject.run.clock)
