"""Raw HTTP requests of every shape, sent on a session of their own, once, for many checks to judge."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from mcp_assay.readiness.subject import UnavailableError
from mcp_assay.wire import http_headers
from mcp_assay.wire.eras import CLIENT_INFO, HANDSHAKE_VERSIONS, Era
from mcp_assay.wire.transport import Outgoing
from mcp_assay_suites.observing.asks import NO_SUCH_NAME
from mcp_assay_suites.observing.memory import remembered
from mcp_assay_suites.observing.probing import heartbeat_method

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay.wire.http_reply import RawReply
    from mcp_assay.wire.raw_http import RawHttp
    from mcp_assay.wire.session import ServerSession

NO_VERSION = "1900-01-01"
EVIL_ORIGIN = "http://evil.example"
EVIL_HOST = "evil.example"
OLD_VERSION = "2025-03-26"
"""The last revision that knows no version header."""
SESSIONS = 5
_STREAM_S = 1.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SHOWN_BODY = 1_000
_SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "mcp-session-id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One raw request and its answer.

    Attributes:
        method: The HTTP method.
        headers: The headers that MCP adds.
        body: The body that was sent.
        raw: The answer.
    """

    method: str
    headers: Mapping[str, str]
    body: bytes
    raw: RawReply

    @property
    def status(self) -> int:
        """The status, 0 without an answer."""
        return self.raw.status

    @property
    def message(self) -> JsonObject:
        """The JSON-RPC message in the body or in its last event, empty when there is none."""
        return _message(self.raw)

    @property
    def code(self) -> Json:
        """The JSON-RPC error code, or null."""
        error = self.message.get("error")
        return error.get("code") if isinstance(error, dict) else None

    @property
    def has_result(self) -> bool:
        """Whether the answer is a result."""
        return "result" in self.message

    def describe(self) -> str:
        """Return what came back in a few words."""
        if self.raw.fault is not None:
            return self.raw.fault.message
        error = self.message.get("error")
        if isinstance(error, dict):
            return f"HTTP {self.status} with JSON-RPC error {error.get('code')}"
        return f"HTTP {self.status}{' with a result' if self.has_result else ''}"

    def evidence(self) -> dict[str, Any]:
        """Return request and answer as JSON for a report; headers that may hold a credential are left out."""
        return {
            "method": f"HTTP {self.method}",
            "request_headers": _shown(self.headers.items()),
            "request": self.body.decode("utf-8", "backslashreplace")[:_SHOWN_BODY],
            "status": self.status,
            "response_headers": _shown(self.raw.headers),
            "response": self.raw.body.decode("utf-8", "backslashreplace")[:_SHOWN_BODY],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTalk:
    """What raw HTTP requests led to.

    Attributes:
        replies: By what was asked; what does not apply to the server is missing.
        session: The session id of this talk, None without one.
        session_ids: Ids of further sessions that were opened.
        dual_era: Whether ``initialize`` works at the newest handshake revision.
        old_version: Whether ``initialize`` works at a revision without a version header.
        local: Whether the server is on this machine.
    """

    replies: Mapping[str, Reply] = field(default_factory=dict[str, "Reply"])
    session: str | None = None
    session_ids: tuple[str, ...] = ()
    dual_era: bool = False
    old_version: bool = False
    local: bool = False


async def http_talk(server: ServerUnderTest) -> HttpTalk:
    """Return what raw HTTP requests led to, sent once.

    Raises:
        UnavailableError: No further session can be opened, or the server is not reached over Streamable HTTP.
    """
    return await remembered(server, HttpTalk, _talked)


async def _talked(server: ServerUnderTest) -> HttpTalk:
    """Open a session and send everything.

    Raises:
        UnavailableError: The server is not reached over Streamable HTTP.
        ConnectError: No further session can be opened.
    """
    live = await server.session()
    async with server.fresh_session(protocol=live.agreement.version) as session:
        web = session.channel.transport.raw_http
        if web is None:
            raise UnavailableError("the server is not reached over Streamable HTTP")
        talker = _Talker(server, session, web)
        if session.agreement.era is Era.HANDSHAKE:
            return await talker.handshake()
        return await talker.stateless()


class _Talker:
    """Sends raw requests in one session."""

    def __init__(self, server: ServerUnderTest, session: ServerSession, web: RawHttp) -> None:
        self._server = server
        self._session = session
        self._client = web
        self._id = web.session
        self._replies: dict[str, Reply] = {}
        self._local = (web.url.host or "") in _LOOPBACK

    async def handshake(self) -> HttpTalk:
        """Send what the handshake era is judged by."""
        beat = self._request(heartbeat_method(self._session))
        await self._common(beat)
        await self._say("unknown version", beat, {http_headers.VERSION: NO_VERSION})
        await self._say("no version", beat, {http_headers.VERSION: ""})
        if self._id is not None:
            await self._say("no session", beat, {http_headers.SESSION: ""})
        ids = tuple([one for one in [await self._new_session() for _ in range(SESSIONS)] if one is not None])
        if ids:
            await self._say("delete", None, {http_headers.SESSION: ids[0]}, method="DELETE")
            await self._say("after delete", beat, {http_headers.SESSION: ids[0]})
        for one in ids[1:]:
            await self._send("DELETE", None, {http_headers.SESSION: one})
        return HttpTalk(replies=self._replies, session=self._id, session_ids=ids, local=self._local)

    async def stateless(self) -> HttpTalk:
        """Send what the stateless era is judged by."""
        beat = self._request("server/discover")
        await self._common(beat)
        await self._say("other version", beat, {http_headers.VERSION: HANDSHAKE_VERSIONS[-1]})
        await self._say("no version", beat, {http_headers.VERSION: ""})
        await self._say("no method", beat, {"Mcp-Method": ""})
        await self._say("other method", beat, {"Mcp-Method": "prompts/list"})
        await self._say("method in capitals", beat, {"Mcp-Method": "SERVER/DISCOVER"})
        await self._say("lower-case header", beat, {"mcp-method": "server/discover"})
        await self._say("last event", beat, {"Last-Event-ID": "x-probe-1"})
        await self._say("foreign session", beat, {http_headers.SESSION: "x-probe-session"})
        await self._named()
        await self._say("get", None, {"Accept": "text/event-stream"}, method="GET")
        await self._say("delete", None, {}, method="DELETE")
        dual, old = [await self._initializes(version) for version in (HANDSHAKE_VERSIONS[-1], OLD_VERSION)]
        return HttpTalk(replies=self._replies, dual_era=dual, old_version=old, local=self._local)

    async def _common(self, beat: JsonObject) -> None:
        """Send what both eras are judged by."""
        await self._say("notification", {"jsonrpc": "2.0", "method": "notifications/x-probe"}, {})
        await self._say("plain", beat, {})
        if self._local:
            await self._say("foreign origin", beat, {"Origin": EVIL_ORIGIN})
            await self._say("foreign host", beat, {"Host": EVIL_HOST})

    async def _named(self) -> None:
        """Send requests whose name is mirrored in a header, wrong and encoded; none of them names a real tool."""
        params, name = self._something_named()
        if params is None:
            return
        body = self._request(str(params.pop("method")), params)
        encoded = f"=?base64?{base64.b64encode(name.encode()).decode('ascii')}?="
        await self._say("no name", body, {"Mcp-Name": ""})
        await self._say("other name", body, {"Mcp-Name": f"{NO_SUCH_NAME}-2"})
        await self._say("encoded name", body, {"Mcp-Name": encoded})

    def _something_named(self) -> tuple[JsonObject | None, str]:
        """Return a method with parameters that name something harmless, and the name."""
        inventory = self._server.inventory
        for uri in (one.get("uri") for one in inventory.objects("resources")):
            if isinstance(uri, str):
                return {"method": "resources/read", "uri": uri}, uri
        if self._session.offers("tools"):
            return {"method": "tools/call", "name": NO_SUCH_NAME, "arguments": {}}, NO_SUCH_NAME
        return None, ""

    def _request(self, method: str, params: Mapping[str, Json] | None = None) -> JsonObject:
        """Return a request with what the era adds to it."""
        message: JsonObject = {"jsonrpc": "2.0", "id": self._session.channel.new_id(), "method": method}
        whole = self._session.with_envelope(params)
        return message if whole is None else {**message, "params": dict(whole)}

    async def _say(
        self, label: str, body: JsonObject | None, headers: Mapping[str, str], *, method: str = "POST"
    ) -> None:
        """Send one request and keep the answer."""
        self._replies[label] = await self._send(method, body, headers)

    async def _send(
        self, method: str, body: JsonObject | None, headers: Mapping[str, str], *, opening: bool = False
    ) -> Reply:
        """Send one request with the headers of a proper one, but for those given; an empty one is left out."""
        named = body or {}
        params = named.get("params")
        name = params.get("name", params.get("uri")) if isinstance(params, dict) else None
        outgoing = Outgoing(data=b"", method=str(named.get("method", "")), name=name if isinstance(name, str) else None)
        version = "" if opening else self._session.agreement.version
        proper = http_headers.message_headers(outgoing, version, None if opening else self._id)
        given = {key.lower() for key in headers}
        whole = {key: value for key, value in proper.items() if key.lower() not in given} | dict(headers)
        data = b"" if body is None else orjson.dumps(body)
        seconds = _STREAM_S if method == "GET" else self._session.limits.list_s
        raw = await self._client.raw(method, whole, data, timeout_s=seconds)
        return Reply(method=method, headers=whole, body=data, raw=raw)

    async def _new_session(self) -> str | None:
        """Open one more session and return its id, None when there is none."""
        reply = await self._send("POST", _initialize(self._session.agreement.version), {}, opening=True)
        return reply.raw.header(http_headers.SESSION)

    async def _initializes(self, version: str) -> bool:
        """Return whether ``initialize`` gives a result at a handshake revision."""
        reply = await self._send("POST", _initialize(version), {}, opening=True)
        session = reply.raw.header(http_headers.SESSION)
        if session is not None:
            await self._client.raw("DELETE", {http_headers.SESSION: session}, timeout_s=self._session.limits.exit_s)
        result = reply.message.get("result")
        agreed = result.get("protocolVersion") if isinstance(result, dict) else None
        return isinstance(agreed, str) and agreed <= version


async def opening_request(web: RawHttp, session: ServerSession, headers: Mapping[str, str]) -> Reply:
    """Send what opens a conversation, outside of any session, and return the answer.

    Args:
        web: Sends raw requests of a session.
        session: The session, for its revision and limits.
        headers: Headers that differ from those of a proper request; an empty one is left out.
    """
    version = session.agreement.version
    if session.agreement.era is Era.HANDSHAKE:
        body = _initialize(version)
        proper = http_headers.message_headers(Outgoing(data=b"", method="initialize"), "", None)
    else:
        params = dict(session.with_envelope(None) or {})
        body = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": params}
        proper = http_headers.message_headers(Outgoing(data=b"", method="server/discover"), version, None)
    whole = {**proper, **headers}
    data = orjson.dumps(body)
    raw = await web.raw("POST", whole, data, timeout_s=session.limits.list_s)
    return Reply(method="POST", headers=whole, body=data, raw=raw)


def _initialize(version: str) -> JsonObject:
    """Return an ``initialize`` request."""
    params: JsonObject = {"protocolVersion": version, "capabilities": {}, "clientInfo": dict(CLIENT_INFO)}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


def _message(raw: RawReply) -> JsonObject:
    """Return the JSON-RPC message in a body, or in the last event of a stream that has one."""
    text = raw.body
    if (raw.header("content-type") or "").lower().startswith("text/event-stream"):
        events = [line.removeprefix(b"data:").strip() for line in text.splitlines() if line.startswith(b"data:")]
        text = next((event for event in reversed(events) if event), b"")
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _shown(headers: Any) -> dict[str, str]:
    """Return headers without those that may hold a credential."""
    return {key: value for key, value in headers if key.lower() not in _SECRET_HEADERS}
