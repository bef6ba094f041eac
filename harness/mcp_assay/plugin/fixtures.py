"""Fixtures for tests of the user: the servers and tools of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mcp_assay.plugin.client import ServerClient, ToolClient

_MISSING = "this fixture needs servers: run pytest with --mcp-config FILE"


@pytest.fixture
def mcp_server(request: pytest.FixtureRequest) -> ServerClient:
    """Return each connected server of the run in turn."""
    server: ServerClient = _parameter(request)
    return server


@pytest.fixture
def mcp_tool(request: pytest.FixtureRequest) -> ToolClient:
    """Return each tool of each connected server in turn."""
    tool: ToolClient = _parameter(request)
    return tool


def _parameter(request: pytest.FixtureRequest) -> Any:
    """Return the fixture's parameter, or fail with what is missing."""
    if not hasattr(request, "param"):
        pytest.fail(_MISSING, pytrace=False)
    return request.param
