"""Discovery, revisions and envelopes in the stateless era."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, noted, passed, skipped, violated
from mcp_assay.wire.eras import HANDSHAKE_VERSIONS, UNSUPPORTED_VERSION
from mcp_assay.wire.negotiation import strings
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing import envelopes
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import judged, judged_with_notes, kind_of, listed, says, shown
from mcp_assay_suites.observing.versions import initialized

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange

INVALID_PARAMS = -32602
METHOD_NOT_FOUND = -32601
_NOT_REACHED = "no instance of the server lived long enough to be asked"


@check("DISC-001", category=Category.CONNECTIVITY)
async def discover_implemented(subject: Subject) -> Judgement:
    """Judge whether ``server/discover`` gives a result."""
    exchange = (await interview(subject.server)).opening.first
    if exchange.result is not None:
        return passed("a result")
    return violated("server/discover gives a result", exchange.describe(), exchange=exchange.evidence())


@check("DISC-002", category=Category.CONNECTIVITY)
async def discover_shape(subject: Subject) -> Judgement:
    """Judge the members of the ``server/discover`` result."""
    exchange = (await interview(subject.server)).opening.first
    result = exchange.result or {}
    supported = result.get("supportedVersions")
    problems: list[str] = []
    if not isinstance(supported, list) or not supported or len(strings(supported)) != len(supported):
        problems.append(f"supportedVersions is {shown(supported)}")
    elif subject.version not in supported:
        problems.append(f"supportedVersions lacks {subject.version}, which was asked for")
    if not isinstance(result.get("capabilities"), dict):
        problems.append(f"capabilities is {kind_of(result.get('capabilities'))}")
    if "instructions" in result and not isinstance(result["instructions"], str):
        problems.append(f"instructions is {kind_of(result['instructions'])}")
    return judged(
        "the result has a list supportedVersions and an object capabilities",
        problems,
        looked_at=f"supportedVersions {shown(supported)}",
        exchange=exchange.evidence(),
    )


@check("DISC-004", category=Category.CONNECTIVITY)
async def unsupported_version_error(subject: Subject) -> Judgement:
    """Judge the answer to a revision that nobody speaks."""
    exchange = (await interview(subject.server)).envelopes.get(envelopes.WRONG_VERSION)
    if exchange is None:
        return skipped(_NOT_REACHED)
    data = (exchange.error or {}).get("data")
    members = data if isinstance(data, dict) else {}
    problems: list[str] = []
    if not says(exchange, UNSUPPORTED_VERSION):
        problems.append(exchange.describe())
    else:
        if not strings(members.get("supported")):
            problems.append(f"data.supported is {shown(members.get('supported'))}")
        if members.get("requested") != envelopes.UNSUPPORTED:
            problems.append(f"data.requested is {shown(members.get('requested'))}")
        problems += _status_problem(exchange)
    return judged(
        f"revision {envelopes.UNSUPPORTED} is answered by error -32022 with data.supported and data.requested",
        problems,
        looked_at=f"error -32022, supported {shown(members.get('supported'))}",
        exchange=exchange.evidence(),
    )


@check("DISC-006", category=Category.CONNECTIVITY)
async def meta_missing(subject: Subject) -> Judgement:
    """Judge the answer to a request without envelope; a server of both eras may take it for the older one."""
    exchange = (await interview(subject.server)).envelopes.get(envelopes.NO_META)
    if exchange is None:
        return skipped(_NOT_REACHED)
    problems = _refusal_problems(exchange)
    if problems and (older := await _answers_initialize(subject)) is not None:
        expected = "a request without _meta is answered by error -32602"
        observed = f"{listed(problems)}; the server also speaks {older} and may read it as that"
        return noted(expected, observed, exchange=exchange.evidence())
    return judged_with_notes(
        "a request without _meta is answered by error -32602",
        problems,
        [],
        looked_at="error -32602",
        exchange=exchange.evidence(),
    )


@check("DISC-007", category=Category.CONNECTIVITY)
async def meta_no_protocol_version(subject: Subject) -> Judgement:
    """Judge the answer to an envelope without revision."""
    return await _refused(subject, envelopes.NO_VERSION)


@check("DISC-008", category=Category.CONNECTIVITY)
async def meta_no_client_capabilities(subject: Subject) -> Judgement:
    """Judge the answer to an envelope without capabilities."""
    return await _refused(subject, envelopes.NO_CAPABILITIES)


@check("DISC-009", category=Category.CONNECTIVITY)
async def client_info_optional(subject: Subject) -> Judgement:
    """Judge the answer to an envelope without the client's name."""
    exchange = (await interview(subject.server)).envelopes.get(envelopes.NO_CLIENT)
    if exchange is None:
        return skipped(_NOT_REACHED)
    if exchange.result is not None:
        return passed("a result")
    expected = "a request whose _meta does not name the client is answered as any other"
    return violated(expected, exchange.describe(), exchange=exchange.evidence())


@check("DISC-013", category=Category.CONNECTIVITY)
async def interleaved_requests(subject: Subject) -> Judgement:
    """Judge whether many requests at once are all answered."""
    exchanges = (await interview(subject.server)).crowd
    if not exchanges:
        return skipped(_NOT_REACHED)
    wrong = [one for one in exchanges if one.message is None]
    return judged(
        f"{len(exchanges)} requests at once are all answered",
        [f"request {shown(one.id)}: {one.describe()}" for one in wrong],
        looked_at=f"{len(exchanges)} at once",
        exchange=wrong[0].evidence() if wrong else None,
    )


@check("DISC-015", category=Category.CONNECTIVITY)
async def removed_methods(subject: Subject) -> Judgement:
    """Judge the answers to methods that the stateless era does not have."""
    answers = (await interview(subject.server)).envelopes
    asked = {method: answers[method] for method in envelopes.REMOVED_METHODS if method in answers}
    if not asked:
        return skipped(_NOT_REACHED)
    wrong = {method: one for method, one in asked.items() if not says(one, METHOD_NOT_FOUND)}
    problems = [f"{method}: {one.describe()}" for method, one in wrong.items()]
    other = {method: one for method, one in asked.items() if method not in wrong and _status(one) not in {None, 404}}
    problems += [f"{method}: HTTP status {_status(one)} instead of 404" for method, one in other.items()]
    return judged(
        "methods that were removed are answered by JSON-RPC error -32601",
        problems,
        looked_at=listed(list(asked)),
        exchange=next(iter({**wrong, **other}.values())).evidence() if problems else None,
    )


@check("DISC-012", category=Category.CONNECTIVITY)
async def stateless_first_message(subject: Subject) -> Judgement:
    """Judge the answer to a list that is the very first message."""
    exchange = (await interview(subject.server)).opening.unprompted
    if exchange is None:
        return skipped("the server offers no list to ask for")
    if exchange.result is not None:
        return passed(f"{exchange.method} as the first message gave a result")
    expected = "a request is answered without any request before it"
    return violated(expected, exchange.describe(), exchange=exchange.evidence())


async def _refused(subject: Subject, label: str) -> Judgement:
    """Judge the refusal of one wrong envelope."""
    exchange = (await interview(subject.server)).envelopes.get(label)
    if exchange is None:
        return skipped(_NOT_REACHED)
    return judged(
        f"a request with {label} in its _meta is answered by error -32602",
        _refusal_problems(exchange),
        looked_at="error -32602",
        exchange=exchange.evidence(),
    )


def _status(exchange: Exchange) -> int | None:
    """Return the HTTP status, or None on stdio."""
    return None if exchange.http is None else exchange.http.status


def _refusal_problems(exchange: Exchange) -> list[str]:
    """Return what is wrong with the refusal of a request whose envelope is wrong."""
    if not says(exchange, INVALID_PARAMS):
        return [exchange.describe()]
    return _status_problem(exchange)


def _status_problem(exchange: Exchange) -> list[str]:
    """Return what is wrong with the HTTP status of a refusal; nothing on stdio."""
    if exchange.http is None or exchange.http.status == 400:
        return []
    return [f"HTTP status {exchange.http.status} instead of 400"]


async def _answers_initialize(subject: Subject) -> str | None:
    """Return the handshake revision that the server answers in, or None."""
    exchange = await initialized(subject.server, HANDSHAKE_VERSIONS[-1])
    version = (exchange.result or {}).get("protocolVersion")
    return version if isinstance(version, str) else None


CHECKS = (
    discover_implemented,
    discover_shape,
    unsupported_version_error,
    meta_missing,
    meta_no_protocol_version,
    meta_no_client_capabilities,
    client_info_optional,
    interleaved_requests,
    removed_methods,
    stateless_first_message,
)
