"""A server whose one tool takes long texts only, and breaks its output schema whatever it is told.

Run it with ``python -S -E lengthy.py``.
"""

import json
import sys

LEAST = 600
TOOL = {
    "name": "count_words",
    "description": "Counts the words of a long text.",
    "inputSchema": {
        "type": "object",
        "properties": {"text": {"type": "string", "minLength": LEAST}},
        "required": ["text"],
        "additionalProperties": False,
    },
    "outputSchema": {"type": "object", "properties": {"words": {"type": "integer"}}, "required": ["words"]},
    "annotations": {"readOnlyHint": True, "openWorldHint": False},
}


def call(arguments):
    text = arguments.get("text")
    if list(arguments) != ["text"] or not isinstance(text, str) or len(text) < LEAST:
        return {"content": [{"type": "text", "text": f"text takes {LEAST} characters"}], "isError": True}
    counted = {"words": None}
    return {"content": [{"type": "text", "text": json.dumps(counted)}], "structuredContent": counted}


def answer(method, params):
    if method == "initialize":
        known = {"name": "lengthy", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": known}
    if method == "tools/call" and params["name"] == TOOL["name"]:
        return call(params.get("arguments") or {})
    return {"tools/list": {"tools": [TOOL]}, "ping": {}}.get(method)


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        made = answer(message["method"], message.get("params") or {})
        said = {"error": {"code": -32601, "message": "Method not found"}} if made is None else {"result": made}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)
