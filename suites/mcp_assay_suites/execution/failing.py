"""Failures are told in a way that a model can act on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed
from mcp_assay.readiness.check import Scope
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.execution.structured import texts_of
from mcp_assay_suites.exercising.asking import every_call
from mcp_assay_suites.exercising.minimal import smallest
from mcp_assay_suites.exercising.telling import noted_by, violated_by
from mcp_assay_suites.observing.judging import counted

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

INTERNAL_ERROR = -32603
_HIDDEN = "errors stand in results without isError"

STACK_TRACE = re.compile(
    r'Traceback \(most recent call last\)|^\s+File "[^"\n]{1,300}", line \d+'
    r"|^\s+at [^\n]{1,200}\([^()\n]{1,300}:\d+(:\d+)?\)|^\s+at [^\n]{1,300}:\d+:\d+$"
    r"|^goroutine \d+ \[|panicked at [^\n]{1,300}:\d+",
    re.MULTILINE,
)
"""Stack traces of Python, JavaScript, Java, Go and Rust."""


@check("TOOL-025", category=Category.EXECUTION, scope=Scope.TOOL)
async def error_has_text(subject: Subject) -> Judgement:
    """Judge whether tool errors say something, and not in stack traces."""
    cases = await every_call(subject)
    if isinstance(cases, Judgement):
        return cases
    failed = [case for case in cases if case.exchange.is_tool_error]
    if not failed:
        return not_applicable("no call was answered with isError")
    mute = next((case for case in failed if not _has_text(case)), None)
    if mute is not None:
        mute = await smallest(subject, mute, _is_mute)
        expected = "a result with isError says in text what went wrong"
        return violated_by(mute, expected, f"{mute.call}: it holds no text", causes=["errors say nothing"])
    traced = next((case for case in failed if _is_traced(case)), None)
    if traced is not None:
        traced = await smallest(subject, traced, _shows_trace)
        expected = "an error tells a model what to do, not where the code failed"
        return noted_by(traced, expected, f"{traced.call}: it holds a stack trace", causes=["errors hold stack traces"])
    return passed(counted(len(failed), "tool error"))


@check("TOOL-026", category=Category.EXECUTION, scope=Scope.TOOL)
async def tool_failure_in_result(subject: Subject) -> Judgement:
    """Judge that no call is answered by JSON-RPC error -32603, and no error hides in the text of a result."""
    cases = await every_call(subject)
    if isinstance(cases, Judgement):
        return cases
    hidden = next((case for case in cases if case.exchange.hides_tool_error and not _is_declared(subject, case)), None)
    if hidden is not None:
        return await _hidden(subject, hidden)
    internal = next((case for case in cases if case.exchange.error_code == INTERNAL_ERROR), None)
    if internal is None:
        failed = [case for case in cases if case.exchange.is_tool_error]
        return passed(counted(len(failed), "tool error")) if failed else not_applicable("no call failed")

    async def shows(other: Case) -> bool:
        return other.exchange.error_code == INTERNAL_ERROR

    internal = await smallest(subject, internal, shows)
    return violated_by(
        internal,
        "a failure of the tool is told in its result, not as a protocol error",
        f"{internal.call}: {internal.exchange.describe()}",
    )


async def _hidden(subject: Subject, case: Case) -> Judgement:
    """Return the finding that a client takes an error for a result, with the smallest arguments that show it."""

    async def shows(other: Case) -> bool:
        return other.exchange.hides_tool_error

    case = await smallest(subject, case, shows)
    expected = "a failure of the tool is told by isError in its result"
    return violated_by(case, expected, f"{case.call}: {case.exchange.describe()}", causes=[_HIDDEN])


def _is_declared(subject: Subject, case: Case) -> bool:
    """Return whether the tool's output schema knows results with an error in them."""
    schema = subject.the_tool.definition.output_schema or {}
    properties = schema.get("properties")
    return not case.exchange.wraps_tool_error and isinstance(properties, dict) and "error" in properties


def _has_text(case: Case) -> bool:
    """Return whether a result says anything in text."""
    return any(text.strip() for text in texts_of(case))


def _is_traced(case: Case) -> bool:
    """Return whether a result holds a stack trace."""
    return any(STACK_TRACE.search(text) for text in texts_of(case))


async def _is_mute(case: Case) -> bool:
    """Return whether a call failed without a word."""
    return case.exchange.is_tool_error and not _has_text(case)


async def _shows_trace(case: Case) -> bool:
    """Return whether a call failed with a stack trace."""
    return case.exchange.is_tool_error and _is_traced(case)


CHECKS = (error_has_text, tool_failure_in_result)
