"""Does the server hold on to more and more, the more it is called?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.load import tool_call
from mcp_assay.load.growth import RUNAWAY, growth_run
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.known import explorable_call
from mcp_assay_suites.observing.judging import counted, listed
from mcp_assay_suites.performance.measuring import budget_of, unrecorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.load.growth import GrowthRun
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.session import ServerSession
    from mcp_assay_suites.exercising.cases import Case

SUSPECTED_AFTER = 500
"""Calls of each tool in the first round; where nothing grows in it, that is all."""

CONFIRMED_AFTER = 30_000
"""Calls in the second round, enough for several collections of a runtime that lets its heap grow by some 50 MiB."""

_FIRST_SHARE = 0.4
"""Share of the time for the first round over all tools."""

_KIB = 1024
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Something that a process holds.

    Attributes:
        field: Its field in a sample.
        name: What it is called.
        per_call: Growth per call that is no finding yet.
        total: Rise of the floor in a round that is none yet: what a heap may fill up by before it is collected.
        unit: Name of the unit in which growth is told.
        size: How much of the field's own unit that is.
    """

    field: str
    name: str
    per_call: float
    total: float
    unit: str = ""
    size: float = 1.0

    def grows(self, run: GrowthRun) -> bool:
        """Return whether it seems to grow."""
        return run.trend(self.field).grows_beyond(self.per_call)

    def has_grown(self, run: GrowthRun) -> bool:
        """Return whether it has grown beyond doubt."""
        if run.rise(self.field) > RUNAWAY[self.field]:
            return True
        return self.grows(run) and run.trend(self.field).total > self.total

    def told(self, run: GrowthRun) -> str:
        """Return the growth in a run, for example ``memory 12.3 KiB a call``."""
        return f"{self.name} {run.rise(self.field) / max(1, run.calls) / self.size:.3g}{self.unit} a call"


HOLDINGS = (
    Holding(field="rss_bytes", name="memory", per_call=5 * _KIB, total=48 * _MIB, unit=" KiB", size=_KIB),
    Holding(field="descriptors", name="open files", per_call=0.01, total=20),
    Holding(field="children", name="child processes", per_call=0.01, total=20),
)
"""What must not grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """Many calls of a tool and what they left behind.

    Attributes:
        tool: The tool.
        case: The call that was repeated.
        run: The samples.
    """

    tool: str
    case: Case
    run: GrowthRun

    @property
    def steepness(self) -> float:
        """The largest growth per call over what is no finding yet."""
        return max(self.run.trend(held.field).per_call / held.per_call for held in HOLDINGS)

    @property
    def told(self) -> str | None:
        """What has grown beyond doubt, or that the server did not last; None when all is well."""
        grown = ", ".join(held.told(self.run) for held in HOLDINGS if held.has_grown(self.run))
        if not grown and self.run.lost:
            grown = self.run.first_error or "the server is gone"
        return f"{self.tool}: {grown} over {self.run.calls} calls with {self.case.call}" if grown else None


@check("ADV-012", category=Category.PERFORMANCE)
async def growth(subject: Subject) -> Judgement:
    """Judge memory, open files and children of a fresh instance over many calls of each tool that may be repeated."""
    budget_s = budget_of(subject).growth_s
    if not budget_s:
        return skipped("growth_s is 0")
    cases = await _cases(subject)
    if isinstance(cases, Judgement):
        return cases
    try:
        async with subject.server.fresh_session(protocol=subject.version) as session:
            with unrecorded(session):
                made = await _examined(subject, session, cases, budget_s)
    except ConnectError as problem:
        return skipped(f"a second instance of the server cannot be used: {problem.fault.message}")
    for repeated in made:
        subject.server.calls[repeated.tool] = subject.server.calls.get(repeated.tool, 0) + repeated.run.calls
    told = [repeated.told for repeated in made if repeated.told is not None]
    if told:
        return violated("memory, open files and children do not grow with the number of calls", listed(told))
    calls = sum(repeated.run.calls for repeated in made)
    return passed(f"nothing grew beyond doubt over {counted(calls, 'call')} of {counted(len(cases), 'tool')}")


async def _examined(
    subject: Subject, session: ServerSession, cases: Sequence[tuple[str, Case]], budget_s: float
) -> list[Repeated]:
    """Return the calls made to all tools: a short round for each, a long one for those that seem to grow."""
    clock, made = subject.run.clock, list[Repeated]()
    deadline = clock.monotonic() + budget_s
    for tool, case in cases:
        share_s = budget_s * _FIRST_SHARE / len(cases)
        made.append(await _repeated(subject, session, tool, case, calls=SUSPECTED_AFTER, budget_s=share_s))
        if made[-1].told is not None:
            return made
    suspects = [repeated for repeated in made if any(held.grows(repeated.run) for held in HOLDINGS)]
    for suspect in sorted(suspects, key=lambda repeated: -repeated.steepness):
        left_s = deadline - clock.monotonic()
        if left_s <= 0:
            break
        made.append(
            await _repeated(subject, session, suspect.tool, suspect.case, calls=CONFIRMED_AFTER, budget_s=left_s)
        )
        if made[-1].told is not None:
            break
    return made


async def _repeated(
    subject: Subject, session: ServerSession, tool: str, case: Case, *, calls: int, budget_s: float
) -> Repeated:
    """Repeat a call and return what it left behind."""
    run = await growth_run(
        tool_call(session, tool, case.arguments),
        session.channel.transport.pid or 0,
        calls=calls,
        budget_s=budget_s,
        clock=subject.run.clock,
        batches=max(20, calls // 150),
    )
    return Repeated(tool=tool, case=case, run=run)


async def _cases(subject: Subject) -> Sequence[tuple[str, Case]] | Judgement:
    """Return a known call of each tool that may be repeated, or the verdict when there is none."""
    found: list[tuple[str, Case]] = []
    reasons: list[Judgement] = []
    for tool in subject.server.tools:
        case = await explorable_call(replace(subject, tool=tool))
        if isinstance(case, Judgement):
            reasons.append(case)
        else:
            found.append((tool.name, case))
    if found:
        return found
    exercised = next((reason for reason in reasons if reason.applicable), None)
    return exercised or not_applicable("no tool may be called again and again")


CHECKS = (growth,)
