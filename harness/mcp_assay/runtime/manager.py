"""Connections to all servers of a configuration."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self

from mcp_assay.config.loader import load
from mcp_assay.config.variables import EnvironmentVariables
from mcp_assay.core.errors import ConfigError, ConnectError, HarnessError, UsageError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.runtime.feed import Feed
from mcp_assay.runtime.inventory import take_inventory
from mcp_assay.runtime.states import ManagedServer, ServerEvent, ServerState
from mcp_assay.runtime.supervision import Supervisor, WatchPolicy, sign_of_life
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.limits import MIB, Limits
from mcp_assay.wire.oauth.signing import SignIn, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from mcp_assay.config.spec import Launch, ServerSpec, Variables
    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.opener import Opener
    from mcp_assay.wire.session import ServerSession

__all__ = ["MCPClientManager", "ManagedServer"]

MOST_STARTS = 32
"""Servers that are started at the same time."""

_REMEMBERED_BYTES = MIB
"""What a connection remembers of its exchanges when nobody judges them afterwards: a runtime may live for months."""


class MCPClientManager:
    """Starts, reaches and closes the servers of a configuration, side by side.

    Use it as an async context manager; leaving it ends every server, whatever happened inside.

    Args:
        specs: The servers.
        connector: Opens connections, with its limits; closing its reaper stays with the caller.
        variables_for: Where the references of a server's configuration are looked up; our environment by default.
        opening: Wraps the connector that opens a server's connections, for example to record what goes over them.
        sign_in: Gets the tokens of servers whose specification names a grant.
        watch: Whether servers are kept alive in the background, by signs of life and restarts with backoff. Without it
            nothing happens unless asked for.
    """

    def __init__(
        self,
        specs: Iterable[ServerSpec],
        *,
        connector: Connector | None = None,
        variables_for: Callable[[ServerSpec], Variables] | None = None,
        opening: Callable[[Connector, ServerSpec], Opener] | None = None,
        sign_in: SignIn = sign_in,
        confining: Callable[[ServerSpec, Launch], Launch] | None = None,
        watch: bool | WatchPolicy = False,
    ) -> None:
        self.connector = connector or Connector(limits=Limits(log_bytes=_REMEMBERED_BYTES))
        self._opening = opening or _directly
        self._sign_in = sign_in
        self._confining = confining or _unconfined
        self._owns_connector = connector is None
        self._variables_for = variables_for or _from_environment
        self._servers = {server.id: server for server in (ManagedServer(spec=spec) for spec in specs)}
        self._starts = asyncio.Semaphore(MOST_STARTS)
        self._turns = {name: asyncio.Lock() for name in self._servers}
        self._watch = WatchPolicy() if watch is True else watch or None
        self._supervisors: dict[str, asyncio.Task[None]] = {}
        self._dropped: set[ServerSession] = set()
        self._closing = False
        self.events = Feed[ServerEvent]()
        """Every change of a server's state; use `Feed.listen` or `Feed.subscribe`."""

    @classmethod
    def discover_servers_from_config(
        cls, *paths: Path, connector: Connector | None = None, watch: bool | WatchPolicy = False
    ) -> Self:
        """Return a manager for the servers of configuration files; nothing is started.

        Raises:
            ConfigError: A file cannot be used.
        """
        specs = [spec for path in paths for spec in load(path, config_id=path.name)]
        return cls(specs, connector=connector, watch=watch)

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
        self._turns[server.id] = asyncio.Lock()
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

    def apart(self, spec: ServerSpec, *, connector: Connector, watch: bool | WatchPolicy = False) -> MCPClientManager:
        """Return a manager of one server more, which reaches it as this one does, over a connector of its own."""
        return MCPClientManager(
            [spec], connector=connector, variables_for=self._variables_for, sign_in=self._sign_in, watch=watch
        )

    async def connect_all(self) -> Sequence[ManagedServer]:
        """Connect to every server that is not disabled and take its inventory.

        One bad server neither stops nor delays another; its ``fault`` says what happened.
        """
        wanted = [server for server in self.servers if not server.spec.disabled]
        await asyncio.gather(*(self.connect_to_server(server.id) for server in wanted))
        return self.servers

    async def connect_to_server(self, name: str) -> ManagedServer:
        """Connect to one server, again when its connection is lost, and return it with its inventory.

        Callers that ask at the same time share one attempt.
        """
        server = self.server(name)
        async with self._turns[server.id]:
            if not server.connected:
                await self._end(server)
                server.restarts += server.launch is not None
                await self._connect(server)
        return server

    async def reconnect(self, server: ManagedServer) -> ManagedServer:
        """End what is left of a server and start it again."""
        async with self._turns[server.id]:
            await self._end(server)
            server.restarts += 1
            await self._connect(server)
        return server

    async def restart(self, server: ManagedServer) -> None:
        """Start a server again unless somebody else has done so already and it answers."""
        async with self._turns[server.id]:
            if server.connected and server.session is not None:
                alive = await sign_of_life(server.session, timeout_s=self._policy.answer_s)
                if alive.fault is None:
                    self.change(server, ServerState.READY)
                    return
            await self._end(server)
            server.restarts += 1
            await self._connect(server, otherwise=ServerState.RECONNECTING)

    def change(self, server: ManagedServer, state: ServerState, fault: Fault | None = None) -> None:
        """Note a server's new state and tell everybody who listens to `events`."""
        if state is server.state:
            return
        before, server.state = server.state, state
        at = self.connector.clock.monotonic()
        self.events.publish(ServerEvent(server=server.id, before=before, state=state, at=at, fault=fault))

    async def wait_until_ready(self, server: ManagedServer, *, timeout_s: float) -> bool:
        """Return whether a server is connected, waiting for one that is being started or reconnected.

        Returns:
            False at once when nobody is about to connect it, and when it is not there in time.
        """
        with self.events.subscribe() as events:
            try:
                async with asyncio.timeout(timeout_s):
                    while not server.connected and self._may_come(server):
                        await anext(events)
            except TimeoutError:
                pass
        return server.connected

    def connector_for(self, spec: ServerSpec) -> Connector:
        """Return the connector with the timeouts that the server's document asks for."""
        limits = self.connector.limits
        limits = replace(
            limits, start_s=spec.start_timeout_s or limits.start_s, call_s=spec.call_timeout_s or limits.call_s
        )
        return replace(self.connector, limits=limits, protocol=spec.protocol or self.connector.protocol)

    def opener_for(self, spec: ServerSpec) -> Opener:
        """Return what opens connections to a server, with its timeouts."""
        return self._opening(self.connector_for(spec), spec)

    async def test_server_connectivity(self, name: str) -> Exchange:
        """Return the exchange of a round trip that every server must answer: its tools, or a sign of life."""
        server = await self.connect_to_server(name)
        if server.session is None:
            raise ConnectError(server.fault or _NOT_CONNECTED)
        if not server.session.offers("tools"):
            return await sign_of_life(server.session, timeout_s=server.session.limits.list_s)
        return await server.session.request("tools/list")

    async def get_server_tools(self, name: str) -> tuple[ToolDefinition, ...]:
        """Return the tools that a server listed, connecting to it when needed.

        Raises:
            ConnectError: It cannot be reached.
        """
        server = await self.connect_to_server(name)
        if server.fault is not None or server.session is None:
            raise ConnectError(server.fault or _NOT_CONNECTED)
        return server.inventory.tools

    async def close(self) -> None:
        """End every server, side by side, and the reaper of a connector that nobody else has."""
        self._closing = True
        supervisors = [*self._supervisors.values()]
        for task in supervisors:
            task.cancel()
        await asyncio.gather(*supervisors, return_exceptions=True)
        await asyncio.gather(*(self._close(server) for server in self.servers))
        if self._owns_connector:
            await asyncio.to_thread(self.connector.reaper.close)

    @property
    def _policy(self) -> WatchPolicy:
        return self._watch or WatchPolicy()

    def _may_come(self, server: ManagedServer) -> bool:
        """Return whether a server may become ready without anybody asking for it."""
        return not self._closing and server.state.is_under_way

    async def _close(self, server: ManagedServer) -> None:
        """End one server."""
        async with self._turns[server.id]:
            await self._end(server)
        self.change(server, ServerState.STOPPED)

    async def _end(self, server: ManagedServer) -> None:
        """End what is left of a server's conversation."""
        session = server.session
        if session is not None:
            self._dropped.add(session)
            server.closed = await session.close()
            server.session = None
            self._dropped.discard(session)

    async def _connect(self, server: ManagedServer, *, otherwise: ServerState = ServerState.FAILED) -> None:
        """Connect one server; whatever goes wrong becomes its fault and it is left in the state ``otherwise``."""
        self.change(server, ServerState.RECONNECTING if server.restarts else ServerState.STARTING)
        async with self._starts:
            try:
                opener = self.opener_for(server.spec)
                launch = self._confining(server.spec, server.spec.resolve(self._variables_for(server.spec)))
                server.launch = launch
                server.launch = await self._sign_in(launch, timeout_s=opener.limits.start_s)
                server.session = await opener.open_session(server.launch)
                server.session.channel.on_end(partial(self._lost, server, server.session))
                server.inventory = await take_inventory(server.session)
                server.fault = None
            except ConnectError as problem:
                server.fault = problem.fault
            except ConfigError as problem:
                server.fault = Fault(kind=FaultKind.UNSET_VARIABLE, message=problem.message, hint=problem.hint)
            except HarnessError as problem:
                server.fault = problem.fault
            except Exception as problem:  # noqa: BLE001  (a bug of ours at one server must not take the others with it)
                server.fault = Fault(kind=FaultKind.HARNESS, message=f"our own driver failed: {problem!r}")
        self._supervise(server)
        ended = None if server.session is None else server.session.channel.ended
        self.change(server, ServerState.READY if server.connected else otherwise, server.fault or ended)

    def _lost(self, server: ManagedServer, session: ServerSession, fault: Fault) -> None:
        """Note the end of a conversation that nobody here ended."""
        if session is server.session and session not in self._dropped and server.state is not ServerState.STARTING:
            watched = server.id in self._supervisors
            self.change(server, ServerState.RECONNECTING if watched else ServerState.FAILED, fault)

    def _supervise(self, server: ManagedServer) -> None:
        """Start to watch a server that is up, unless that is done already or not wanted."""
        if self._watch is None or self._closing or server.fault is not None or server.id in self._supervisors:
            return
        task = asyncio.get_running_loop().create_task(Supervisor(server, self, self._watch).run())
        self._supervisors[server.id] = task
        task.add_done_callback(lambda _: self._supervisors.pop(server.id, None))


def _from_environment(spec: ServerSpec) -> Variables:  # noqa: ARG001  (one place for every server)
    """Return our own environment."""
    return EnvironmentVariables()


def _unconfined(spec: ServerSpec, launch: Launch) -> Launch:  # noqa: ARG001  (the same for every server)
    """Return the launch as it is."""
    return launch


def _directly(connector: Connector, spec: ServerSpec) -> Opener:  # noqa: ARG001  (the same for every server)
    """Return the connector itself."""
    return connector


_NOT_CONNECTED = Fault(kind=FaultKind.CLOSED, message="the server is not connected")
