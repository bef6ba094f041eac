"""What the small servers over stdio share that differ in their tools only: what a handshake revision asks for."""

import json
import sys


def serve(name, tools, call, version="2025-06-18"):
    """Answer requests until stdin ends.

    ``call`` takes the name of one of the tools, and arguments, and returns a result, or an error as ``{"error": …}``.
    """

    def answer(method, params):
        if method == "initialize":
            known = {"name": name, "version": "1"}
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": known}
        if method == "tools/call" and params["name"] in {tool["name"] for tool in tools}:
            return call(params["name"], params.get("arguments") or {})
        return {"tools/list": {"tools": tools}, "ping": {}}.get(method)

    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            made = answer(message["method"], message.get("params") or {})
            made = {"error": {"code": -32601, "message": "Method not found"}} if made is None else made
            said = made if "error" in made else {"result": made}
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)
