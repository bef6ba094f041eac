"""What a protected server says to who has no token, or a wrong one; nothing is asked of another origin."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from yarl import URL

from mcp_assay.config.authorization import authorization_of
from mcp_assay.wire.http_client import REDIRECTS
from mcp_assay_suites.observing.http_talk import Reply, opening_request
from mcp_assay_suites.observing.memory import remembered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay.wire.raw_http import RawHttp

AUTHORIZATION = "Authorization"
_METADATA = re.compile(r'resource_metadata="([^"]{1,2000})"')
_WELL_KNOWN = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthTalk:
    """What a protected server says.

    Attributes:
        bearer: Whether the configuration gives the server a bearer token; without one nothing is judged.
        without: The answer without the credential.
        wrong: The answer with a token that nobody gave.
        challenge: The ``WWW-Authenticate`` header of the refusal, empty without one.
        named: The address of the resource metadata that the challenge names, None without one.
        metadata: The resource metadata, None when there is none at the same origin.
        elsewhere: Whether the metadata is at another origin, which is not asked.
        url: The server's own address.
    """

    bearer: bool = False
    without: Reply | None = None
    wrong: Reply | None = None
    challenge: str = ""
    named: str | None = None
    metadata: JsonObject | None = None
    elsewhere: bool = False
    url: str = ""


async def auth_talk(server: ServerUnderTest) -> AuthTalk:
    """Return what the server says to who has no token or a wrong one, asked once.

    Raises:
        UnavailableError: The server is down.
    """
    return await remembered(server, AuthTalk, _talked)


async def _talked(server: ServerUnderTest) -> AuthTalk:
    """Ask without and with a wrong token, and for the metadata."""
    live = await server.session()
    given = authorization_of(server.launch.headers)
    web = live.channel.transport.raw_http
    if web is None or not given.lower().startswith("bearer "):
        return AuthTalk()
    without = await opening_request(web, live, {AUTHORIZATION: ""})
    wrong = await opening_request(web, live, {AUTHORIZATION: f"Bearer invalid-{uuid.uuid4()}"})
    challenge = without.raw.header("WWW-Authenticate") or ""
    match = _METADATA.search(challenge)
    places = [match.group(1)] if match is not None else well_known(web.url)
    origin = web.url.origin()
    same = [url for place in places if (url := _absolute(place)) is not None and url.origin() == origin]
    return AuthTalk(
        bearer=True,
        without=without,
        wrong=wrong,
        challenge=challenge,
        named=match.group(1) if match is not None else None,
        metadata=await _first_document(web, same, timeout_s=live.limits.list_s),
        elsewhere=bool(places) and not same,
        url=str(web.url.with_query(None).with_fragment(None).with_user(None)),
    )


def well_known(url: URL) -> list[str]:
    """Return where the metadata of a resource may be (RFC 9728, section 3.1), the most special place first."""
    origin = str(url.origin())
    path = url.path.rstrip("/")
    return [f"{origin}{_WELL_KNOWN}{path}", f"{origin}{_WELL_KNOWN}"] if path else [f"{origin}{_WELL_KNOWN}"]


async def _first_document(web: RawHttp, places: list[URL], *, timeout_s: float) -> JsonObject | None:
    """Return the first JSON object that one of the places gives, asked without the credential."""
    headers: Mapping[str, str] = {"Accept": "application/json", AUTHORIZATION: ""}
    for place in places:
        reply = await web.raw("GET", headers, timeout_s=timeout_s, url=place)
        elsewhere = (
            _absolute(str(place.join(URL(reply.header("location") or "")))) if reply.status in REDIRECTS else None
        )
        if elsewhere is not None and elsewhere.origin() == place.origin():
            reply = await web.raw("GET", headers, timeout_s=timeout_s, url=elsewhere)
        found = _parsed(reply.body) if reply.status == 200 else None
        if isinstance(found, dict):
            return found
    return None


def _absolute(text: str) -> URL | None:
    """Return an absolute URL for HTTP, or None when a text is none."""
    try:
        url = URL(text)
    except ValueError:
        return None
    return url if url.scheme in {"http", "https"} and url.host else None


def _parsed(body: bytes) -> Json:
    """Return a JSON value, or null when there is none."""
    try:
        value: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value
