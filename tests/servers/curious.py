"""A server whose one tool tries out what its surroundings let it do, and says what came of it.

Run it with ``python -S -E curious.py``.
"""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path


def home(_):
    return [str(Path.home()), listing(Path.home())]


def listing(path):
    return sorted(entry.name for entry in Path(path).iterdir())


def write(path):
    Path(path).write_text("x")
    return "written"


def connect(port):
    socket.create_connection(("127.0.0.1", int(port)), 2).close()
    return "connected"


def take(megabytes):
    return len(bytearray(int(megabytes) << 20))


def start(count):
    children = [subprocess.Popen(["sleep", "60"]) for _ in range(int(count))]
    time.sleep(60)
    return len(children)


def processes(_):
    return sum(name.isdigit() for name in listing("/proc"))


DEEDS = {deed.__name__: deed for deed in (home, listing, write, connect, take, start, processes)}
SCHEMA = {
    "type": "object",
    "properties": {"deed": {"enum": list(DEEDS)}, "of": {"type": "string"}},
    "required": ["deed"],
    "additionalProperties": False,
}
TOOL = {"name": "try_out", "description": "Tries out what can be done here.", "inputSchema": SCHEMA}


def call(arguments):
    try:
        said = DEEDS[arguments.get("deed")](arguments.get("of", ""))
    except (OSError, MemoryError, KeyError, ValueError) as problem:
        return {"content": [{"type": "text", "text": f"{type(problem).__name__}: {problem}"}], "isError": True}
    return {"content": [{"type": "text", "text": json.dumps(said)}]}


def answer(message):
    if message["method"] == "initialize":
        known = {"name": "curious", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": known}
    if message["method"] == "tools/call":
        return call(message["params"].get("arguments") or {})
    return {"tools/list": {"tools": [TOOL]}, "ping": {}}.get(message["method"])


def main():
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            result = answer(message)
            said = {"error": {"code": -32601, "message": "Method not found"}} if result is None else {"result": result}
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)


if __name__ == "__main__":
    main()
