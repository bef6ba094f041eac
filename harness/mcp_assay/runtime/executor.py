"""Calls tools wherever they live, within bounds that hold for every server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mcp_assay.core.clock import Clock, SystemClock
from mcp_assay.core.errors import UsageError
from mcp_assay.runtime.backoff import Backoff, RetryBudget
from mcp_assay.runtime.breaker import BreakerPolicy, CircuitBreaker
from mcp_assay.runtime.metrics import ExecutorMetrics
from mcp_assay.runtime.outcome import OutcomeKind, ToolOutcome, unavailable
from mcp_assay.runtime.routing import Replica, Router, is_safe_to_repeat
from mcp_assay.runtime.translator import ToolCallTranslator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.manager import MCPClientManager
    from mcp_assay.runtime.registry import DynamicToolRegistry, RegisteredTool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPolicy:
    """Bounds of the executor.

    Attributes:
        timeout_s: Seconds one attempt may take.
        concurrency: Calls in flight per server; more wait.
        queue: Calls that may wait per server; more are refused at once.
        backoff: Waits between attempts of a call that is safe to repeat.
        breaker: When a server's breaker opens and closes.
        hedge_after_s: Seconds after which a second replica is asked as well, for tools that are safe to repeat; None
            to ask one at a time.
    """

    timeout_s: float = 30.0
    concurrency: int = 32
    queue: int = 1_000
    backoff: Backoff = field(default_factory=Backoff)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    hedge_after_s: float | None = None


class MultiServerExecutor:
    """Routes calls to servers; every outcome is a value.

    Args:
        manager: Owns the connections.
        registry: Knows which server has which tool.
        policy: Bounds.
        replicas: Server names by the group name that stands for them: ``group.tool`` goes to any of them.
        clock: Source of time for breakers and deadlines.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        manager: MCPClientManager,
        registry: DynamicToolRegistry,
        *,
        policy: ExecutionPolicy | None = None,
        replicas: Mapping[str, Sequence[str]] | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], asyncio.Future[None]] | None = None,
    ) -> None:
        self._manager = manager
        self._policy = policy or ExecutionPolicy()
        self._clock = clock or SystemClock()
        self._sleep = sleep or asyncio.sleep
        self._router = Router(registry, replicas or {}, self._replica)
        self._replicas: dict[str, Replica] = {}
        self._budget = RetryBudget()
        self._translator = ToolCallTranslator()
        self.metrics = ExecutorMetrics()

    def breaker(self, server: str) -> CircuitBreaker:
        """Return a server's circuit breaker, by server id or unique name."""
        return self._replica(self._manager.server(server).id).breaker

    async def route_tool_call(
        self,
        tool: str,
        arguments: Mapping[str, Json] | None = None,
        *,
        timeout_s: float | None = None,
        deadline: float | None = None,
    ) -> ToolOutcome:
        """Call a tool by qualified name, unique bare name, or replica group, and return how it ended.

        A call is repeated only when its tool is read-only or idempotent by its annotations, or when nothing was sent;
        repeats go to another replica where there is one, wait with full jitter and are bounded by a budget.

        Args:
            tool: ``server.tool``, ``tool`` or ``group.tool``.
            arguments: Its arguments, sent as they are.
            timeout_s: Seconds per attempt, by default the policy's.
            deadline: Moment on the executor's clock after which nothing is tried any more.
        """
        try:
            candidates = self._router.candidates(tool)
        except UsageError as problem:
            return unavailable("", tool, problem.message)
        self._budget.earn()
        started = self._clock.monotonic()
        call = _Call(dict(arguments or {}), timeout_s or self._policy.timeout_s, deadline)
        outcome, attempts, tried = unavailable("", tool, "not tried"), 0, set[str]()
        while True:
            target = self._router.choose(candidates, avoid=tried)
            outcome = await self._hedged(target, candidates, call)
            attempts += outcome.attempts
            tried.add(target.server_id)
            if not self._may_repeat(target, outcome, attempts, len(tried) < len(candidates)):
                break
            if not await self._wait(attempts, call, rerouted=len(tried) < len(candidates)):
                break
        outcome = replace(outcome, attempts=attempts, duration_s=self._clock.monotonic() - started)
        self.metrics.add(outcome)
        return outcome

    async def handle_server_failures(self) -> Mapping[str, bool]:
        """Start every server again that was reached once and is down; return by id whether it is back."""
        down = [server for server in self._manager.servers if server.launch is not None and not server.connected]
        revived = await asyncio.gather(*(self._manager.reconnect(server) for server in down))
        return {server.id: server.connected for server in revived}

    def _replica(self, server_id: str) -> Replica:
        """Return the bookkeeping of one server."""
        if server_id not in self._replicas:
            self._replicas[server_id] = Replica(
                breaker=CircuitBreaker(self._policy.breaker, self._clock),
                slots=asyncio.Semaphore(self._policy.concurrency),
            )
        return self._replicas[server_id]

    def _may_repeat(self, target: RegisteredTool, outcome: ToolOutcome, attempts: int, elsewhere: bool) -> bool:
        """Return whether a failed call may be made again."""
        if not outcome.kind.is_transport_fault or attempts >= self._policy.backoff.attempts:
            return False
        if outcome.exchange is None:
            return elsewhere
        return is_safe_to_repeat(target.definition) and self._budget.spend()

    async def _wait(self, attempts: int, call: _Call, *, rerouted: bool) -> bool:
        """Wait before the next attempt; return False when the deadline leaves no time for it."""
        delay = 0.0 if rerouted else self._policy.backoff.delay_s(max(1, attempts))
        if call.deadline is not None and self._clock.monotonic() + delay >= call.deadline:
            return False
        if delay:
            await self._sleep(delay)
        return True

    async def _hedged(self, target: RegisteredTool, candidates: Sequence[RegisteredTool], call: _Call) -> ToolOutcome:
        """Make one attempt; when it is slow and hedging is on, ask a second replica and take the first answer."""
        hedge = self._policy.hedge_after_s
        second = next((other for other in candidates if other.server_id != target.server_id), None)
        if hedge is None or second is None or not is_safe_to_repeat(target.definition):
            return await self._attempt(target, call)
        first = asyncio.ensure_future(self._attempt(target, call))
        done, _ = await asyncio.wait({first}, timeout=hedge)
        if done:
            return first.result()
        other = asyncio.ensure_future(self._attempt(second, call))
        done, pending = await asyncio.wait({first, other}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return next(iter(done)).result()

    async def _attempt(self, target: RegisteredTool, call: _Call) -> ToolOutcome:
        """Make one attempt on one server, within its breaker and bulkhead."""
        replica, name = self._replica(target.server_id), target.definition.name
        permit = replica.breaker.permit()
        if permit is None:
            wait = replica.breaker.retry_after_s
            return unavailable(
                target.server_id, name, f"the circuit breaker of {target.server} is open for {wait:.1f} s"
            )
        if replica.outstanding >= self._policy.concurrency + self._policy.queue:
            replica.breaker.release(permit)
            return unavailable(target.server_id, name, f"{target.server} has too many calls waiting")
        replica.outstanding += 1
        try:
            async with replica.slots:
                outcome = await self._call(target, call)
        except BaseException:
            replica.breaker.release(permit)
            raise
        finally:
            replica.outstanding -= 1
        replica.breaker.record(permit, failed=outcome.kind.is_transport_fault)
        replica.note(outcome.duration_s)
        return outcome

    async def _call(self, target: RegisteredTool, call: _Call) -> ToolOutcome:
        """Make the call on the wire."""
        name = target.definition.name
        session = self._manager.server(target.server_id).session
        if session is None or not session.alive:
            return unavailable(target.server_id, name, f"{target.server} is not connected")
        seconds = call.timeout_s
        if call.deadline is not None:
            seconds = min(seconds, call.deadline - self._clock.monotonic())
        if seconds <= 0:
            return ToolOutcome(
                kind=OutcomeKind.TIMEOUT,
                server=target.server_id,
                tool=name,
                error="the deadline has passed",
                attempts=0,
            )
        exchange = await session.call_tool(name, call.arguments, timeout_s=seconds)
        return self._translator.translate_responses(exchange, server=target.server_id, tool=name)


@dataclass(frozen=True, slots=True)
class _Call:
    """What is asked for, the same in every attempt."""

    arguments: JsonObject
    timeout_s: float
    deadline: float | None
