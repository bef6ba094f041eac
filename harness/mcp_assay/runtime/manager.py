"""Connections to all servers of a configuration."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from mcp_assay.config.loader import load
from mcp_assay.config.variables import EnvironmentVariables
from mcp_assay.core.errors import ConfigError, ConnectError, UsageError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.runtime.inventory import Inventory, take_inventory
from mcp_assay.wire.connect import Connector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from mcp_assay.config.spec import Launch, ServerSpec, Variables
    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession
    from mcp_assay.wire.transport import CloseReport

MOST_STARTS = 32
"""Servers that are started at the same time."""


@dataclass(slots=True, kw_only=True)
class ManagedServer:
    """One configured server and what became of it.

    Attributes:
        spec: Its configuration.
        launch: What was started, None when a variable is unset or nothing was tried.
        session: The open conversation, None when there is none.
        inventory: What it listed.
        fault: Why it cannot be used, None when it can.
        closed: How the last conversation ended.
        restarts: How often it was started again.
    """

    spec: ServerSpec
    launch: Launch | None = None
    session: ServerSession | None = None
    inventory: Inventory = field(default_factory=Inventory)
    fault: Fault | None = None
    closed: CloseReport | None = None
    restarts: int = 0

    @property
    def id(self) -> str:
        """The server's unique name in a run: configuration id, ``::``, name."""
        return f"{self.spec.config}::{self.spec.name}"

    @property
    def connected(self) -> bool:
        """Whether there is a live conversation."""
        return self.session is not None and self.session.alive


class MCPClientManager:
    """Starts, reaches and closes the servers of a configuration, side by side.

    Use it as an async context manager; leaving it ends every server, whatever happened inside.

    Args:
        specs: The servers.
        connector: Opens connections, with its limits; closing its reaper stays with the caller.
        variables_for: Where the references of a server's configuration are looked up; our environment by default.
    """

    def __init__(
        self,
        specs: Iterable[ServerSpec],
        *,
        connector: Connector | None = None,
        variables_for: Callable[[ServerSpec], Variables] | None = None,
    ) -> None:
        self.connector = connector or Connector()
        self._owns_connector = connector is None
        self._variables_for = variables_for or _from_environment
        self._servers = {server.id: server for server in (ManagedServer(spec=spec) for spec in specs)}
        self._starts = asyncio.Semaphore(MOST_STARTS)

    @classmethod
    def discover_servers_from_config(cls, *paths: Path, connector: Connector | None = None) -> Self:
        """Return a manager for the servers of configuration files; nothing is started.

        Raises:
            ConfigError: A file cannot be used.
        """
        return cls((spec for path in paths for spec in load(path, config_id=path.name)), connector=connector)

    async def __aenter__(self) -> Self:
        """Return the manager; connect with `connect_all`."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every server."""
        await self.close()

    @property
    def servers(self) -> tuple[ManagedServer, ...]:
        """All configured servers, in the order of the configuration."""
        return tuple(self._servers.values())

    def add(self, spec: ServerSpec) -> ManagedServer:
        """Add a server; nothing is started.

        Raises:
            UsageError: There is a server of that id already.
        """
        server = ManagedServer(spec=spec)
        if server.id in self._servers:
            raise UsageError(f"server {server.id!r} is there already")
        self._servers[server.id] = server
        return server

    def server(self, name: str) -> ManagedServer:
        """Return a server by its id, or by its name when that is unique.

        Raises:
            UsageError: There is no such server, or several have that name.
        """
        if name in self._servers:
            return self._servers[name]
        named = [server for server in self.servers if server.spec.name == name]
        if len(named) == 1:
            return named[0]
        known = ", ".join(server.id for server in named or self.servers)
        problem = "is ambiguous" if named else "is not configured"
        raise UsageError(f"server {name!r} {problem}", hint=f"known: {known}")

    async def connect_all(self) -> Sequence[ManagedServer]:
        """Connect to every server that is not disabled and take its inventory.

        One bad server neither stops nor delays another; its ``fault`` says what happened.
        """
        wanted = [server for server in self.servers if not server.spec.disabled]
        await asyncio.gather(*(self._connect(server) for server in wanted))
        return self.servers

    async def connect_to_server(self, name: str) -> ManagedServer:
        """Connect to one server, again when its connection is lost, and return it with its inventory."""
        server = self.server(name)
        if not server.connected:
            await self._connect(server)
        return server

    async def reconnect(self, server: ManagedServer) -> ManagedServer:
        """End what is left of a server and start it again."""
        if server.session is not None:
            server.closed = await server.session.close()
            server.session = None
        server.restarts += 1
        await self._connect(server)
        return server

    def connector_for(self, spec: ServerSpec) -> Connector:
        """Return the connector with the timeouts that the server's document asks for."""
        limits = self.connector.limits
        limits = replace(
            limits, start_s=spec.start_timeout_s or limits.start_s, call_s=spec.call_timeout_s or limits.call_s
        )
        return replace(self.connector, limits=limits, protocol=spec.protocol or self.connector.protocol)

    async def test_server_connectivity(self, name: str) -> Exchange:
        """Return the exchange of a round trip that every server must answer: its first list, or a ping."""
        server = await self.connect_to_server(name)
        if server.session is None:
            raise ConnectError(server.fault or _NOT_CONNECTED)
        return await server.session.request("tools/list" if server.session.offers("tools") else "ping")

    async def get_server_tools(self, name: str) -> tuple[ToolDefinition, ...]:
        """Return the tools that a server listed, connecting to it when needed.

        Raises:
            ConnectError: It cannot be reached.
        """
        server = await self.connect_to_server(name)
        if server.fault is not None:
            raise ConnectError(server.fault)
        return server.inventory.tools

    async def close(self) -> None:
        """End every server, side by side, and the reaper of a connector that nobody else has."""
        await asyncio.gather(*(self._close(server) for server in self.servers))
        if self._owns_connector:
            await asyncio.to_thread(self.connector.reaper.close)

    async def _close(self, server: ManagedServer) -> None:
        """End one server."""
        session, server.session = server.session, None
        if session is not None:
            server.closed = await session.close()

    async def _connect(self, server: ManagedServer) -> None:
        """Connect one server; whatever goes wrong becomes its fault."""
        async with self._starts:
            try:
                server.launch = server.spec.resolve(self._variables_for(server.spec))
                server.session = await self.connector_for(server.spec).open_session(server.launch)
                server.inventory = await take_inventory(server.session)
                server.fault = None
            except ConnectError as problem:
                server.fault = problem.fault
            except ConfigError as problem:
                server.fault = Fault(kind=FaultKind.UNSET_VARIABLE, message=problem.message, hint=problem.hint)


def _from_environment(spec: ServerSpec) -> Variables:  # noqa: ARG001  (one place for every server)
    """Return our own environment."""
    return EnvironmentVariables()


_NOT_CONNECTED = Fault(kind=FaultKind.CLOSED, message="the server is not connected")
