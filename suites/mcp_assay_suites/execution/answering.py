"""Is a proper call answered at all?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, passed, skipped
from mcp_assay.readiness.check import Scope
from mcp_assay.runtime.categories import words_of
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.asking import every_call, never_exercised
from mcp_assay_suites.exercising.durations import is_asked_to_wait
from mcp_assay_suites.exercising.minimal import smallest
from mcp_assay_suites.exercising.shared import valid_calls
from mcp_assay_suites.exercising.telling import how_it_was_lost, violated_by
from mcp_assay_suites.observing.judging import counted

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

_ENDING = frozenset({"close", "end", "exit", "kill", "quit", "reset", "restart", "shutdown", "stop", "terminate"})


@check("EXEC-001", category=Category.EXECUTION, scope=Scope.TOOL)
async def answers_valid_call(subject: Subject) -> Judgement:
    """Judge whether calls that fit the input schema are answered and the server lives on.

    A tool that only ever answers with an error was not exercised: that is no pass, and no fault either.
    """
    if not subject.the_tool.decision.allowed:
        return skipped(subject.the_tool.decision.reason)
    calls = await valid_calls(subject)
    lost = [case for case in calls.cases if _is_lost(case)]
    broken = next((case for case in lost if not _is_asked_to_end(subject, case)), None)
    if broken is not None:
        return await _lost(subject, broken)
    if lost:
        return skipped(f"the server ended, and the call may have asked for it: {lost[0].call}")
    refused = next((case for case in calls.cases if case.given and not case.succeeded), None)
    if refused is not None:
        expected = "the arguments given in mcp-assay.toml work"
        return violated_by(refused, expected, f"{refused.call}: {refused.exchange.describe()}")
    if not calls.successes:
        return skipped(never_exercised(calls))
    return passed(f"{len(calls.successes)} of {counted(len(calls.cases), 'valid call')} did their work")


@check("ADV-014", category=Category.EXECUTION, scope=Scope.TOOL)
async def hang(subject: Subject) -> Judgement:
    """Judge whether every call of the tool was answered in time."""
    cases = await every_call(subject)
    if isinstance(cases, Judgement):
        return cases
    # The first silence was waited for longest; after it the tool is only looked at, and no longer with full patience.
    late = max((case for case in cases if case.timed_out), key=lambda case: case.exchange.duration_s, default=None)
    asked_for = late is not None and subject.arguments is None and is_asked_to_wait(late, cases)
    if late is not None and asked_for and not late.silenced_server:
        return skipped(f"the unanswered call may have asked for it: {late.call}")
    if late is None:
        return passed(f"{counted(len(cases), 'call')}, the slowest answered after {_slowest(cases):.3g} s")

    async def shows(other: Case) -> bool:
        return other.timed_out

    # Smaller arguments are not waited for as long: what is shown, and counts, stays the call that had all the time.
    blocked = ", and the server answered nothing else either" if late.silenced_server else ""
    least = await smallest(subject, late, shows)
    smaller = "" if least is late else f"{least.call}: {least.exchange.describe()}; "
    observed = f"{smaller}{late.call}: {late.exchange.describe()}{blocked}"
    return violated_by(late, "every call is answered within its time limit", observed, arguments=least.arguments)


def _is_lost(case: Case) -> bool:
    """Return whether a call got no answer that can be read, or ended the server."""
    return (case.exchange.fault is not None and not case.timed_out) or (case.silenced_server and not case.timed_out)


def _is_asked_to_end(subject: Subject, case: Case) -> bool:
    """Return whether a tool that ends things was told to end one that the server named: it may have named itself."""
    return bool(case.uses and _ENDING & set(words_of(subject.the_tool.name)))


async def _lost(subject: Subject, case: Case) -> Judgement:
    """Return the finding that a valid call is not answered, with the smallest arguments that show it."""

    async def shows(other: Case) -> bool:
        return _is_lost(other)

    case = await smallest(subject, case, shows)
    happened = how_it_was_lost(case)
    expected = "a call with arguments that fit the input schema is answered, and the server goes on"
    cause = "a valid call ends the server" if case.ended_server else "a valid call is not answered properly"
    return violated_by(case, expected, f"{case.call}: {happened}", causes=[cause])


def _slowest(cases: list[Case]) -> float:
    """Return the seconds of the slowest call."""
    return max(case.exchange.duration_s for case in cases)


CHECKS = (answers_valid_call, hang)
