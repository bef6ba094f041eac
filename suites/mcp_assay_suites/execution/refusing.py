"""Wrong arguments are refused, in the right way, and the server lives on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, noted, passed, skipped, violated
from mcp_assay.readiness.check import Scope
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.minimal import smallest
from mcp_assay_suites.exercising.shared import wrong_calls
from mcp_assay_suites.observing.judging import counted, listed

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
_NOTHING_WRONG = "no arguments break its input schema beyond doubt"


@check("TOOL-022", category=Category.EXECUTION, scope=Scope.TOOL)
async def inputs_validated(subject: Subject) -> Judgement:
    """Judge whether arguments that break the input schema are refused, and whether the server survives them."""
    cases = await _wrong(subject)
    if isinstance(cases, Judgement):
        return cases
    fatal = [case for case in cases if case.ended_server or (case.silenced_server and not case.timed_out)]
    taken = [await smallest(subject, case, _is_taken) for case in cases if case.succeeded]
    if fatal or taken:
        problems = [_told(case) for case in (*fatal, *taken)]
        expected = "arguments that break the input schema are refused, and the server goes on"
        return violated(expected, listed(problems), exchange=(*fatal, *taken)[0].exchange.evidence())
    refused = [case for case in cases if _is_refused(case)]
    if not refused:
        return skipped(f"no call with wrong arguments was answered: {cases[0].exchange.describe()}")
    flaws = ", ".join(dict.fromkeys(case.flaw.keyword for case in refused if case.flaw is not None))
    return passed(f"{counted(len(refused), 'call')} refused ({flaws})")


@check("TOOL-023", category=Category.EXECUTION, scope=Scope.TOOL)
async def input_error_in_result(subject: Subject) -> Judgement:
    """Judge whether wrong arguments are refused by a result with ``isError``, so that a model can correct itself."""
    cases = await _wrong(subject)
    if isinstance(cases, Judgement):
        return cases
    refused = [case for case in cases if _is_refused(case)]
    if not refused:
        return skipped("no call with wrong arguments was refused")
    expected = "wrong arguments are refused by a result with isError"
    other = next((case for case in refused if case.exchange.error_code not in {None, INVALID_PARAMS}), None)
    if other is not None:
        return violated(expected, _told(other), exchange=other.exchange.evidence())
    strict = next((case for case in refused if case.exchange.error is not None), None)
    if strict is not None:
        return noted(expected, _told(strict), exchange=strict.exchange.evidence())
    return passed(counted(len(refused), "refusal"))


async def _is_taken(case: Case) -> bool:
    """Return whether a call was answered as if its arguments were right."""
    return case.succeeded


async def _wrong(subject: Subject) -> list[Case] | Judgement:
    """Return the calls with wrong arguments, or the skip when there are none."""
    if not subject.the_tool.decision.allowed:
        return skipped(subject.the_tool.decision.reason)
    calls = await wrong_calls(subject)
    if calls.cases:
        return calls.cases
    return skipped(calls.problem) if calls.problem else not_applicable(_NOTHING_WRONG)


def _is_refused(case: Case) -> bool:
    """Return whether a call was answered by an error of either kind."""
    return case.exchange.error is not None or case.exchange.is_tool_error


def _told(case: Case) -> str:
    """Return a call with wrong arguments and what came of it."""
    flaw = case.flaw.text if case.flaw is not None else ""
    happened = case.exchange.describe()
    if case.exchange.fault is None and case.after is not None and case.silenced_server:
        happened = f"{happened}, and afterwards {case.after.describe()}"
    return f"{case.call} ({flaw}): {happened}"


CHECKS = (inputs_validated, input_error_in_result)
