"""The opening of a conversation in the handshake era."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, noted, passed, skipped, violated
from mcp_assay.wire.eras import KNOWN_VERSIONS
from mcp_assay.wire.negotiation import strings
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.interview import QUIET_S, interview
from mcp_assay_suites.observing.judging import judged, judged_with_notes, kind_of, listed, says, shown
from mcp_assay_suites.observing.versions import UNKNOWN_VERSION, version_answers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange

INVALID_PARAMS = -32602
PROMPT_S = 1.0
"""Slowest answer to a ping that is still prompt."""

_MORE_PINGS = 3


@check("LIFE-001", category=Category.CONNECTIVITY)
async def initialize_result(subject: Subject) -> Judgement:
    """Judge the result of ``initialize``."""
    exchange = (await interview(subject.server)).opening.first
    result = exchange.result or {}
    info = result.get("serverInfo")
    problems = [
        f"{key} is {_found(result, key)}" for key, kind in _MEMBERS.items() if type(result.get(key)) is not kind
    ]
    if isinstance(info, dict):
        problems += [f"serverInfo.{key} is {_found(info, key)}" for key in ("name", "version") if not _text(info, key)]
    empty = [key for key in ("name", "version") if isinstance(info, dict) and info.get(key) == ""]
    return judged_with_notes(
        "the result has protocolVersion, capabilities and serverInfo with name and version",
        problems,
        [f"serverInfo.{key} is empty" for key in empty],
        looked_at=f"{_named(info)}, revision {shown(result.get('protocolVersion'))}",
        exchange=exchange.evidence(),
    )


_MEMBERS = {"protocolVersion": str, "capabilities": dict, "serverInfo": dict}


@check("LIFE-002", category=Category.CONNECTIVITY)
async def version_echo(subject: Subject) -> Judgement:
    """Judge whether a revision that the server offers is answered by itself when it is asked for."""
    answers = await version_answers(subject.server)
    offered = {version for asked in answers.exchanges if (version := answers.offered(asked)) is not None}
    judgeable = [asked for asked in answers.exchanges if asked in offered]
    wrong = [asked for asked in judgeable if answers.offered(asked) != asked]
    if not judgeable:
        return skipped("the server named no revision that could be asked for")
    return judged(
        "a supported revision that is asked for is answered by the same revision",
        [
            f"asked for {asked}, which it offered before, it answers {_offer(answers.exchanges[asked])}"
            for asked in wrong
        ],
        looked_at=f"asked for and answered: {listed(sorted(judgeable))}",
        exchange=answers.exchanges[wrong[0]].evidence() if wrong else None,
    )


@check("LIFE-003", category=Category.CONNECTIVITY)
async def version_counter_offer(subject: Subject) -> Judgement:
    """Judge the answer to a revision that was never released."""
    answers = await version_answers(subject.server)
    exchange = answers.exchanges[UNKNOWN_VERSION]
    offered = answers.offered(UNKNOWN_VERSION)
    expected = f"the unreleased revision {UNKNOWN_VERSION} is answered by a revision that the server supports"
    if offered in KNOWN_VERSIONS:
        return passed(f"{offered} was offered instead")
    data = (exchange.error or {}).get("data")
    supported = strings(data.get("supported")) if isinstance(data, dict) else ()
    if says(exchange, INVALID_PARAMS) and supported:
        observed = f"an error that names {listed(supported)}, as in the page's own example"
        return noted(expected, observed, exchange=exchange.evidence())
    return violated(expected, _offer(exchange), exchange=exchange.evidence())


@check("LIFE-005", category=Category.CONNECTIVITY)
async def quiet_before_initialized(subject: Subject) -> Judgement:
    """Judge what the server asked for before it was told that the client is ready."""
    opening = (await interview(subject.server)).opening
    asked = [sent for sent in opening.early if "id" in sent.message and sent.method != "ping"]
    return judged(
        "before notifications/initialized the server sends no requests except ping",
        [f"it sent {shown(sent.method)}" for sent in asked],
        looked_at=f"no request in {QUIET_S:g} s",
        exchange={"method": asked[0].method, "message": asked[0].raw.decode("utf-8", "replace")} if asked else None,
    )


@check("LIFE-007", category=Category.CONNECTIVITY)
async def ping(subject: Subject) -> Judgement:
    """Judge the answers to ``ping``; a slow one is asked again, because a server may still be starting."""
    expected = "ping is answered promptly with an empty result"
    answers = [*(await interview(subject.server)).echoes]
    for _ in range(_MORE_PINGS):
        if answers and min(exchange.duration_s for exchange in answers) > PROMPT_S:
            answers.append(await subject.server.request("ping"))
    for exchange in answers:
        if exchange.result is None or set(exchange.result) - {"_meta"}:
            return violated(expected, exchange.describe(), exchange=exchange.evidence())
    quickest = min(answers, key=lambda exchange: exchange.duration_s, default=None)
    if quickest is not None and quickest.duration_s > PROMPT_S:
        return noted(expected, f"the answer took {quickest.duration_s:.1f} s", exchange=quickest.evidence())
    return passed("an empty result")


@check("LIFE-008", category=Category.CONNECTIVITY)
async def initialized_accepted(subject: Subject) -> Judgement:
    """Judge what HTTP says to ``notifications/initialized``."""
    held = await interview(subject.server)
    for exchange in _deliveries(log.exchanges for log in held.logs):
        http = exchange.http
        if http is not None and (http.status != 202 or exchange.raw.strip()):
            observed = f"status {http.status} with {len(exchange.raw)} bytes of body"
            return violated("status 202 and no body", observed, exchange=exchange.evidence())
        if http is not None:
            return passed("status 202 without a body")
    return skipped("what the server answered was not seen")


def _deliveries(logs: Iterator[tuple[Exchange, ...]]) -> Iterator[Exchange]:
    """Yield the deliveries of ``notifications/initialized``."""
    return (one for exchanges in logs for one in exchanges if one.method == "notifications/initialized")


def _offer(exchange: Exchange) -> str:
    """Return what an ``initialize`` led to."""
    version = (exchange.result or {}).get("protocolVersion")
    return exchange.describe() if version is None else f"protocolVersion {shown(version)}"


def _text(members: JsonObject, key: str) -> bool:
    """Return whether a member is a string."""
    return isinstance(members.get(key), str)


def _found(members: JsonObject, key: str) -> str:
    """Return what a member is instead of what it should be."""
    return kind_of(members[key]) if key in members else "missing"


def _named(info: Json) -> str:
    """Return the server's name and version as it gave them."""
    return f"{shown(info.get('name'))} {shown(info.get('version'))}" if isinstance(info, dict) else "no serverInfo"


CHECKS = (
    initialize_result,
    version_echo,
    version_counter_offer,
    quiet_before_initialized,
    ping,
    initialized_accepted,
)
