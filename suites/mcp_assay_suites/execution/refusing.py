"""Wrong arguments are refused, in the right way, and the server lives on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped
from mcp_assay.readiness.check import Scope
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.cases import canonical
from mcp_assay_suites.exercising.minimal import smallest
from mcp_assay_suites.exercising.shared import valid_calls, wrong_calls
from mcp_assay_suites.exercising.telling import noted_by, violated_by, what_happened
from mcp_assay_suites.observing.judging import counted, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

INVALID_PARAMS = -32602
_DIES = "invalid arguments end the server"
_CAUSES: Mapping[str, str] = {
    "required": "missing required arguments are accepted",
    "type": "values of a wrong type are accepted",
    "enum": "values that are not listed are accepted",
    "const": "values that are not listed are accepted",
    "additionalProperties": "unknown arguments are accepted",
    "unevaluatedProperties": "unknown arguments are accepted",
    "minimum": "numbers out of range are accepted",
    "maximum": "numbers out of range are accepted",
    "exclusiveMinimum": "numbers out of range are accepted",
    "exclusiveMaximum": "numbers out of range are accepted",
    "pattern": "texts that do not match their pattern are accepted",
    "minLength": "texts of a wrong length are accepted",
    "maxLength": "texts of a wrong length are accepted",
    "minItems": "arrays of a wrong length are accepted",
    "maxItems": "arrays of a wrong length are accepted",
}
"""What a server does that does not look at a keyword."""
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
        causes = [_DIES] * bool(fatal) + [_cause(case) for case in taken]
        return violated_by((*fatal, *taken)[0], expected, listed(problems), causes=causes)
    refused = await _refused(subject, cases)
    if isinstance(refused, Judgement):
        return refused
    flaws = ", ".join(dict.fromkeys(case.flaw.keyword for case in refused if case.flaw is not None))
    return passed(f"{counted(len(refused), 'call')} refused ({flaws})")


@check("TOOL-023", category=Category.EXECUTION, scope=Scope.TOOL)
async def input_error_in_result(subject: Subject) -> Judgement:
    """Judge whether wrong arguments are refused by a result with ``isError``, so that a model can correct itself."""
    cases = await _wrong(subject)
    if isinstance(cases, Judgement):
        return cases
    refused = await _refused(subject, cases)
    if isinstance(refused, Judgement):
        return refused
    expected = "wrong arguments are refused by a result with isError"
    other = next((case for case in refused if case.exchange.error_code not in {None, INVALID_PARAMS}), None)
    if other is not None:
        return violated_by(other, expected, _told(other))
    strict = next((case for case in refused if case.exchange.error is not None), None)
    if strict is not None:
        return noted_by(strict, expected, _told(strict))
    return passed(counted(len(refused), "refusal"))


def _cause(case: Case) -> str:
    """Return what the server did not look at, in words that are the same for every tool."""
    keyword = "" if case.flaw is None else case.flaw.keyword
    return _CAUSES.get(keyword, f"arguments that break {keyword} are accepted")


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


async def _refused(subject: Subject, cases: list[Case]) -> list[Case] | Judgement:
    """Return the calls that were refused for their arguments, or the skip when there are none.

    What is also said to right arguments, that a service is out of reach or a key is missing, is no word on arguments.
    """
    failed = [case for case in cases if _is_refused(case)]
    if not failed:
        return skipped(f"no call with wrong arguments was answered by an error: {cases[0].exchange.describe()}")
    always = {_answer(case) for case in (await valid_calls(subject)).cases if _is_refused(case)}
    refused = [case for case in failed if _answer(case) not in always]
    return refused or skipped(f"right arguments get the same answer as wrong ones: {failed[0].exchange.describe()}")


def _answer(case: Case) -> str:
    """Return what a failed call was answered by, as text that can be compared."""
    return canonical(case.exchange.error or (case.exchange.result or {}).get("content"))


def _is_refused(case: Case) -> bool:
    """Return whether a call was answered by an error of either kind."""
    return case.exchange.error is not None or case.exchange.is_tool_error


def _told(case: Case) -> str:
    """Return a call with wrong arguments and what came of it."""
    flaw = case.flaw.text if case.flaw is not None else ""
    return f"{case.call} ({flaw}): {what_happened(case)}"


CHECKS = (inputs_validated, input_error_in_result)
