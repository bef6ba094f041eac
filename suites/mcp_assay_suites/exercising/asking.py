"""What a check asks for first: the calls of its tool, or why there are none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Judgement, skipped
from mcp_assay_suites.exercising.shared import valid_calls, wrong_calls
from mcp_assay_suites.observing.judging import counted

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Calls, Case


async def every_call(subject: Subject) -> list[Case] | Judgement:
    """Return the tool's calls, valid and wrong, or the skip when none was made."""
    if not subject.the_tool.decision.allowed:
        return skipped(subject.the_tool.decision.reason)
    valid, wrong = await valid_calls(subject), await wrong_calls(subject)
    cases = [*valid.cases, *wrong.cases]
    return cases or skipped(valid.problem or wrong.problem or "no call was made")


async def successes(subject: Subject) -> list[Case] | Judgement:
    """Return the valid calls that did their work, or the skip when there is none: then nothing was exercised."""
    if not subject.the_tool.decision.allowed:
        return skipped(subject.the_tool.decision.reason)
    calls = await valid_calls(subject)
    return calls.successes or skipped(never_exercised(calls))


_READ_ONLY = re.compile(r"\bEROFS\b|read-only file ?system", re.IGNORECASE)


def never_exercised(calls: Calls) -> str:
    """Return why a tool counts as never successfully exercised."""
    if not calls.cases:
        return f"never successfully exercised: {calls.problem or 'no call was made'}"
    first = calls.cases[0]
    failed = counted(len(calls.cases), "valid call")
    cut_short = f"; {calls.problem}" if calls.problem else ""
    happened = f"{failed} failed, the first ({first.call}) with {first.exchange.describe()}"
    return f"never successfully exercised: {happened}{cut_short}{_kept_from(calls)}"


def _kept_from(calls: Calls) -> str:
    """Return that a sandbox may be why calls failed, or nothing when none was told not to write."""
    told = any(_READ_ONLY.search(case.exchange.describe()) for case in calls.cases)
    return "; a sandbox lets it write below its home, its working directory and `sandbox.folders` only" if told else ""
