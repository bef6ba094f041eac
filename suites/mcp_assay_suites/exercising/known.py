"""A call that is known to work, for those that want to repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Judgement, not_applicable, skipped
from mcp_assay_suites.exercising.asking import successes
from mcp_assay_suites.exercising.limits import OPEN_WORLD_CALLS, is_open_world, is_repeatable, may_try
from mcp_assay_suites.exercising.shares import has_time

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

QUICK_S = 1.0
"""Seconds within which a tool must answer to be called again and again out of curiosity."""


async def repeatable_call(subject: Subject) -> Case | Judgement:
    """Return the first call of the tool that worked, the user's own before others, or why it may not be repeated.

    It is the one that the execution checks made; it is made now when they did not run.
    """
    tool = subject.the_tool
    if not tool.decision.allowed:
        return skipped(tool.decision.reason)
    if is_open_world(tool):
        return skipped(
            f"openWorldHint is not false: a run calls it {OPEN_WORLD_CALLS} times at most, because each call may cost "
            "money or hit a limit; `call = true` for this tool in mcp-assay.toml lifts that"
        )
    if not (is_repeatable(tool) or tool.decision.explicit):
        return skipped(
            "neither readOnlyHint nor idempotentHint says that it may be called again and again; `call = true` for "
            "this tool in mcp-assay.toml does"
        )
    cases = await successes(subject)
    return cases if isinstance(cases, Judgement) else cases[0]


async def explorable_call(subject: Subject) -> Case | Judgement:
    """Return a call that worked of a tool that may be tried with arguments nobody thought of, or why not.

    Only a tool that claims to be read-only and to stay inside its server is, or one in a sandbox, and only when it is
    quick.
    """
    tool = subject.the_tool
    if not tool.decision.allowed:
        return skipped(tool.decision.reason)
    if not has_time(subject):
        return skipped("its share of --mcp-budget is used up")
    if not may_try(tool):
        return not_applicable("asked only of tools that claim readOnlyHint: true and openWorldHint: false")
    cases = await successes(subject)
    if isinstance(cases, Judgement):
        return cases
    if cases[0].exchange.duration_s > QUICK_S:
        return not_applicable(f"asked only of tools that answer within {QUICK_S:g} s")
    return cases[0]
