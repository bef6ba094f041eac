"""What the tests of published servers share."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mcp_assay.runtime.manager import ManagedServer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VISIT_TIMEOUT_S = 180
EXIT_S = 10
"""Seconds that servers have to end by themselves: many end at once here, on a machine that may be busy."""


@pytest.fixture(scope="session")
def installed() -> Path:
    """The folder that ``install.py`` filled."""
    folder = Path(os.environ.get("MCP_ASSAY_REAL", ROOT / ".mcp-assay" / "real")).resolve()
    parts = ("npm", "npm-taskmaster", "python", "python-mcp1")
    missing = [part for part in parts if not (folder / part / "installed.sha256").is_file()]
    assert not missing, f"{folder} lacks {', '.join(missing)}; run: python tests/real/install.py"
    return folder


@pytest.fixture(scope="session")
def settled(installed: Path) -> Iterator[Path]:
    """The folder of the servers, with the variables set that the configurations refer to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MCP_ASSAY_REAL", str(installed))
        patch.setenv("MCP_ASSAY_PYTHON", sys.executable)
        yield installed


@pytest.fixture(scope="session")
def visit(settled: Path) -> Callable[[Path], Mapping[str, ManagedServer]]:
    """A function that connects every server of a file, closes them, and returns what became of each by name."""

    async def there_and_back(path: Path) -> Mapping[str, ManagedServer]:
        connector = Connector(limits=Limits(exit_s=EXIT_S))
        try:
            async with asyncio.timeout(VISIT_TIMEOUT_S):
                async with MCPClientManager.discover_servers_from_config(path, connector=connector) as manager:
                    await manager.connect_all()
        finally:
            connector.reaper.close()
        return {server.spec.name: server for server in manager.servers}

    return lambda path: asyncio.run(there_and_back(path))
