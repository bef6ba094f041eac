"""What is said on one connection is not heard on another.

Two connections of one server's own ask different questions at the same time under the same ids, because ids belong to a
connection, and name progress tokens that tell whose they are.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.verdicts import Category, Judgement, passed, skipped, violated
from mcp_assay.readiness.subject import UnavailableError
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.cross_server.questions import Question, answer, questions
from mcp_assay_suites.observing.judging import counted, shown

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

ROUNDS = 4
"""How often both connections ask everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """One of the connections.

    Attributes:
        name: How its progress tokens begin.
        session: The connection.
        asked: What it asks, in its own order, with the answers it gets alone.
    """

    name: str
    session: ServerSession
    asked: Sequence[tuple[Question, bytes]]

    async def ask(self, turn: int, place: int) -> Exchange:
        """Ask one question under an id that the other connection uses at the same time for another."""
        question, _ = self.asked[place]
        params: JsonObject = dict(question.params)
        if question.method == "tools/call":
            params["_meta"] = {"progressToken": f"{self.name}{turn}-{place}"}
        return await self.session.request(question.method, params, request_id=f"talk-{turn}-{place}")

    def overheard(self, other: Speaker) -> Iterator[str]:
        """Yield the progress tokens that came and are the other's."""
        for said in self.session.log.server_messages:
            params = said.message.get("params")
            token = params.get("progressToken") if isinstance(params, dict) else None
            if said.method == "notifications/progress" and isinstance(token, str) and token.startswith(other.name):
                yield token


@check("CROSS-007", category=Category.CROSS_SERVER)
async def no_cross_talk(subject: Subject) -> Judgement:
    """Judge whether two connections of the server that talk at the same time hear their own answers only."""
    try:
        asked = await questions(subject.server, subject.run)
        async with subject.server.fresh_session() as first, subject.server.fresh_session() as second:
            one = Speaker(name="assay-one-", session=first, asked=[pair async for pair in _alone(first, asked)])
            known = {id(question) for question, _ in one.asked}
            shared = [question for question in asked if id(question) in known]
            found = [pair async for pair in _alone(second, shared)]
            # One place further, so that the same id stands for different questions.
            two = Speaker(name="assay-two-", session=second, asked=[*found[1:], *found[:1]])
            return await _judged(one, two)
    except ConnectError as problem:
        return skipped(f"two more connections to the server cannot be used: {problem.fault.message}")
    except UnavailableError as problem:
        return skipped(problem.message)


async def _judged(one: Speaker, two: Speaker) -> Judgement:
    """Let both talk, and once more before the server is accused."""
    if min(len(one.asked), len(two.asked)) < 2:
        return skipped("there are no two questions whose answers are the same twice")
    mixed = await _mixed(one, two, 0) and await _mixed(one, two, ROUNDS)
    for speaker, other in ((one, two), (two, one)):
        for token in speaker.overheard(other):
            return violated(
                "progress goes to the connection that asked for it", f"a token of the other: {shown(token)}"
            )
    if mixed is not None:
        return violated(
            "an answer goes to the connection that asked, whatever ids others use",
            f"while another connection asked under the same ids, twice: {mixed.describe()}",
            exchange=mixed.evidence(),
        )
    calls = 2 * ROUNDS * len(one.asked)
    return passed(f"{counted(calls, 'answer')} went to the right one of two connections that used the same ids")


async def _mixed(one: Speaker, two: Speaker, start: int) -> Exchange | None:
    """Return an answer that differs from the one given alone although that is still given alone, or None."""
    for turn in range(start, start + ROUNDS):
        asked = [(speaker, place) for speaker in (one, two) for place in range(len(speaker.asked))]
        answers = await asyncio.gather(*(speaker.ask(turn, place) for speaker, place in asked))
        for (speaker, place), exchange in zip(asked, answers, strict=True):
            question, alone = speaker.asked[place]
            if answer(exchange) != alone and await _asked_alone(speaker.session, question) == alone:
                return exchange
    return None


async def _alone(session: ServerSession, asked: Sequence[Question]) -> AsyncGenerator[tuple[Question, bytes]]:
    """Yield the questions that a connection answers the same twice, with the answers."""
    for question in asked:
        first, second = await _asked_alone(session, question), await _asked_alone(session, question)
        if first is not None and first == second:
            yield question, first


async def _asked_alone(session: ServerSession, question: Question) -> bytes | None:
    return answer(await session.request(question.method, question.params))


CHECKS = (no_cross_talk,)
