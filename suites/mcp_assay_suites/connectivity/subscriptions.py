"""``subscriptions/listen`` of the stateless era."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.observing.listening import ACKNOWLEDGED, FILTERS, listening, same, subscription_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.log import ServerMessage
    from mcp_assay_suites.observing.listening import Listening, Stream

_NOTHING = "the server has nothing to subscribe to"
_ON_STREAMS = frozenset({ACKNOWLEDGED, *(method for _, _, method in FILTERS.values())})


@check("SUB-001", category=Category.CONNECTIVITY)
async def ack_first(subject: Subject) -> Judgement:
    """Judge whether each subscription begins with its acknowledgement."""
    heard = await listening(subject.server)
    if not heard.streams:
        return not_applicable(_NOTHING)
    expected = f"the first message of a subscription is {ACKNOWLEDGED}"
    for stream in heard.streams:
        messages = _of(heard, stream)
        if not messages:
            ended = "nothing came" if stream.ended is None else stream.ended.describe()
            evidence = {"requested": stream.requested} if stream.ended is None else stream.ended.evidence()
            return violated(expected, f"subscription {shown(stream.id)}: {ended}", exchange=evidence)
        if messages[0].method != ACKNOWLEDGED:
            observed = f"subscription {shown(stream.id)} begins with {shown(messages[0].method)}"
            return violated(expected, observed, exchange=_evidence(messages))
    return passed(counted(len(heard.streams), "subscription"))


@check("SUB-002", category=Category.CONNECTIVITY)
async def ack_subset(subject: Subject) -> Judgement:
    """Judge whether no more is acknowledged than was asked for and is offered."""
    heard = await listening(subject.server)
    if not heard.streams:
        return not_applicable(_NOTHING)
    problems: list[str] = []
    for stream in heard.streams:
        agreed = _acknowledged(heard, stream)
        extra = [name for name, value in agreed.items() if value and not _allowed(name, value, stream, heard.supported)]
        problems += [f"subscription {shown(stream.id)}: {name} was acknowledged" for name in extra]
    return judged(
        "no more is acknowledged than was asked for and is declared",
        problems,
        looked_at=counted(len(heard.streams), "subscription"),
        exchange=_evidence([sent for sent in heard.messages if sent.method == ACKNOWLEDGED]),
    )


@check("SUB-003", category=Category.CONNECTIVITY)
async def subscription_id(subject: Subject) -> Judgement:
    """Judge whether every message of a subscription names it, by value and type."""
    heard = await listening(subject.server)
    if not heard.streams:
        return not_applicable(_NOTHING)
    found = [sent for sent in heard.messages if sent.method in _ON_STREAMS]
    if not found:
        return not_applicable("nothing came on a subscription, which is judged by SUB-001")
    ids = [stream.id for stream in heard.streams]
    wrong = [sent for sent in found if not any(same(subscription_of(sent.message), one) for one in ids)]
    return judged(
        f"a message of a subscription names it by its id, {shown(ids[0])} or {shown(ids[-1])}",
        [f"{sent.method} names {shown(subscription_of(sent.message))}" for sent in wrong],
        looked_at=counted(len(found), "message"),
        exchange=_evidence(wrong) if wrong else None,
    )


@check("SUB-004", category=Category.CONNECTIVITY)
async def filter_honoured(subject: Subject) -> Judgement:
    """Judge whether only what was asked for comes."""
    heard = await listening(subject.server)
    if not heard.streams:
        return not_applicable(_NOTHING)
    unasked = [(stream, sent) for stream in heard.streams for sent in _of(heard, stream) if not _asked(stream, sent)]
    return judged(
        "a subscription brings what was asked for and nothing else",
        [f"subscription {shown(stream.id)} brought {shown(sent.method)}" for stream, sent in unasked],
        looked_at=counted(len(heard.messages), "message"),
        exchange=_evidence([sent for _, sent in unasked]) if unasked else None,
    )


@check("SUB-007", category=Category.CONNECTIVITY)
async def cancel_ends_stream(subject: Subject) -> Judgement:
    """Judge whether nothing comes for a subscription that was cancelled."""
    heard = await listening(subject.server)
    if not heard.streams:
        return not_applicable(_NOTHING)
    late = [sent for sent in _of(heard, heard.streams[0]) if sent.at > heard.cancelled_at]
    return judged(
        "nothing comes for a subscription after it was cancelled",
        [f"{shown(sent.method)} came afterwards" for sent in late],
        looked_at="silence after the cancellation",
        exchange=_evidence(late) if late else None,
    )


def _of(heard: Listening, stream: Stream) -> list[ServerMessage]:
    """Return the messages of one subscription."""
    return [sent for sent in heard.messages if same(subscription_of(sent.message), stream.id)]


def _acknowledged(heard: Listening, stream: Stream) -> JsonObject:
    """Return the filter that was acknowledged."""
    for sent in _of(heard, stream):
        params = sent.message.get("params")
        agreed = params.get("notifications") if sent.method == ACKNOWLEDGED and isinstance(params, dict) else None
        if isinstance(agreed, dict):
            return agreed
    return {}


def _allowed(name: str, value: Json, stream: Stream, supported: Sequence[str]) -> bool:
    """Return whether a member of an acknowledged filter was asked for and is declared."""
    wanted = stream.requested.get(name)
    if name not in supported or not wanted:
        return False
    if isinstance(value, list) and isinstance(wanted, list):
        return all(one in wanted for one in value)
    return True


def _asked(stream: Stream, sent: ServerMessage) -> bool:
    """Return whether a message is of a kind that the subscription asked for; other kinds are other checks'."""
    names = [name for name, (_, _, method) in FILTERS.items() if method == sent.method]
    return not names or bool(stream.requested.get(names[0]))


def _evidence(messages: Sequence[ServerMessage]) -> dict[str, object] | None:
    """Return messages as evidence."""
    return {"method": "subscriptions/listen", "messages": [sent.message for sent in messages[:5]]} if messages else None


CHECKS = (ack_first, ack_subset, subscription_id, filter_honoured, cancel_ends_stream)
