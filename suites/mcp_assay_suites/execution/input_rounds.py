"""Tools that ask the client for input, and what they do with the answer (2026-07-28, multi round-trip requests)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import orjson

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, skipped
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.input_rounds import SUBSETS, Reply, asked_meanwhile, input_talk
from mcp_assay_suites.observing.judging import counted, judged, judged_with_notes, shown
from mcp_assay_suites.observing.questions import is_question, needed_capabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay_suites.exercising.input_rounds import Rounds


@check("MRTR-004", category=Category.EXECUTION)
async def respects_capabilities(subject: Subject) -> Judgement:
    """Judge whether a tool asks only for what the client can give."""
    rounds = await _rounds(subject)
    if isinstance(rounds, Judgement):
        return rounds
    wrong = [(text, exchange) for one in rounds for text, exchange in _overreaching(one)]
    return judged(
        "a tool asks only for what the client declared",
        [text for text, _ in wrong],
        looked_at=f"{counted(len(rounds), 'tool')} that asks, with {counted(len(SUBSETS), 'set')} of capabilities",
        exchange=wrong[0][1].evidence() if wrong else None,
    )


@check("DISC-011", category=Category.EXECUTION)
async def no_capability_memory(subject: Subject) -> Judgement:
    """Judge whether a tool asks because of what another request declared."""
    rounds = await _rounds(subject)
    if isinstance(rounds, Judgement):
        return rounds
    fair = [one for one in rounds if not is_question(one.limited["nothing"])]
    if not fair:
        return not_applicable("a tool asks whatever is declared, which is judged by MRTR-004")
    wrong = [one for one in fair if one.forgotten is not None and is_question(one.forgotten)]
    return judged(
        "what a request does not declare is not taken from an earlier one",
        [f"{shown(one.tool)} asks with nothing declared once everything was declared before" for one in wrong],
        looked_at=counted(len(fair), "tool"),
        exchange=wrong[0].forgotten.evidence() if wrong and wrong[0].forgotten is not None else None,
    )


@check("MRTR-005", category=Category.EXECUTION)
async def tampered_state(subject: Subject) -> Judgement:
    """Judge whether a changed ``requestState`` is refused; one that changes nothing is only noted.

    So is one at a tool whose results differ anyway: what changed them cannot be told.
    """
    rounds = await _replied(subject, Reply.TAMPERED)
    if isinstance(rounds, Judgement):
        return rounds
    taken = [one for one in rounds if _accepted(one.replies[Reply.TAMPERED])]
    matters = [one for one in taken if makes_a_difference(one)]
    readable = [one for one in rounds if one not in taken and is_readable(_state(one.question))]
    notes = [f"{shown(one.tool)} takes a changed requestState; nothing shows that it matters" for one in taken]
    notes += [f"the requestState of {shown(one.tool)} is plain JSON that anybody can write" for one in readable]
    shown_by = (matters or taken or readable or rounds)[0]
    return judged_with_notes(
        "a requestState that was changed is rejected",
        [f"{shown(one.tool)} takes a changed requestState, and its result is another" for one in matters],
        notes,
        looked_at=f"{counted(len(rounds), 'changed requestState')} rejected",
        exchange=shown_by.replies[Reply.TAMPERED].evidence(),
    )


@check("MRTR-006", category=Category.EXECUTION)
async def state_replay(subject: Subject) -> Judgement:
    """Judge whether a ``requestState`` is good for the call it was given for only."""
    rounds = await _replied(subject, Reply.ELSEWHERE)
    if isinstance(rounds, Judgement):
        return rounds
    return _each(rounds, Reply.ELSEWHERE, "a requestState is rejected with other arguments", _accepted)


@check("MRTR-007", category=Category.EXECUTION)
async def missing_response_rerequest(subject: Subject) -> Judgement:
    """Judge whether a tool that gets no answer asks again; one that can do without is fine too."""
    rounds = await _replied(subject, Reply.MISSING)
    if isinstance(rounds, Judgement):
        return rounds
    return _each(rounds, Reply.MISSING, "a missing answer is asked for again", lambda one: not _settled(one))


@check("MRTR-008", category=Category.EXECUTION)
async def unexpected_ignored(subject: Subject) -> Judgement:
    """Judge whether answers that nobody asked for do no harm."""
    rounds = await _replied(subject, Reply.UNEXPECTED)
    if isinstance(rounds, Judgement):
        return rounds
    fair = [one for one in rounds if _settled(one.replies[Reply.DECLINED])]
    if not fair:
        return skipped("no tool that asks takes a plain answer, so that one too many cannot be blamed")
    expected = "an answer that was not asked for is ignored"
    return _each(fair, Reply.UNEXPECTED, expected, lambda one: not _settled(one))


@check("MRTR-009", category=Category.EXECUTION)
async def invalid_response(subject: Subject) -> Judgement:
    """Judge whether answers that make no sense are noticed."""
    rounds = await _replied(subject, Reply.INVALID)
    if isinstance(rounds, Judgement):
        return rounds
    return _each(rounds, Reply.INVALID, "an answer of the wrong shape is an error or asked for again", _accepted)


@check("MRTR-010", category=Category.EXECUTION)
async def decline_handled(subject: Subject) -> Judgement:
    """Judge whether a tool answers when the user declines or cancels."""
    rounds = await _rounds(subject)
    if isinstance(rounds, Judgement):
        return rounds
    tried = [(one, what) for one in rounds for what in (Reply.DECLINED, Reply.CANCELLED) if _was_refused(one, what)]
    if not tried:
        return skipped("no tool asked when it was called again")
    wrong = [(one, what) for one, what in tried if one.replies[what].message is None]
    return judged(
        "a call is answered after the user declined or cancelled",
        [f"{shown(one.tool)} after {what}: {one.replies[what].describe()}" for one, what in wrong],
        looked_at=f"{counted(len(tried), 'refusal')} answered",
        exchange=wrong[0][0].replies[wrong[0][1]].evidence() if wrong else None,
    )


def _was_refused(rounds: Rounds, what: Reply) -> bool:
    """Return whether a tool asked and was refused; in the handshake era that is seen in the call itself."""
    reply = rounds.replies.get(what)
    return reply is not None and (is_question(rounds.question) or asked_meanwhile(reply))


async def _rounds(subject: Subject) -> tuple[Rounds, ...] | Judgement:
    """Return what tools that ask did, or why there are none."""
    talk = await input_talk(subject)
    if talk.rounds:
        return talk.rounds
    if talk.spared:
        return skipped(
            f"{', '.join(map(shown, talk.spared))} asks for input, but may not be called again and again; "
            "`call = true` for this tool in mcp-assay.toml lifts that"
        )
    return not_applicable("no tool that may be called asks the client for input")


async def _replied(subject: Subject, what: Reply) -> list[Rounds] | Judgement:
    """Return the tools that got one kind of reply, or why there are none."""
    rounds = await _rounds(subject)
    if isinstance(rounds, Judgement):
        return rounds
    return [one for one in rounds if what in one.replies] or skipped(f"there was no question to try this on: {what}")


def _each(rounds: list[Rounds], what: Reply, expected: str, is_wrong: Callable[[Exchange], bool]) -> Judgement:
    """Judge the answers to one kind of reply."""
    wrong = [one for one in rounds if is_wrong(one.replies[what])]
    return judged(
        expected,
        [f"{shown(one.tool)} with {what}: {one.replies[what].describe()}" for one in wrong],
        looked_at=listed_answers(rounds, what),
        exchange=wrong[0].replies[what].evidence() if wrong else None,
    )


def listed_answers(rounds: list[Rounds], what: Reply) -> str:
    """Return what came back for one kind of reply, in a few words."""
    return "; ".join(f"{shown(one.tool)}: {one.replies[what].describe()}" for one in rounds)


def _overreaching(rounds: Rounds) -> Iterator[tuple[str, Exchange]]:
    """Yield where a tool asked for what was not declared."""
    for what, exchange in rounds.limited.items():
        beyond = sorted(set(needed_capabilities(exchange)) - set(SUBSETS[what]))
        if beyond:
            yield f"{shown(rounds.tool)} asks for {', '.join(beyond)} where {what} was declared", exchange


def _accepted(exchange: Exchange) -> bool:
    """Return whether a call did its work, which a reply like this should have prevented."""
    return exchange.succeeded and not is_question(exchange)


def _settled(exchange: Exchange) -> bool:
    """Return whether a call went on as it should: a result, or another question."""
    return exchange.succeeded


def makes_a_difference(rounds: Rounds) -> bool:
    """Return whether the result is another with a changed state, and only then."""
    plain = _result(rounds, Reply.DECLINED)
    return plain == _result(rounds, Reply.DECLINED_AGAIN) != _result(rounds, Reply.TAMPERED)


def _result(rounds: Rounds, what: Reply) -> Json:
    """Return what a result holds besides its metadata."""
    found = rounds.replies[what].result if what in rounds.replies else None
    return {key: value for key, value in (found or {}).items() if key != "_meta"}


def _state(question: Exchange) -> str:
    """Return the state in a question, empty without one."""
    state = (question.result or {}).get("requestState")
    return state if isinstance(state, str) else ""


def is_readable(state: str) -> bool:
    """Return whether a state is a JSON object or array, as it stands or in base64."""
    return any(_is_json(text) for text in (state.encode("utf-8", "surrogatepass"), _unwrapped(state)))


def _unwrapped(state: str) -> bytes:
    """Return what is in base64, empty when nothing is."""
    try:
        return base64.b64decode(state.replace("-", "+").replace("_", "/") + "=" * (-len(state) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_json(text: bytes) -> bool:
    """Return whether a text is a JSON object or array."""
    try:
        return isinstance(orjson.loads(text), dict | list)
    except orjson.JSONDecodeError:
        return False


CHECKS = (
    respects_capabilities,
    no_capability_memory,
    tampered_state,
    state_replay,
    missing_response_rerequest,
    unexpected_ignored,
    invalid_response,
    decline_handled,
)
