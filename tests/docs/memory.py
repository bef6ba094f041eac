"""The server of the README's commands: two tools, one reads and one writes."""

from __future__ import annotations

import json
import sys
from typing import Any

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": True}
TOOLS = [
    {
        "name": "list_notes",
        "description": "List the notes",
        "inputSchema": SCHEMA,
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    },
    {"name": "create_entities", "description": "Create entities", "inputSchema": SCHEMA},
]
SERVER = {"name": "memory", "version": "1.0.0"}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    version = params.get("protocolVersion", "")
    return {
        "initialize": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": SERVER},
        "ping": {},
        "tools/list": {"tools": TOOLS},
        "tools/call": {"content": [{"type": "text", "text": "none"}]},
    }.get(method)


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        result = answer(message["method"], message.get("params") or {})
        told = {"error": {"code": -32601, "message": "unknown method"}} if result is None else {"result": result}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **told}) + "\n")
        sys.stdout.flush()
