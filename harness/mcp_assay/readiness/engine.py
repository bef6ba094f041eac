"""Runs planned checks: one lane per server, the lanes side by side.

A lane runs its server's checks in order. Cross-server checks wait until every lane is through, performance checks until
nothing else runs; those run one at a time. Verdicts come out as futures, so that a caller can wait for any one of them
while the lanes go on.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import traceback
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from mcp_assay.core.errors import HarnessError
from mcp_assay.core.verdicts import Category, Judgement, Outcome, Verdict, skipped
from mcp_assay.readiness.acceptance import acceptance_of
from mcp_assay.readiness.observations import Kept, is_beside_the_wire
from mcp_assay.readiness.progress import Watch
from mcp_assay.readiness.sdk_baselines import known_reason
from mcp_assay.readiness.subject import PostponedError, Subject, UnavailableError
from mcp_assay.readiness.throttling import unless_throttled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_assay.core.json_types import Json
    from mcp_assay.core.presentation import Presenter
    from mcp_assay.core.verdicts import Level
    from mcp_assay.readiness.made_calls import MadeCall
    from mcp_assay.readiness.plan import PlannedCheck
    from mcp_assay.readiness.progress import LaneProgress
    from mcp_assay.readiness.subject import Run, ToolUnderTest

_LONGEST_ARGUMENTS = 400
"""Characters of arguments that still fit in the one line that repeats a finding."""

_LONGEST_CALLS = 800
"""Those of arguments and of the calls before them, which no file keeps."""

_LANE_CATEGORIES = frozenset({Category.CONNECTIVITY, Category.SCHEMA, Category.EXECUTION})


@dataclass(slots=True)
class _Timing:
    """When the phases of a run ended, seconds on the run's clock."""

    started: float = 0.0
    checks_done: float = 0.0
    performance_done: float = 0.0


class Engine:
    """Judges planned checks and hands out their verdicts.

    All coroutines belong to one event loop; `future` may be called from any thread.

    Args:
        run: What the checks share.
        presenter: Makes every text of a verdict fit to be shown.
        reproduce: Start of the command line that repeats a check, for example ``pytest --mcp-config servers.json``.
    """

    def __init__(self, run: Run, presenter: Presenter, *, reproduce: str = "pytest") -> None:
        self._run = run
        self._presenter = presenter
        self._reproduce = reproduce
        self._futures: dict[str, Future[Verdict]] = {}
        self._timing = _Timing()
        self._watch = Watch()

    @property
    def lanes(self) -> list[LaneProgress]:
        """How far each lane is; may be read from any thread."""
        return self._watch.lanes(self._run.clock.monotonic)

    @property
    def checks_s(self) -> float:
        """Seconds spent in the lanes and on cross-server checks."""
        return max(0.0, self._timing.checks_done - self._timing.started)

    @property
    def performance_s(self) -> float:
        """Seconds spent on performance checks."""
        return max(0.0, self._timing.performance_done - self._timing.checks_done)

    def expect(self, planned: Iterable[PlannedCheck]) -> None:
        """Make a future for each planned check, before any of them runs."""
        for item in planned:
            self._futures.setdefault(item.nodeid, Future())

    def future(self, item: PlannedCheck) -> Future[Verdict]:
        """Return the future of a check's verdict."""
        return self._futures.setdefault(item.nodeid, Future())

    async def run_lanes(self, planned: Sequence[PlannedCheck]) -> None:
        """Judge all planned checks; their futures are resolved when this returns, also when it is cancelled."""
        self.expect(planned)
        self._watch.expect(planned)
        _choose(planned)
        self._timing.started = self._run.clock.monotonic()
        try:
            await asyncio.gather(*(self._lane(lane) for lane in _lanes(planned, _LANE_CATEGORIES)))
            together, timed = _split(planned)
            await asyncio.gather(*(self._lane(lane) for lane in _lanes(together, {Category.CROSS_SERVER})))
            for lane in _lanes(timed, {Category.CROSS_SERVER}):
                await self._lane(lane)
            self._timing.checks_done = self._run.clock.monotonic()
            for lane in _lanes(planned, {Category.PERFORMANCE}):
                await self._lane(lane)
            self._timing.performance_done = self._run.clock.monotonic()
        finally:
            for item in planned:
                self.future(item).cancel()

    async def judge(
        self,
        item: PlannedCheck,
        arguments: Mapping[str, Json] | None = None,
        *,
        before: tuple[MadeCall, ...] | None = None,
        may_wait: bool = False,
    ) -> Verdict:
        """Judge one check now and return its verdict; never raises for what a server does.

        Args:
            item: The check.
            arguments: The only ones to call its tool with; by default those of the run's settings, if any.
            before: The calls that come before that one; likewise.
            may_wait: Whether the check may ask to be made once more later.

        Raises:
            PostponedError: The check may, and does.
        """
        started = self._run.clock.monotonic()
        self._watch.begin(item, started)
        patience_s = self._run.settings.patience_s(item.check.category)
        try:
            async with asyncio.timeout(patience_s):
                given = self._run.settings.arguments if arguments is None else arguments
                earlier = self._run.settings.before if before is None else before
                judgement = await self._judgement(item, given, before=earlier, may_wait=may_wait)
        except PostponedError:
            raise
        except UnavailableError as problem:
            judgement = skipped(problem.message)
        except TimeoutError:
            judgement = _own_error(f"the check did not end within {patience_s:g} s")
        except HarnessError as problem:
            judgement = _own_error(str(problem))
        except Exception:  # noqa: BLE001  a bug in one check must not take the other verdicts with it
            judgement = _own_error(f"the check itself failed:\n{traceback.format_exc(limit=-6)}")
        verdict = self._verdict(item, judgement, self._run.clock.monotonic() - started)
        future = self.future(item)
        if not future.done():
            future.set_result(verdict)
        self._watch.end(item)
        return verdict

    def give_up(self, item: PlannedCheck, reason: str) -> Verdict:
        """Return the verdict of a check that could not be made through a fault of ours."""
        return self._verdict(item, _own_error(reason), 0.0)

    async def _lane(self, lane: Sequence[PlannedCheck]) -> None:
        """Judge the checks of one server in order; what is postponed comes after the same check of other tools."""
        for _, alike in groupby(lane, key=lambda item: item.check.id):
            for item in [item for item in alike if await self._is_postponed(item)]:
                await self.judge(item)

    async def _is_postponed(self, item: PlannedCheck) -> bool:
        """Judge a check unless it asks for a later turn; return whether it does."""
        try:
            await self.judge(item, may_wait=True)
        except PostponedError:
            return True
        return False

    async def _judgement(
        self, item: PlannedCheck, given: Mapping[str, Json] | None, *, before: tuple[MadeCall, ...], may_wait: bool
    ) -> Judgement:
        """Run a check, unless its server was never reached."""
        fault = item.server.managed.fault
        if fault is not None and not item.check.unreachable:
            return skipped(f"server {item.server.name} could not be reached")
        arguments = None if given is None or item.tool is None else dict(given)
        subject = Subject(
            server=item.server, run=self._run, tool=item.tool, arguments=arguments, before=before, may_wait=may_wait
        )
        if fault is not None or not is_beside_the_wire(item.check):
            return unless_throttled(await item.check.run(subject))
        return unless_throttled(await self._recalled(item, subject))

    async def _recalled(self, item: PlannedCheck, subject: Subject) -> Judgement:
        """Return the judgement that a recording keeps, or run the check and keep what it finds."""
        observations, launch, calls = self._run.observations, item.server.launch, item.server.calls
        kept = observations.recall(launch, item.name)
        if kept is not None:
            for tool, count in kept.calls.items():
                item.server.count_calls(tool, count)
            return kept.judgement
        before = Counter(calls)
        judgement = await item.check.run(subject)
        observations.keep(launch, item.name, Kept(judgement=judgement, calls=Counter(calls) - before))
        return judgement

    def _verdict(self, item: PlannedCheck, judgement: Judgement, duration_s: float) -> Verdict:
        """Return the verdict of a judgement, with every text presented."""
        check, present = item.check, self._presenter
        session = item.server.managed.session
        version = session.agreement.version if session is not None else ""
        level = check.level_in(version) or check.highest_level
        outcome, reason = self._weakened(item, judgement, level)
        arguments, before = self._json(judgement.arguments), self._json(list(judgement.before) or None)
        return Verdict(
            check=check.id,
            slug=check.slug,
            category=check.category,
            level=level,
            server=present.line(item.server.name),
            config=item.server.managed.spec.config,
            tool=None if item.tool is None else present.line(item.tool.name),
            outcome=outcome,
            nodeid=item.nodeid,
            duration_s=duration_s,
            requirement=check.requirement,
            expected=present.optional(judgement.expected),
            observed=present.optional(judgement.observed),
            reason=present.optional(reason),
            applicable=judgement.applicable,
            spec=check.spec_in(version),
            reproduce=self._repeated(item, judgement, arguments, before),
            fix=check.fix if outcome in {Outcome.FAIL, Outcome.WARN} else "",
            exchange=None if judgement.exchange is None else present.json(dict(judgement.exchange)),
            benchmark=None if judgement.benchmark is None else present.json(dict(judgement.benchmark)),
            samples=tuple(judgement.samples),
            figures=self._shown(judgement.figures),
            arguments=arguments,
            before=before,
            causes=judgement.causes,
            budgets=self._shown(judgement.budgets),
        )

    def _shown(self, objects: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return objects fit to be shown; most verdicts have none."""
        given = [dict(one) for one in objects]
        shown: list[dict[str, Any]] = self._presenter.json(given) if given else []
        return shown

    def _json(self, value: Any) -> str | None:
        """Return what a call takes as JSON text, or None when there is nothing or it could not be shown as it is."""
        if value is None:
            return None
        text = json.dumps(value, sort_keys=True)
        # Escaped like this it is the same JSON, and nothing in it is changed where texts are made fit to be shown.
        for shown, escaped in (("::", ":\\u003a"), ("##[", "#\\u0023["), ("\x7f", "\\u007f")):
            text = text.replace(shown, escaped)
        return text if self._presenter.text(text) == text else None

    def _repeated(self, item: PlannedCheck, judgement: Judgement, arguments: str | None, before: str | None) -> str:
        """Return the command line that repeats a check, with its arguments if they show the same by themselves.

        Long ones are named by the file that they are kept in. Without arguments the check makes its calls again, which
        the seed makes the same ones. Calls that must come before are in the line, too.
        """
        line = f"{self._reproduce} {shlex.quote(item.nodeid)}"
        if judgement.before:
            if before is None or arguments is None or len(before) + len(arguments) > _LONGEST_CALLS:
                return line
            return f"{line} --mcp-before {shlex.quote(before)} --mcp-args {shlex.quote(arguments)}"
        if item.tool is None or judgement.arguments is None or _needs_others(item.tool, judgement):
            return line
        kept = self._run.examples.keep(item.server.name, item.tool.name, item.check.id, judgement.arguments)
        if arguments is None or len(arguments) > _LONGEST_ARGUMENTS:
            arguments = kept
        return line if arguments is None else f"{line} --mcp-args {shlex.quote(arguments)}"

    def _weakened(self, item: PlannedCheck, judgement: Judgement, level: Level) -> tuple[Outcome, str | None]:
        """Return a judgement's outcome and reason: below the gate, or accepted by the user, a failure is a warning."""
        if judgement.outcome not in {Outcome.FAIL, Outcome.WARN}:
            return judgement.outcome, judgement.reason
        accepted = self._accepted(item, judgement)
        if accepted is not None:
            return Outcome.WARN, accepted
        if judgement.outcome is Outcome.WARN:
            return Outcome.WARN, judgement.reason
        fails = self._run.settings.fails(item.check.id, level)
        return (Outcome.FAIL if fails else Outcome.WARN), judgement.reason

    def _accepted(self, item: PlannedCheck, judgement: Judgement) -> str | None:
        """Return why a finding is accepted, or None when it is not."""
        tool = None if item.tool is None else item.tool.name
        for rules in (self._run.rules, *self._run.baselines):
            accepted = acceptance_of(rules, item.server.name, item.check.id, tool)
            if accepted is not None:
                return accepted
        return known_reason(self._run.sdks, item.check.id, item.server.transport, judgement.observed)


def _choose(planned: Iterable[PlannedCheck]) -> None:
    """Tell each server which of its tools are judged by being called."""
    for item in planned:
        if item.tool is not None and item.check.category is Category.EXECUTION:
            item.server.chosen.add(item.tool.name)


def _split(planned: Iterable[PlannedCheck]) -> tuple[list[PlannedCheck], list[PlannedCheck]]:
    """Return the checks that run beside those of other servers, and those that come when nothing else runs."""
    items = list(planned)
    return [item for item in items if not item.check.late], [item for item in items if item.check.late]


def _lanes(planned: Iterable[PlannedCheck], categories: Iterable[Category]) -> list[list[PlannedCheck]]:
    """Return the checks of some categories, one list per server; those that judge the whole run come last."""
    wanted = frozenset(categories)
    lanes: dict[str, list[PlannedCheck]] = {}
    for item in planned:
        if item.check.category in wanted:
            lanes.setdefault(item.server.managed.id, []).append(item)
    return [sorted(lane, key=lambda item: item.check.late) for lane in lanes.values()]


def _needs_others(tool: ToolUnderTest, judgement: Judgement) -> bool:
    """Return whether other calls must be made first: what tools make in a sandbox goes when the run ends."""
    return not judgement.alone or (judgement.borrowed and tool.decision.contained)


def _own_error(message: str) -> Judgement:
    """Return the judgement that we failed, not the server."""
    return replace(skipped(message), outcome=Outcome.ERROR, observed=message, reason=None)
