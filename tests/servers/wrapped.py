"""A server that wraps what its tool returns twice: each result, errors too, is the text of another without ``isError``.

With ``--healthy`` it wraps nothing. Run it with ``python -S -E wrapped.py [--healthy]``.
"""

import json
import sys

HEALTHY = "--healthy" in sys.argv
TOOL = {
    "name": "find_job",
    "description": "Looks a job up.",
    "inputSchema": {
        "type": "object",
        "properties": {"job": {"type": "string"}},
        "required": ["job"],
        "additionalProperties": False,
    },
    "annotations": {"readOnlyHint": True, "openWorldHint": False},
}


def call(arguments):
    known = list(arguments) == ["job"] and isinstance(arguments["job"], str)
    said = "there is no such job" if known else "job takes a text, and there is nothing else"
    made = {"content": [{"type": "text", "text": said}], "isError": True}
    return made if HEALTHY else {"content": [{"type": "text", "text": json.dumps(made)}]}


def answer(method, params):
    if method == "initialize":
        known = {"name": "wrapped", "version": "1"}
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
