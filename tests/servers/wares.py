"""A server that names its wares outside its tools: some where it completes a template, one in a resource.

Each tool has a fault that only such a ware can show; with ``--healthy`` neither has any. Run it with
``python -S -E wares.py [--healthy]``.
"""

import json
import sys

HEALTHY = "--healthy" in sys.argv
TEXT = {"type": "string"}
HINTS = {"readOnlyHint": True, "openWorldHint": False}
COMPLETED, RESOURCE = ["teapot-31", "kettle-07"], {"shelfmark": "QX 4711"}
TAKES = {"weigh_ware": "wareName", "find_ware": "shelfmark"}
KNOWN = {"weigh_ware": COMPLETED, "find_ware": [RESOURCE["shelfmark"]]}
TOOLS = [
    {
        "name": name,
        "description": "Looks a ware up.",
        "inputSchema": {
            "type": "object",
            "properties": {parameter: TEXT},
            "required": [parameter],
            "additionalProperties": False,
        },
        "outputSchema": {"type": "object", "properties": {"grams": {"type": "integer"}}, "required": ["grams"]},
        "annotations": HINTS,
    }
    for name, parameter in TAKES.items()
]
TEMPLATE = {"uriTemplate": "ware:///{ware_name}", "name": "ware"}
LISTED = {"uri": "ware:///all", "name": "all", "mimeType": "application/json"}
CAPABILITIES = {"tools": {}, "resources": {}, "completions": {}}


def call(name, arguments):
    value = arguments.get(TAKES[name])
    if list(arguments) != [TAKES[name]] or not isinstance(value, str):
        return {"content": [{"type": "text", "text": f"{name} takes {TAKES[name]} only"}], "isError": True}
    if value not in KNOWN[name]:
        return {"content": [{"type": "text", "text": f"no ware {value!r}"}], "isError": True}
    weighed = {"grams": 800 if HEALTHY else None}
    return {"content": [{"type": "text", "text": json.dumps(weighed)}], "structuredContent": weighed}


def answer(method, params):
    if method == "initialize":
        return {
            "protocolVersion": "2025-06-18",
            "capabilities": CAPABILITIES,
            "serverInfo": {"name": "wares", "version": "1"},
        }
    if method == "tools/call" and params["name"] in TAKES:
        return call(params["name"], params.get("arguments") or {})
    if method == "completion/complete":
        begun = params["argument"]["value"]
        return {"completion": {"values": [value for value in COMPLETED if value.startswith(begun)]}}
    if method == "resources/read" and params["uri"] == LISTED["uri"]:
        return {"contents": [{"uri": LISTED["uri"], "mimeType": "application/json", "text": json.dumps(RESOURCE)}]}
    return {
        "tools/list": {"tools": TOOLS},
        "resources/list": {"resources": [LISTED]},
        "resources/templates/list": {"resourceTemplates": [TEMPLATE]},
        "ping": {},
    }.get(method)


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        made = answer(message["method"], message.get("params") or {})
        said = {"error": {"code": -32602, "message": "unknown"}} if made is None else {"result": made}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)
