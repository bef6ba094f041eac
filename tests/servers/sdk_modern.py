"""A server on the official SDK that speaks 2026-07-28 only: ``sdk_modern.py stdio`` or ``sdk_modern.py http PORT``.

The SDK has no option for that: its stream loop takes the era of the client's first request, and its HTTP manager goes
by the version header (``serve_dual_era_loop`` in ``mcp/server/runner.py`` and ``_handle_request`` in
``mcp/server/streamable_http_manager.py`` of 2.3). Below are the modern halves of both, without the choice before them.
"""

from __future__ import annotations

import sys

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server._streamable_http_modern import handle_modern_request
from mcp.server.runner import _serve_modern_stream
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations

server = MCPServer("sums", title="Sums", version="1.0.0", instructions="Adds numbers.")
low = server._lowlevel_server


@server.tool(title="Total", annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
def total(a: int, b: int) -> int:
    """Return the sum of two whole numbers."""
    return a + b


async def over_stdio():
    """Serve on stdin and stdout until stdin ends."""
    async with stdio_server() as (reading, writing), low.lifespan(low) as state, writing:
        await _serve_modern_stream(low, reading, writing, lifespan_state=state, raise_exceptions=False)


async def over_http(port):
    """Serve at ``/mcp`` of a port of this machine until we are ended."""
    near = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=["127.0.0.1:*"],
        allowed_origins=["http://127.0.0.1:*"],
    )
    async with low.lifespan(low) as state:

        async def app(scope, receive, send):
            await handle_modern_request(low, near, False, state, scope, receive, send)

        settings = uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_level="info")
        await uvicorn.Server(settings).serve()


if sys.argv[1] == "stdio":
    anyio.run(over_stdio)
else:
    anyio.run(over_http, int(sys.argv[2]))
