"""Keeping a server alive: signs of life, and careful restarts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mcp_assay.runtime.backoff import Backoff, RetryBudget
from mcp_assay.runtime.states import ServerState
from mcp_assay.wire.eras import Era

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_assay.core.faults import Fault
    from mcp_assay.runtime.states import ManagedServer
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """How servers are kept alive.

    Attributes:
        interval_s: Seconds between signs of life asked of a quiet server.
        answer_s: Seconds it has for one.
        restart_after: Signs of life missed in a row after which it is started again; a server is degraded from the
            first.
        backoff: Waits between attempts to start it again; after that many in a row it has failed.
        share: How much of a restart each sign of life earns.
        most: Restarts that can be saved up. A server that dies as soon as it is up has failed when they are spent.
    """

    interval_s: float = 15.0
    answer_s: float = 5.0
    restart_after: int = 3
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=0.5, cap_s=30.0, attempts=6))
    share: float = 0.2
    most: float = 5.0


class Connections(Protocol):
    """What a supervisor needs of the manager."""

    async def restart(self, server: ManagedServer) -> None:
        """End what is left of a server and start it once more."""
        ...

    def change(self, server: ManagedServer, state: ServerState, fault: Fault | None = None) -> None:
        """Note a server's new state and tell everybody."""
        ...


class Supervisor:
    """Watches one server: `run` ends when it has failed, or by cancellation.

    Args:
        server: The server, connected at least once.
        connections: Restarts it.
        policy: How it is kept alive.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        server: ManagedServer,
        connections: Connections,
        policy: WatchPolicy,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._server = server
        self._connections = connections
        self._policy = policy
        self._sleep = sleep
        self._budget = RetryBudget(share=policy.share, most=policy.most)
        self._ended = asyncio.Event()
        self._fault: Fault | None = None

    async def run(self) -> None:
        """Keep the server alive as long as that is possible."""
        while True:
            session = self._server.session
            if session is not None and session.alive:
                await self._watch(session)
            if not await self._revive():
                return

    async def _watch(self, session: ServerSession) -> None:
        """Return when the session has ended, or misses too many signs of life."""
        self._ended.clear()
        session.channel.on_end(lambda _: self._ended.set())
        missed = 0
        while session.alive and missed < self._policy.restart_after:
            try:
                async with asyncio.timeout(self._policy.interval_s):
                    await self._ended.wait()
            except TimeoutError:
                exchange = await sign_of_life(session, timeout_s=self._policy.answer_s)
                missed = self._judge(exchange, missed)

    def _judge(self, exchange: Exchange, missed: int) -> int:
        """Return how many signs of life were missed in a row, and change the state accordingly."""
        if exchange.fault is None:
            self._budget.first_tries += 1
            self._fault = None
            if self._server.state is ServerState.DEGRADED:
                self._connections.change(self._server, ServerState.READY)
            return 0
        self._fault = exchange.fault
        if self._server.state is ServerState.READY:
            self._connections.change(self._server, ServerState.DEGRADED, exchange.fault)
        return missed + 1

    async def _revive(self) -> bool:
        """Start the server again, several times if need be; return whether it is back."""
        session, backoff = self._server.session, self._policy.backoff
        ended = None if session is None else session.channel.ended
        fault = ended or self._fault or self._server.fault
        for tries in range(1, backoff.attempts + 1):
            if not self._budget.spend():
                break
            self._connections.change(self._server, ServerState.RECONNECTING, fault)
            # Not even the first restart is immediate: all servers of a machine often die at once.
            await self._sleep(backoff.delay_s(tries))
            await self._connections.restart(self._server)
            if self._server.connected:
                return True
            fault = self._server.fault or fault
        self._connections.change(self._server, ServerState.FAILED, fault)
        return False


async def sign_of_life(session: ServerSession, *, timeout_s: float) -> Exchange:
    """Ask for what every server must answer in its era, and return the exchange: ``ping``, or ``server/discover``."""
    method = "ping" if session.agreement.era is Era.HANDSHAKE else "server/discover"
    return await session.request(method, timeout_s=timeout_s)
