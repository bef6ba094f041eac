"""What a server answers does not depend on others being used at the same time.

All servers are asked alone first, twice, then all at once. Only answers that are stable alone are compared. Before a
server is accused it is asked alone a third time, so that a clock is not taken for a broken server, and among the others
a second time, so that chance is not. Who loses a race may change, so both times count for whoever is disturbed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
    """What came of asking everybody.

    Attributes:
        stable: How many questions could be compared, by server.
        disturbed: Questions answered otherwise among others.
    """

    stable: dict[str, int] = field(default_factory=dict[str, int])
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
    stable: dict[str, int] = {}
    for question, _ in alone:
        stable[question.server.managed.id] = stable.get(question.server.managed.id, 0) + 1
    suspects = await _suspects(alone)
    again = await _suspects(alone) if suspects else []
    return Experiment(stable=stable, disturbed=(*suspects, *again) if again else ())


async def _alone(run: Run) -> list[tuple[Question, Exchange]]:
    """Return the questions whose answer is stable when nothing else happens, with one exchange each."""
    deadline = run.clock.monotonic() + ALONE_S
    stable: list[tuple[Question, Exchange]] = []
    for server in run.servers.values():
        if server.managed.fault is None and run.clock.monotonic() < deadline:
            stable += await _stable(server, run)
    return stable


async def _stable(server: ServerUnderTest, run: Run) -> list[tuple[Question, Exchange]]:
    """Return one server's questions that are answered the same twice, with one exchange each."""
    stable: list[tuple[Question, Exchange]] = []
    try:
        for question in await questions(server, run):
            first, second = await question.ask(), await question.ask()
            if answer(first) is not None and answer(first) == answer(second):
                stable.append((question, first))
    except UnavailableError:
        return []
    return stable


async def _at_once(asked: Iterable[Question]) -> list[tuple[Question, Exchange]]:
    """Ask everything at the same time and return what could be asked."""

    async def ask(question: Question) -> tuple[Question, Exchange] | None:
        try:
            return question, await question.ask()
        except UnavailableError:
            return None

    answers = await asyncio.gather(*(ask(question) for question in asked))
    return [one for one in answers if one is not None]


async def _suspects(alone: Sequence[tuple[Question, Exchange]]) -> list[Disturbed]:
    """Ask everybody at once; return what is answered otherwise although it is still answered as before alone."""
    among = await _at_once(question for question, _ in alone)
    before = {id(question): exchange for question, exchange in alone}
    suspects: list[Disturbed] = []
    for question, exchange in among:
        first = before[id(question)]
        if answer(exchange) != answer(first) and await _still_answers(question, first):
            suspects.append(Disturbed(question=question, alone=first, among=exchange))
    return suspects


async def _still_answers(question: Question, before: Exchange) -> bool:
    """Return whether a question asked alone is answered as before."""
    try:
        return answer(await question.ask()) == answer(before)
    except UnavailableError:
        return False


CHECKS = (concurrent_isolation,)
