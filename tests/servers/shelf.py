"""A server whose tools make sense only one after another: what ``create_box`` returns, ``open_box`` takes.

Nothing is annotated. ``open_box`` has a fault that only a box which is there can show. Run it with
``python -S -E shelf.py``.
"""

import json
import sys

TEXT = {"type": "string"}
OBJECT = {"type": "object", "additionalProperties": False}
TOOLS = [
    {
        "name": "open_box",
        "description": "Opens a box by its id.",
        "inputSchema": {**OBJECT, "properties": {"boxId": TEXT}, "required": ["boxId"]},
        "outputSchema": {"type": "object", "properties": {"label": TEXT}, "required": ["label"]},
    },
    {
        "name": "create_box",
        "description": "Puts a box on the shelf.",
        "inputSchema": {**OBJECT, "properties": {"label": {**TEXT, "minLength": 1}}, "required": ["label"]},
        "outputSchema": {"type": "object", "properties": {"id": TEXT}, "required": ["id"]},
    },
]
BOXES: dict[str, str] = {}


def failed(said):
    return {"content": [{"type": "text", "text": said}], "isError": True}


def result(value):
    return {"content": [{"type": "text", "text": json.dumps(value)}], "structuredContent": value}


def call(name, arguments):
    known = next(tool for tool in TOOLS if tool["name"] == name)["inputSchema"]
    (parameter,) = known["properties"]
    value = arguments.get(parameter)
    if list(arguments) != [parameter] or not isinstance(value, str):
        return failed(f"{name} takes a text as {parameter}, and nothing else")
    if name == "open_box":
        return result({"label": None}) if value in BOXES else failed(f"there is no box {value}")
    if not value:
        return failed("a box needs a label")
    BOXES[f"box-{len(BOXES) + 7001}"] = value
    return result({"id": list(BOXES)[-1]})


def answer(method, params):
    if method == "initialize":
        known = {"name": "shelf", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": known}
    if method == "tools/call" and params["name"] in {tool["name"] for tool in TOOLS}:
        return call(params["name"], params.get("arguments") or {})
    return {"tools/list": {"tools": TOOLS}, "ping": {}}.get(method)


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        made = answer(message["method"], message.get("params") or {})
        said = {"error": {"code": -32601, "message": "Method not found"}} if made is None else {"result": made}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)
