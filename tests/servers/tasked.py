"""A server of 2025-11-25 whose tools are called as tasks, on the standard library alone.

Run it with ``python -S -E tasked.py [FAULT]``; without a fault it is right. A task ends at the third look at it, and
``tasks/result`` is answered then.
"""

import json
import sys

STAMP = "2026-01-01T00:00:00Z"
FAULTS = (
    "runs-anyway",
    "begins-completed",
    "odd-status",
    "no-ttl",
    "odd-time",
    "comes-back",
    "early-result",
    "renamed",
)
HINTS = {"readOnlyHint": True, "openWorldHint": False}
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
DONE = {"content": [{"type": "text", "text": "done"}]}
SUPPORT = {"slow": "required", "either": "optional", "plain": "forbidden"}


class Server:
    """Holds one task."""

    def __init__(self, fault):
        self.fault = fault
        self.looks = 0
        self.waiting = None

    def status(self):
        if self.looks == 0:
            return "completed" if self.fault == "begins-completed" else "working"
        if self.fault == "odd-status" and self.looks == 1:
            return "thinking"
        if self.fault == "comes-back" and self.looks == 4:
            return "working"
        return "completed" if self.looks >= 3 else "working"

    def task(self):
        told = {"taskId": "t-1", "status": self.status(), "createdAt": STAMP, "lastUpdatedAt": STAMP, "ttl": 60000}
        told["pollInterval"] = 100
        if self.fault == "no-ttl":
            del told["ttl"]
        if self.fault == "odd-time":
            told["createdAt"] = "yesterday"
        if self.fault == "renamed" and self.looks:
            told["taskId"] = "t-2"
        return told

    def call(self, params):
        if "task" in params:
            self.looks, self.waiting = 0, None
            return {"result": {"task": self.task()}}
        if SUPPORT[params["name"]] == "required" and self.fault != "runs-anyway":
            return {"error": {"code": -32601, "message": "Only as a task"}}
        return {"result": DONE}

    def look(self):
        self.looks += 1
        return {"result": self.task()}

    def answer(self, method, params, identity):
        """Return what is sent for a request: messages, one of which may answer an earlier one."""
        if method == "tasks/result" and self.fault != "early-result" and self.looks < 3:
            self.waiting = identity
            return []
        sent = [{"id": identity, **self.respond(method, params)}]
        if method == "tasks/get" and self.looks >= 3 and self.waiting is not None:
            sent.append({"id": self.waiting, "result": DONE})
            self.waiting = None
        return sent

    def respond(self, method, params):
        if method == "initialize":
            tasks = {"cancel": {}, "requests": {"tools": {"call": {}}}}
            known = {"name": "tasked", "version": "1"}
            told = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "tasks": tasks}, "serverInfo": known}
            return {"result": told}
        if method == "tools/list":
            return {"result": {"tools": [definition(name) for name in SUPPORT]}}
        answers = {"tools/call": lambda: self.call(params), "tasks/get": self.look, "ping": lambda: {"result": {}}}
        answers["tasks/result"] = lambda: {"result": DONE}
        return answers.get(method, lambda: {"error": {"code": -32601, "message": "Method not found"}})()


def definition(name):
    return {
        "name": name,
        "description": "Takes its time, and answers when it is done.",
        "inputSchema": SCHEMA,
        "annotations": HINTS,
        "execution": {"taskSupport": SUPPORT[name]},
    }


def main():
    server = Server(sys.argv[1] if len(sys.argv) > 1 else "")
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            for sent in server.answer(message["method"], message.get("params") or {}, message["id"]):
                sys.stdout.write(json.dumps({"jsonrpc": "2.0", **sent}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
