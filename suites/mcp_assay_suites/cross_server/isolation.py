"""What a server answers does not depend on others being used at the same time.

All servers are asked alone first, one after another, then all at once. What is answered otherwise is asked alone twice
more: only an answer that is the same all three times can be compared, so that a clock is not taken for a broken server.
Before a server is accused all are asked at once a second time, so that chance is not. Who loses a race may change, so
both times count for whoever is disturbed. What is answered the same at once needs no more asking: it is what is judged.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.readiness.subject import UnavailableError
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.cross_server.questions import Question, answer, questions
from mcp_assay_suites.cross_server.together import once
from mcp_assay_suites.observing.judging import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_assay.readiness.subject import Run, ServerUnderTest, Subject
    from mcp_assay.wire.exchange import Exchange

ALONE_S = 60.0
"""Seconds for asking all servers alone; servers whose turn does not come are not judged."""

MORE_ALONE = 2
"""How often a question that is answered otherwise among others is asked alone again."""

Asked: TypeAlias = "tuple[Question, Exchange]"
"""A question and what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbed:
    """A question that is answered otherwise among others.

    Attributes:
        question: The question.
        alone: Its exchange alone.
        among: Its exchange among others.
    """

    question: Question
    alone: Exchange
    among: Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What came of the whole experiment.

    Attributes:
        alone: What was asked while nothing else happened: all lanes of a run begin with this, and wait for it.
        stable: How many questions could be compared, by server.
        disturbed: Questions answered otherwise among others.
    """

    alone: tuple[Asked, ...] = ()
    stable: dict[str, int] = field(default_factory=dict[str, int])
    disturbed: tuple[Disturbed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of asking everybody at once.

    Attributes:
        stable: The questions that can be compared, with their exchanges alone.
        disturbed: Those among them that were answered otherwise.
    """

    stable: tuple[Asked, ...] = ()
    disturbed: tuple[Disturbed, ...] = ()


@check("CROSS-001", category=Category.CROSS_SERVER)
async def concurrent_isolation(subject: Subject) -> Judgement:
    """Judge whether the server answers among others as it does alone."""
    if not subject.others:
        return not_applicable("there is no other server in this run")
    experiment = await once(subject.run, Experiment, _carried_out)
    found = [one for one in experiment.disturbed if one.question.server is subject.server]
    if found:
        return _accusation(found[0])
    compared = experiment.stable.get(subject.server.managed.id, 0)
    if not compared:
        return skipped("no answer of this server is the same twice when it is asked alone")
    return passed(
        f"{counted(compared, 'question')} answered the same among {counted(len(subject.others), 'other server')}"
    )


def _accusation(found: Disturbed) -> Judgement:
    """Return the finding for one question."""
    among = found.among.describe()
    return violated(
        "an answer is the same alone and while other servers are used",
        f"{found.question.text} alone, three times: {found.alone.describe()}; among others: {among}",
        exchange={"alone": found.alone.evidence(), "among_others": found.among.evidence()},
    )


async def _carried_out(run: Run) -> Experiment:
    """Ask everybody alone, then all at once, and confirm what differs."""
    alone = await _alone(run)
    first = await _compared(alone)
    stable = Counter(question.server.managed.id for question, _ in first.stable)
    again = await _compared(first.stable) if first.disturbed else Comparison()
    disturbed = (*first.disturbed, *again.disturbed) if again.disturbed else ()
    return Experiment(alone=tuple(alone), stable=dict(stable), disturbed=disturbed)


def answered_alone(run: Run, question: Question) -> Exchange | None:
    """Return what came of a question when nothing else happened, None when it was not asked so in this run."""
    experiment = run.memory.get(Experiment.__qualname__)
    asked = experiment.alone if isinstance(experiment, Experiment) else ()
    return next((exchange for other, exchange in asked if other == question), None)


async def _alone(run: Run) -> list[Asked]:
    """Return the questions that are answered when nothing else happens, with their exchanges."""
    deadline = run.clock.monotonic() + ALONE_S
    answered: list[Asked] = []
    for server in run.servers.values():
        if server.managed.fault is None and run.clock.monotonic() < deadline:
            answered += await _answered(server, run)
    return answered


async def _answered(server: ServerUnderTest, run: Run) -> list[Asked]:
    """Return one server's questions that are answered, with their exchanges; none when it goes down meanwhile."""
    try:
        asked = [(question, await question.ask()) for question in await questions(server, run)]
    except UnavailableError:
        return []
    return [(question, exchange) for question, exchange in asked if answer(exchange) is not None]


async def _at_once(asked: Iterable[Question]) -> list[Asked]:
    """Ask everything at the same time and return what could be asked."""

    async def ask(question: Question) -> Asked | None:
        try:
            return question, await question.ask()
        except UnavailableError:
            return None

    answers = await asyncio.gather(*(ask(question) for question in asked))
    return [one for one in answers if one is not None]


async def _compared(alone: Sequence[Asked]) -> Comparison:
    """Ask everybody at once and compare with the answers given alone, where those stay the same."""
    before = {id(question): exchange for question, exchange in alone}
    stable: list[Asked] = []
    disturbed: list[Disturbed] = []
    for question, among in await _at_once(question for question, _ in alone):
        first = before[id(question)]
        if answer(among) == answer(first):
            stable.append((question, first))
        elif await _stays_the_same(question, first):
            stable.append((question, first))
            disturbed.append(Disturbed(question=question, alone=first, among=among))
    return Comparison(stable=tuple(stable), disturbed=tuple(disturbed))


async def _stays_the_same(question: Question, before: Exchange) -> bool:
    """Return whether a question asked alone is answered as before, twice."""
    try:
        return all([answer(await question.ask()) == answer(before) for _ in range(MORE_ALONE)])
    except UnavailableError:
        return False


CHECKS = (concurrent_isolation,)
