"""Streamable HTTP, judged by requests that no client sends."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.http_talk import EVIL_HOST, EVIL_ORIGIN, http_talk
from mcp_assay_suites.observing.judging import counted, judged, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.readiness.subject import Subject

HEADER_MISMATCH = -32020
_FORBIDDEN = "2025-11-25"
"""The first revision that names the status for a wrong origin."""
_SHORTEST_ID = 16
_COUNTER = re.compile(r"(.*?)(\d{1,15})")
_NEARBY = 1_000


@check("HTTP-002", category=Category.CONNECTIVITY)
async def notification_202(subject: Subject) -> Judgement:
    """Judge the answer to a notification."""
    reply = (await http_talk(subject.server)).replies["notification"]
    if reply.status >= 400 or (reply.status == 202 and not reply.raw.body.strip()):
        return passed(f"HTTP {reply.status}")
    expected = "a notification is answered by status 202 without a body, or by an error status"
    observed = f"HTTP {reply.status} with {len(reply.raw.body)} bytes of body"
    return violated(expected, observed, exchange=reply.evidence())


@check("HTTP-003", category=Category.CONNECTIVITY)
async def origin_403(subject: Subject) -> Judgement:
    """Judge whether pages of another origin are kept out; only servers on this machine are asked."""
    talk = await http_talk(subject.server)
    reply = talk.replies.get("foreign origin")
    if reply is None:
        return skipped("servers on other machines are not asked from a foreign origin")
    if reply.status == 403 or (subject.version < _FORBIDDEN and reply.status >= 400):
        return passed(f"HTTP {reply.status}")
    return violated(f"Origin: {EVIL_ORIGIN} is answered by status 403", reply.describe(), exchange=reply.evidence())


@check("HTTP-004", category=Category.CONNECTIVITY)
async def host_rebinding(subject: Subject) -> Judgement:
    """Judge whether a server on this machine is fooled by a name that somebody else made point here."""
    reply = (await http_talk(subject.server)).replies.get("foreign host")
    if reply is None:
        return not_applicable("the server is on another machine")
    if reply.status >= 400:
        return passed(f"HTTP {reply.status}")
    return violated(f"Host: {EVIL_HOST} is refused", reply.describe(), exchange=reply.evidence())


@check("HTTP-026", category=Category.CONNECTIVITY)
async def last_event_id_ignored(subject: Subject) -> Judgement:
    """Judge whether the header by which streams were once resumed is ignored."""
    reply = (await http_talk(subject.server)).replies["last event"]
    if reply.has_result:
        return passed("a result as without it")
    return violated("Last-Event-ID is ignored", reply.describe(), exchange=reply.evidence())


@check("HTTP-032", category=Category.CONNECTIVITY)
async def sse_priming_event(subject: Subject) -> Judgement:
    """Judge whether an event stream begins with an event that gives an id and nothing else."""
    reply = (await http_talk(subject.server)).replies["plain"]
    if not (reply.raw.header("content-type") or "").lower().startswith("text/event-stream"):
        return not_applicable("requests are not answered on an event stream")
    head: str = reply.raw.body.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "backslashreplace")
    parts = (line.partition(":") for line in head.splitlines() if not line.startswith(":"))
    fields = {name: value.strip() for name, _, value in parts}
    if fields.get("id") and not fields.get("data"):
        return passed(f"the first event has id {fields['id'][:40]!r} and no data")
    expected = "an event stream begins with an event that has an id and no data"
    return violated(expected, f"it begins with {head[:80]!r}", exchange=reply.evidence())


@check("HTTP-006", category=Category.CONNECTIVITY)
async def bad_version_header(subject: Subject) -> Judgement:
    """Judge the answer to a version header that nobody knows."""
    return await _status(subject, "unknown version", 400, "an unknown MCP-Protocol-Version is answered by status 400")


@check("HTTP-007", category=Category.CONNECTIVITY)
async def absent_version_header(subject: Subject) -> Judgement:
    """Judge the answer to a request without version header."""
    reply = (await http_talk(subject.server)).replies["no version"]
    if reply.status < 400:
        return passed(f"HTTP {reply.status}")
    expected = "a request without MCP-Protocol-Version is taken for the older revision"
    return violated(expected, reply.describe(), exchange=reply.evidence())


@check("HTTP-008", category=Category.CONNECTIVITY)
async def version_header_mismatch(subject: Subject) -> Judgement:
    """Judge the answer to a version header that contradicts the body."""
    return await _refused(subject, "an MCP-Protocol-Version other than the body's", "other version")


@check("HTTP-009", category=Category.CONNECTIVITY)
async def version_header_required(subject: Subject) -> Judgement:
    """Judge the answer to a request without version header, unless older clients are served."""
    if (await http_talk(subject.server)).old_version:
        return not_applicable("the server also serves clients that know no version header")
    return await _refused(subject, "a request without MCP-Protocol-Version", "no version")


@check("HTTP-010", category=Category.CONNECTIVITY)
async def method_header(subject: Subject) -> Judgement:
    """Judge the answers to a missing and to a wrong method header."""
    return await _refused(subject, "a missing or wrong Mcp-Method", "no method", "other method")


@check("HTTP-011", category=Category.CONNECTIVITY)
async def name_header(subject: Subject) -> Judgement:
    """Judge the answers to a missing and to a wrong name header."""
    return await _refused(subject, "a missing or wrong Mcp-Name", "no name", "other name")


@check("HTTP-012", category=Category.CONNECTIVITY)
async def name_header_base64(subject: Subject) -> Judgement:
    """Judge whether an encoded name is decoded before it is compared."""
    reply = (await http_talk(subject.server)).replies.get("encoded name")
    if reply is None:
        return not_applicable("the server has nothing with a name")
    if reply.code != HEADER_MISMATCH:
        return passed(reply.describe())
    return violated("Mcp-Name in base64 is decoded before it is compared", reply.describe(), exchange=reply.evidence())


@check("HTTP-013", category=Category.CONNECTIVITY)
async def header_name_case(subject: Subject) -> Judgement:
    """Judge that header names know no case, and their values do."""
    talk = await http_talk(subject.server)
    lower = talk.replies["lower-case header"]
    if not lower.has_result:
        expected = "a header name in lower case is the same header"
        return violated(expected, lower.describe(), exchange=lower.evidence())
    return await _refused(subject, "Mcp-Method in other letters than the body's", "method in capitals")


@check("HTTP-024", category=Category.CONNECTIVITY)
async def get_delete_405(subject: Subject) -> Judgement:
    """Judge the answers to GET and DELETE of a server that speaks the stateless era only."""
    talk = await http_talk(subject.server)
    if talk.dual_era or talk.old_version:
        return not_applicable("the server speaks the handshake era as well")
    wrong = [reply for reply in (talk.replies["get"], talk.replies["delete"]) if reply.status != 405]
    return judged(
        "GET and DELETE are answered by status 405",
        [f"{reply.method}: {reply.describe()}" for reply in wrong],
        looked_at="HTTP 405 for both",
        exchange=wrong[0].evidence() if wrong else None,
    )


_OF_EITHER_ERA = frozenset({"other version", "no version", "get", "delete"})
"""Requests whose headers do not say that they are of the stateless era."""


@check("HTTP-025", category=Category.CONNECTIVITY)
async def no_session_mint(subject: Subject) -> Judgement:
    """Judge that session ids are neither given nor heeded."""
    talk = await http_talk(subject.server)
    # A server of both eras may take what does not name this revision in its header for a request of the older era.
    unclear = _OF_EITHER_ERA if talk.dual_era else frozenset[str]()
    told = [reply for label, reply in talk.replies.items() if label not in unclear]
    minted = [reply for reply in told if reply.raw.header("Mcp-Session-Id") is not None]
    foreign = talk.replies["foreign session"]
    problems = ["a session id was given"] if minted else []
    problems += [] if foreign.has_result else [f"with a foreign session id: {foreign.describe()}"]
    return judged(
        "Mcp-Session-Id is neither given nor heeded",
        problems,
        looked_at=counted(len(told), "answer"),
        exchange=(minted or [foreign])[0].evidence() if problems else None,
    )


@check("HTTP-028", category=Category.CONNECTIVITY)
async def session_id_unique(subject: Subject) -> Judgement:
    """Judge whether session ids could be guessed, as far as a few of them show."""
    ids = (await http_talk(subject.server)).session_ids
    if len(ids) < 2:
        return not_applicable("the server gives no session ids")
    problems = _guessable(ids)
    return judged(
        "session ids are unique and cannot be guessed",
        problems,
        looked_at=f"{counted(len(ids), 'session')}, all different",
        exchange={"session_ids_seen": len(ids), "lengths": sorted({len(one) for one in ids})} if problems else None,
    )


@check("HTTP-029", category=Category.CONNECTIVITY)
async def session_required(subject: Subject) -> Judgement:
    """Judge how a request without a session id is refused; a server that serves it does not require one."""
    reply = (await http_talk(subject.server)).replies.get("no session")
    if reply is not None and reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return not_applicable("requests without a session id are served: it requires none")
    expected = "a server that requires session ids answers requests without one by status 400"
    return await _status(subject, "no session", HTTPStatus.BAD_REQUEST, expected)


@check("HTTP-030", category=Category.CONNECTIVITY)
async def session_terminated(subject: Subject) -> Judgement:
    """Judge whether a session that was ended is over."""
    talk = await http_talk(subject.server)
    deleted, after = talk.replies.get("delete"), talk.replies.get("after delete")
    if deleted is None or after is None:
        return not_applicable("the server gives no session ids")
    if deleted.status >= 300:
        return not_applicable(f"the server does not let clients end sessions (HTTP {deleted.status})")
    if after.status == 404:
        return passed("HTTP 404 after the end")
    return violated("a session that was ended is answered by status 404", after.describe(), exchange=after.evidence())


async def _status(subject: Subject, label: str, wanted: int, expected: str) -> Judgement:
    """Judge the status of one answer."""
    reply = (await http_talk(subject.server)).replies.get(label)
    if reply is None:
        return not_applicable("the server gives no session ids")
    if reply.status == wanted:
        return passed(f"HTTP {reply.status}")
    return violated(expected, reply.describe(), exchange=reply.evidence())


async def _refused(subject: Subject, what: str, *labels: str) -> Judgement:
    """Judge that requests with wrong headers are refused as such."""
    talk = await http_talk(subject.server)
    replies = {label: talk.replies[label] for label in labels if label in talk.replies}
    if not replies:
        return not_applicable("the server has nothing with a name")
    wrong = {label: reply for label, reply in replies.items() if (reply.status, reply.code) != (400, HEADER_MISMATCH)}
    return judged(
        f"{what} is answered by status 400 and JSON-RPC error -32020",
        [f"{label}: {reply.describe()}" for label, reply in wrong.items()],
        looked_at=listed(list(replies)),
        exchange=next(iter(wrong.values())).evidence() if wrong else None,
    )


def _guessable(ids: Sequence[str]) -> list[str]:
    """Return why session ids look as if they could be guessed."""
    problems = [f"{len(ids) - len(set(ids))} of {len(ids)} ids came before"] if len(set(ids)) < len(ids) else []
    shortest = min(len(one) for one in ids)
    if shortest < _SHORTEST_ID:
        problems.append(f"an id has {shortest} characters")
    counters = [_COUNTER.fullmatch(one) for one in ids]
    if all(counter is not None for counter in counters):
        starts = {counter.group(1) for counter in counters if counter is not None}
        numbers = [int(counter.group(2)) for counter in counters if counter is not None]
        if len(starts) == 1 and len(set(numbers)) > 1 and max(numbers) - min(numbers) < _NEARBY:
            problems.append("they only count up")
    return problems


CHECKS = (
    notification_202,
    origin_403,
    host_rebinding,
    last_event_id_ignored,
    sse_priming_event,
    bad_version_header,
    absent_version_header,
    version_header_mismatch,
    version_header_required,
    method_header,
    name_header,
    name_header_base64,
    header_name_case,
    get_delete_405,
    no_session_mint,
    session_id_unique,
    session_required,
    session_terminated,
)
