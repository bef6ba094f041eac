"""Many calls of each tool that may be repeated, and what they leave behind in the server's processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.verdicts import Judgement, not_applicable, skipped
from mcp_assay.load import tool_call
from mcp_assay.load.growth import RUNAWAY, growth_run
from mcp_assay_suites.exercising.known import explorable_call
from mcp_assay_suites.performance.loads import once
from mcp_assay_suites.performance.measuring import budget_of, limits_of, unrecorded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        metric: The metric that a user can set a limit for.
        per_call: Growth per call that is no finding yet.
        total: Rise of the floor in a round that is none yet: what a heap may fill up by before it is collected.
        unit: Name of the unit in which growth is told.
        size: How much of the field's own unit that is.
    """

    field: str
    name: str
    metric: str
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

    def established(self, run: GrowthRun) -> float:
        """Return the growth with each call, 0 unless it is a trend beyond chance and beyond what a heap fills up by."""
        trend = run.trend(self.field)
        is_much = trend.total > self.total or run.rise(self.field) > RUNAWAY[self.field]
        return trend.per_call if is_much and trend.grows_beyond(0.0) else 0.0

    def told(self, run: GrowthRun) -> str:
        """Return the growth in a run, for example ``memory 12.3 KiB a call``."""
        return f"{self.name} {run.rise(self.field) / max(1, run.calls) / self.size:.3g}{self.unit} a call"


HOLDINGS = (
    Holding(
        field="rss_bytes",
        name="memory",
        metric="rss_growth",
        per_call=5 * _KIB,
        total=48 * _MIB,
        unit=" KiB",
        size=_KIB,
    ),
    Holding(field="descriptors", name="open files", metric="open_files_growth", per_call=0.01, total=20),
    Holding(field="children", name="child processes", metric="children_growth", per_call=0.01, total=20),
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


async def repeated_calls(subject: Subject) -> Sequence[Repeated] | Judgement:
    """Return many calls of each tool on a fresh instance, made once, or the verdict when there can be none."""
    return await once(subject, "repeated", partial(_repeat_all, subject))


async def _repeat_all(subject: Subject) -> Sequence[Repeated] | Judgement:
    """Make what `repeated_calls` returns."""
    budget_s = budget_of(subject).growth_s
    if not budget_s:
        return skipped("growth_s is 0")
    cases = await explorable_cases(subject)
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
    return made


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
    suspects = [repeated for repeated in made if any(held.grows(repeated.run) for held in _suspicious(subject))]
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


async def explorable_cases(subject: Subject) -> Sequence[tuple[str, Case]] | Judgement:
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


def _suspicious(subject: Subject) -> list[Holding]:
    """Return what must not grow, with the user's own limits where those are narrower."""
    limits = limits_of(subject)
    found: list[Holding] = []
    for held in HOLDINGS:
        limit = limits.get(held.metric)
        found.append(held if limit is None else replace(held, per_call=min(held.per_call, max(limit.limit, _LEAST))))
    return found


def resource_figures(runs: Sequence[GrowthRun]) -> list[Mapping[str, Any]]:
    """Return what the processes held before, at most, and after, and the processor time of a call, as figures."""
    samples = [sample for run in runs for sample in run.samples]
    if not samples:
        return []
    figures: list[Mapping[str, Any]] = []
    for name, field, unit in _HELD:
        values = [float(getattr(sample, field)) for sample in samples]
        figures += [
            {"metric": f"{name}_{when}", "value": value, "unit": unit}
            for when, value in (("before", values[0]), ("peak", max(values)), ("after", values[-1]))
        ]
    return [*figures, {"metric": "cpu", "value": cpu_per_call(runs), "unit": "s/call"}]


def peak(runs: Sequence[GrowthRun], field: str) -> float | None:
    """Return the largest value of a field, None without a sample."""
    return max((float(getattr(sample, field)) for run in runs for sample in run.samples), default=None)


def cpu_per_call(runs: Sequence[GrowthRun]) -> float:
    """Return the seconds of processor time that a call took the server, 0 without calls."""
    calls = sum(run.calls for run in runs)
    return max(0.0, sum(run.rise("cpu_s") for run in runs)) / calls if calls else 0.0


def growth_per_call(made: Sequence[Repeated], metric: str) -> float | None:
    """Return the steepest growth with each call of any tool, 0 for what is chance or a heap that fills up.

    The round of each tool with most samples counts: the first one of a tool that seems to grow warms it up. None when
    a tool has too few samples for a trend to stand out.
    """
    held = next(held for held in HOLDINGS if held.metric == metric)
    rounds: dict[str, GrowthRun] = {}
    for repeated in made:
        known = rounds.get(repeated.tool)
        if known is None or len(repeated.run.samples) >= len(known.samples):
            rounds[repeated.tool] = repeated.run
    if not rounds or min(len(run.samples) for run in rounds.values()) < _FEWEST_SAMPLES:
        return None
    return max(held.established(run) for run in rounds.values())


_LEAST = 1e-9
_FEWEST_SAMPLES = 12
_HELD = (("rss", "rss_bytes", "B"), ("open_files", "descriptors", "number"), ("children", "children", "number"))
