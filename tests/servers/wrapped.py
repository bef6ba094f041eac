"""A server that wraps what its tool returns twice: each result, errors too, is the text of another without ``isError``.

With ``--healthy`` it wraps nothing. Run it with ``python -S -E wrapped.py [--healthy]``.
"""

import json
import sys

from toolserver import serve

HEALTHY = "--healthy" in sys.argv
TOOL = {
    "name": "find_job",
    "description": "Looks a job up.",
    "inputSchema": {
        "type": "object",
        "properties": {"job": {"type": "string"}},
        "required": ["job"],
        "additionalProperties": False,
    },
    "annotations": {"readOnlyHint": True, "openWorldHint": False},
}


def call(name, arguments):
    known = list(arguments) == ["job"] and isinstance(arguments["job"], str)
    said = "there is no such job" if known else "job takes a text, and there is nothing else"
    made = {"content": [{"type": "text", "text": said}], "isError": True}
    return made if HEALTHY else {"content": [{"type": "text", "text": json.dumps(made)}]}


serve("wrapped", [TOOL], call)
