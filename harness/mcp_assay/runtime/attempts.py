"""One attempt at one server, within its circuit breaker and its bulkhead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mcp_assay.core.errors import HarnessError
from mcp_assay.runtime.breaker import CircuitBreaker
from mcp_assay.runtime.bulkhead import Bulkhead
from mcp_assay.runtime.outcome import OutcomeKind, ToolOutcome, unavailable, unsent
from mcp_assay.runtime.routing import Replica
from mcp_assay.runtime.translator import ToolCallTranslator

if TYPE_CHECKING:
    from mcp_assay.core.clock import Clock
    from mcp_assay.runtime.breaker import Permit
    from mcp_assay.runtime.manager import MCPClientManager
    from mcp_assay.runtime.policy import Call, ExecutionPolicy
    from mcp_assay.runtime.registry import RegisteredTool
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession


class Attempts:
    """Makes attempts and keeps the books of every server.

    Args:
        manager: Owns the connections.
        policy: Bounds.
        clock: Source of time for breakers and deadlines.
    """

    def __init__(self, manager: MCPClientManager, policy: ExecutionPolicy, clock: Clock) -> None:
        self._manager = manager
        self._policy = policy
        self._clock = clock
        self._replicas: dict[str, Replica] = {}
        self._translator = ToolCallTranslator()

    def replica(self, server_id: str) -> Replica:
        """Return the books of one server."""
        known = self._replicas.get(server_id)
        if known is None:
            known = self._replicas[server_id] = Replica(
                breaker=CircuitBreaker(self._policy.breaker, self._clock),
                bulkhead=Bulkhead(self._policy.concurrency, self._policy.queue),
            )
        return known

    async def make(self, target: RegisteredTool, call: Call) -> ToolOutcome:
        """Make one attempt, waiting for a free place, and return how it ended."""
        replica = self.replica(target.server_id)
        if replica.breaker.retry_after_s > 0:
            return _refused(target, replica)
        if replica.bulkhead.full:
            return unavailable(target.server_id, target.definition.name, f"{target.server} has too many calls waiting")
        if not (replica.bulkhead.try_enter() or await self._place(replica, call)):
            return _late(target)
        try:
            permit = replica.breaker.permit()
            if permit is None:
                return _refused(target, replica)
            return await self._permitted(target, replica, permit, call)
        finally:
            replica.bulkhead.leave()

    async def _place(self, replica: Replica, call: Call) -> bool:
        """Wait for a free place, at most to the deadline; return whether there is one."""
        seconds = None if call.deadline is None else max(0.0, call.deadline - self._clock.monotonic())
        try:
            async with asyncio.timeout(seconds):
                await replica.bulkhead.enter()
        except TimeoutError:
            return False
        return True

    async def _permitted(self, target: RegisteredTool, replica: Replica, permit: Permit, call: Call) -> ToolOutcome:
        """Call on the wire, and tell the breaker what that says about the server."""
        try:
            session = target_session = self._manager.server(target.server_id).session
            if session is None or not session.alive:
                target_session = await self._session(target, call)
            seconds = call.timeout_s
            if call.deadline is not None:
                seconds = min(seconds, call.deadline - self._clock.monotonic())
            problem = _unfit(target, target_session, seconds)
            if problem is not None or target_session is None:
                replica.breaker.release(permit)
                return problem or _late(target)
            exchange = await target_session.call_tool(target.definition.name, call.arguments, timeout_s=seconds)
        except ValueError as error:
            replica.breaker.release(permit)
            return unsendable(target, error)
        except HarnessError as problem:
            replica.breaker.release(permit)
            return unavailable(target.server_id, target.definition.name, problem.message)
        except BaseException:
            replica.breaker.release(permit)
            raise
        return self.judge(target, permit, call, exchange)

    def judge(self, target: RegisteredTool, permit: Permit, call: Call, exchange: Exchange) -> ToolOutcome:
        """Return the outcome of an exchange, and take note of what it says."""
        replica = self.replica(target.server_id)
        outcome = self._translator.translate_responses(
            exchange,
            server=target.server_id,
            tool=target.definition.name,
            duration_s=self._clock.monotonic() - call.started,
        )
        if exchange.fault is None:
            replica.breaker.record(permit, failed=False)
            replica.note(exchange.duration_s)
        elif _is_evidence(outcome, exchange, call):
            replica.breaker.record(permit, failed=True)
        else:
            replica.breaker.release(permit)
        return outcome

    async def _session(self, target: RegisteredTool, call: Call) -> ServerSession | None:
        """Wait for a server that is on its way back; None when it is not, or not in time."""
        seconds = self._policy.reconnect_s
        if call.deadline is not None:
            seconds = min(seconds, call.deadline - self._clock.monotonic())
        server = self._manager.server(target.server_id)
        return server.session if await self._manager.wait_until_ready(server, timeout_s=seconds) else None


def unsendable(target: RegisteredTool, error: ValueError) -> ToolOutcome:
    """Return the outcome of a call whose arguments have no JSON form."""
    text = f"the arguments cannot be sent as JSON: {error}"
    return unsent(OutcomeKind.PROTOCOL_ERROR, target.server_id, target.definition.name, text)


def _unfit(target: RegisteredTool, session: ServerSession | None, seconds: float) -> ToolOutcome | None:
    """Return the outcome of a call that cannot be sent for want of a connection or of time, or None."""
    if session is None:
        return unavailable(target.server_id, target.definition.name, f"{target.server} is not connected")
    return _late(target) if seconds <= 0 else None


def _is_evidence(outcome: ToolOutcome, exchange: Exchange, call: Call) -> bool:
    """Return whether a fault says something about the server's health.

    A polite refusal over HTTP does not, nor does a wait that the caller's own deadline cut short.
    """
    if outcome.retry_after_s is not None:
        return False
    cut_short = outcome.kind is OutcomeKind.TIMEOUT and exchange.duration_s < 0.9 * call.timeout_s
    return not (cut_short and call.deadline is not None)


def _refused(target: RegisteredTool, replica: Replica) -> ToolOutcome:
    """Return the outcome of a call that the breaker kept back."""
    text = f"the circuit breaker of {target.server} is open"
    wait = replica.breaker.retry_after_s
    return unavailable(target.server_id, target.definition.name, f"{text} for {wait:.1f} s" if wait else text)


def _late(target: RegisteredTool) -> ToolOutcome:
    """Return the outcome of a call whose deadline passed before it was sent."""
    return unsent(OutcomeKind.TIMEOUT, target.server_id, target.definition.name, "the deadline has passed")
