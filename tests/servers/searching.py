"""A server whose one tool searches for a regular expression without any bound, so that some take it for ever.

With ``--healthy`` it takes short patterns without repetition only. Run it with ``python -S -E searching.py``.
"""

import re
import sys

from toolserver import serve

HEALTHY = "--healthy" in sys.argv
TEXT = {"type": "string"}
TOOL = {
    "name": "find_text",
    "description": "Tells whether a regular expression occurs in a text.",
    "inputSchema": {
        "type": "object",
        "properties": {"text": TEXT, "pattern": TEXT},
        "required": ["text", "pattern"],
        "additionalProperties": False,
    },
}


def answered(said, *, failed=False):
    return {"content": [{"type": "text", "text": said}], "isError": failed}


def call(name, arguments):
    if set(arguments) != {"text", "pattern"} or not all(isinstance(value, str) for value in arguments.values()):
        return answered("text and pattern are texts, and there is nothing else", failed=True)
    if HEALTHY and (re.search(r"[*+?{]", arguments["pattern"]) or len(arguments["pattern"]) > 100):
        return answered("the pattern must be short and may not repeat anything", failed=True)
    try:
        found = re.search(arguments["pattern"], arguments["text"])
    except re.error:
        return answered("the pattern is no regular expression", failed=True)
    return answered("yes" if found else "no")


serve("searching", [TOOL], call)
