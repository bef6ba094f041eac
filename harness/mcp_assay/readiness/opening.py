"""From specifications to a run with every server connected."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_assay.core.clock import Clock, SystemClock
from mcp_assay.readiness.examples import Examples, NoExamples
from mcp_assay.readiness.observations import NoObservations, Observations
from mcp_assay.readiness.policy import NoRules
from mcp_assay.readiness.settings import Settings
from mcp_assay.readiness.subject import Run, add_server
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.runtime.registry import DynamicToolRegistry
from mcp_assay.wire.oauth.signing import SignIn, sign_in
from mcp_assay.wire.schemas import SchemaJudge
from mcp_assay.wire.versions import spoken_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mcp_assay.config.spec import Launch, ServerSpec, Variables
    from mcp_assay.readiness.acceptance import Acceptances
    from mcp_assay.readiness.lock import Lock
    from mcp_assay.readiness.policy import ToolRules
    from mcp_assay.readiness.sdk_baselines import SdkBaseline
    from mcp_assay.runtime.manager import ManagedServer
    from mcp_assay.wire.connect import Connector
    from mcp_assay.wire.opener import Opener


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A run whose servers were all tried.

    Attributes:
        run: What all checks share.
        registry: Every listed tool.
        discovery_s: Seconds from the first spawn to the last list.
        registry_s: Seconds the registry took after that.
    """

    run: Run
    registry: DynamicToolRegistry
    discovery_s: float
    registry_s: float

    async def close(self) -> None:
        """End everything that was started, side by side."""
        await self.run.schemas.aclose()
        await self.run.manager.close()


async def open_run(
    specs: Iterable[ServerSpec],
    *,
    connector: Connector,
    variables_for: Callable[[ServerSpec], Variables] | None = None,
    settings: Settings | None = None,
    rules: ToolRules | None = None,
    clock: Clock | None = None,
    every_revision: bool = False,
    lock: Lock | None = None,
    baselines: Sequence[Acceptances] = (),
    sdks: Sequence[SdkBaseline] = (),
    opening: Callable[[Connector, ServerSpec], Opener] | None = None,
    observations: Observations | None = None,
    sign_in: SignIn = sign_in,
    examples: Examples | None = None,
    confining: Callable[[ServerSpec, Launch], Launch] | None = None,
    watching: Callable[[MCPClientManager], None] | None = None,
) -> OpenRun:
    """Connect to every server side by side, list what they offer and build the registry.

    A server that cannot be reached is part of the run, with its fault. Close the run when done with it.

    Args:
        specs: The servers; disabled ones are left out.
        connector: Opens connections.
        variables_for: Where a server's references are looked up; our environment by default.
        settings: How the run judges.
        rules: What the user opened and closed.
        clock: Source of every time.
        every_revision: Whether each server is judged in every revision it speaks, as a server of its own.
        lock: The definitions that were accepted before, if any.
        baselines: The findings that were accepted before.
        sdks: The findings that come from SDKs, which the user accepts.
        opening: Wraps the connector that opens a server's connections, for example to record what goes over them.
        observations: Keeps or hands out what is seen beside the wire.
        sign_in: Gets the tokens of servers whose specification names a grant.
        examples: Keeps and hands out arguments that showed a fault; by default nothing is kept.
        confining: Puts what is started into a sandbox; by default nothing is confined.
        watching: Is given the manager before it starts anything, to follow its events.
    """
    clock = clock or SystemClock()
    wanted = [spec for spec in specs if not spec.disabled]
    manager = MCPClientManager(
        wanted,
        connector=connector,
        variables_for=variables_for,
        opening=opening,
        sign_in=sign_in,
        confining=confining,
    )
    if watching is not None:
        watching(manager)
    started = clock.monotonic()
    try:
        await manager.connect_all()
        if every_revision:
            await _connect_every_revision(manager)
    except BaseException:
        await manager.close()
        raise
    listed = clock.monotonic()
    registry = DynamicToolRegistry.build_from_servers(manager.servers)
    built = clock.monotonic()
    run = Run(
        manager=manager,
        schemas=SchemaJudge(),
        settings=settings or Settings(),
        rules=rules or NoRules(),
        clock=clock,
        lock=lock,
        baselines=baselines,
        sdks=sdks,
        observations=observations or NoObservations(),
        examples=examples or NoExamples(),
    )
    for server in manager.servers:
        add_server(server, run)
    return OpenRun(run=run, registry=registry, discovery_s=listed - started, registry_s=built - listed)


async def _connect_every_revision(manager: MCPClientManager) -> None:
    """Connect to each server once more for every other revision it speaks."""
    connected = [server for server in manager.servers if server.connected]
    variants = await asyncio.gather(*(_variants(manager, server) for server in connected))
    added = [manager.add(spec) for specs in variants for spec in specs]
    await asyncio.gather(*(manager.connect_to_server(server.id) for server in added))


async def _variants(manager: MCPClientManager, server: ManagedServer) -> list[ServerSpec]:
    """Return a specification of the server for every revision it speaks besides the one agreed on."""
    if server.launch is None or server.session is None:
        return []
    agreed = server.session.agreement.version
    spoken = await spoken_versions(manager.opener_for(server.spec), server.launch, server.session)
    return [
        replace(server.spec, name=f"{server.spec.name}-{version}", protocol=version)
        for version in spoken
        if version != agreed
    ]
