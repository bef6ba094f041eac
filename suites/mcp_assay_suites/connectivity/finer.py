"""Finer points of the protocol, for runs that ask for the second tier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, noted, passed, violated
from mcp_assay.wire.eras import HANDSHAKE_VERSIONS, STATELESS_VERSIONS
from mcp_assay.wire.negotiation import strings
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing import envelopes
from mcp_assay_suites.observing.finer import TASKS, declares_tasks, finer_talk
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import judged, listed, says, shown
from mcp_assay_suites.observing.listening import ACKNOWLEDGED, listening, same, subscription_of
from mcp_assay_suites.observing.traffic import raw_text
from mcp_assay_suites.observing.versions import UNKNOWN_VERSION, discovered_alone, initialized, version_answers

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange

METHOD_NOT_FOUND, INVALID_PARAMS, MISSING_CAPABILITY = -32601, -32602, -32021
_BATCHES_UNTIL = "2025-03-26"
"""The last revision with batches."""
_NO_TASKS = "the server does not declare the extension for tasks"


@check("BASE-013", category=Category.CONNECTIVITY)
async def batch_rejected(subject: Subject) -> Judgement:
    """Judge whether an array of requests is refused."""
    if subject.version <= _BATCHES_UNTIL:
        return not_applicable(f"revision {subject.version} has batches")
    talk = await finer_talk(subject.server)
    answer, expected = talk.batch.answer, "an array of requests is refused, and the server goes on"
    if not talk.batch.survived:
        observed = f"the next request got no answer: {talk.batch.after.describe()}"
        return violated(expected, observed, exchange=answer.evidence())
    results = [raw_text(raw) for raw in talk.arrays if b'"result"' in raw]
    if results or answer.result is not None:
        observed = f"it was executed: {results[0][:80] if results else answer.describe()}"
        return violated(expected, observed, exchange=answer.evidence())
    if talk.batch.silent and not talk.arrays:
        return noted(expected, "nothing came back", exchange=answer.evidence())
    return passed(answer.describe())


@check("BASE-027", category=Category.CONNECTIVITY)
async def unknown_capability_tolerated(subject: Subject) -> Judgement:
    """Judge whether a capability of the client that nobody knows does no harm."""
    exchange = (await finer_talk(subject.server)).capability
    if exchange.result is not None:
        return passed(f"{exchange.method} was answered by a result")
    expected = "a client's unknown capability changes nothing"
    return violated(expected, f"{exchange.method}: {exchange.describe()}", exchange=exchange.evidence())


@check("LIFE-004", category=Category.CONNECTIVITY)
async def version_counter_latest(subject: Subject) -> Judgement:
    """Judge whether the newest revision is offered to a client of an unknown one."""
    answers = await version_answers(subject.server)
    offered = answers.offered(UNKNOWN_VERSION)
    spoken = [version for version in HANDSHAKE_VERSIONS if answers.offered(version) == version]
    if offered not in spoken:
        return not_applicable("no revision was offered instead of an unknown one, which is judged by LIFE-003")
    if offered == spoken[-1]:
        return passed(f"{offered} is the newest of {listed(spoken)}")
    exchange = answers.exchanges[UNKNOWN_VERSION]
    expected = f"{spoken[-1]}, the newest revision that it speaks, is offered instead of an unknown one"
    return violated(expected, f"{offered} was offered", exchange=exchange.evidence())


@check("DISC-005", category=Category.CONNECTIVITY)
async def supported_lists_agree(subject: Subject) -> Judgement:
    """Judge whether both lists of revisions name the same stateless ones; older ones may be left out of either."""
    held = await interview(subject.server)
    exchange = held.envelopes.get(envelopes.WRONG_VERSION)
    data = (exchange.error or {}).get("data") if exchange is not None else None
    named = set(strings(data.get("supported"))) if isinstance(data, dict) else set[str]()
    if exchange is None or not named:
        return not_applicable("the error names no revision, which is judged by DISC-004")
    discovered = set(strings((held.opening.first.result or {}).get("supportedVersions")))
    differing = sorted((named ^ discovered) - set(HANDSHAKE_VERSIONS))
    return judged(
        "the error for an unsupported revision names those that server/discover names",
        [f"{version} is in {'the error' if version in named else 'server/discover'} only" for version in differing],
        looked_at=listed(sorted(named)),
        exchange=exchange.evidence(),
    )


@check("DISC-014", category=Category.CONNECTIVITY)
async def modern_only_initialize_error(subject: Subject) -> Judgement:
    """Judge whether a server without handshake tells an older client which revisions it speaks."""
    exchange = await initialized(subject.server, HANDSHAKE_VERSIONS[-1])
    if exchange.result is not None:
        return not_applicable("the server speaks the handshake era as well")
    told = [version for version in STATELESS_VERSIONS if version.encode() in exchange.raw]
    if told:
        return passed(f"the error names {listed(told)}")
    expected = "the error for initialize names a revision that the server speaks"
    return violated(expected, exchange.describe(), exchange=exchange.evidence())


@check("STDIO-007", category=Category.CONNECTIVITY)
async def probe_answered(subject: Subject) -> Judgement:
    """Judge whether ``server/discover`` as the first message is answered, so that no client has to wait.

    Silence is listened to once more, with nothing else going on and as long as for a list: a server may still start.
    """
    exchange = (await version_answers(subject.server)).discovered
    if exchange.message is None:
        exchange = (await discovered_alone(subject.server)).exchange
    if exchange.message is not None:
        return passed(f"{exchange.describe()} after {exchange.duration_s:.2f} s")
    expected = "server/discover before initialize is answered, by an error too"
    return noted(expected, exchange.describe(), exchange=exchange.evidence())


@check("SUB-006", category=Category.CONNECTIVITY)
async def concurrent_streams(subject: Subject) -> Judgement:
    """Judge whether a second subscription works beside the first."""
    heard = await listening(subject.server)
    acknowledged = [
        stream
        for stream in heard.streams
        if any(
            sent.method == ACKNOWLEDGED and same(subscription_of(sent.message), stream.id) for sent in heard.messages
        )
    ]
    if not acknowledged:
        return not_applicable("no subscription was acknowledged, which is judged by SUB-001")
    missing = [stream for stream in heard.streams if stream not in acknowledged]
    ended = [stream for stream in heard.streams[1:] if stream.ended is not None and stream.ended.error is not None]
    problems = [f"subscription {shown(stream.id)} was not acknowledged" for stream in missing]
    problems += [f"subscription {shown(stream.id)} ended with an error" for stream in ended]
    return judged(
        "two subscriptions can be open at once",
        problems,
        looked_at=f"{len(acknowledged)} at once",
        exchange={"requested": [stream.requested for stream in heard.streams]} if problems else None,
    )


@check("TASK-006", category=Category.CONNECTIVITY)
async def unknown_task(subject: Subject) -> Judgement:
    """Judge the answer to a task that does not exist."""
    return await _about_tasks(subject, "unknown task", "an unknown task is answered by error -32602", INVALID_PARAMS)


@check("TASK-007", category=Category.CONNECTIVITY)
async def removed_methods(subject: Subject) -> Judgement:
    """Judge whether what tasks had in 2025-11-25 is gone."""
    session = await subject.server.session()
    if declares_tasks(session) and "tasks" in session.agreement.capabilities:
        return violated(
            "the capability tasks of 2025-11-25 is not declared any more",
            "it is declared beside the extension",
            exchange={"capabilities": session.agreement.capabilities},
        )
    expected = "tasks/result, which is gone, is answered by error -32601"
    return await _about_tasks(subject, "removed method", expected, METHOD_NOT_FOUND)


@check("TASK-008", category=Category.CONNECTIVITY)
async def missing_capability(subject: Subject) -> Judgement:
    """Judge the answer about a task to a client that does not know tasks."""
    expected = f"tasks/get without the extension declared is answered by error -32021 that names {TASKS}"
    judgement = await _about_tasks(subject, "undeclared", expected, MISSING_CAPABILITY)
    exchange = (await finer_talk(subject.server)).tasks.get("undeclared")
    if exchange is not None and says(exchange, MISSING_CAPABILITY) and TASKS.encode() not in exchange.raw:
        return violated(expected, "the error does not name it", exchange=exchange.evidence())
    return judgement


async def _about_tasks(subject: Subject, what: str, expected: str, code: int) -> Judgement:
    """Judge the code of one answer about tasks."""
    session = await subject.server.session()
    exchange: Exchange | None = None
    if declares_tasks(session):
        exchange = (await finer_talk(subject.server)).tasks.get(what)
    if exchange is None:
        return not_applicable(_NO_TASKS)
    if says(exchange, code):
        return passed(exchange.describe())
    return violated(expected, exchange.describe(), exchange=exchange.evidence())


CHECKS = (
    batch_rejected,
    unknown_capability_tolerated,
    version_counter_latest,
    supported_lists_agree,
    modern_only_initialize_error,
    probe_answered,
    concurrent_streams,
    unknown_task,
    removed_methods,
    missing_capability,
)
