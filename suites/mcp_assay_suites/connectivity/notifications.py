"""Log messages, progress and news of resources."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import orjson

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import counted, judged, says, shown
from mcp_assay_suites.observing.levels import CHOSEN, LEVELS
from mcp_assay_suites.observing.listening import listening, subscription_of
from mcp_assay_suites.observing.secrets import leaked, looks_like_token, telling_secrets
from mcp_assay_suites.observing.traffic import Received, logs, received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest, Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.log import WireLog

INVALID_PARAMS = -32602
LOG_MESSAGE = "notifications/message"
PROGRESS = "notifications/progress"
UPDATED = "notifications/resources/updated"
_STATELESS = "2026-07-28"
_REORDERED_S = 1.0
"""Over HTTP a notification may take another way than the answer and come a little later."""


@check("LOG-001", category=Category.CONNECTIVITY, late=True)
async def logging_declared(subject: Subject) -> Judgement:
    """Judge whether a server that logs says so."""
    found = await _heard(subject, LOG_MESSAGE)
    session = await subject.server.session()
    if session.offers("logging"):
        return passed("the capability logging is declared")
    if not found:
        return not_applicable("the server sends no log messages")
    observed = f"it sent {counted(len(found), 'log message')}"
    return violated("a server that logs declares logging", observed, exchange=dict(found[0].evidence()))


@check("LOG-002", category=Category.CONNECTIVITY, late=True)
async def log_message_shape(subject: Subject) -> Judgement:
    """Judge level and data of log messages."""

    def problem(params: JsonObject) -> str | None:
        level = params.get("level")
        if level not in LEVELS:
            return f"has level {shown(level)}"
        return None if "data" in params else "has no data"

    return _each(await _heard(subject, LOG_MESSAGE), f"level is one of {', '.join(LEVELS)}, and there is data", problem)


@check("LOG-003", category=Category.CONNECTIVITY)
async def set_level(subject: Subject) -> Judgement:
    """Judge whether a level that was set is heeded."""
    talk = (await interview(subject.server)).logging
    if talk is None or talk.chosen is None:
        return not_applicable("the server declares no logging")
    if talk.chosen.result is None or set(talk.chosen.result) - {"_meta"}:
        expected = "logging/setLevel gives an empty result"
        return violated(expected, talk.chosen.describe(), exchange=talk.chosen.evidence())
    lower = [sent for sent in talk.after if sent.method == LOG_MESSAGE and _below(sent.message, CHOSEN)]
    if not lower and not talk.called:
        return skipped("no tool may be called, so that nothing was there to be logged")
    return judged(
        f"after level {CHOSEN} nothing below it is sent",
        [f"a message of level {shown(_params(sent.message).get('level'))} was sent" for sent in lower],
        looked_at="an empty result, and nothing below the level",
        exchange={"method": LOG_MESSAGE, "message": lower[0].message} if lower else None,
    )


@check("LOG-004", category=Category.CONNECTIVITY)
async def invalid_level(subject: Subject) -> Judgement:
    """Judge the answer to a level that does not exist."""
    talk = (await interview(subject.server)).logging
    if talk is None:
        return not_applicable("the server declares no logging")
    if says(talk.invalid, INVALID_PARAMS):
        return passed(talk.invalid.describe())
    expected = "a level that does not exist is answered by JSON-RPC error -32602"
    return violated(expected, talk.invalid.describe(), exchange=talk.invalid.evidence())


@check("LOG-005", category=Category.CONNECTIVITY, late=True)
async def log_opt_in_only(subject: Subject) -> Judgement:
    """Judge that nothing is logged for requests that did not ask for it; one connection did and is left out."""
    await interview(subject.server)
    heard = (await listening(subject.server)).log
    found = [
        item for log in logs(subject.server) if log is not heard for item in _of_log(log) if item.method == LOG_MESSAGE
    ]
    if not found:
        return passed("no log message without being asked")
    observed = f"it sent {counted(len(found), 'log message')} though no request names a level"
    return violated("log messages are sent to who asks for them", observed, exchange=dict(found[0].evidence()))


@check("LOG-006", category=Category.CONNECTIVITY, late=True)
async def log_not_on_listen(subject: Subject) -> Judgement:
    """Judge that nothing is logged on a subscription."""
    return await _not_on_listen(subject, LOG_MESSAGE)


@check("SUB-005", category=Category.CONNECTIVITY, late=True)
async def progress_not_on_listen(subject: Subject) -> Judgement:
    """Judge that no progress is reported on a subscription; log messages are judged by LOG-006."""
    return await _not_on_listen(subject, PROGRESS)


@check("LOG-007", category=Category.CONNECTIVITY, late=True)
async def log_no_secrets(subject: Subject) -> Judgement:
    """Judge that log messages hold no secret."""
    found = await _heard(subject, LOG_MESSAGE)
    secrets = telling_secrets(subject.server)

    def problem(params: JsonObject) -> str | None:
        text = orjson.dumps(params.get("data")).decode()
        labels = sorted(set(leaked(secrets, text)))
        if labels:
            return f"holds the value of {', '.join(labels)}"
        return "holds what looks like a token" if looks_like_token(text) else None

    return _each(found, "log messages hold no credentials", problem)


@check("PROG-001", category=Category.CONNECTIVITY, late=True)
async def progress_token_known(subject: Subject) -> Judgement:
    """Judge that progress names a token of a request."""
    found = await _heard(subject, PROGRESS)
    known = [token for log in logs(subject.server) for token in _tokens(log)]

    def problem(params: JsonObject) -> str | None:
        token = params.get("progressToken")
        unknown = not any(type(token) is type(one) and token == one for one in known)
        return f"names token {shown(token)}, which no request gave" if unknown else None

    return _each(found, "progress is reported for tokens of requests only", problem)


@check("PROG-002", category=Category.CONNECTIVITY, late=True)
async def progress_monotonic(subject: Subject) -> Judgement:
    """Judge that progress grows, in the order in which one stream brought it."""
    problems: list[tuple[Received, str]] = []
    count = 0
    for found in _streams_of_progress(subject.server):
        count += len(found)
        problems += _standing_still(found)
    if not count:
        return not_applicable("the server reports no progress for a request of ours")
    return judged(
        "progress grows with each notification of a token",
        [text for _, text in problems],
        looked_at=counted(count, "notification"),
        exchange=dict(problems[0][0].evidence()) if problems else None,
    )


@check("PROG-003", category=Category.CONNECTIVITY, late=True)
async def progress_stops(subject: Subject) -> Judgement:
    """Judge that no progress is reported after the answer."""
    tolerated = 0.0 if subject.server.transport == "stdio" else _REORDERED_S
    late: list[Received] = []
    count = 0
    for log in logs(subject.server):
        ended = _tokens(log)
        for item in _of_log(log):
            token = _token(item)
            if item.method == PROGRESS and token in ended:
                count += 1
                late += [item] if item.at > ended[token].ended_at + tolerated else []
    if not count:
        return not_applicable("the server reports no progress for a request of ours")
    return judged(
        "no progress is reported after the answer",
        [f"progress for token {shown(_token(item))} came after it" for item in late],
        looked_at=counted(count, "notification"),
        exchange=dict(late[0].evidence()) if late else None,
    )


@check("RES-018", category=Category.CONNECTIVITY, late=True)
async def updated_only_subscribed(subject: Subject) -> Judgement:
    """Judge that news of resources comes for what was subscribed to, or lies below it."""
    found = await _heard(subject, UPDATED)
    wanted = _subscribed(subject.server)
    if subject.version >= _STATELESS:
        for stream in (await listening(subject.server)).streams:
            uris = stream.requested.get("resourceSubscriptions")
            wanted += [uri for uri in uris if isinstance(uri, str)] if isinstance(uris, list) else []

    def problem(params: JsonObject) -> str | None:
        uri = params.get("uri")
        known = isinstance(uri, str) and any(uri.startswith(one) for one in wanted)
        return None if known else f"is about {shown(uri)}, which nobody subscribed to"

    return _each(found, "news of resources comes for subscriptions only", problem)


def _streams_of_progress(server: ServerUnderTest) -> Iterator[list[Received]]:
    """Yield the progress of requests of ours, stream by stream: one a connection on stdio, one a request over HTTP."""
    for log in logs(server):
        known = _tokens(log)
        if server.transport == "stdio":
            yield [item for item in _of_log(log) if item.method == PROGRESS and _token(item) in known]
            continue
        for token, exchange in known.items():
            items = [Received(message=one, raw=orjson.dumps(one)) for one in exchange.related]
            yield [item for item in items if item.method == PROGRESS and _token(item) == token]


def _standing_still(found: Sequence[Received]) -> list[tuple[Received, str]]:
    """Return the reports whose progress is not above the one before for the same token."""
    reached: dict[int | str, float] = {}
    problems: list[tuple[Received, str]] = []
    for item in found:
        token, progress = _token(item), _params(item.message).get("progress")
        if not isinstance(progress, int | float):
            continue
        if token in reached and progress <= reached[token]:
            problems.append((item, f"token {shown(token)}: {progress} after {reached[token]}"))
        reached[token] = progress
    return problems


def _each(found: Sequence[Received], expected: str, problem: Callable[[JsonObject], str | None]) -> Judgement:
    """Judge the parameters of each notification by one rule."""
    if not found:
        return not_applicable("the server sent none")
    wrong = [(item, text) for item in found if (text := problem(_params(item.message))) is not None]
    return judged(
        expected,
        [f"{item.name} {text}" for item, text in wrong],
        looked_at=counted(len(found), "notification"),
        exchange=dict(wrong[0][0].evidence()) if wrong else None,
    )


async def _heard(subject: Subject, method: str) -> list[Received]:
    """Return the notifications of one kind, over all connections."""
    await interview(subject.server)
    return [item for item in received(subject.server) if item.method == method]


async def _not_on_listen(subject: Subject, method: str) -> Judgement:
    """Judge that a kind of notification does not come on a subscription."""
    heard = await listening(subject.server)
    if not heard.streams:
        return not_applicable("the server has nothing to subscribe to")
    wrong = [sent for sent in heard.messages if sent.method == method and subscription_of(sent.message) is not None]
    return judged(
        f"{method} does not come on a subscription",
        [f"it names subscription {shown(subscription_of(sent.message))}" for sent in wrong],
        looked_at=counted(len(heard.messages), "message"),
        exchange={"method": method, "message": wrong[0].message} if wrong else None,
    )


def _of_log(log: WireLog) -> list[Received]:
    """Return what the server sent on its own on one connection."""
    return [Received(message=sent.message, raw=sent.raw, at=sent.at) for sent in log.server_messages]


def _tokens(log: WireLog) -> dict[int | str, Exchange]:
    """Return the exchanges of one connection that gave a progress token, by the token."""
    found: dict[int | str, Exchange] = {}
    for exchange in log.exchanges:
        if b"progressToken" in exchange.sent:
            token = _sent_meta(exchange).get("progressToken")
            if isinstance(token, int | str):
                found[token] = exchange
    return found


def _token(item: Received) -> int | str:
    """Return the token that a report of progress names, empty when it is none."""
    token = _params(item.message).get("progressToken")
    return token if type(token) is int or type(token) is str else ""


def _sent_meta(exchange: Exchange) -> JsonObject:
    """Return the ``_meta`` of a request of ours."""
    params = _sent_params(exchange)
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


def _sent_params(exchange: Exchange) -> JsonObject:
    """Return the parameters of a request of ours; none for a raw probe that is no JSON."""
    try:
        message: Json = orjson.loads(exchange.sent)
    except orjson.JSONDecodeError:
        return {}
    return _params(message) if isinstance(message, dict) else {}


def _subscribed(server: ServerUnderTest) -> list[str]:
    """Return the URIs that were subscribed to with a request of their own."""
    exchanges = itertools.chain.from_iterable(log.exchanges for log in logs(server))
    uris = [_sent_params(one).get("uri") for one in exchanges if one.method == "resources/subscribe"]
    return [uri for uri in uris if isinstance(uri, str)]


def _below(message: JsonObject, level: str) -> bool:
    """Return whether a log message is of a lower level; an unknown one is judged by LOG-002."""
    found = _params(message).get("level")
    return found in LEVELS and LEVELS.index(str(found)) < LEVELS.index(level)


def _params(message: JsonObject) -> JsonObject:
    """Return the parameters of a message."""
    params = message.get("params")
    return params if isinstance(params, dict) else {}


CHECKS = (
    logging_declared,
    log_message_shape,
    set_level,
    invalid_level,
    log_opt_in_only,
    log_not_on_listen,
    log_no_secrets,
    progress_token_known,
    progress_monotonic,
    progress_stops,
    updated_only_subscribed,
    progress_not_on_listen,
)
