"""Streamable HTTP, judged by what was carried anyway."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import TYPE_CHECKING

import orjson

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, violated
from mcp_assay.wire.messages import AnomalyKind
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.observing.traffic import logs, raw_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.messages import Anomaly

_TYPES = frozenset({"application/json", "text/event-stream"})
_MARGIN_S = 0.1
_SESSION_ID = re.compile(r"[\x21-\x7e]+")
_UNRELATED = frozenset(
    [
        "notifications/tools/list_changed", "notifications/prompts/list_changed",
        "notifications/resources/list_changed", "notifications/resources/updated",
    ]
)  # fmt: skip
GET = "<GET>"
"""The method of exchanges that open the stream on which the server may speak."""


@check("HTTP-001", category=Category.CONNECTIVITY, late=True)
async def response_content_type(subject: Subject) -> Judgement:
    """Judge the content type of every answer with a success status."""
    await interview(subject.server)
    answered = [one for one in _exchanges(subject) if one.id is not None and _status(one) == 200]
    wrong = [one for one in answered if _content_type(one) not in _TYPES]
    return judged(
        "a request is answered by application/json or text/event-stream",
        [f"{one.method}: {shown(_content_type(one))}" for one in wrong],
        looked_at=counted(len(answered), "answer"),
        exchange=wrong[0].evidence() if wrong else None,
    )


@check("HTTP-017", category=Category.CONNECTIVITY, late=True)
async def sse_terminates(subject: Subject) -> Judgement:
    """Judge whether streams end with the answer, once the time for that is over for the last one too."""
    streams = _streams(subject)
    if not streams:
        return not_applicable("no answer came on an event stream")
    limit = (await subject.server.session()).limits.exit_s
    youngest = max(one.ended_at for one in streams)
    longest = limit + _MARGIN_S
    # In a replay the answer came on the clock of another machine.
    await asyncio.sleep(max(0.0, min(longest, youngest + longest - subject.run.clock.monotonic())))
    left_open = _anomalies(subject, AnomalyKind.STREAM_OPEN)
    # One straggler among several streams that ended says more of a busy machine than of the server.
    left_open = [] if len(left_open) == 1 < len(streams) else left_open
    return judged(
        "the event stream of a request ends after its answer",
        [found.detail for found in left_open],
        looked_at=counted(len(streams), "stream"),
        exchange={"streams_left_open": len(left_open)} if left_open else None,
    )


@check("HTTP-018", category=Category.CONNECTIVITY, late=True)
async def sse_messages_related(subject: Subject) -> Judgement:
    """Judge whether what comes on a request's stream belongs to the request."""
    streams = _streams(subject)
    if not streams:
        return not_applicable("no answer came on an event stream")
    problems = [(one, text) for one in streams for message in one.related if (text := _unrelated(one, message))]
    return judged(
        "messages on a request's stream relate to the request",
        [f"on the stream of {one.method}: {text}" for one, text in problems],
        looked_at=counted(len(streams), "stream"),
        exchange=problems[0][0].evidence() if problems else None,
    )


@check("HTTP-019", category=Category.CONNECTIVITY, late=True)
async def sse_response_delivered(subject: Subject) -> Judgement:
    """Judge whether streams carry the answer."""
    streams = _streams(subject)
    if not streams:
        return not_applicable("no answer came on an event stream")
    unanswered = [one for one in streams if one.message is None and one.fault is not None]
    empty = [one for one in unanswered if "without the answer" in one.describe()]
    return judged(
        "an event stream carries the answer before it ends",
        [f"{one.method}: {one.describe()}" for one in empty],
        looked_at=counted(len(streams), "stream"),
        exchange=empty[0].evidence() if empty else None,
    )


@check("HTTP-020", category=Category.CONNECTIVITY, late=True)
async def sse_x_accel_buffering(subject: Subject) -> Judgement:
    """Judge whether proxies are told to pass events on at once."""
    streams = [one for one in _streams(subject) if _status(one) == 200]
    if not streams:
        return not_applicable("no answer came on an event stream")
    wrong = [one for one in streams if (_header(one, "x-accel-buffering") or "").strip().lower() != "no"]
    return judged(
        "an event stream carries X-Accel-Buffering: no",
        [f"{one.method}: X-Accel-Buffering is {shown(_header(one, 'x-accel-buffering'))}" for one in wrong],
        looked_at=counted(len(streams), "stream"),
        exchange=wrong[0].evidence() if wrong else None,
    )


@check("HTTP-021", category=Category.CONNECTIVITY, late=True)
async def get_sse_or_405(subject: Subject) -> Judgement:
    """Judge the answer to GET."""
    await interview(subject.server)
    asked = [one for one in _exchanges(subject) if one.method == GET and one.http is not None]
    if not asked:
        return not_applicable("no stream was asked for")
    wrong = [
        one
        for one in asked
        if _status(one) != 405 and (_status(one) != 200 or _content_type(one) != "text/event-stream")
    ]
    return judged(
        "GET is answered by text/event-stream or by status 405",
        [f"HTTP {_status(one)} {_content_type(one)}".strip() for one in wrong],
        looked_at=f"HTTP {_status(asked[0])}",
        exchange=wrong[0].evidence() if wrong else None,
    )


@check("HTTP-022", category=Category.CONNECTIVITY, late=True)
async def get_no_responses(subject: Subject) -> Judgement:
    """Judge that no answer comes on the stream of GET; what came twice and not in a body came there."""
    await interview(subject.server)
    opened = [one for one in _exchanges(subject) if one.method == GET and _status(one) == 200]
    if not opened:
        return not_applicable("the server offers no stream on GET")
    strays = [one for one in _carried(subject, "get") if one.id is not None]
    bodies = {one.id for one in _carried(subject, "json")}
    twice = [found for found in _anomalies(subject, AnomalyKind.DUPLICATE_ID) if _id_in(found) in bodies]
    problems = [f"the answer to {one.method} came there" for one in strays]
    problems += [f"an answer came once more: {shown(raw_text(found.raw))}" for found in twice]
    return judged(
        "no answer is sent on the stream of GET",
        problems,
        looked_at="no answer on it",
        exchange=strays[0].evidence() if strays else {"message": raw_text(twice[0].raw)} if twice else None,
    )


@check("HTTP-027", category=Category.CONNECTIVITY, late=True)
async def session_id_ascii(subject: Subject) -> Judgement:
    """Judge the characters of session ids."""
    await interview(subject.server)
    ids = [(one, found) for one in _exchanges(subject) if (found := _header(one, "mcp-session-id")) is not None]
    if not ids:
        return not_applicable("the server gives no session id")
    wrong = [(one, found) for one, found in ids if _SESSION_ID.fullmatch(found) is None]
    if not wrong:
        return passed("visible ASCII only")
    odd = sorted({character for _, found in wrong for character in _SESSION_ID.sub("", found)})
    expected = "a session id holds visible ASCII characters only"
    return violated(expected, f"it holds {shown(''.join(odd))}", exchange=wrong[0][0].evidence())


@check("HTTP-031", category=Category.CONNECTIVITY, late=True)
async def sse_event_id_unique(subject: Subject) -> Judgement:
    """Judge whether event ids are used once in a session."""
    await interview(subject.server)
    repeated: list[Exchange] = []
    count = 0
    for log in logs(subject.server):
        seen: set[str] = set()
        for one in log.exchanges:
            identity = None if one.http is None else one.http.event_id
            if identity is not None:
                count += 1
                repeated += [one] if identity in seen else []
                seen.add(identity)
    if not count:
        return not_applicable("no event has an id")
    return judged(
        "an event id is used once in a session",
        [f"event id {shown(one.http.event_id)} came again" for one in repeated if one.http is not None],
        looked_at=counted(count, "event id"),
        exchange=repeated[0].evidence() if repeated else None,
    )


def _exchanges(subject: Subject) -> Iterator[Exchange]:
    """Yield every exchange over HTTP."""
    every = itertools.chain.from_iterable(log.exchanges for log in logs(subject.server))
    return (one for one in every if one.http is not None)


def _carried(subject: Subject, stream: str) -> Iterator[Exchange]:
    """Yield the exchanges that were answered in one way; see `HttpMeta`."""
    return (one for one in _exchanges(subject) if one.http is not None and one.http.stream == stream)


def _streams(subject: Subject) -> list[Exchange]:
    """Return the exchanges whose answer came, or should have come, on an event stream."""
    return [one for one in _carried(subject, "sse") if one.id is not None]


def _anomalies(subject: Subject, kind: AnomalyKind) -> list[Anomaly]:
    """Return what was odd on all connections, of one kind."""
    return [found for log in logs(subject.server) for found in log.anomalies if found.kind is kind]


def _status(exchange: Exchange) -> int:
    """Return the HTTP status."""
    return 0 if exchange.http is None else exchange.http.status


def _header(exchange: Exchange, name: str) -> str | None:
    """Return a header of the answer; the name is given in lower case."""
    headers = () if exchange.http is None else exchange.http.headers
    return next((value for key, value in headers if key.lower() == name), None)


def _content_type(exchange: Exchange) -> str:
    """Return the media type of the answer without its parameters."""
    return (_header(exchange, "content-type") or "").partition(";")[0].strip().lower()


def _unrelated(exchange: Exchange, message: JsonObject) -> str | None:
    """Return why a message does not belong to a request, or None."""
    method = message.get("method")
    if method in _UNRELATED:
        return f"{method}"
    params = message.get("params")
    if method != "notifications/progress" or not isinstance(params, dict):
        return None
    token = params.get("progressToken")
    return None if token == _sent_token(exchange) else f"progress for token {shown(token)}"


def _sent_token(exchange: Exchange) -> Json:
    """Return the progress token that a request gave, or null."""
    message: Json = orjson.loads(exchange.sent)
    params = message.get("params") if isinstance(message, dict) else None
    meta = params.get("_meta") if isinstance(params, dict) else None
    return meta.get("progressToken") if isinstance(meta, dict) else None


def _id_in(found: Anomaly) -> Json:
    """Return the id of an answer that was kept as an anomaly, or null."""
    try:
        message: Json = orjson.loads(found.raw)
    except orjson.JSONDecodeError:
        return None
    identity = message.get("id") if isinstance(message, dict) else None
    return identity if isinstance(identity, int | str) else None


CHECKS = (
    response_content_type,
    sse_terminates,
    sse_messages_related,
    sse_response_delivered,
    sse_x_accel_buffering,
    get_sse_or_405,
    get_no_responses,
    session_id_ascii,
    sse_event_id_unique,
)
