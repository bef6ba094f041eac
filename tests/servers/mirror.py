"""A server that gives back all it was told, its environment and arguments above all, in every field there is.

Each piece comes back plain, as base64, percent-encoded, as hex, spread over lines and inside JSON. Run it as
``mirror.py ARGUMENT…`` over stdio, or as ``mirror.py --http ARGUMENT…``: then it prints its address, and gives back
headers and path of each request as well. ``MIRROR_LOG`` names a file that gets the method of every request.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, unquote

VERSION = "2025-06-18"
READ_ONLY = {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False}


def told() -> list[str]:
    """All that a client can have told this process at its start."""
    own = [value for name, value in sorted(os.environ.items()) if name.startswith(("MIRROR_", "SECRET"))]
    return [*own, *(part.rpartition("=")[2] for part in sys.argv[1:])]


def forms(text: str) -> dict[str, str]:
    half = len(text) // 2
    return {
        "plain": text,
        "base64": base64.b64encode(f"x{text}y".encode()).decode(),
        "url": quote(text, safe=""),
        "hex": text.encode().hex(),
        "split": f"{text[:half]}\r\n\t{text[half:]}",
        "coloured": f"{text[:half]}\x1b[31m{text[half:]}",
        "json": json.dumps({"value": text}),
    }


class Mirror:
    """Answers requests with what it knows."""

    def __init__(self, known: list[str]) -> None:
        self.known = known
        self.everything = "\n".join(form for text in known for form in forms(text).values())

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return ``result`` or ``error`` of a request."""
        made = {
            "initialize": self.initialize,
            "ping": lambda _: {},
            "tools/list": self.tools,
            "tools/call": self.call,
            "resources/list": self.resources,
            "resources/templates/list": lambda _: {"resourceTemplates": []},
            "resources/read": lambda asked: {"contents": [{"uri": asked["uri"], "text": self.everything}]},
            "prompts/list": self.prompts,
            "prompts/get": lambda _: {"messages": [{"role": "user", "content": self.text()}]},
        }.get(method)
        if made is None:
            return {"error": {"code": -32601, "message": self.everything, "data": self.known}}
        return {"result": made(params)}

    def initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        return {
            "protocolVersion": VERSION,
            "capabilities": {"tools": {}, "resources": {}, "prompts": {}, "experimental": {self.known[0]: {}}},
            "serverInfo": {"name": self.everything, "title": self.everything, "version": self.known[0]},
            "instructions": self.everything,
        }

    def text(self) -> dict[str, Any]:
        return {"type": "text", "text": self.everything}

    def tools(self, params: dict[str, Any]) -> dict[str, Any]:
        schema = {"type": "object", "properties": {self.known[-1]: {"type": "string", "description": self.everything}}}
        named = [form for text in self.known for form in forms(text).values()]
        tools = [{"name": "mirror", "description": self.everything, "inputSchema": schema, "annotations": READ_ONLY}]
        tools += [{"name": name, "title": name, "inputSchema": schema, "annotations": READ_ONLY} for name in named]
        tools.append({"name": "broken", "inputSchema": {"type": self.everything, "required": self.known}})
        return {"tools": tools}

    def call(self, params: dict[str, Any]) -> dict[str, Any]:
        structured = {"value": self.everything, **dict.fromkeys(self.known, True)}
        content = [self.text(), {"type": self.known[0]}, {"type": "resource_link", "uri": f"x://{self.known[0]}"}]
        return {"content": content, "structuredContent": structured, "isError": params.get("name") != "mirror"}

    def resources(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"resources": [{"uri": f"mirror://{quote(text)}", "name": text} for text in self.known]}

    def prompts(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"prompts": [{"name": text, "description": self.everything} for text in self.known]}


def log(method: str) -> None:
    if "MIRROR_LOG" in os.environ:
        with Path(os.environ["MIRROR_LOG"]).open("a", encoding="utf-8") as stream:
            stream.write(f"{method}\n")


def serve_stdio() -> None:
    mirror = Mirror(told())
    print(mirror.everything, file=sys.stderr, flush=True)
    print(mirror.known[0], flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        if not isinstance(message, dict) or "id" not in message:
            continue
        log(message.get("method", ""))
        print(mirror.everything, file=sys.stderr, flush=True)
        note = {"level": "info", "logger": mirror.known[0], "data": mirror.everything}
        for made in (
            {"method": "notifications/message", "params": note},
            {"id": message["id"], **mirror.answer(message.get("method", ""), message.get("params") or {})},
        ):
            print(json.dumps({"jsonrpc": "2.0", **made}), flush=True)


class Handler(BaseHTTPRequestHandler):
    """One POST at a time."""

    protocol_version = "HTTP/1.1"
    broken: ClassVar[bool] = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        path = unquote(self.path)
        secrets = [value for name, value in self.headers.items() if name.lower().startswith(("x-", "authorization"))]
        known = [part for value in secrets for part in value.split()[-1:]] + [path.rpartition("=")[2]]
        mirror = Mirror([*told(), *known])
        message = json.loads(body)
        if not isinstance(message, dict) or "id" not in message:
            self.reply(202, b"", mirror)
        elif self.broken or message.get("method") not in {"initialize", "ping", "tools/list", "tools/call"}:
            self.reply(500, f"{mirror.everything} {path} {self.headers}".encode(), mirror)
        else:
            answer = mirror.answer(message["method"], message.get("params") or {})
            self.reply(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}).encode(), mirror)

    def do_GET(self) -> None:
        self.reply(405, b"", Mirror(told() or [""]))

    def reply(self, status: int, body: bytes, mirror: Mirror) -> None:
        self.send_response(status, mirror.known[-1])
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-mirror", " ".join(mirror.known))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def serve_http() -> None:
    Handler.broken = "--broken" in sys.argv
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}/mcp", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if "--exit" in sys.argv:
        sys.exit(Mirror(told()).everything)
    if "--http" in sys.argv:
        serve_http()
    else:
        serve_stdio()
