"""Two instances of a server are one server: whoever is led from one to the other sees no difference.

Both are started for this, so that nothing that was written through the live connection can part them. Only answers that
each instance repeats are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.verdicts import Category, Judgement, passed, skipped, violated
from mcp_assay.readiness.subject import UnavailableError
from mcp_assay.wire.reaper import without_marks
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.cross_server.questions import Question, answer, ask_on, questions
from mcp_assay_suites.observing.comparing import first_difference
from mcp_assay_suites.observing.judging import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One question and what two instances say to it, None when one of them does not repeat its answer."""

    question: Question
    answers: tuple[Exchange, Exchange] | None


@check("CROSS-005", category=Category.CROSS_SERVER)
async def replicas_agree(subject: Subject) -> Judgement:
    """Judge whether two fresh instances of the server answer harmless questions in the same way."""
    try:
        asked = await questions(subject.server, subject.run)
        async with subject.server.fresh_session() as first, subject.server.fresh_session() as second:
            pairs = [await _pair(question, first, second) for question in asked]
    except ConnectError as problem:
        return skipped(f"two more instances of the server cannot be used: {problem.fault.message}")
    except UnavailableError as problem:
        return skipped(problem.message)
    return _judged(pairs)


async def _pair(question: Question, first: ServerSession, second: ServerSession) -> Pair:
    """Ask both instances, and again in turns before their answers are taken for theirs."""
    early = [await ask_on(session, question) for session in (first, second)]
    late = [await ask_on(session, question) for session in (first, second)]
    stable = all(_said(one) is not None and _said(one) == _said(two) for one, two in zip(early, late, strict=True))
    return Pair(question=question, answers=(late[0], late[1]) if stable else None)


def _said(exchange: Exchange) -> bytes | None:
    """Return what an instance answered, without what we gave to this instance and no other."""
    said = answer(exchange)
    return None if said is None else without_marks(said)


def _judged(pairs: Sequence[Pair]) -> Judgement:
    compared = [(pair.question, pair.answers) for pair in pairs if pair.answers is not None]
    if not compared:
        return skipped("no answer of this server is the same twice")
    for question, (one, other) in compared:
        if _said(one) != _said(other):
            return violated(
                "two instances of the server, started alike, give the same answers",
                f"{question.text}: {_told_apart(one, other)}; each says it twice",
                exchange={"one": one.evidence(), "other": other.evidence()},
            )
    return passed(f"two fresh instances answered {counted(len(compared), 'question')} the same")


def _told_apart(one: Exchange, other: Exchange) -> str:
    """Return what two instances say, or for two results of one kind where they part."""
    place = first_difference(one.result, other.result, "") if one.result and other.result else None
    if place is None or not place[0]:
        return f"one says {one.describe()}, the other {other.describe()}"
    pointer, left, right = place
    return f"at {pointer} one says {left}, the other {right}"


CHECKS = (replicas_agree,)
