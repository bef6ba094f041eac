"""A server whose one tool takes long texts only, and breaks its output schema whatever it is told.

Run it with ``python -S -E lengthy.py``.
"""

import json

from toolserver import serve

LEAST = 600
TOOL = {
    "name": "count_words",
    "description": "Counts the words of a long text.",
    "inputSchema": {
        "type": "object",
        "properties": {"text": {"type": "string", "minLength": LEAST}},
        "required": ["text"],
        "additionalProperties": False,
    },
    "outputSchema": {"type": "object", "properties": {"words": {"type": "integer"}}, "required": ["words"]},
    "annotations": {"readOnlyHint": True, "openWorldHint": False},
}


def call(name, arguments):
    text = arguments.get("text")
    if list(arguments) != ["text"] or not isinstance(text, str) or len(text) < LEAST:
        return {"content": [{"type": "text", "text": f"text takes {LEAST} characters"}], "isError": True}
    counted = {"words": None}
    return {"content": [{"type": "text", "text": json.dumps(counted)}], "structuredContent": counted}


serve("lengthy", [TOOL], call)
