"""Violations of finer points."""

from __future__ import annotations

import json

from rawserver.changes import Violations, calls, error_to_result, grow, on_error, on_result
from rawserver.protocol import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    META_CAPABILITIES,
    META_VERSION,
    METHOD_NOT_FOUND,
    METHODS,
    MISSING_CAPABILITY,
    UNSUPPORTED_VERSION,
    RpcError,
)

TABLE = Violations()
violates = TABLE.of


@violates("BASE-005")
def wordy_error(server, channel):
    """Adds a stack trace to the message about an unknown method."""
    trace = '\nTraceback (most recent call last):\n  File "server.py", line 1, in handle'
    on_error(
        server,
        lambda error, request: (
            {**error, "message": error["message"] + trace}
            if request is not None and request.method not in METHODS
            else None
        ),
    )


@violates("BASE-013")
def batch_executed(server, channel):
    """Answers an array of requests with an array of results."""

    def hook(data, connection):
        try:
            message = json.loads(data)
        except ValueError:
            return False
        if not isinstance(message, list):
            return False
        channel.send([{"jsonrpc": "2.0", "id": one.get("id"), "result": {}} for one in message])
        return True

    server.on_line.append(hook)


@violates("BASE-017")
def legacy_code(server, channel):
    """Answers unknown tools with -32010 in the stateless era."""
    on_error(
        server,
        lambda error, request: (
            {**error, "code": -32010}
            if error["message"].startswith("Unknown tool") and request.era == "stateless"
            else None
        ),
    )


def _meta_of_templates(server, **members):
    """Add members to the metadata of resources/templates/list."""
    on_result(
        server,
        "resources/templates/list",
        lambda result, request: {**result, "_meta": {**result.get("_meta", {}), **members}},
    )


@violates("BASE-022")
def prefix_without_domain(server, channel):
    """Uses a metadata key whose prefix is no domain name."""
    _meta_of_templates(server, **{"acme/cost": 1})


@violates("BASE-023")
def broken_trace_context(server, channel):
    """Sends a traceparent that is none."""
    _meta_of_templates(server, traceparent="4bf92f3577b34da6")


@violates("BASE-027")
def unknown_capability_refused(server, channel):
    """Refuses clients with a capability that it does not know."""

    def hook(request):
        declared = request.meta.get(META_CAPABILITIES) or request.params.get("capabilities") or {}
        if "x-probe" not in declared:
            return False
        request.fail(RpcError(INVALID_PARAMS, "Unknown capability"))
        return True

    server.on_request.append(hook)


@violates("LIFE-004")
def older_version_offered(server, channel):
    """Offers 2025-06-18 to who asks for a revision that it does not know."""
    on_result(
        server,
        "initialize",
        lambda result, request: (
            result
            if request.params["protocolVersion"] in server.handshake_revisions
            else {**result, "protocolVersion": "2025-06-18"}
        ),
    )


@violates("DISC-005")
def more_in_the_error(server, channel):
    """Names a revision in the error for an unsupported one that server/discover does not name."""
    on_error(
        server,
        lambda error, request: (
            {**error, "data": {**error["data"], "supported": [*error["data"]["supported"], "2099-01-01"]}}
            if error["code"] == UNSUPPORTED_VERSION
            else None
        ),
    )


@violates("DISC-014")
def initialize_unknown(server, channel):
    """Does not say which revisions it speaks when it refuses initialize."""
    on_error(
        server,
        lambda error, request: (
            {"code": METHOD_NOT_FOUND, "message": "Method not found"}
            if request is not None and request.method == "initialize"
            else None
        ),
    )


@violates("STDIO-007", also=("ADV-020",))
def silent_to_discover(server, channel):
    """Says nothing to server/discover before initialize."""
    server.on_request.append(
        lambda request: request.method == "server/discover" and request.connection.revision is None
    )


@violates("SUB-006", also=("SUB-001",))
def one_subscription(server, channel):
    """Refuses a subscription while another is open."""

    def hook(request):
        if request.method != "subscriptions/listen" or not request.connection.listeners:
            return False
        request.fail(RpcError(INTERNAL_ERROR, "There is a subscription"))
        return True

    server.on_request.append(hook)


@violates("PAGE-003")
def cursor_runs_out(server, channel):
    """Gives nothing when a cursor of prompts is used for the third time."""
    uses = {}

    def change(result, request):
        cursor = request.params.get("cursor")
        place = (id(request.connection), cursor)
        uses[place] = uses.get(place, 0) + 1
        return {**result, "prompts": []} if cursor is not None and uses[place] == 3 else result

    on_result(server, "prompts/list", change)


@violates("CACHE-005")
def question_with_hints(server, channel):
    """Adds caching hints to a result that asks for input."""
    on_result(
        server,
        "tools/call",
        lambda result, request: (
            {**result, "ttlMs": 1000, "cacheScope": "private"}
            if result.get("resultType") == "input_required"
            else result
        ),
    )


@violates("RES-012", also=("RES-005",))
def odd_code_for_reading(server, channel):
    """Answers with code 500 when a listed resource cannot be read."""
    server.resources.append({"uri": "raw://broken", "name": "broken", "description": "A resource that is broken"})

    def hook(request):
        if request.method != "resources/read" or request.params.get("uri") != "raw://broken":
            return False
        request.fail(RpcError(500, "The disk is gone"))
        return True

    server.on_request.append(hook)


@violates("RES-015")
def template_leads_nowhere(server, channel):
    """Proposes values for a template that it cannot read."""

    def hook(request):
        uri = request.params.get("uri") if request.method == "resources/read" else None
        if not isinstance(uri, str) or not uri.startswith("raw://item/"):
            return False
        request.fail(RpcError(INVALID_PARAMS, "Resource not found"))
        return True

    server.on_request.append(hook)


@violates("TASK-006")
def unknown_task_internal(server, channel):
    """Answers requests for unknown tasks with -32603."""
    on_error(
        server,
        lambda error, request: {**error, "code": INTERNAL_ERROR} if error["message"] == "Unknown task" else None,
    )


@violates("TASK-007")
def task_result_still_there(server, channel):
    """Answers tasks/result, which is gone."""
    error_to_result(
        server, lambda error, request: request.method == "tasks/result" and META_VERSION in request.meta, {}
    )


@violates("TASK-008")
def tasks_for_everybody(server, channel):
    """Answers about tasks whether or not the client knows them."""
    on_error(
        server,
        lambda error, request: (
            {"code": INVALID_PARAMS, "message": "Unknown task"}
            if error["code"] == MISSING_CAPABILITY and request.method.startswith("tasks/")
            else None
        ),
    )


def _echo(server):
    """Return the definition of echo."""
    return server.tool("echo").definition


@violates("TOOL-009")
def unknown_dialect(server, channel):
    """Names a dialect of JSON Schema that there is not."""
    _echo(server)["inputSchema"]["$schema"] = "https://raw.invalid/dialect"


@violates("TOOL-013")
def deep_schema(server, channel):
    """Nests a parameter forty levels deep."""
    part = {"type": "string", "description": "The innermost text"}
    for _ in range(20):
        part = {
            "type": "object",
            "description": "A box",
            "properties": {"box": part},
            "additionalProperties": False,
        }
    _echo(server)["inputSchema"]["properties"]["box"] = part


@violates("TOOL-014", also=("ADV-004",))
def takes_anything(server, channel):
    """Does not say that a tool takes no arguments."""
    del server.tool("media").definition["inputSchema"]["additionalProperties"]


@violates("TOOL-028")
def read_only_and_destructive(server, channel):
    """Says that a tool only reads and that it destroys."""
    _echo(server)["annotations"]["destructiveHint"] = True


@violates("TOOL-035")
def secret_in_header(server, channel):
    """Mirrors an API key into a header."""
    _echo(server)["inputSchema"]["properties"]["api_key"] = {
        "type": "string",
        "description": "Key of the account",
        "x-mcp-header": "Account",
    }


@violates("TOOL-039")
def icon_on_disk(server, channel):
    """Gives a prompt an icon from the disk."""
    server.prompts[0]["icons"] = [{"src": "file:///usr/share/icons/raw.png", "sizes": ["48x48"]}]


@violates("TOOL-038")
def list_grows_by_calls(server, channel):
    """Lists another tool on a connection once a tool was called there."""
    called = set()

    def hook(request):
        if calls(request, "media"):
            called.add(id(request.connection))
        return False

    def change(result, request):
        if id(request.connection) not in called or "nextCursor" in result:
            return result
        return {**result, "tools": [*result["tools"], {**_echo(server), "name": "echo_again"}]}

    server.on_request.append(hook)
    on_result(server, "tools/list", change)


@violates("TOOL-040")
def tool_comes_unannounced(server, channel):
    """Lists another tool after a call, and says nothing of it."""
    grow(server, "tools", told=False)


@violates("RES-020")
def resource_comes_unannounced(server, channel):
    """Lists another resource after a call, and says nothing of it."""
    grow(server, "resources", told=False)


@violates("PROMPT-009")
def prompt_comes_unannounced(server, channel):
    """Lists another prompt after a call, and says nothing of it."""
    grow(server, "prompts", told=False)
