"""The short way of calls that nothing stands in the way of.

Between two waits for the wire every line runs with cold caches, so what almost all calls need is here, in one place: a
tool that one server has, connected, its breaker closed, a place free, no deadline, nobody who takes spans. Everything
else is left to the long way in `mcp_assay.runtime.executor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.runtime.outcome import OutcomeKind, ToolOutcome
from mcp_assay.wire.eras import Era

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.breaker import Permit
    from mcp_assay.runtime.metrics import CallMetrics
    from mcp_assay.runtime.registry import RegisteredTool
    from mcp_assay.runtime.routing import Replica
    from mcp_assay.runtime.states import ManagedServer
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession


class ExpressWay:
    """One tool of one server.

    Args:
        target: The tool.
        server: The server.
        replica: The executor's books on it.
        metrics: Where calls of the tool are counted.
        version: Version of the registry in which a name stands for this tool and no other.
    """

    __slots__ = ("_metrics", "_server", "_server_id", "breaker", "bulkhead", "name", "replica", "target", "version")

    def __init__(
        self, target: RegisteredTool, server: ManagedServer, replica: Replica, metrics: CallMetrics, version: int
    ) -> None:
        self.target = target
        self.replica = replica
        self.breaker = replica.breaker
        self.version = version
        self.name = target.definition.name
        self._server = server
        self._server_id = target.server_id
        self.bulkhead = replica.bulkhead
        self._metrics = metrics

    def enter(self) -> tuple[Permit, ServerSession] | None:
        """Take a place and return the leave to make a call and the session for it; None for the long way.

        Whoever gets a session gives the place back when the call has ended.
        """
        session, permit = self._server.session, self.breaker.standing
        if session is None or session.channel.ended is not None or permit is None:
            return None
        return (permit, session) if self.bulkhead.try_enter() else None

    def ask(
        self, session: ServerSession, arguments: Mapping[str, Json] | None, timeout_s: float
    ) -> Awaitable[Exchange]:
        """Return the call, to be awaited; in the handshake era it is one message, with nothing around it."""
        if session.agreement.era is not Era.HANDSHAKE:
            return session.call_tool(self.name, arguments, timeout_s=timeout_s)
        params: JsonObject = {"name": self.name, "arguments": dict(arguments or {})}
        return session.channel.request("tools/call", params, timeout_s=timeout_s, name=self.name)

    def outcome(self, exchange: Exchange, permit: Permit, started: float, now: float) -> ToolOutcome | None:
        """Return the outcome of a plain, structured result and take note of it; None for all else, with no note."""
        message = exchange.message
        if message is None or exchange.fault is not None or "error" in message:
            return None
        result = message.get("result")
        if type(result) is not dict or "isError" in result or "resultType" in result:
            return None
        content, structured = result.get("content"), result.get("structuredContent")
        if structured is None or type(content) is not list:
            return None
        duration_s = now - started
        self.breaker.answered(permit, now)
        self.replica.note(duration_s)
        self._metrics.succeeded(duration_s)
        return ToolOutcome(
            kind=OutcomeKind.RESULT,
            server=self._server_id,
            tool=self.name,
            content=tuple(content),
            structured=structured,
            duration_s=duration_s,
            exchange=exchange,
        )
