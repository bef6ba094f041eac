"""A server cut off from the service behind it: every call is answered by the JSON-RPC error of its HTTP client.

With ``--refusing`` it looks at arguments before that. Run it with ``python -S -E cutoff.py [--refusing]``.
"""

import sys

from toolserver import serve

REFUSING = "--refusing" in sys.argv
READ_ONLY = {"readOnlyHint": True, "openWorldHint": False}
TOOLS = [
    {
        "name": "list_pages",
        "description": "Lists all pages.",
        "inputSchema": {"type": "object", "additionalProperties": False},
        "annotations": READ_ONLY,
    },
    {
        "name": "find_page",
        "description": "Looks a page up.",
        "inputSchema": {
            "type": "object",
            "properties": {"page": {"type": "string"}},
            "required": ["page"],
            "additionalProperties": False,
        },
        "annotations": READ_ONLY,
    },
]


def call(name, arguments):
    wanted = ["page"] if name == "find_page" else []
    if REFUSING and (list(arguments) != wanted or not all(isinstance(value, str) for value in arguments.values())):
        return {"error": {"code": -32602, "message": f"{name} takes {wanted}"}}
    return {"error": {"code": -32603, "message": "getaddrinfo ENOTFOUND api.example.invalid"}}


serve("cutoff", TOOLS, call, version="2025-11-25")
