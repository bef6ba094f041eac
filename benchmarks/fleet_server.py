"""An MCP server over stdio with any number of quick tools and one slow one; standard library only.

    python benchmarks/fleet_server.py [--tools 7] [--delay-ms 100]

``tool_N`` answers at once, ``slow`` after the delay while other calls go on, ``grow`` adds a tool and says so.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import selectors
import sys
from time import monotonic

READ_ONLY = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}


def definition(name: str) -> dict[str, object]:
    """Return the definition of a tool that takes a whole number and returns it."""
    whole = {"type": "integer", "description": "Any whole number."}
    return {
        "name": name,
        "title": name.replace("_", " ").title(),
        "description": "Return the number that it is given.",
        "inputSchema": {"type": "object", "properties": {"n": whole}, "required": ["n"]},
        "outputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        "annotations": READ_ONLY,
    }


class Server:
    """Answers lines of stdin on stdout."""

    def __init__(self, tools: int, delay_s: float) -> None:
        self.names = ["slow", "grow", *(f"tool_{number}" for number in range(1, tools - 1))][:tools]
        self.delay_s = delay_s
        self.waiting: list[tuple[float, int, bytes]] = []
        self.count = 0

    def send(self, message: dict[str, object]) -> None:
        """Write one message."""
        os.write(1, json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def call(self, identity: object, params: dict[str, object]) -> None:
        """Answer a call now or later."""
        name, arguments = params["name"], params.get("arguments") or {}
        value = {"n": arguments.get("n", 0)} if isinstance(arguments, dict) else {}
        result = {"content": [{"type": "text", "text": json.dumps(value)}], "structuredContent": value}
        answer = {"jsonrpc": "2.0", "id": identity, "result": result}
        if name == "slow":
            self.count += 1
            heapq.heappush(self.waiting, (monotonic() + self.delay_s, self.count, json.dumps(answer).encode() + b"\n"))
            return
        if name == "grow":
            self.names.append(f"grown_{len(self.names)}")
        os.write(1, json.dumps(answer).encode() + b"\n")
        if name == "grow":
            self.send({"method": "notifications/tools/list_changed"})

    def take(self, line: bytes) -> None:
        """Answer one line."""
        message = json.loads(line)
        method, params, identity = message.get("method"), message.get("params") or {}, message.get("id")
        if identity is None:
            return
        if method == "tools/call":
            self.call(identity, params)
        elif method == "initialize":
            version = params["protocolVersion"]
            info = {"name": "fleet", "version": "1.0.0"}
            capabilities = {"tools": {"listChanged": True}}
            result = {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info}
            self.send({"id": identity, "result": result})
        elif method == "tools/list":
            self.send({"id": identity, "result": {"tools": [definition(name) for name in self.names]}})
        elif method == "ping":
            self.send({"id": identity, "result": {}})
        else:
            self.send({"id": identity, "error": {"code": -32601, "message": f"no method {method}"}})

    def run(self) -> None:
        """Answer until input ends."""
        selector, buffer = selectors.DefaultSelector(), b""
        selector.register(0, selectors.EVENT_READ)
        while True:
            wait = None if not self.waiting else max(0.0, self.waiting[0][0] - monotonic())
            if selector.select(wait):
                data = os.read(0, 1 << 16)
                if not data:
                    return
                *lines, buffer = (buffer + data).split(b"\n")
                for line in filter(None, lines):
                    self.take(line)
            while self.waiting and self.waiting[0][0] <= monotonic():
                os.write(1, heapq.heappop(self.waiting)[2])


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=int, default=7)
    parser.add_argument("--delay-ms", type=float, default=100.0)
    given = parser.parse_args()
    Server(given.tools, given.delay_ms / 1000).run()


if __name__ == "__main__":
    sys.exit(main())
