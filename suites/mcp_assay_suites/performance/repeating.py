"""Many calls of each tool that may be repeated, and what they leave behind in the server's processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.verdicts import Judgement, not_applicable, skipped
from mcp_assay.load import tool_call
from mcp_assay.load.growth import growth_run
from mcp_assay_suites.exercising.known import explorable_call
from mcp_assay_suites.observing.judging import counted, listed
from mcp_assay_suites.performance.loads import once
from mcp_assay_suites.performance.measuring import budget_of, limits_of, unrecorded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_assay.load.growth import GrowthRun
    from mcp_assay.load.samples import Sample
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.session import ServerSession
    from mcp_assay_suites.exercising.cases import Case

SUSPECTED_AFTER = 500
"""Calls of each tool in the first round; where nothing grows in it, that is all."""

CONFIRMED_AFTER = 30_000
"""Calls in the second round, enough for several collections of a runtime that lets its heap grow by some 50 MiB."""

FEWEST_SAMPLES = 12
"""Samples without which no trend stands out from noise."""

_BATCHES = 20
TOO_FEW = "too few calls to tell growth from noise"

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
        """Return whether it has grown beyond doubt, however little with each call, and goes on to grow."""
        trend = run.trend(self.field)
        is_leak = trend.grows_beyond(0.0) and trend.goes_on and trend.total > self.total
        return is_leak or run.ran_away(self.field)

    def is_open(self, run: GrowthRun) -> bool:
        """Return whether it seems to grow and goes on to, in a run too short to tell a leak from what fills up."""
        return self.grows(run) and run.trend(self.field).goes_on and not self.has_grown(run)

    def established(self, run: GrowthRun) -> float:
        """Return the growth with each call, 0 unless it has grown beyond doubt."""
        if not self.has_grown(run):
            return 0.0
        settled = run.settled
        passed_by = max(1, settled[-1].calls - settled[0].calls)
        whole = float(getattr(settled[-1], self.field) - getattr(settled[0], self.field)) / passed_by
        # A run that had to be ended has no two thirds over which there could be a trend.
        return whole if run.ran_away(self.field) else run.trend(self.field).per_call

    def suspicion(self, run: GrowthRun) -> str:
        """Return why the growth of an open run cannot be judged."""
        trend = run.trend(self.field)
        return (
            f"{self.name} rose by {trend.per_call / self.size:.3g}{self.unit} a call, and {counted(run.calls, 'call')} "
            f"are too few to tell a leak from what fills up and stays: give growth_s more time"
        )

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
    """Many calls of a tool, or of several in turn, and what they left behind.

    Attributes:
        tools: How often each tool was called.
        call: The call of the first of them, in words.
        run: The samples.
    """

    tools: Mapping[str, int]
    call: str
    run: GrowthRun

    @property
    def name(self) -> str:
        """The tools that were called, in words."""
        return listed(list(self.tools))

    @property
    def told(self) -> str | None:
        """What has grown beyond doubt, or that the server did not last; None when all is well."""
        grown = ", ".join(held.told(self.run) for held in HOLDINGS if held.has_grown(self.run))
        if not grown and self.run.lost:
            grown = self.run.first_error or "the server is gone"
        return f"{self.name}: {grown} over {self.run.calls} calls with {self.call}" if grown else None

    @property
    def left_open(self) -> str | None:
        """What may be growing, which the calls were too few to tell; None when there is nothing."""
        held = next((held for held in HOLDINGS if held.is_open(self.run)), None)
        return None if held is None else f"{self.name}: {held.suspicion(self.run)}"


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
    for tool, count in ((tool, count) for repeated in made for tool, count in repeated.tools.items()):
        subject.server.count_calls(tool, count)
    return made


async def _examined(
    subject: Subject, session: ServerSession, cases: Sequence[tuple[str, Case]], budget_s: float
) -> list[Repeated]:
    """Return the calls made to all tools: a short round for each, then a long one of those in turn that seem to grow.

    What grows is the process that they share: if it does not while all suspects are called in turn, none of them leaks.
    """
    clock, made = subject.run.clock, list[Repeated]()
    started = clock.monotonic()
    suspects: list[tuple[str, Case]] = []
    for tool, case in cases:
        share_s = budget_s * _FIRST_SHARE / len(cases)
        made.append(await _repeated(subject, session, [(tool, case)], calls=SUSPECTED_AFTER, budget_s=share_s))
        if made[-1].told is not None:
            return made
        if any(held.grows(made[-1].run) for held in _suspicious(subject)):
            suspects.append((tool, case))
    taken_s = clock.monotonic() - started
    left_s = budget_s - taken_s
    if suspects and left_s > 0:
        possible = sum(repeated.run.calls for repeated in made) * left_s / max(taken_s, _LEAST)
        calls = min(CONFIRMED_AFTER, max(SUSPECTED_AFTER, int(possible)))
        made.append(await _repeated(subject, session, suspects, calls=calls, budget_s=left_s))
    return made


async def _repeated(
    subject: Subject, session: ServerSession, cases: Sequence[tuple[str, Case]], *, calls: int, budget_s: float
) -> Repeated:
    """Repeat the calls of some tools in turn and return what they left behind."""
    turns = cycle([(tool, tool_call(session, tool, case.arguments)) for tool, case in cases])
    count = dict.fromkeys((tool for tool, _ in cases), 0)

    async def call() -> Sample:
        tool, make = next(turns)
        count[tool] += 1
        return await make()

    run = await growth_run(
        call,
        session.channel.transport.pid or 0,
        calls=calls,
        budget_s=budget_s,
        clock=subject.run.clock,
        batches=max(_BATCHES, calls // 150),
    )
    return Repeated(tools=count, call=cases[0][1].call, run=run)


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


def deciding(made: Sequence[Repeated]) -> list[Repeated]:
    """Return the last round of each tool: the first one of a tool that seems to grow only warms it up.

    A round that was too short to tell anything takes the place of none.
    """
    later: set[str] = set()
    found: list[Repeated] = []
    for repeated in reversed(made):
        if not later.issuperset(repeated.tools):
            found.append(repeated)
        later |= set(repeated.tools) if len(repeated.run.samples) >= FEWEST_SAMPLES else set()
    return found[::-1]


def growth_per_call(made: Sequence[Repeated], metric: str, limit: float | None = None) -> float | str:
    """Return the steepest growth with each call of any tool, 0 for what is chance or fills up, or why it is not known.

    Args:
        made: The rounds of all tools.
        metric: The metric, such as ``rss_growth``.
        limit: Growth with each call that is asked about: what may be more, and is not established, is not known.
    """
    held = next(held for held in HOLDINGS if held.metric == metric)
    held = held if limit is None else replace(held, per_call=min(held.per_call, limit))
    runs = [repeated.run for repeated in deciding(made)]
    if not runs or min(len(run.samples) for run in runs) < FEWEST_SAMPLES:
        return f"within growth_s there were {TOO_FEW}"
    suspect = next((run for run in runs if held.is_open(run)), None)
    if suspect is not None and not any(held.has_grown(run) for run in runs):
        return held.suspicion(suspect)
    return max(held.established(run) for run in runs)


_LEAST = 1e-9
_HELD = (("rss", "rss_bytes", "B"), ("open_files", "descriptors", "number"), ("children", "children", "number"))
