"""Does the server hold on to more and more, the more it is called?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcp_assay.core.verdicts import Category, Judgement, passed, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, listed
from mcp_assay_suites.performance.repeating import (
    FEWEST_SAMPLES,
    TOO_FEW,
    deciding,
    growth_per_call,
    repeated_calls,
    resource_figures,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.performance.repeating import Repeated


@check("ADV-012", category=Category.PERFORMANCE)
async def growth(subject: Subject) -> Judgement:
    """Judge memory, open files and children of a fresh instance over many calls of each tool that may be repeated."""
    made = await repeated_calls(subject)
    if isinstance(made, Judgement):
        return made
    return replace(_judged(made), figures=_figures(made))


def _judged(made: Sequence[Repeated]) -> Judgement:
    """Return the verdict on the calls that were made."""
    told = [repeated.told for repeated in made if repeated.told is not None]
    if told:
        return violated("memory, open files and children do not grow with the number of calls", listed(told))
    if sum(len(repeated.run.samples) for repeated in made) < FEWEST_SAMPLES:
        return skipped(f"only {counted(sum(r.run.calls for r in made), 'call')} within growth_s: {TOO_FEW}")
    still_open = [repeated.left_open for repeated in deciding(made) if repeated.left_open is not None]
    if still_open:
        return skipped(listed(still_open))
    calls, tools = (
        sum(repeated.run.calls for repeated in made),
        len({tool for repeated in made for tool in repeated.tools}),
    )
    return passed(f"nothing grew beyond doubt over {counted(calls, 'call')} of {counted(tools, 'tool')}")


def _figures(made: Sequence[Repeated]) -> list[Mapping[str, Any]]:
    """Return what the processes held, and the steepest growth of memory."""
    steepest = growth_per_call(made, "rss_growth")
    held = resource_figures([repeated.run for repeated in made])
    return held if isinstance(steepest, str) else [*held, {"metric": "rss_growth", "value": steepest, "unit": "B/call"}]


CHECKS = (growth,)
