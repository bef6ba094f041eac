"""Servers and tools as parameters of a user's own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.plugin.client import ServerClient, ToolClient
from mcp_assay.plugin.judging import judging
from mcp_assay.plugin.state import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from mcp_assay.plugin.state import AssaySession
    from mcp_assay.readiness.subject import ServerUnderTest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a server or tool once for each of them."""
    if not {"mcp_server", "mcp_tool"} & set(metafunc.fixturenames):
        return
    state = metafunc.config.stash[STATE]
    servers = list(_connected(state))
    if "mcp_server" in metafunc.fixturenames:
        metafunc.parametrize(
            "mcp_server", [_client(server, state) for server in servers], ids=[s.slug for s in servers], indirect=True
        )
    if "mcp_tool" in metafunc.fixturenames:
        tools = [(server, tool) for server in servers for tool in server.tools]
        metafunc.parametrize(
            "mcp_tool",
            [ToolClient(_client(server, state), tool) for server, tool in tools],
            ids=[f"{server.slug}.{tool.slug}" for server, tool in tools],
            indirect=True,
        )


def _connected(state: AssaySession) -> Iterator[ServerUnderTest]:
    """Yield the servers that were reached; the generated suites say what became of the others."""
    for server in state.discover().run.servers.values():
        if server.managed.fault is None:
            yield server


def _client(server: ServerUnderTest, state: AssaySession) -> ServerClient:
    """Return the client of one server."""
    return ServerClient(server, state.loop, state.limits.call_s, judging(state))
