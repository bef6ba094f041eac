"""An MCP server over stdio whose only tool takes exactly as long as it is told; standard library only.

    python -S -E benchmarks/delay_server.py --delay-ms 5 --stall-at 300 --leak-kib 10

The delay is spent computing, from the moment the request was read to the moment the answer, encoded before, is written,
so that it does not depend on how well the machine sleeps.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

TOOL = {
    "name": "work",
    "description": "Answer after the configured delay.",
    "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
    "annotations": {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False},
}
STALL_S = 1.0


class Worker:
    """Takes its time.

    Attributes:
        kept: What is never let go.
    """

    def __init__(self, *, delay_s: float, stall_at: int, leak_bytes: int) -> None:
        self._delay_s = delay_s
        self._stall_at = stall_at
        self._leak_bytes = leak_bytes
        self._calls = 0
        self.kept: list[bytes] = []

    def work(self, since: float) -> None:
        """Return when the delay since a moment is over."""
        self._calls += 1
        if self._leak_bytes:
            self.kept.append(os.urandom(self._leak_bytes))
        until = since + (STALL_S if self._calls == self._stall_at else self._delay_s)
        while time.perf_counter() < until:
            pass


def answer(message: dict[str, object]) -> dict[str, object]:
    """Return the result of a request."""
    method, params = message["method"], message.get("params")
    if method == "initialize" and isinstance(params, dict):
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "delay", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": "done"}]}
    return {}


def main() -> None:
    """Serve stdin and stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--stall-at", type=int, default=0, help="the call, counted from 1, that takes a second")
    parser.add_argument("--leak-kib", type=int, default=0, help="memory kept with each call")
    options = parser.parse_args()
    worker = Worker(delay_s=options.delay_ms / 1000, stall_at=options.stall_at, leak_bytes=options.leak_kib * 1024)
    for line in sys.stdin.buffer:
        read_at = time.perf_counter()
        message = json.loads(line)
        if "id" in message:
            reply = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answer(message)}).encode() + b"\n"
            if message["method"] == "tools/call":
                worker.work(read_at)
            sys.stdout.buffer.write(reply)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
