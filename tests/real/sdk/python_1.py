"""A small server on the Python SDK 1.x, as its guide says to write one: ``python_1.py stdio|streamable-http PORT``."""

from __future__ import annotations

import sys

from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations

transport, port = sys.argv[1], int(sys.argv[2])
server = FastMCP("sums", instructions="Adds numbers.", port=port)


@server.tool(title="Total", annotations=ToolAnnotations(readOnlyHint=True, openWorldHint=False))
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


server.run(transport=transport)
