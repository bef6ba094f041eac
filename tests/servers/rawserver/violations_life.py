"""Violations of the handshake, of discovery and of stdio."""

from __future__ import annotations

import time

from rawserver.changes import (
    SPOILT,
    Violations,
    after_answer,
    error_to_result,
    full,
    notify,
    on_error,
    on_result,
    send,
    without,
)
from rawserver.hooks import line
from rawserver.protocol import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    META_CAPABILITIES,
    META_CLIENT,
    META_SERVER,
    META_VERSION,
    METHOD_NOT_FOUND,
    METHODS,
    UNSUPPORTED_VERSION,
    RpcError,
    is_id,
)

TABLE = Violations()
violates = TABLE.of


@violates("LIFE-001", also=("BASE-025",))
def no_server_version(server, channel):
    """Leaves the version out of serverInfo in initialize."""
    on_result(server, "initialize", lambda result, request: {**result, "serverInfo": without(server.info, "version")})


def _initialize_with(server, choose):
    """Answer initialize with ``choose(asked, answered)`` as the revision."""
    on_result(
        server,
        "initialize",
        lambda result, request: {
            **result,
            "protocolVersion": choose(request.params["protocolVersion"], result["protocolVersion"]),
        },
    )


@violates("LIFE-002")
def swapped_versions(server, channel):
    """Offers 2025-06-18 to who asks for 2025-11-25, and the other way round."""
    swap = {"2025-06-18": "2025-11-25", "2025-11-25": "2025-06-18"}
    _initialize_with(server, swap.get)


@violates("LIFE-003")
def echoes_any_version(server, channel):
    """Agrees to every revision it is asked for."""
    _initialize_with(server, lambda asked, answered: asked)


def _list_roots(request):
    send(request, id="s1", method="roots/list")


@violates("LIFE-005", also=("LIFE-006",))
def request_before_initialized(server, channel):
    """Asks for roots right after initialize, without waiting for initialized."""
    after_answer(server, "initialize", _list_roots)


@violates("LIFE-006")
def undeclared_capability(server, channel):
    """Asks for roots, whatever the client declared."""
    after_answer(server, "tools/list", _list_roots, "handshake")


@violates("LIFE-007")
def ping_with_result(server, channel):
    """Answers ping with something."""
    on_result(server, "ping", lambda result, request: {"pong": True})


def _skip_admission(server, matches):
    """Run stateless requests that match without looking at their envelope."""

    def hook(request):
        if request.method == "initialize" or not matches(request):
            return False
        request.era, request.revision = "stateless", "2026-07-28"
        request.meta = {META_CAPABILITIES: {}, **request.meta}
        if request.method not in METHODS or "stateless" not in METHODS[request.method][1]:
            return False
        request.connection.run(request)
        return True

    server.on_request.append(hook)


@violates("DISC-001")
def no_discover(server, channel):
    """Does not know server/discover."""

    def hook(request):
        if request.method == "server/discover":
            request.fail(RpcError(METHOD_NOT_FOUND, "Method not found"))
            return True
        return False

    server.on_request.append(hook)


@violates("DISC-002", also=("BASE-025",))
def instructions_number(server, channel):
    """Gives the instructions in server/discover as a number."""
    on_result(server, "server/discover", lambda result, request: {**result, "instructions": 5})


@violates("DISC-003")
def no_server_info(server, channel):
    """Leaves the server's name out of the metadata of results."""
    server.on_result.append(
        lambda request, result: (
            {**result, "_meta": without(result["_meta"], META_SERVER)} if request.era == "stateless" else result
        )
    )


@violates("DISC-004", also=("DISC-005",))
def wrong_version_error(server, channel):
    """Answers an unsupported revision with -32602."""
    on_error(
        server,
        lambda error, request: (
            {"code": INVALID_PARAMS, "message": "Bad version"} if error["code"] == UNSUPPORTED_VERSION else None
        ),
    )


@violates("DISC-006")
def no_envelope_needed(server, channel):
    """Answers requests without _meta, before any handshake."""
    _skip_admission(server, lambda request: not request.meta and request.connection.revision is None)


@violates("DISC-007")
def no_version_needed(server, channel):
    """Answers requests whose _meta names no revision."""
    _skip_admission(server, lambda request: META_CAPABILITIES in request.meta and META_VERSION not in request.meta)


@violates("DISC-008")
def no_capabilities_needed(server, channel):
    """Answers requests whose _meta names no capabilities."""
    _skip_admission(
        server,
        lambda request: (
            META_CAPABILITIES not in request.meta and request.meta.get(META_VERSION) in server.stateless_revisions
        ),
    )


@violates("DISC-009")
def client_info_needed(server, channel):
    """Refuses requests whose _meta names no client."""

    def hook(request):
        if META_VERSION in request.meta and META_CAPABILITIES in request.meta and META_CLIENT not in request.meta:
            request.fail(RpcError(INVALID_PARAMS, f"_meta must name {META_CLIENT}"))
            return True
        return False

    server.on_request.append(hook)


@violates("DISC-012")
def discover_first(server, channel):
    """Refuses stateless requests until server/discover was called."""
    seen = []

    def hook(request):
        if request.method == "server/discover":
            seen.append(request.id)
        if META_VERSION in request.meta and not seen:
            request.fail(RpcError(INVALID_REQUEST, "Call server/discover first"))
            return True
        return False

    server.on_request.append(hook)


@violates("DISC-013")
def four_at_once(server, channel):
    """Forgets requests for lists while four others are open."""
    waiting = []

    def hook(request):
        if not request.method.endswith("/list") or len(waiting) >= 4:
            return request.method.endswith("/list")
        waiting.append(request)
        request.connection.later(0.005, lambda: release(request))
        return True

    def release(request):
        waiting.remove(request)
        try:
            request.connection.admit(request)
        except RpcError as error:
            request.fail(error)
        else:
            request.connection.run(request)

    server.on_request.append(hook)


@violates("DISC-015")
def ping_still_there(server, channel):
    """Answers ping in the stateless era."""
    error_to_result(server, lambda error, request: request.method == "ping" and META_VERSION in request.meta, {})


@violates("STDIO-001")
def banner(server, channel):
    """Prints a banner on stdout at start."""
    server.on_start.append(lambda: channel.write_all(b"raw server 1.0 ready\n"))


@violates("STDIO-002", also=("STDIO-001",))
def indented(server, channel):
    """Writes one answer over several lines."""

    def hook(message, request):
        if request is None or request.method != SPOILT:
            return [message]
        channel.write_all(line(message).replace(b"{", b"{\n  ", 1))
        return []

    server.on_message.append(hook)


@violates("STDIO-003")
def stays_after_eof(server, channel):
    """Stays until it is terminated when stdin is closed."""

    def stay():
        server.note("stdin ended, staying")
        time.sleep(120)

    server.on_end.append(stay)


@violates("STDIO-004")
def answers_cancelled(server, channel):
    """Answers calls that were cancelled."""

    def hook(message, connection):
        params = message.get("params")
        found = params.get("requestId") if isinstance(params, dict) else None
        request = connection.active.get(found) if is_id(found) else None
        if message["method"] == "notifications/cancelled" and request is not None and request.method == "tools/call":
            result = full(request, {"content": [{"type": "text", "text": "late"}], "isError": True})
            connection.later(0.03, lambda: channel.send({"jsonrpc": "2.0", "id": found, "result": result}))

    server.on_notification.append(hook)


@violates("STDIO-005")
def answers_unknown_cancel(server, channel):
    """Answers cancellations of requests it does not know."""

    def hook(message, connection):
        params = message.get("params")
        found = params.get("requestId") if isinstance(params, dict) else None
        if message["method"] == "notifications/cancelled" and found not in list(connection.active):
            error = {"code": INVALID_REQUEST, "message": "No such request"}
            channel.send({"jsonrpc": "2.0", "id": found if is_id(found) else None, "error": error})

    server.on_notification.append(hook)


@violates("STDIO-006")
def cancels_requests(server, channel):
    """Cancels a request of the client in the stateless era."""
    after_answer(
        server,
        "tools/list",
        lambda request: notify(request, "notifications/cancelled", {"requestId": request.id}),
        "stateless",
    )
