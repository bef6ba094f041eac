"""An MCP server over stdio whose only tool takes 200 ms; standard library only, so that starting it costs little."""

from __future__ import annotations

import json
import sys
import time

WAIT_S = 0.2
TOOL = {
    "name": "look_up",
    "title": "Look up",
    "description": "Return the key that was asked for, after a wait.",
    "inputSchema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"key": {"type": "string", "description": "What to look up.", "maxLength": 40}},
        "required": ["key"],
        "additionalProperties": False,
    },
    "annotations": {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False},
}


def call(params: dict[str, object]) -> dict[str, object]:
    """Return the result of a call, or raise LookupError for what is no such tool."""
    if params.get("name") != TOOL["name"]:
        raise LookupError(f"no tool {params.get('name')!r}")
    time.sleep(WAIT_S)
    arguments = params.get("arguments")
    key = arguments.get("key") if isinstance(arguments, dict) else None
    if not isinstance(key, str) or len(key) > 40 or set(arguments or {}) != {"key"}:
        return {"content": [{"type": "text", "text": "key must be a text of at most 40 characters"}], "isError": True}
    return {"content": [{"type": "text", "text": key}]}


def answer(method: str, params: dict[str, object]) -> dict[str, object]:
    """Return the result of a request; raise LookupError for an unknown method or tool."""
    if method == "initialize":
        return {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "slow", "version": "1.0.0"},
        }
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        return call(params)
    if method == "ping":
        return {}
    raise LookupError(f"no method {method!r}")


def reply(line: str) -> dict[str, object] | None:
    """Return the answer to one line, or None when it asks for none."""
    try:
        message = json.loads(line)
    except ValueError:
        return {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "parse error"}}
    if not isinstance(message, dict) or "id" not in message or "method" not in message:
        return None
    head = {"jsonrpc": "2.0", "id": message["id"]}
    try:
        return {**head, "result": answer(str(message["method"]), message.get("params") or {})}
    except LookupError as problem:
        code = -32602 if message["method"] == "tools/call" else -32601
        return {**head, "error": {"code": code, "message": str(problem)}}


def main() -> None:
    """Answer requests until input ends."""
    for line in sys.stdin:
        message = reply(line)
        if message is not None:
            print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
