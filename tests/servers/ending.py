"""A server that lists its own process under three numbers, and ends it when told to.

With ``--careless`` it also ends when told to end process 0. Nothing is annotated. Run it with
``python -S -E ending.py [--careless]``.
"""

import json
import os
import sys

from toolserver import serve

CARELESS = "--careless" in sys.argv
OWN = [os.getpid(), -os.getpid(), os.getpid() + 10_000_000]
OBJECT = {"type": "object", "additionalProperties": False}
TOOLS = {
    "list_processes": {**OBJECT, "properties": {}},
    "kill_process": {**OBJECT, "properties": {"pid": {"type": "integer"}}, "required": ["pid"]},
}


def said(text, *, failed=False):
    return {"content": [{"type": "text", "text": text}], "isError": failed}


def call(name, arguments):
    given = arguments.get("pid")
    if name == "list_processes":
        return (
            said(json.dumps([{"pid": pid} for pid in OWN]))
            if not arguments
            else said("there is nothing to say", failed=True)
        )
    if list(arguments) != ["pid"] or type(given) is not int:
        return said("pid takes an integer, and there is nothing else", failed=True)
    if given in OWN or (CARELESS and given == 0):
        sys.exit(1)
    return said("there is no such process", failed=True)


LISTED = [{"name": name, "description": "About processes.", "inputSchema": TOOLS[name]} for name in TOOLS]

serve("ending", LISTED, call)
