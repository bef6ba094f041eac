"""A server that is not independent of its neighbours, on the standard library alone.

``--lock FILE``: answers ``tools/list`` with an error while another process holds FILE. ``--fate FILE``: answers nothing
any more once a process that used FILE has been killed. ``--marker FILE``: does not start when FILE is there, which only
a killed process leaves behind. ``--clock``: its only tool says what time it is, to the second.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

HOLD_S = 0.3
TOOL = {
    "name": "now",
    "description": "Says what time it is, nothing else",
    "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
    "annotations": {"readOnlyHint": True, "openWorldHint": False},
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lock", type=Path)
    parser.add_argument("--fate", type=Path)
    parser.add_argument("--marker", type=Path)
    parser.add_argument("--clock", action="store_true")
    options = parser.parse_args()
    if options.fate:
        with options.fate.open("a", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    mark = options.marker and options.marker.with_name(f"{options.marker.name}-{os.getpid()}")
    if mark:
        refuse_if_marked(options.marker)
        mark.touch()
    try:
        serve(options)
    finally:
        if mark:
            mark.unlink()


def refuse_if_marked(marker):
    for other in marker.parent.glob(f"{marker.name}-*"):
        if not is_alive(int(other.name.rsplit("-", 1)[1])):
            raise SystemExit("another process died and left its lock")


def serve(options):
    for line in sys.stdin:
        if options.fate and not all_alive(options.fate):
            continue
        message = json.loads(line)
        if "id" in message:
            answer = {"jsonrpc": "2.0", "id": message["id"], **respond(message, options)}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


def respond(message, options):
    method = message["method"]
    if method == "initialize":
        version = message["params"]["protocolVersion"]
        info = {"name": "entangled", "version": "1"}
        return {"result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}}
    if method == "tools/list":
        return listed(options.lock) if options.lock else {"result": {"tools": [TOOL] if options.clock else []}}
    if method == "tools/call":
        return {"result": {"content": [{"type": "text", "text": str(time.monotonic_ns())}]}}
    return {"result": {}} if method == "ping" else {"error": {"code": -32601, "message": "Method not found"}}


def listed(lock):
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return {"error": {"code": -32603, "message": "database is locked"}}
    try:
        time.sleep(HOLD_S)
    finally:
        os.close(descriptor)
        lock.unlink()
    return {"result": {"tools": []}}


def all_alive(fate):
    return all(is_alive(int(pid)) for pid in fate.read_text("ascii").split())


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


if __name__ == "__main__":
    main()
