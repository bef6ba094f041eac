"""A small server on the Python SDK 2.x, as its guide says to write one: ``python_2.py stdio|streamable-http PORT``."""

from __future__ import annotations

import sys

from mcp.server import MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("sums", title="Sums", version="1.0.0", instructions="Adds numbers.")


@server.tool(title="Total", annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
def total(a: int, b: int) -> int:
    """Return the sum of two whole numbers."""
    return a + b


@server.resource("sums://zero", name="zero", mime_type="text/plain")
def zero() -> str:
    """The sum of nothing."""
    return "0"


@server.resource("sums://twice/{number}", name="twice", mime_type="text/plain")
def twice(number: str) -> str:
    """A number and itself."""
    return str(2 * int(number))


@server.prompt(title="Explain")
def explain(number: str) -> str:
    """Ask how a number came about."""
    return f"Explain how {number} came about."


if sys.argv[1] == "stdio":
    server.run()
else:
    server.run(transport="streamable-http", port=int(sys.argv[2]))
