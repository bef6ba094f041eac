"""What the small servers over stdio share that differ in their tools only: the protocol of 2025-06-18."""

import json
import sys


def serve(name, tools, call):
    """Answer requests until stdin ends; ``call`` takes the name of one of the tools, and arguments."""

    def answer(method, params):
        if method == "initialize":
            known = {"name": name, "version": "1"}
            return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": known}
        if method == "tools/call" and params["name"] in {tool["name"] for tool in tools}:
            return call(params["name"], params.get("arguments") or {})
        return {"tools/list": {"tools": tools}, "ping": {}}.get(method)

    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            made = answer(message["method"], message.get("params") or {})
            said = {"error": {"code": -32601, "message": "Method not found"}} if made is None else {"result": made}
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)
