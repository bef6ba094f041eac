"""A healthy server of which two tools take their time and the others take none.

The slow ones stand first and last in the list. Run it with ``python -S -E paced.py``.
"""

import json
import sys
import time

PAUSE_S = 0.02
HINTS = {"readOnlyHint": True, "openWorldHint": False}
NUMBER = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
NOTHING = {"type": "object"}
SCHEMAS = {"slow_first": NUMBER, "quick_one": NOTHING, "quick_two": NOTHING, "slow_last": NUMBER}
TOOLS = [
    {"name": name, "description": "Takes a number.", "inputSchema": schema, "annotations": HINTS}
    for name, schema in SCHEMAS.items()
]


def call(name, arguments):
    if SCHEMAS[name] is NUMBER:
        number = arguments.get("number")
        if not (isinstance(number, int | float) and not isinstance(number, bool) and number == int(number)):
            return {"content": [{"type": "text", "text": "number must be an integer"}], "isError": True}
        time.sleep(PAUSE_S)
    return {"content": [{"type": "text", "text": "done"}]}


def answer(method, params):
    if method == "initialize":
        known = {"name": "paced", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": known}
    if method == "tools/call" and params["name"] in SCHEMAS:
        return call(params["name"], params.get("arguments") or {})
    return {"tools/list": {"tools": TOOLS}, "ping": {}}.get(method)


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        made = answer(message["method"], message.get("params") or {})
        said = {"error": {"code": -32601, "message": "Method not found"}} if made is None else {"result": made}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)
