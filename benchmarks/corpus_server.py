"""An MCP server over stdio with the input schemas of published servers, which checks what it is called with.

    python benchmarks/corpus_server.py [--tools 100]

Every tool claims to be read-only, refuses arguments that break its schema, and answers the others with how many there
were, as text and as structured content.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema_rs

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "generation" / "corpus"
VERSION = "2025-11-25"
READ_ONLY = {"readOnlyHint": True, "openWorldHint": False}
OUTPUT = {"type": "object", "properties": {"arguments": {"type": "integer"}}, "required": ["arguments"]}
PREFIX = "look_at"
"""Goes before each name, so that no word in it makes a read-only tool doubtful."""


def schemas() -> dict[str, dict[str, Any]]:
    """Return input schemas by tool, the servers of the corpus in turn."""
    found = {}
    for path in sorted(CORPUS.glob("*.json")):
        for number, schema in enumerate(json.loads(path.read_text("utf-8")).values()):
            found[f"{PREFIX}_{path.stem.replace('-', '_')}_{number}"] = schema
    return found


class Server:
    """Answers lines of stdin on stdout."""

    def __init__(self, tools: int) -> None:
        self.schemas = dict(islice(schemas().items(), tools))
        self.validators = {name: jsonschema_rs.validator_for(schema) for name, schema in self.schemas.items()}

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return ``result`` or ``error`` of a request."""
        if method == "initialize":
            info = {"name": "corpus", "version": "1.0.0"}
            return {"result": {"protocolVersion": VERSION, "capabilities": {"tools": {}}, "serverInfo": info}}
        if method == "ping":
            return {"result": {}}
        if method == "tools/list":
            return self.listed(params)
        if method == "tools/call":
            return self.called(params)
        return {"error": {"code": -32601, "message": "Method not found"}}

    def listed(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return all tools; there is one page only."""
        if "cursor" in params:
            return {"error": {"code": -32602, "message": "Unknown cursor"}}
        return {"result": {"tools": [definition(name, schema) for name, schema in self.schemas.items()]}}

    def called(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return how many arguments a call has, or what is wrong with them."""
        name, arguments = params.get("name"), params.get("arguments", {})
        if name not in self.validators or not isinstance(arguments, dict):
            return {"error": {"code": -32602, "message": "Unknown tool"}}
        error = next(self.validators[name].iter_errors(arguments), None)
        if error is not None:
            return {
                "result": {
                    "isError": True,
                    "content": [{"type": "text", "text": f"{error.instance_path}: {error.kind.name}"}],
                }
            }
        value = {"arguments": len(arguments)}
        return {"result": {"content": [{"type": "text", "text": json.dumps(value)}], "structuredContent": value}}

    def take(self, line: str) -> dict[str, Any] | None:
        """Return the answer to a line, or None when it asks for none."""
        try:
            message = json.loads(line)
        except ValueError:
            return {"id": None, "error": {"code": -32700, "message": "Parse error"}}
        identity = message.get("id") if isinstance(message, dict) else None
        method = message.get("method") if isinstance(message, dict) else None
        if isinstance(method, str) and method.startswith("notifications/"):
            return None
        proper = isinstance(identity, int | str) and isinstance(method, str) and message.get("jsonrpc") == "2.0"
        if not proper:
            known = identity if isinstance(identity, int | str) else None
            return {"id": known, "error": {"code": -32600, "message": "Invalid request"}}
        return {"id": identity, **self.answer(method, message.get("params") or {})}


def definition(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the definition of a tool."""
    title = name.replace("_", " ").capitalize()
    return {
        "name": name,
        "title": title,
        "description": f"{title}: return how many arguments the call has.",
        "inputSchema": schema,
        "outputSchema": OUTPUT,
        "annotations": READ_ONLY,
    }


def main() -> None:
    """Serve until stdin ends."""
    parser = argparse.ArgumentParser(description="Serve tools with the input schemas of published servers.")
    parser.add_argument("--tools", type=int, default=100, help="how many (default: %(default)s)")
    server = Server(parser.parse_args().tools)
    for line in sys.stdin:
        answer = server.take(line)
        if answer is not None:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", **answer}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
