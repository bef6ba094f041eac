"""Authorization, as far as a server shows it to who is not let in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.auth_talk import auth_talk
from mcp_assay_suites.observing.judging import judged, shown

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.observing.http_talk import Reply

_SCOPE = re.compile(r'\bscope="([^"]{1,2000})"')
_NO_OFFLINE_SINCE = "2026-07-28"
_NO_TOKEN = "the configuration gives the server no bearer token"  # noqa: S105  (a reason, not a token)


@check("AUTH-001", category=Category.CONNECTIVITY)
async def unauthenticated_401(subject: Subject) -> Judgement:
    """Judge the answer to a request without a token."""
    return _refused((await auth_talk(subject.server)).without, "a request without a token is answered by status 401")


@check("AUTH-002", category=Category.CONNECTIVITY)
async def invalid_token_401(subject: Subject) -> Judgement:
    """Judge the answer to a token that nobody gave."""
    return _refused((await auth_talk(subject.server)).wrong, "an invalid token is answered by status 401")


@check("AUTH-003", category=Category.CONNECTIVITY)
async def resource_metadata(subject: Subject) -> Judgement:
    """Judge whether a client can find out where tokens come from."""
    talk = await auth_talk(subject.server)
    if not talk.bearer or talk.without is None or talk.without.status != 401:
        return not_applicable("the server refuses nobody who has no token" if talk.bearer else _NO_TOKEN)
    if talk.elsewhere:
        return passed(f"its address is {shown(talk.named)}")
    if talk.metadata is not None:
        return passed("a resource metadata document")
    expected = "the metadata of the protected resource is named in WWW-Authenticate or at its well-known address"
    observed = f"WWW-Authenticate is {shown(talk.challenge)} and there is no document"
    return violated(expected, observed, exchange=talk.without.evidence())


@check("AUTH-004", category=Category.CONNECTIVITY)
async def authorization_servers(subject: Subject) -> Judgement:
    """Judge the metadata of the protected resource."""
    talk = await auth_talk(subject.server)
    if talk.metadata is None:
        reason = "its metadata is at another origin, which is not asked" if talk.elsewhere else "there is no metadata"
        return skipped(reason) if talk.elsewhere else not_applicable(reason if talk.bearer else _NO_TOKEN)
    servers, resource = talk.metadata.get("authorization_servers"), talk.metadata.get("resource")
    problems = [] if isinstance(servers, list) and servers else [f"authorization_servers is {shown(servers)}"]
    if not isinstance(resource, str) or not talk.url.rstrip("/").startswith(resource.rstrip("/")):
        problems.append(f"resource is {shown(resource)}, not {shown(talk.url)}")
    return judged(
        "the metadata names the server itself and at least one authorization server",
        problems,
        looked_at=f"authorization_servers {shown(servers)}",
        exchange={"method": "GET resource metadata", "document": talk.metadata},
    )


@check("AUTH-005", category=Category.CONNECTIVITY)
async def scope_challenge(subject: Subject) -> Judgement:
    """Judge whether a client learns which scopes to ask for; since 2026-07-28 never for offline access."""
    talk = await auth_talk(subject.server)
    if not talk.bearer or talk.without is None or talk.without.status != 401:
        return not_applicable("the server refuses nobody who has no token" if talk.bearer else _NO_TOKEN)
    match = _SCOPE.search(talk.challenge)
    supported = (talk.metadata or {}).get("scopes_supported")
    named = [*(match.group(1).split() if match else []), *(supported if isinstance(supported, list) else [])]
    problems = [] if match else ["WWW-Authenticate names no scope"]
    if subject.version >= _NO_OFFLINE_SINCE and "offline_access" in named:
        problems.append("offline_access is asked for, which is the client's affair")
    return judged(
        "WWW-Authenticate names the scopes that are needed",
        problems,
        looked_at=f"scope {shown(match.group(1))}" if match else "",
        exchange=talk.without.evidence(),
    )


def _refused(reply: Reply | None, expected: str) -> Judgement:
    """Judge one refusal."""
    if reply is None:
        return not_applicable(_NO_TOKEN)
    if reply.status == 401:
        return passed("HTTP 401")
    return violated(expected, reply.describe(), exchange=reply.evidence())


CHECKS = (unauthenticated_401, invalid_token_401, resource_metadata, authorization_servers, scope_challenge)
