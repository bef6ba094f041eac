"""An MCP server over stdio that writes down in a file what it does, before it says so; standard library only.

    python benchmarks/ledger_server.py NAME LEDGER

``put`` is neither read-only nor idempotent, ``take_back`` undoes it, ``look`` is read-only, ``refuse`` is always a tool
error, ``slow`` is read-only and answers after ``ms`` milliseconds while other calls go on. Each writes one line
``TOOL KEY`` to the ledger, which lives on when the process is killed.
"""

from __future__ import annotations

import heapq
import json
import os
import selectors
import sys
from time import monotonic

READS, UNDOES = {"readOnlyHint": True}, {"readOnlyHint": False, "idempotentHint": True}
TOOLS = {"put": {"readOnlyHint": False}, "take_back": UNDOES, "look": READS, "refuse": READS, "slow": READS}


def definition(name: str) -> dict[str, object]:
    """Return the definition of a tool."""
    properties = {"key": {"type": "string"}, "ms": {"type": "number"}}
    return {
        "name": name,
        "inputSchema": {"type": "object", "properties": properties, "required": ["key"]},
        "outputSchema": {
            "type": "object",
            "properties": {"key": {"type": "string"}, "by": {"type": "string"}},
            "required": ["key", "by"],
        },
        "annotations": TOOLS[name],
    }


class Server:
    """Answers lines of stdin on stdout."""

    def __init__(self, name: str, ledger: str) -> None:
        self.name = name
        self.ledger = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.waiting: list[tuple[float, int, dict[str, object]]] = []
        self.count = 0

    def send(self, message: dict[str, object]) -> None:
        """Write one message."""
        os.write(1, json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def call(self, identity: object, tool: str, arguments: dict[str, object]) -> None:
        """Do what is asked, write it down, and answer now or later."""
        os.write(self.ledger, f"{tool} {arguments['key']}\n".encode())
        value = {"key": arguments["key"], "by": self.name}
        result: dict[str, object] = {"content": [{"type": "text", "text": json.dumps(value)}]}
        result |= {"isError": True} if tool == "refuse" else {"structuredContent": value}
        if tool == "slow":
            self.count += 1
            at = monotonic() + float(str(arguments.get("ms", 50))) / 1000
            heapq.heappush(self.waiting, (at, self.count, {"id": identity, "result": result}))
        else:
            self.send({"id": identity, "result": result})

    def take(self, line: bytes) -> None:
        """Answer one line; one that is no JSON is passed over, as many servers do."""
        try:
            message = json.loads(line)
        except ValueError:
            return
        method, params, identity = message.get("method"), message.get("params") or {}, message.get("id")
        if identity is None:
            return
        if method == "tools/call":
            self.call(identity, params["name"], params.get("arguments") or {})
        elif method == "initialize":
            info, offered = {"name": self.name, "version": "1"}, {"tools": {}}
            opened = {"protocolVersion": params["protocolVersion"], "capabilities": offered, "serverInfo": info}
            self.send({"id": identity, "result": opened})
        elif method == "tools/list":
            self.send({"id": identity, "result": {"tools": [definition(name) for name in TOOLS]}})
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
                self.send(heapq.heappop(self.waiting)[2])


if __name__ == "__main__":
    Server(*sys.argv[1:3]).run()
