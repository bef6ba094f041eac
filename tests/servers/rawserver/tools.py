"""The tools of the well-behaved server."""

from __future__ import annotations

import base64
import json
import os

from rawserver import content
from rawserver.protocol import INVALID_PARAMS, MISSING_CAPABILITY, RpcError, text

_KEY = os.urandom(16)
_READ_ONLY = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
_WRITES = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
_CAPABILITY = {"form": "elicitation", "sampling": "sampling", "roots": "roots"}
_METHOD = {"form": "elicitation/create", "sampling": "sampling/createMessage", "roots": "roots/list"}


class Tool:
    """A tool: its definition as listed, and the function that answers a call.

    ``strict`` tells whether arguments are checked before the call; ``checked`` is the schema for that when it is not
    the one that is listed.
    """

    def __init__(self, definition, function, *, strict=True):
        self.definition = definition
        self.function = function
        self.strict = strict
        self.checked = None


def make_tool(name, title, description, function, properties, required=(), output=None, annotations=_READ_ONLY):
    """Return a tool that knows exactly the given properties."""
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    definition = {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": {**schema, "required": [*required]} if required else schema,
        "annotations": {"title": title, **annotations},
    }
    if output is not None:
        shape = {"type": "object", "properties": output, "required": [*output], "additionalProperties": False}
        definition["outputSchema"] = shape
    return Tool(definition, function)


def made_of(rows):
    """Return fresh read-only tools of rows: name, description, function, properties, optional ones, output."""
    made = []
    for name, description, function, properties, optional, output in rows:
        required = [part for part in properties if part not in optional]
        title = name.replace("_", " ").capitalize()
        made.append(make_tool(name, title, description, function, json.loads(json.dumps(properties)), required, output))
    return made


def structured(value):
    """Return a result that carries a value both ways."""
    return {"content": [text(json.dumps(value))], "structuredContent": value}


def base_tools():
    """Return fresh definitions, so that a fault may change them."""
    string = {"type": "string"}
    number = {"type": "integer", "minimum": -1_000_000_000, "maximum": 1_000_000_000}
    return [
        make_tool(
            "echo", "Echo", "Return the given text unchanged, however long it is.", _echo,
            {"text": {**string, "description": "Text to return", "examples": ["hello"]}}, ["text"], {"text": string},
        ),
        make_tool(
            "add", "Add", "Return the sum of two whole numbers.", _add,
            {"a": {**number, "description": "First number"}, "b": {**number, "description": "Second number"}},
            ["a", "b"], {"sum": {"type": "integer"}},
        ),
        make_tool(
            "wait", "Wait", "Answer after some milliseconds, reporting progress on the way.", _wait,
            {
                "ms": {"type": "integer", "minimum": 0, "maximum": 10_000, "default": 20, "description": "Time",
                       "x-mcp-header": "Wait-Ms"},
                "steps": {"type": "integer", "minimum": 1, "maximum": 20, "default": 3, "description": "Reports"},
            },
            (), {"waited_ms": {"type": "integer"}},
        ),
        make_tool("media", "Media", "Return one content block of every kind there is.", _media, {}),
        make_tool(
            "ask", "Ask the client", "Ask the client for something and return what it says.", _ask,
            {
                "question": {**string, "description": "What to ask", "maxLength": 200, "default": "How many?"},
                "kind": {**string, "enum": [*_METHOD], "default": "form", "description": "Whom to ask"},
            },
            (), {"answered": {"type": "boolean"}, "answer": string},
        ),
        make_tool(
            "remember", "Remember", "Keep a value under a key until the server ends.", _remember,
            {
                "key": {**string, "pattern": "^[a-z]{1,20}$", "description": "Key of the value"},
                "value": {**string, "description": "The value"},
            },
            ["key", "value"], {"kept": {"type": "integer"}}, _WRITES,
        ),
    ]  # fmt: skip


def _echo(request, arguments):
    return structured({"text": arguments["text"]})


def _add(request, arguments):
    return structured({"sum": int(arguments["a"] + arguments["b"])})


def _wait(request, arguments):
    """Answer later; every step reports progress and logs.

    All steps are due from the start, so that no stall of the machine moves them behind what was due after them.
    """
    total, steps = int(arguments.get("ms", 20)), int(arguments.get("steps", 3))

    def step(number):
        request.progress(number, steps)
        request.log("info", f"step {number} of {steps}")
        if number == steps:
            request.answer(structured({"waited_ms": total}))

    for number in range(1, steps + 1):
        request.later(total * number / steps / 1000, lambda number=number: step(number))


def _media(request, arguments):
    link = {"type": "resource_link", "uri": "raw://readme", "name": "readme", "mimeType": "text/plain"}
    return {
        "content": [
            text("one of each"),
            {"type": "image", "data": content.PNG, "mimeType": "image/png"},
            {"type": "audio", "data": content.WAV, "mimeType": "audio/wav"},
            link,
            {"type": "resource", "resource": content.contents("raw://readme")},
        ]
    }


def _remember(request, arguments):
    kept = request.server.__dict__.setdefault("kept", {})
    kept[arguments["key"]] = arguments["value"]
    return structured({"kept": len(kept)})


def question_params(request, kind, question):
    """Return the parameters of the request to the client."""
    if kind == "form":
        shape = {"type": "object", "properties": {"count": {"type": "integer", "minimum": 0}}, "required": ["count"]}
        if _by_url(request):
            return {"mode": "url", "message": question, "url": "https://raw.invalid/ask", "elicitationId": "ask-1"}
        params = {"message": question, "requestedSchema": shape}
        return {"mode": "form", **params} if (request.revision or "") >= "2025-11-25" else params
    if kind == "sampling":
        return {"messages": [{"role": "user", "content": text(question)}], "maxTokens": 50}
    return {}


def _may_ask(request, kind):
    """Return whether the client declared what is needed."""
    return isinstance(request.client_capabilities.get(_CAPABILITY[kind]), dict)


def _by_url(request):
    """Return whether the client shows no forms but opens addresses."""
    declared = request.client_capabilities.get("elicitation")
    return isinstance(declared, dict) and "url" in declared and "form" not in declared


def _ask(request, arguments):
    """Ask in the way of the era."""
    kind, question = arguments.get("kind", "form"), arguments.get("question", "How many?")
    if request.era == "stateless":
        return _ask_stateless(request, kind, question)
    if not _may_ask(request, kind):
        return {"content": [text(f"The client does not support {_CAPABILITY[kind]}")], "isError": True}
    params = question_params(request, kind, question)
    request.connection.ask(request, _METHOD[kind], params, lambda reply: _answered(request, kind, reply))
    return None


def _answered(request, kind, reply):
    """Answer the call with what the client said."""
    try:
        request.answer(structured(_understood(kind, reply["result"]) if "result" in reply else _NOTHING))
    except RpcError as error:
        request.fail(error)


def _ask_stateless(request, kind, question):
    """Answer with what is missing, or with what the retry brought."""
    if not _may_ask(request, kind):
        needed = {"requiredCapabilities": {_CAPABILITY[kind]: {}}}
        raise RpcError(MISSING_CAPABILITY, f"The client must support {_CAPABILITY[kind]}", needed)
    again = {
        "resultType": "input_required",
        "inputRequests": {"answer": {"method": _METHOD[kind], "params": question_params(request, kind, question)}},
        "requestState": sign(f"{kind}\n{question}"),
    }
    state, responses = request.params.get("requestState"), request.params.get("inputResponses")
    if state is None and responses is None:
        return again
    if state != again["requestState"]:
        raise RpcError(INVALID_PARAMS, "requestState is not one of ours")
    if not isinstance(responses, dict | None):
        raise RpcError(INVALID_PARAMS, "inputResponses must be an object")
    if not responses or "answer" not in responses:
        return again
    return structured(_understood(kind, responses["answer"]))


_NOTHING = {"answered": False, "answer": ""}


def _understood(kind, reply):
    """Return the structured value for a client's reply, or refuse a reply that makes no sense."""
    if not isinstance(reply, dict):
        raise RpcError(INVALID_PARAMS, "The answer must be an object")
    if kind == "form":
        return _understood_form(reply)
    try:
        said = reply["content"]["text"] if kind == "sampling" else " ".join(root["uri"] for root in reply["roots"])
    except (KeyError, TypeError) as problem:
        raise RpcError(INVALID_PARAMS, "The answer does not have the right shape") from problem
    return {"answered": True, "answer": said}


def _understood_form(reply):
    if reply.get("action") in {"decline", "cancel"}:
        return _NOTHING
    given = reply.get("content")
    count = given.get("count") if isinstance(given, dict) else None
    if reply.get("action") != "accept" or isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise RpcError(INVALID_PARAMS, "The form must be declined, cancelled or filled in")
    return {"answered": True, "answer": str(count)}


def sign(state):
    """Return state that a client can carry but not change."""
    import hmac  # OpenSSL comes with it: every start of a server that signs nothing would wait for that

    digest = hmac.digest(_KEY, state.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(digest).decode()
