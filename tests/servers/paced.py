"""A healthy server of which two tools take their time and the others take none.

The slow ones stand first and last in the list. Run it with ``python -S -E paced.py``.
"""

import time

from toolserver import serve

PAUSE_S = 0.02
HINTS = {"readOnlyHint": True, "openWorldHint": False}
NUMBER = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
NOTHING = {"type": "object"}
SCHEMAS = {"slow_first": NUMBER, "quick_one": NOTHING, "quick_two": NOTHING, "slow_last": NUMBER}
TOOLS = [
    {"name": name, "description": "Takes a number.", "inputSchema": schema, "annotations": HINTS}
    for name, schema in SCHEMAS.items()
]


def call(name, arguments):
    if SCHEMAS[name] is NUMBER:
        number = arguments.get("number")
        if not (isinstance(number, int | float) and not isinstance(number, bool) and number == int(number)):
            return {"content": [{"type": "text", "text": "number must be an integer"}], "isError": True}
        time.sleep(PAUSE_S)
    return {"content": [{"type": "text", "text": "done"}]}


serve("paced", TOOLS, call)
