"""A server that lists what its argument says, and may behave badly, on the standard library alone.

The argument is a JSON object: ``tools`` and ``prompts`` are listed as they are; ``leak`` names a variable whose value
the server puts into its instructions, ``trace`` makes it write a stack trace, ``longest`` is the length in bytes of a
line that ends it.
"""

import json
import os
import sys


def main():
    options = json.loads(sys.argv[1])
    if options.get("trace"):
        sys.stderr.write('Traceback (most recent call last):\n  File "x.py", line 1, in <module>\nKeyError: 1\n')
        sys.stderr.flush()
    for line in sys.stdin:
        if len(line) > options.get("longest", sys.maxsize):
            raise SystemExit(1)
        try:
            message = json.loads(line)
        except ValueError:
            answer({"id": None, "error": {"code": -32700, "message": "Parse error"}})
            continue
        if message.get("jsonrpc") != "2.0" or type(message.get("id", 0)) not in (int, str) or "method" not in message:
            answer({"id": None, "error": {"code": -32600, "message": "Invalid request"}})
        elif "id" in message:
            answer({"id": message["id"], **respond(message, options)})


def answer(members):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **members}) + "\n")
    sys.stdout.flush()


def respond(message, options):
    method, params = message["method"], message.get("params") or {}
    if method == "initialize":
        return opened(params, options)
    if method == "ping":
        return {"result": {}}
    key, _, action = method.partition("/")
    if key not in options or action not in ("list", "get", "call"):
        return {"error": {"code": -32601, "message": "Method not found"}}
    if action == "list" and "cursor" not in params:
        return {"result": {key: options[key]}}
    if action == "get" and params.get("name") in [prompt["name"] for prompt in options[key]]:
        text = {"role": "user", "content": {"type": "text", "text": "Hello"}}
        return {"result": {"messages": [text]}}
    return {"error": {"code": -32602, "message": "Invalid params"}}


def opened(params, options):
    known = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
    version = params["protocolVersion"] if params["protocolVersion"] in known else known[-1]
    result = {
        "protocolVersion": version,
        "capabilities": {key: {} for key in ("tools", "prompts") if key in options},
        "serverInfo": {"name": "listed", "version": "1"},
    }
    if "leak" in options:
        result["instructions"] = f"The value is {os.environ[options['leak']]}"
    return {"result": result}


if __name__ == "__main__":
    main()
