"""Violations of the base protocol."""

from __future__ import annotations

import json
import os

from rawserver.changes import (
    SPOILT,
    Violations,
    after_answer,
    error_to_result,
    notify,
    on_error,
    on_result,
    send,
    spoil_answer,
    without,
)
from rawserver.protocol import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHODS, is_id

TABLE = Violations()
violates = TABLE.of


@violates("BASE-001", also=("BASE-025",))
def jsonrpc_version(server, channel):
    """Leaves jsonrpc out of one answer."""
    spoil_answer(server, lambda message: without(message, "jsonrpc"))


@violates("BASE-002")
def id_type(server, channel):
    """Answers one method under the id as a string of another form."""
    spoil_answer(server, lambda message: {**message, "id": f"re:{message['id']}"})


@violates("BASE-003", also=("BASE-025",))
def error_null(server, channel):
    """Adds an error that is null to one result."""
    spoil_answer(server, lambda message: {**message, "error": None})


@violates("BASE-004")
def error_code_fraction(server, channel):
    """Writes error codes as numbers with a fraction."""
    on_error(server, lambda error, request: {**error, "code": float(error["code"])})


@violates("BASE-006", also=("BASE-008", "BASE-025"))
def notification_with_id(server, channel):
    """Gives notifications an id, and sends one log message after tools/list in the handshake era."""
    server.on_message.append(
        lambda message, request: (
            [{**message, "id": "n1"}] if str(message.get("method", "")).startswith("notifications/") else [message]
        )
    )
    log = {"level": "error", "data": "listed"}
    after_answer(server, "tools/list", lambda request: notify(request, "notifications/message", log), "handshake")


@violates("BASE-007", also=("BASE-025",))
def request_without_id(server, channel):
    """Pings the client under the id null."""
    after_answer(server, "tools/list", lambda request: send(request, id=None, method="ping"), "handshake")


@violates("BASE-008", also=("BASE-025",))
def request_to_client(server, channel):
    """Sends the client a request in the stateless era."""
    after_answer(server, "tools/list", lambda request: send(request, id="s1", method="roots/list"), "stateless")


@violates("BASE-009")
def unknown_method(server, channel):
    """Answers unknown methods with -32603."""
    on_error(
        server,
        lambda error, request: (
            {"code": INTERNAL_ERROR, "message": "No such method"}
            if request is not None and request.method not in METHODS
            else None
        ),
    )


@violates("BASE-010", also=("COMP-001", "COMP-003"))
def empty_instead_of_unknown(server, channel):
    """Declares no completions and answers completion/complete with nothing found."""
    del server.capabilities["completions"]
    error_to_result(
        server, lambda error, request: request.method == "completion/complete", {"completion": {"values": []}}
    )


@violates("BASE-011")
def dies_of_bad_json(server, channel):
    """Ends when a line is no JSON."""

    def hook(data, connection):
        try:
            json.loads(data)
        except ValueError:
            server.note("JSONDecodeError")
            os._exit(1)
        return False

    server.on_line.append(hook)


@violates("BASE-012")
def lenient_requests(server, channel):
    """Answers what is no request as if it were one."""

    def hook(data, connection):
        try:
            message = json.loads(data)
        except ValueError:
            return False
        if not isinstance(message, dict) or "result" in message or "error" in message:
            return False
        good = message.get("jsonrpc") == "2.0" and "method" in message and is_id(message.get("id", 0))
        if not good:
            found = message.get("id")
            channel.send({"jsonrpc": "2.0", "id": found, "result": {"resultType": "complete"}})
        return not good

    server.on_line.append(hook)


@violates("BASE-014")
def wrong_code_for_params(server, channel):
    """Answers params of the wrong shape with -32600."""
    on_error(
        server,
        lambda error, request: (
            {**error, "code": INVALID_REQUEST}
            if error["code"] == INVALID_PARAMS and "must be" in error["message"]
            else None
        ),
    )


def _unknown_tool_code(server, code):
    """Answer unknown tools with another code in the stateless era."""
    on_error(
        server,
        lambda error, request: (
            {**error, "code": code}
            if error["message"].startswith("Unknown tool") and request.era == "stateless"
            else None
        ),
    )


@violates("BASE-015")
def reserved_code(server, channel):
    """Answers unknown tools with -32050."""
    _unknown_tool_code(server, -32050)


@violates("BASE-016")
def retired_code(server, channel):
    """Answers unknown tools with -32002."""
    _unknown_tool_code(server, -32002)


@violates("BASE-018", also=("BASE-025",))
def no_result_type(server, channel):
    """Leaves resultType out of one result."""
    on_result(server, SPOILT, lambda result, request: without(result, "resultType"))


@violates("BASE-019")
def unknown_result_type(server, channel):
    """Gives one result the type ``done``."""
    on_result(
        server,
        SPOILT,
        lambda result, request: {**result, "resultType": "done"} if request.era == "stateless" else result,
    )


def _add_meta(server, key):
    """Add a member to the metadata of tools/list."""
    on_result(server, "tools/list", lambda result, request: {**result, "_meta": {**result.get("_meta", {}), key: "x"}})


@violates("BASE-020")
def bad_meta_key(server, channel):
    """Uses a metadata key with a space and an exclamation mark."""
    _add_meta(server, "com.acme/bad key!")


@violates("BASE-021")
def reserved_meta_key(server, channel):
    """Uses a metadata key under a prefix that is reserved for MCP."""
    _add_meta(server, "com.mcp.tools/acme")


@violates("BASE-024")
def extension_without_prefix(server, channel):
    """Declares an extension without a prefix."""
    server.capabilities["extensions"] = {"acme": {}}


@violates("BASE-025")
def wrong_field_type(server, channel):
    """Gives the size of a resource as a string."""
    server.resources[0]["size"] = "19 bytes"


@violates("BASE-026")
def latin_1(server, channel):
    """Writes one answer in Latin-1."""
    server.templates[0]["description"] = "Größe"
    server.on_bytes.append(lambda data: data.replace("Größe".encode(), "Größe".encode("latin-1")))
