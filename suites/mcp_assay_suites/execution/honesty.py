"""Do hints hold? A read-only tool changes nothing that can be seen, an idempotent one nothing more the second time."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped
from mcp_assay.readiness.check import Scope
from mcp_assay.runtime.inventory import LISTS_BY_CAPABILITY
from mcp_assay.wire.session import LIST_METHODS
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.asking import successes
from mcp_assay_suites.exercising.calling import Planned, call
from mcp_assay_suites.exercising.cases import canonical
from mcp_assay_suites.exercising.known import QUICK_S
from mcp_assay_suites.exercising.limits import is_open_world
from mcp_assay_suites.exercising.shared import plain_looks
from mcp_assay_suites.exercising.telling import violated_by
from mcp_assay_suites.observing.judging import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject, ToolUnderTest
    from mcp_assay_suites.exercising.cases import Case

_MOST_TOOLS = 5
_QUICK_S = 0.25
_UNEVEN_S = (0.0, 0.0, 0.03, 0.0, 0.17, 0.01, 0.0)
"""Pauses before looks at the same answer: what follows the clock moves unevenly."""

_LARGEST_STEP = 10
_OTHER_CALLS = 3
_NUMBER = re.compile(r"(?<![\w.])\d{1,15}(?![\w.]*\d)")
_IDLE_S = 1.2
"""Longer than a second, so that what changes with the time of day gives itself away."""

Snapshot = dict[str, "JsonObject"]
"""What a server shows of itself, by where it shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """A call that shows something of the server's state.

    Attributes:
        subject: The tool.
        case: Its call.
    """

    subject: Subject
    case: Case


@check("TOOL-029", category=Category.EXECUTION, scope=Scope.TOOL, tier=1)
async def hints_honest(subject: Subject) -> Judgement:
    """Judge ``readOnlyHint`` and ``idempotentHint`` by what the server's lists and other read-only tools show."""
    cannot = _cannot_be_judged(subject.the_tool)
    if cannot is not None:
        return cannot
    read_only = _claims(subject.the_tool, "readOnlyHint")
    cases = await successes(subject)
    if isinstance(cases, Judgement):
        return cases
    if cases[0].exchange.duration_s > QUICK_S:
        return not_applicable(f"asked only of tools that answer within {QUICK_S:g} s")
    changes, watched = await _changes(subject, cases[0], calls_before=0 if read_only else 1)
    if read_only and await _counts_calls(subject, cases[0]):
        changes.add("a number in its own answer, by one step with each call,")
    if changes:
        return _dishonest(cases[0], changes, read_only=read_only)
    if not watched:
        return not_applicable("nothing on this server shows its state")
    return passed(f"nothing changed in {counted(watched, 'place')} that may show the server's state")


def _cannot_be_judged(tool: ToolUnderTest) -> Judgement | None:
    """Return why a tool's hints are not put to the test, or None."""
    if not _claims(tool, "readOnlyHint") and not _claims(tool, "idempotentHint"):
        return not_applicable("it claims neither readOnlyHint nor idempotentHint")
    if not tool.decision.allowed:
        return skipped(tool.decision.reason)
    return not_applicable("what a tool does outside its server cannot be seen") if is_open_world(tool) else None


def _claims(tool: ToolUnderTest, hint: str) -> bool:
    """Return whether a tool claims a hint."""
    return tool.definition.annotations.get(hint) is True


def _dishonest(case: Case, changes: set[str], *, read_only: bool) -> Judgement:
    """Return the finding that a hint does not hold."""
    claim = "readOnlyHint" if read_only else "idempotentHint"
    which = "a read-only tool" if read_only else "the second call with the same arguments"
    observed = f"it claims {claim}, but after {case.call} {', '.join(sorted(changes))} changed"
    return violated_by(case, f"{which} changes nothing", observed, causes=[f"{claim} does not hold"])


async def _changes(subject: Subject, case: Case, *, calls_before: int) -> tuple[set[str], int]:
    """Return where the server shows something else after a call, and how many places were watched.

    Places that change by themselves do not count: each is looked at twice before the call and again after a while.
    """
    observers = await _observers(subject)
    for _ in range(calls_before):
        await call(subject, Planned(arguments=case.arguments, uses=case.uses))
    first, second = await _snapshot(subject, observers), await _snapshot(subject, observers)
    steady = {place for place, shown in second.items() if first.get(place) == shown}
    await call(subject, Planned(arguments=case.arguments, uses=case.uses))
    third = await _snapshot(subject, observers)
    changed = {place for place in steady if place in third and third[place] != second[place]}
    if changed:
        await asyncio.sleep(_IDLE_S)
        later = await _snapshot(subject, observers)
        changed = {place for place in changed if later.get(place) == third[place]}
    return changed, len(steady)


async def _counts_calls(subject: Subject, case: Case) -> bool:
    """Return whether a number in the tool's answer moves by one and the same step with each call, whenever it comes.

    A server may well count the calls of all its tools; that is no effect of this one.
    """
    rows: list[list[int]] = []
    for pause_s in _UNEVEN_S:
        await asyncio.sleep(pause_s)
        rows.append(await _numbers(subject, case))
        if len(rows[-1]) != len(rows[0]) or not rows[0]:
            return False
        if len(rows) > 1 and rows[-1] == rows[-2]:
            return False
    counts = any(counts_up(column) for column in zip(*rows, strict=True))
    return counts and not await _counts_others(subject, case, rows)


async def _numbers(subject: Subject, case: Case) -> list[int]:
    """Call the tool once more and return the integers in its answer, in their order."""
    looked = await call(subject, Planned(arguments=case.arguments, uses=case.uses))
    result = {} if looked.exchange.result is None else looked.exchange.result
    return [int(number) for number in _NUMBER.findall(canonical(_without_meta(result)))]


async def _counts_others(subject: Subject, case: Case, rows: list[list[int]]) -> bool:
    """Return whether the tool's answer shows that other tools were called, beyond what its own calls did to it."""
    for observer in (await _observers(subject))[:1]:
        for _ in range(_OTHER_CALLS):
            await call(observer.subject, Planned(arguments=observer.case.arguments))
    last = await _numbers(subject, case)
    if len(last) != len(rows[-1]):
        return True
    moved = [(steps_of(column), now - column[-1]) for column, now in zip(zip(*rows, strict=True), last, strict=True)]
    return any(len(steps) == 1 and step not in steps for steps, step in moved)


def steps_of(column: Sequence[int]) -> set[int]:
    """Return by how much numbers change from one to the next."""
    return {later - early for early, later in pairwise(column)}


def counts_up(column: Sequence[int]) -> bool:
    """Return whether numbers rise by the same small step each time."""
    steps = steps_of(column)
    return len(steps) == 1 and 0 < next(iter(steps)) <= _LARGEST_STEP


async def _observers(subject: Subject) -> list[Observer]:
    """Return calls of other read-only tools that worked, quickly and without being told what to look at."""
    found: list[Observer] = []
    for other, calls in await plain_looks(subject):
        case = calls.first_success
        if case is not None and case.exchange.duration_s <= _QUICK_S:
            found.append(Observer(subject=other, case=case))
        if len(found) == _MOST_TOOLS:
            break
    return found


async def _snapshot(subject: Subject, observers: list[Observer]) -> Snapshot:
    """Return what the server shows in its lists and through the observers; failed looks are left out."""
    session = await subject.server.session()
    shown: Snapshot = {}
    for key in (key for name, keys in LISTS_BY_CAPABILITY.items() if session.offers(name) for key in keys):
        page = await subject.server.request(LIST_METHODS[key], {})
        shown |= _shown(LIST_METHODS[key], page.result)
    for observer in observers:
        looked = await call(observer.subject, Planned(arguments=observer.case.arguments))
        shown |= _shown(f"the answer of {observer.subject.the_tool.name}", looked.exchange.result)
    return shown


def _shown(place: str, result: JsonObject | None) -> Snapshot:
    """Return a result as what a place shows, without metadata; nothing when there is no result."""
    return {} if result is None else {place: _without_meta(result)}


def _without_meta(result: JsonObject) -> JsonObject:
    """Return a result without metadata, which may well differ."""
    return {name: value for name, value in result.items() if name != "_meta"}


CHECKS = (hints_honest,)
