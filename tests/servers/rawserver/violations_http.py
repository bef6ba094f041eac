"""Violations that only HTTP can show."""

from __future__ import annotations

import json

from rawserver import http_headers, violations
from rawserver.changes import SPOILT, Violations, after_answer
from rawserver.http_headers import mismatch
from rawserver.http_hooks import instead
from rawserver.http_wire import JSON
from rawserver.protocol import META_VERSION
from rawserver.stdio import encoded

TABLE = Violations()
violates = TABLE.of


@violates("HTTP-001")
def plain_text(server, site):
    """Says that one answer is plain text."""

    def hook(exchange):
        if isinstance(exchange.message, dict) and exchange.message.get("method") == SPOILT:
            respond = exchange.respond
            exchange.respond = lambda status, body=b"", kind=JSON, headers=(): respond(
                status, body, "text/plain", headers
            )
        return False

    site.on_http.append(hook)


def _notifications(site, name, act):
    """Call ``act(exchange)`` instead of dealing with POSTs of a notification; None stands for all but initialized."""

    def hook(exchange):
        method = exchange.message.get("method") if isinstance(exchange.message, dict) else None
        if not isinstance(method, str) or "id" in exchange.message:
            return False
        mine = method == name if name else method not in {"notifications/initialized", "notifications/cancelled"}
        if mine:
            act(exchange)
        return mine

    site.on_http.append(hook)


@violates("HTTP-002")
def notification_answered(server, site):
    """Answers notifications with 200 and a body."""
    _notifications(site, None, lambda exchange: exchange.respond(200, b'{"ok":true}'))


@violates("LIFE-008")
def initialized_answered(server, site):
    """Answers notifications/initialized with 200 and a result."""
    result = b'{"jsonrpc":"2.0","id":null,"result":{}}'
    _notifications(site, "notifications/initialized", lambda exchange: exchange.respond(200, result))


@violates("HTTP-003")
def any_origin(server, site):
    """Serves pages of any origin."""
    site.validates_origin = False


@violates("HTTP-004")
def any_host(server, site):
    """Serves requests that name any host."""
    site.validates_host = False


@violates("HTTP-020")
def buffered_streams(server, site):
    """Does not tell proxies to pass events on."""

    def hook(exchange):
        head = exchange.head
        exchange.head = lambda status, headers: head(status, [one for one in headers if one[0] != "X-Accel-Buffering"])
        return False

    site.streamed.add(SPOILT)
    site.on_http.append(hook)


@violates("HTTP-026")
def last_event_refused(server, site):
    """Refuses stateless requests with Last-Event-ID."""

    def hook(exchange):
        mine = exchange.method == "POST" and "last-event-id" in exchange.headers
        if mine:
            exchange.respond(400)
        return mine

    site.on_http.append(hook)


@violates("HTTP-032")
def unprimed_streams(server, site):
    """Begins event streams with the first message."""
    site.primes_streams = False


@violates("HTTP-006")
def any_version(server, site):
    """Takes any MCP-Protocol-Version in a session."""
    site.validates_version = False


@violates("HTTP-007")
def version_needed(server, site):
    """Refuses requests of a session without MCP-Protocol-Version."""

    def hook(exchange):
        missing = "mcp-session-id" in exchange.headers and "mcp-protocol-version" not in exchange.headers
        if missing and exchange.method == "POST":
            exchange.respond(400)
        return missing and exchange.method == "POST"

    site.on_http.append(hook)


def _corrected(site, correct):
    """Correct the headers of stateless requests before they are checked."""

    def check(server, headers, message):
        params = message.get("params") if isinstance(message.get("params"), dict) else {}
        http_headers.check(server, {**headers, **correct(headers, message, params)}, message)

    site.checks_headers = check


def _envelope_version(params):
    meta = params.get("_meta")
    return meta.get(META_VERSION) if isinstance(meta, dict) else None


@violates("HTTP-008")
def version_mismatch(server, site):
    """Takes an MCP-Protocol-Version other than that of the body."""
    _corrected(
        site,
        lambda headers, message, params: (
            {"mcp-protocol-version": _envelope_version(params)}
            if "mcp-protocol-version" in headers and _envelope_version(params)
            else {}
        ),
    )


@violates("HTTP-009")
def version_missing(server, site):
    """Takes stateless requests without MCP-Protocol-Version."""
    _corrected(
        site,
        lambda headers, message, params: (
            {}
            if "mcp-protocol-version" in headers
            else {"mcp-protocol-version": _envelope_version(params) or "2026-07-28"}
        ),
    )


@violates("HTTP-010", also=("HTTP-013",))
def method_header(server, site):
    """Does not look at Mcp-Method."""
    _corrected(site, lambda headers, message, params: {"mcp-method": message.get("method")})


@violates("HTTP-011")
def name_header(server, site):
    """Does not look at Mcp-Name."""
    _corrected(site, lambda headers, message, params: {"mcp-name": params.get("name", params.get("uri"))})


@violates("HTTP-012")
def name_not_decoded(server, site):
    """Compares Mcp-Name as it is written."""

    def check(server, headers, message):
        if headers.get("mcp-name", "").startswith("=?base64?"):
            raise mismatch("Mcp-Name")
        http_headers.check(server, headers, message)

    site.checks_headers = check


@violates("HTTP-013")
def any_case(server, site):
    """Compares Mcp-Method without regard to case."""

    def correct(headers, message, params):
        same = headers.get("mcp-method", "").lower() == str(message.get("method")).lower()
        return {"mcp-method": message.get("method")} if same else {}

    _corrected(site, correct)


@violates("HTTP-014")
def parameter_header(server, site):
    """Does not look at Mcp-Param headers."""

    def correct(headers, message, params):
        return {header: str(value) for header, value in _mirrored(server, params) if value is not None}

    _corrected(site, correct)


def _mirrored(server, params):
    """Yield the header and the argument, None without one, of each mirrored parameter of a tool."""
    tool = server.tool(params.get("name"))
    properties = tool.definition["inputSchema"].get("properties", {}) if tool is not None else {}
    given = params.get("arguments") if isinstance(params.get("arguments"), dict) else {}
    for name, part in properties.items():
        if "x-mcp-header" in part:
            yield f"mcp-param-{part['x-mcp-header'].lower()}", given.get(name)


@violates("HTTP-015")
def header_always_needed(server, site):
    """Wants the Mcp-Param header of arguments that are not given."""

    def check(server, headers, message):
        http_headers.check(server, headers, message)
        params = message.get("params") if isinstance(message.get("params"), dict) else {}
        if any(header not in headers for header, _ in _mirrored(server, params)):
            raise mismatch("Mcp-Param")

    site.checks_headers = check


@violates("HTTP-016")
def header_compared_as_text(server, site):
    """Compares Mcp-Param headers of integers as text."""

    def check(server, headers, message):
        http_headers.check(server, headers, message)
        params = message.get("params") if isinstance(message.get("params"), dict) else {}
        if any(value is not None and headers.get(header) != str(value) for header, value in _mirrored(server, params)):
            raise mismatch("Mcp-Param")

    site.checks_headers = check


@violates("HTTP-017")
def stream_stays_open(server, site):
    """Does not end the event stream of one method after the answer."""
    site.endless.add(SPOILT)


@violates("HTTP-018")
def unrelated_message(server, site):
    """Says on the stream of a request that the tools have changed."""
    site.streamed.add(SPOILT)
    changed = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    server.on_message.append(
        lambda message, request: (
            [changed, message]
            if request is not None and request.method == SPOILT and "result" in message
            else [message]
        )
    )


@violates("HTTP-019")
def stream_without_answer(server, site):
    """Ends the event stream of one method without the answer."""

    def act(exchange, _argument):
        exchange.open_stream()
        exchange.chunk(b": bye\n\n")
        exchange.close_stream()

    instead(site, f"@{SPOILT}", act)


@violates("HTTP-021")
def get_with_json(server, site):
    """Answers GET with JSON."""
    if server.handshake_revisions:
        instead(site, "@GET", lambda exchange, _: exchange.respond(200, b'{"status":"ok"}'))


@violates("HTTP-022")
def answer_on_get(server, site):
    """Sends one answer on the GET stream as well."""

    def act(request):
        answer = {"jsonrpc": "2.0", "id": request.id, "result": {"resourceTemplates": []}}
        request.connection.send(answer)

    after_answer(server, SPOILT, act, "handshake")


@violates("HTTP-024")
def get_without_handshake(server, site):
    """Opens a stream on GET though it speaks no revision that has it."""

    def act(exchange, _argument):
        exchange.open_stream()
        exchange.close_stream()

    if not server.handshake_revisions:
        instead(site, "@GET", act)


@violates("HTTP-025")
def session_minted(server, site):
    """Gives out session ids in the stateless era."""

    def hook(exchange):
        if isinstance(exchange.message, dict) and exchange.method == "POST" and site.is_stateless(exchange):
            exchange.more_headers.append(("Mcp-Session-Id", site.session_name()))
        return False

    site.on_http.append(hook)


@violates("HTTP-027")
def session_with_space(server, site):
    """Gives out session ids with a space."""
    make = site.session_name
    site.session_name = lambda: f"{make()} {make()}"


@violates("HTTP-028")
def session_counted(server, site):
    """Counts its sessions."""
    numbers = [0]

    def count():
        numbers[0] += 1
        return f"session-{numbers[0]:012}"

    site.session_name = count


@violates("HTTP-029")
def session_missed_otherwise(server, site):
    """Answers requests without a session id by 422."""
    site.without_session = 422


@violates("HTTP-030")
def session_outlives_delete(server, site):
    """Goes on with sessions that were deleted."""
    site.forgets_sessions = False


@violates("HTTP-031")
def event_ids_repeat(server, site):
    """Numbers the events of each stream alike."""
    site.stream_number = lambda: 1


def _bad_body(site, matches, act):
    """Call ``act(exchange)`` for POSTs whose body matches."""

    def hook(exchange):
        mine = exchange.method == "POST" and matches(exchange)
        if mine:
            act(exchange)
        return mine

    site.on_http.append(hook)


@violates("BASE-011")
def fails_on_bad_json(server, site):
    """Answers what is no JSON with 500 and a stack trace."""
    trace = b"Traceback (most recent call last):\njson.decoder.JSONDecodeError\n"
    _bad_body(
        site, lambda exchange: exchange.message is None, lambda exchange: exchange.respond(500, trace, "text/plain")
    )


@violates("BASE-012")
def lenient_requests(server, site):
    """Answers what is no request as if it were one."""

    def matches(exchange):
        message = exchange.message
        if not isinstance(message, dict) or "result" in message or "error" in message:
            return False
        found = message.get("id", 0)
        good_id = isinstance(found, str | int) and not isinstance(found, bool)
        return message.get("jsonrpc") != "2.0" or "method" not in message or not good_id

    def act(exchange):
        exchange.respond(
            200, encoded({"jsonrpc": "2.0", "id": exchange.message.get("id"), "result": {"resultType": "complete"}})
        )

    _bad_body(site, matches, act)


@violates("AUTH-001")
def token_not_needed(server, site):
    """Serves requests without a token; wrong tokens are refused."""
    refuse = site.unauthorized
    site.unauthorized = lambda exchange: refuse(exchange) if "authorization" in exchange.headers else None


@violates("AUTH-002")
def any_token(server, site):
    """Takes any token."""
    refuse = site.unauthorized
    site.unauthorized = lambda exchange: None if "authorization" in exchange.headers else refuse(exchange)


@violates("AUTH-003", also=("AUTH-004", "AUTH-005"))
def no_metadata(server, site):
    """Does not say where to get a token."""
    site.unauthorized = lambda exchange: exchange.respond(401, headers=[("WWW-Authenticate", "Bearer")])
    site.describe_resource = lambda exchange: exchange.respond(404)


@violates("AUTH-005")
def no_scope(server, site):
    """Does not say which scope is needed."""
    place = f"{site.base}/.well-known/oauth-protected-resource/mcp"
    challenge = [("WWW-Authenticate", f'Bearer resource_metadata="{place}"')]
    site.unauthorized = lambda exchange: exchange.respond(401, headers=challenge)


@violates("AUTH-004")
def no_authorization_servers(server, site):
    """Names no authorization server."""
    known = {"resource": f"{site.base}/mcp", "authorization_servers": []}
    site.describe_resource = lambda exchange: exchange.respond(200, json.dumps(known).encode())


_STDIO_ONLY = {
    "BASE-011",
    "BASE-012",
    "BASE-013",
    *(check for check in violations.INSTALLERS if check.startswith("STDIO-")),
}
INSTALLERS = {
    **{check: install for check, install in violations.INSTALLERS.items() if check not in _STDIO_ONLY},
    **TABLE.installers,
}
ALSO = {**violations.ALSO, **TABLE.also}
