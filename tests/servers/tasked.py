"""A server whose tools are called as tasks, on the standard library alone.

Run it with ``python -S -E tasked.py [FAULT]``; without a fault it is right. It speaks 2025-11-25, where a task ends at
the third look at it and ``tasks/result`` is answered then; with ``stateless`` before the fault it speaks 2026-07-28 and
the extension for tasks, where a client that knows tasks gets one for each call.
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


class Stateless(Server):
    """The same in 2026-07-28, with the extension."""

    def answer(self, method, params, identity):
        answer = self.respond(method, params)
        if "result" in answer:
            info = {"io.modelcontextprotocol/serverInfo": {"name": "tasked", "version": "1"}}
            answer["result"] = {"resultType": "complete", "_meta": info, **answer["result"]}
        return [{"id": identity, **answer}]

    def respond(self, method, params):
        declared = params.get("_meta", {}).get("io.modelcontextprotocol/clientCapabilities", {})
        knows = "io.modelcontextprotocol/tasks" in declared.get("extensions", {})
        if method == "server/discover":
            capabilities = {"tools": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}}
            return {"result": {"supportedVersions": ["2026-07-28"], "capabilities": capabilities, "ttlMs": 0}}
        if method == "tools/list":
            return {"result": {"tools": [definition("either")], "ttlMs": 0, "cacheScope": "private"}}
        if method == "tools/call":
            self.looks = 0
            return {"result": {"resultType": "task", **self.task()} if knows else DONE}
        if method == "tasks/get" and self.fault != "not-yet":
            self.looks += 1
            return {"result": {**self.task(), **self.outcome()}}
        return {"error": {"code": -32602 if method.startswith("tasks/") else -32601, "message": "Not here"}}

    def task(self):
        known = super().task()
        status = "failed" if self.fault == "failed-without" and self.looks >= 3 else known["status"]
        told = {"taskId": "t-1", "status": status, "createdAt": STAMP, "lastUpdatedAt": STAMP, "ttlMs": None}
        return {**told, "pollIntervalMs": 100}

    def outcome(self):
        if self.looks < 3 or self.fault in {"no-result", "failed-without"}:
            return {}
        return {"result": DONE, **({"resultType": "task"} if self.fault == "task-again" else {})}


def definition(name):
    return {
        "name": name,
        "description": "Takes its time, and answers when it is done.",
        "inputSchema": SCHEMA,
        "annotations": HINTS,
        "execution": {"taskSupport": SUPPORT[name]},
    }


def main():
    words = sys.argv[1:]
    kind = Stateless if words[:1] == ["stateless"] else Server
    server = kind(words[-1] if words else "")
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            for sent in server.answer(message["method"], message.get("params") or {}, message["id"]):
                sys.stdout.write(json.dumps({"jsonrpc": "2.0", **sent}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
