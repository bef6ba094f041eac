"""The least that passes for an MCP server: one read-only tool over stdio, a line in, a line out, nothing checked.

It is for timing clients where no C compiler makes benchmarks/echo.c, and answers the same: initialize, tools/list and
tools/call, always with the same result. Run it with ``python -S -E echo.py``.
"""

import json
import sys

RESULTS = {
    "initialize": {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "echo", "version": "1"},
    },
    "tools/list": {
        "tools": [
            {
                "name": "echo",
                "description": "Echoes.",
                "inputSchema": {"type": "object"},
                "annotations": {"readOnlyHint": True},
            }
        ]
    },
    "tools/call": {"content": [{"type": "text", "text": "hello"}]},
}
BODIES = {
    method: ',"result":' + json.dumps(result, separators=(",", ":")) + "}\n" for method, result in RESULTS.items()
}
UNKNOWN = ',"error":{"code":-32601,"message":"Method not found"}}\n'


def main():
    """Answer until stdin ends."""
    loads, dumps, write, flush = json.loads, json.dumps, sys.stdout.write, sys.stdout.flush
    for line in sys.stdin:
        message = loads(line)
        if "id" in message and "method" in message:
            write('{"jsonrpc":"2.0","id":' + dumps(message["id"]) + BODIES.get(message["method"], UNKNOWN))
            flush()


if __name__ == "__main__":
    main()
