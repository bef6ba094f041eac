"""Does the server stay as it is under load that goes on?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.quantities import milliseconds
from mcp_assay.core.verdicts import Category, Judgement, passed, skipped, violated
from mcp_assay.load import tool_call
from mcp_assay.load.machine import machine_speed
from mcp_assay.load.soak import soak
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted
from mcp_assay_suites.performance.measuring import entry_of, machine_of, unmeasurable, unrecorded
from mcp_assay_suites.performance.repeating import HOLDINGS, explorable_cases, resource_figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.load.soak import Soak
    from mcp_assay.readiness.subject import ServerUnderTest, Subject
    from mcp_assay_suites.exercising.cases import Case

_SLOWER = 0.5
"""Share by which answers may become slower over the second half of a soak."""

_STEADY = 1.2
_MIB = 1024 * 1024
_LEAST_S = 30.0
"""Seconds of a soak without which nothing is said of a trend of the answer times."""


def _is_asked_for(server: ServerUnderTest) -> bool:
    """Return whether the user asked for a soak."""
    return server.run.settings.soak_s > 0


@check("PERF-005", category=Category.PERFORMANCE, asked_for=_is_asked_for)
async def soaked(subject: Subject) -> Judgement:
    """Judge failures, growth and answer times over the whole time that the user asked for."""
    cases = await explorable_cases(subject)
    if isinstance(cases, Judgement):
        return cases
    machine_of(subject)
    try:
        found = await _soaked(subject, cases)
    except ConnectError as problem:
        return skipped(f"a second instance of the server cannot be used: {problem.fault.message}")
    expected = f"the server stays as it is for {subject.run.settings.soak_s:g} s"
    if found.measured.distribution is None:
        return unmeasurable(expected, found.measured)
    is_steady = _machine_is_steady(subject) and found.measured.elapsed_s >= _LEAST_S
    return replace(
        _judged(subject, found, expected, len(cases), is_steady=is_steady), figures=resource_figures([found.run])
    )


async def _soaked(subject: Subject, cases: Sequence[tuple[str, Case]]) -> Soak:
    """Put a fresh instance under load for as long as the user asked for.

    Raises:
        ConnectError: It does not start.
    """
    async with subject.server.fresh_session(protocol=subject.version) as session:
        with unrecorded(session):
            return await soak(
                [tool_call(session, tool, case.arguments) for tool, case in cases],
                session.channel.transport.pid or 0,
                duration_s=subject.run.settings.soak_s,
                clock=subject.run.clock,
            )


def _machine_is_steady(subject: Subject) -> bool:
    """Return whether the machine is as quick now as it was before, and quiet: else it is no slower server."""
    before, now = machine_of(subject), machine_speed(subject.run.clock)
    return not (before.is_noisy or now.is_noisy) and now.cpu_s <= before.cpu_s * _STEADY


def _judged(subject: Subject, found: Soak, expected: str, tools: int, *, is_steady: bool) -> Judgement:
    """Return the verdict on a soak in which something was answered."""
    entry = entry_of(subject, found.measured)
    told = (
        f"{counted(found.measured.calls, 'call')} of {counted(tools, 'tool')} in {found.measured.elapsed_s:.3g} s, "
        f"{found.measured.rate_per_s:.3g} a second, memory {_memory(found)}{machine_of(subject).remark}"
    )
    problems = [*_problems(found), *(_slowing(found) if is_steady else ())]
    if problems:
        return violated(expected, f"{'; '.join(problems)}; {told}", benchmark=entry)
    return passed(told, benchmark=entry)


def _memory(found: Soak) -> str:
    """Return what the processes held before, at most, and after."""
    held = [sample.rss_bytes / _MIB for sample in found.run.samples]
    return f"{held[0]:.0f} MiB before, {max(held):.0f} at most, {held[-1]:.0f} after" if held else "unknown"


def _problems(found: Soak) -> Iterator[str]:
    """Yield what did not stay as it was."""
    if found.measured.errors:
        yield f"{found.measured.errors} failed: {found.measured.first_error}"
    elif found.run.lost:
        yield found.run.first_error or "the server is gone"
    yield from (held.told(found.run) for held in HOLDINGS if held.has_grown(found.run))


def _slowing(found: Soak) -> Iterator[str]:
    """Yield that answers became slower, if they did."""
    if found.slowing.grows_beyond(0.0) and found.slower_by > _SLOWER:
        middle, last = found.medians[len(found.medians) // 2][1], found.medians[-1][1]
        yield f"answers became slower, from {milliseconds(middle)} to {milliseconds(last)}"


CHECKS = (soaked,)
