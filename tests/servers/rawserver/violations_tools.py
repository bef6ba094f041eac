"""Violations around tools and tasks."""

from __future__ import annotations

import os

from rawserver.changes import (
    Violations,
    calls,
    error_to_result,
    on_result,
    undeclared,
)
from rawserver.protocol import INTERNAL_ERROR, INVALID_PARAMS, text
from rawserver.tools import Tool, structured

TABLE = Violations()
violates = TABLE.of


def _echo(server):
    """Return the definition of echo."""
    return server.tool("echo").definition


def _echo_property(server):
    """Return the schema of the only parameter of echo."""
    return _echo(server)["inputSchema"]["properties"]["text"]


def _echo_returns(server, function):
    """Make echo return ``function(text)``, a whole result."""
    server.tool("echo").function = lambda request, arguments: function(arguments["text"])


@violates("TOOL-001", also=("BASE-010",))
def undeclared_tools(server, channel):
    """Has tools but does not declare them."""
    undeclared(server, "tools")


@violates("TOOL-002", also=("BASE-025",))
def tools_no_array(server, channel):
    """Lists its tools as an object."""
    on_result(server, "tools/list", lambda result, request: {**result, "tools": {}})


@violates("TOOL-003", also=("BASE-025",))
def description_number(server, channel):
    """Describes a tool by a number."""
    _echo(server)["description"] = 5


@violates("TOOL-004")
def name_too_long(server, channel):
    """Names a tool in 129 characters."""
    _echo(server)["name"] = "n" * 129


@violates("TOOL-005")
def name_with_space(server, channel):
    """Names a tool with a space."""
    _echo(server)["name"] = "echo text"


@violates("TOOL-006")
def name_twice(server, channel):
    """Lists two tools of the same name, on one page."""
    model = server.tool("echo")
    server.tools.insert(0, Tool({**model.definition, "title": "Echo again"}, model.function))


@violates("TOOL-007", also=("TOOL-003", "BASE-025"))
def input_schema_empty(server, channel):
    """Gives a tool an empty input schema."""
    server.tool("media").definition["inputSchema"] = {}


@violates("TOOL-008")
def input_schema_unknown_type(server, channel):
    """Gives a parameter a type that JSON Schema does not know."""
    server.tool("echo").strict = False
    _echo_property(server)["type"] = "text"


@violates("TOOL-010")
def output_schema_unknown_type(server, channel):
    """Gives an output schema a type that JSON Schema does not know."""
    _echo(server)["outputSchema"]["properties"] = {"text": {"type": "text"}}


@violates("TOOL-011", also=("BASE-025",))
def output_schema_without_type(server, channel):
    """Leaves the type out of the root of an output schema."""
    del _echo(server)["outputSchema"]["type"]


@violates("TOOL-012")
def external_reference(server, channel):
    """Refers to a schema in the network."""
    _echo_property(server)["$ref"] = "https://schemas.invalid/text.json"


@violates("TOOL-015")
def no_structured_content(server, channel):
    """Declares an output schema and returns text only."""
    _echo_returns(server, lambda said: {"content": [text(said)]})


@violates("TOOL-016")
def structured_content_differs(server, channel):
    """Returns a number where the output schema wants a string."""
    _echo_returns(server, lambda said: structured({"text": len(said)}))


@violates("TOOL-017", also=("BASE-025",))
def structured_content_array(server, channel):
    """Returns an array as structured content, from a tool without an output schema."""
    server.tool("media").function = lambda request, arguments: structured([1, 2])


@violates("TOOL-018")
def no_text_fallback(server, channel):
    """Returns structured content with a text that says something else."""
    _echo_returns(server, lambda said: {**structured({"text": said}), "content": [text("done")]})


@violates("TOOL-019")
def image_not_base64(server, channel):
    """Returns an image that is no base64."""
    image = {"type": "image", "data": "***", "mimeType": "image/png"}
    server.tool("media").function = lambda request, arguments: {"content": [image]}


@violates("TOOL-021")
def unknown_tool_result(server, channel):
    """Answers unknown tools with isError."""
    error_to_result(
        server,
        lambda error, request: error["message"].startswith("Unknown tool"),
        {"content": [text("Unknown tool")], "isError": True},
    )


@violates("TOOL-022")
def inputs_not_validated(server, channel):
    """Takes whatever arguments echo and add get."""
    for name in ("echo", "add"):
        server.tool(name).strict = False
    server.tool("add").function = lambda request, arguments: structured({"sum": 0})
    server.tool("echo").function = lambda request, arguments: structured({"text": str(arguments.get("text"))})


def _invalid_arguments(server, code):
    """Answer arguments that do not fit with a protocol error."""

    def hook(message, request):
        result = message.get("result")
        mine = request is not None and request.method == "tools/call" and isinstance(result, dict)
        if not mine or not result.get("isError") or not result["content"][0]["text"].startswith("arguments"):
            return [message]
        error = {"code": code, "message": result["content"][0]["text"]}
        return [{"jsonrpc": "2.0", "id": message["id"], "error": error}]

    server.on_message.append(hook)


@violates("TOOL-023")
def invalid_arguments_protocol_error(server, channel):
    """Answers invalid arguments with -32602."""
    _invalid_arguments(server, INVALID_PARAMS)


@violates("TOOL-024", also=("BASE-014",))
def malformed_call_result(server, channel):
    """Answers malformed calls with isError."""
    error_to_result(
        server,
        lambda error, request: request.method == "tools/call" and error["message"].startswith("name must be"),
        {"content": [text("Malformed call")], "isError": True},
    )


@violates("TOOL-025")
def error_without_text(server, channel):
    """Reports failures without a word."""
    on_result(
        server, "tools/call", lambda result, request: {**result, "content": []} if result.get("isError") else result
    )


@violates("TOOL-026", also=("TOOL-023",))
def failure_protocol_error(server, channel):
    """Answers invalid arguments with -32603."""
    _invalid_arguments(server, INTERNAL_ERROR)


@violates("TOOL-027", also=("TOOL-003", "BASE-025"))
def hint_string(server, channel):
    """Gives a hint as a string."""
    _echo(server)["annotations"]["idempotentHint"] = "yes"


@violates("TOOL-030", also=("TOOL-003", "BASE-025"))
def task_support_unknown(server, channel):
    """Gives a task support that there is not."""
    _echo(server)["execution"] = {"taskSupport": "sometimes"}


@violates("TOOL-031")
def header_with_space(server, channel):
    """Mirrors a parameter into a header whose name has a space."""
    _echo_property(server)["x-mcp-header"] = "My Text"


@violates("TOOL-032")
def header_twice(server, channel):
    """Mirrors two parameters into the same header."""
    for part, header in zip(
        server.tool("add").definition["inputSchema"]["properties"].values(), ("Sum", "SUM"), strict=True
    ):
        part["x-mcp-header"] = header


@violates("TOOL-033")
def header_of_number(server, channel):
    """Mirrors a parameter of type number into a header."""
    properties = server.tool("add").definition["inputSchema"]["properties"]
    properties["a"] = {"type": "number", "description": "First number", "x-mcp-header": "A"}


@violates("TOOL-034")
def header_in_items(server, channel):
    """Mirrors the items of an array into a header."""
    items = {"type": "string", "x-mcp-header": "Item"}
    _echo(server)["inputSchema"]["properties"]["more"] = {"type": "array", "items": items, "description": "More texts"}


@violates("TOOL-036")
def order_changes(server, channel):
    """Lists its tools in another order each time."""

    def hook(request):
        if request.method == "tools/list" and "cursor" not in request.params:
            server.tools.append(server.tools.pop(0))
        return False

    server.on_request.append(hook)


@violates("TOOL-037")
def tool_of_this_process(server, channel):
    """Lists a tool that only this process has."""
    model = server.tool("echo")
    server.tools.append(Tool({**model.definition, "name": f"echo_{os.getpid()}"}, model.function))


@violates("TASK-003", also=("BASE-019", "BASE-025"))
def task_unasked(server, channel):
    """Answers calls of echo with a task, though the client declared no tasks."""
    task = {"resultType": "task", "taskId": "t1", "status": "working", "ttlMs": 1000, "pollIntervalMs": 100,
            "createdAt": "2026-07-28T12:00:00Z", "lastUpdatedAt": "2026-07-28T12:00:00Z"}  # fmt: skip
    on_result(
        server,
        "tools/call",
        lambda result, request: (
            {**task, "_meta": result["_meta"]} if request.era == "stateless" and calls(request, "echo") else result
        ),
    )
