"""What the tests of the runtime share: fleets of real raw servers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from fleets import LIMITS, PATIENCE_S, Fleet

from mcp_assay.runtime.executor import MultiServerExecutor
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.runtime.registry import DynamicToolRegistry
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.reaper import Reaper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from mcp_assay.config.spec import ServerSpec


@pytest.fixture
def reaper() -> Iterator[Reaper]:
    reaper = Reaper()
    yield reaper
    reaper.close()


@pytest.fixture
def connector(reaper: Reaper) -> Connector:
    return Connector(limits=LIMITS, reaper=reaper)


@pytest.fixture
def fleet(connector: Connector) -> Callable[..., object]:
    """Return a maker of a context with connected servers; everything in it has to end in time."""

    @asynccontextmanager
    async def connected(*specs: ServerSpec, watch: object = False, **options: object) -> AsyncIterator[Fleet]:
        async with asyncio.timeout(PATIENCE_S), MCPClientManager(specs, connector=connector, watch=watch) as manager:
            await manager.connect_all()
            registry = DynamicToolRegistry.build_from_servers(manager.servers)
            yield Fleet(manager, registry, MultiServerExecutor(manager, registry, **options))

    return connected
