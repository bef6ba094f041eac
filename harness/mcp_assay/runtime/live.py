"""Lists of tools that follow what servers say and what becomes of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.runtime.states import ServerState
from mcp_assay.wire.eras import Era
from mcp_assay.wire.subscription import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.runtime.manager import MCPClientManager
    from mcp_assay.runtime.states import ManagedServer, ServerEvent
    from mcp_assay.wire.session import Listing, ServerSession

CHANGED = "notifications/tools/list_changed"

LEAST_TTL_S = 1.0
"""A list is not read again sooner than this for its age alone, whatever the server says."""

_BURST, _REST_S = 10.0, 0.5


class LiveLists:
    """Reads a server's tools again whenever there is a reason to.

    Args:
        manager: Owns the connections.
        tell: Takes the tools of a server, none when it is gone.
    """

    def __init__(
        self, manager: MCPClientManager, tell: Callable[[ManagedServer, Iterable[ToolDefinition]], None]
    ) -> None:
        self._manager = manager
        self._tell = tell
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._stop: Callable[[], None] | None = None

    async def start(self) -> None:
        """Follow every connected server, and those that come up later."""
        self._stop = self._manager.events.listen(self._event)
        for server in self._manager.servers:
            if server.connected:
                self._tell(server, server.inventory.tools)
                self._follow(server)
        # Followers have to listen before anybody relies on them.
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Follow nobody any more."""
        if self._stop is not None:
            self._stop()
        followers = [*self._followers.values()]
        for task in followers:
            task.cancel()
        await asyncio.gather(*followers, return_exceptions=True)

    def _event(self, event: ServerEvent) -> None:
        """Take the news that a server is up, or gone for good."""
        server = self._manager.server(event.server)
        if event.state is ServerState.READY and event.before is not ServerState.DEGRADED:
            self._tell(server, server.inventory.tools)
            self._follow(server)
        elif event.state in {ServerState.FAILED, ServerState.STOPPED}:
            self._drop(server)
            self._tell(server, ())

    def _follow(self, server: ManagedServer) -> None:
        self._drop(server)
        if server.session is not None:
            follower = _Follower(server, server.session, self._tell)
            self._followers[server.id] = asyncio.get_running_loop().create_task(follower.run())

    def _drop(self, server: ManagedServer) -> None:
        task = self._followers.pop(server.id, None)
        if task is not None:
            task.cancel()


class _Follower:
    """Follows one conversation with one server."""

    def __init__(
        self,
        server: ManagedServer,
        session: ServerSession,
        tell: Callable[[ManagedServer, Iterable[ToolDefinition]], None],
    ) -> None:
        self._server = server
        self._session = session
        self._tell = tell
        self._stale = asyncio.Event()
        self._reads = _BURST
        self._read_at = 0.0

    async def run(self) -> None:
        """Read the tools again whenever they have changed or are too old, until the conversation ends."""
        stop = self._session.channel.on_notification(self._heard)
        self._session.channel.on_end(lambda _: self._stale.set())
        subscription: Subscription | None = None
        try:
            if self._session.agreement.era is Era.STATELESS and _announces_changes(self._session):
                subscription = await Subscription.open(self._session, {"toolsListChanged": True})
            while self._session.alive:
                await self._until_stale()
                self._stale.clear()
                if self._session.alive:
                    await self._read()
        finally:
            stop()
            if subscription is not None:
                await subscription.close()

    async def _until_stale(self) -> None:
        """Wait until the list has changed or may not be kept any longer."""
        try:
            async with asyncio.timeout(ttl_s(self._server.inventory.listings.get("tools"))):
                await self._stale.wait()
        except TimeoutError:
            pass
        await asyncio.sleep(self._rest_s())

    def _rest_s(self) -> float:
        """Return how long to wait: a server that says "changed" without end is read twice a second, not more."""
        now = asyncio.get_running_loop().time()
        self._reads = min(_BURST, self._reads + (now - self._read_at) / _REST_S) - 1
        self._read_at = now
        return 0.0 if self._reads >= 0 else -self._reads * _REST_S

    async def _read(self) -> None:
        """Read the tools and pass them on; a list that broke off changes nothing."""
        listing = await self._session.list_all("tools")
        if listing.problem is not None or self._server.session is not self._session:
            return
        inventory = self._server.inventory
        self._server.inventory = replace(inventory, listings={**inventory.listings, "tools": listing})
        self._tell(self._server, self._server.inventory.tools)

    def _heard(self, message: JsonObject) -> None:
        if message.get("method") == CHANGED:
            self._stale.set()


def ttl_s(listing: Listing | None) -> float | None:
    """Return how long a list may be kept, in seconds, at least `LEAST_TTL_S`; None when it does not say.

    The shortest ``ttlMs`` of its pages counts (2026-07-28, server/utilities/caching).
    """
    pages = () if listing is None else listing.pages
    stated = [_milliseconds((page.result or {}).get("ttlMs")) for page in pages]
    known = [value for value in stated if value is not None and value > 0]
    return max(LEAST_TTL_S, min(known) / 1000) if known else None


def _milliseconds(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _announces_changes(session: ServerSession) -> bool:
    tools = session.agreement.capabilities.get("tools")
    return isinstance(tools, dict) and tools.get("listChanged") is True
