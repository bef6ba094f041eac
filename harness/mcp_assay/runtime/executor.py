"""Calls tools wherever they live, within bounds that hold for every server."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mcp_assay.core.clock import Clock, SystemClock
from mcp_assay.core.errors import UsageError
from mcp_assay.runtime.attempts import Attempts, unsendable
from mcp_assay.runtime.backoff import RetryBudget
from mcp_assay.runtime.express import ExpressWay
from mcp_assay.runtime.hedging import hedged
from mcp_assay.runtime.metrics import ExecutorMetrics
from mcp_assay.runtime.outcome import ToolOutcome, unavailable
from mcp_assay.runtime.policy import Call, ExecutionPolicy
from mcp_assay.runtime.routing import Router, is_safe_to_repeat
from mcp_assay.runtime.telemetry import Telemetry, process_telemetry
from mcp_assay.runtime.workflow.engine import ServerCoordinationEngine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from mcp_assay.core.json_types import Json
    from mcp_assay.runtime.breaker import CircuitBreaker
    from mcp_assay.runtime.manager import MCPClientManager
    from mcp_assay.runtime.registry import DynamicToolRegistry, RegisteredTool
    from mcp_assay.runtime.workflow.results import WorkflowReport
    from mcp_assay.runtime.workflow.values import Plan

__all__ = ["ExecutionPolicy", "MultiServerExecutor"]


class MultiServerExecutor:
    """Routes calls to servers; every outcome is a value.

    Args:
        manager: Owns the connections.
        registry: Knows which server has which tool.
        policy: Bounds.
        replicas: Names of the manager's servers by the group name that stands for them: ``group.tool`` goes to any of
            them. One that the manager does not have is a `UsageError`.
        clock: Source of time for breakers and deadlines.
        sleep: Waits between attempts.
        telemetry: Reports calls.
    """

    def __init__(
        self,
        manager: MCPClientManager,
        registry: DynamicToolRegistry,
        *,
        policy: ExecutionPolicy | None = None,
        replicas: Mapping[str, Sequence[str]] | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._manager = manager
        self._policy = policy or ExecutionPolicy()
        self._clock = clock or SystemClock()
        self._sleep = sleep or asyncio.sleep
        self._attempts = Attempts(manager, self._policy, self._clock)
        self._router = Router(registry, _known_groups(replicas or {}, manager), self._attempts.replica)
        self._budget = RetryBudget()
        self._telemetry = telemetry or process_telemetry()
        self._now = self._clock.monotonic
        self._express: dict[str, ExpressWay] = {}
        self._unwatched_until = -math.inf
        self.registry = registry
        self.metrics = ExecutorMetrics()

    def breaker(self, server: str) -> CircuitBreaker:
        """Return a server's circuit breaker, by server id or unique name."""
        return self._attempts.replica(self._manager.server(server).id).breaker

    async def route_tool_call(
        self,
        tool: str,
        arguments: Mapping[str, Json] | None = None,
        *,
        timeout_s: float | None = None,
        deadline: float | None = None,
        retry: bool = True,
    ) -> ToolOutcome:
        """Call a tool by qualified name, unique bare name, or replica group, and return how it ended.

        A call is repeated only when its tool is read-only or idempotent by its annotations, or when nothing was sent or
        done; repeats go to another replica where there is one, wait with full jitter and are bounded by a budget.

        Args:
            tool: ``server.tool``, ``tool`` or ``group.tool``.
            arguments: Its arguments, sent as they are.
            timeout_s: Seconds per attempt, by default the policy's.
            deadline: Moment on the executor's clock after which nothing is tried any more.
            retry: Whether a failed call may be repeated at all; a caller with retries of its own says no.
        """
        started = self._now()
        way = self._express.get(tool)
        if way is None or deadline is not None or started >= self._unwatched_until:
            return await self._looked_up(tool, arguments, timeout_s, deadline, retry=retry)
        entered = way.enter() if way.version == self.registry.version else None
        if entered is None:
            return await self._looked_up(tool, arguments, timeout_s, deadline, retry=retry)
        permit, session = entered
        self._budget.first_tries += 1
        seconds = self._policy.timeout_s if timeout_s is None else timeout_s
        try:
            exchange = await way.ask(session, arguments, seconds)
        except ValueError as problem:
            return self._counted(unsendable(way.target, problem))
        finally:
            way.bulkhead.leave()
        outcome = way.outcome(exchange, permit, started, self._now())
        if outcome is not None:
            return outcome
        call = self._call(arguments, timeout_s, None, started, retry=retry)
        first = self._attempts.judge(way.target, permit, call, exchange)
        return self._counted(await self._tried([way.target], call, first))

    async def _looked_up(
        self,
        tool: str,
        arguments: Mapping[str, Json] | None,
        timeout_s: float | None,
        deadline: float | None,
        *,
        retry: bool,
    ) -> ToolOutcome:
        """Call a tool the long way, and note when the next call may take the short one."""
        try:
            candidates = self._router.candidates(tool)
        except UsageError as problem:
            return unavailable("", tool, problem.message)
        call = self._call(arguments, timeout_s, deadline, self._now(), retry=retry)
        if self._router.is_fixed(tool):
            self._express[tool] = self._way(candidates[0])
        return await self._route(candidates, call)

    def _way(self, target: RegisteredTool) -> ExpressWay:
        server = self._manager.server(target.server_id)
        metrics = self.metrics.tool(target.server_id, target.definition.name)
        return ExpressWay(target, server, self._attempts.replica(server.id), metrics, self.registry.version)

    async def route_by_capability(
        self,
        words: str,
        arguments: Mapping[str, Json] | None = None,
        *,
        timeout_s: float | None = None,
        deadline: float | None = None,
    ) -> ToolOutcome:
        """Call the tool that fits some words best among those that take just these arguments.

        Args:
            words: What it should do, for example ``"read text file"``.
            arguments: Its arguments; tools that do not know one of them, or need others, are not considered.
            timeout_s: Seconds per attempt, by default the policy's.
            deadline: Moment on the executor's clock after which nothing is tried any more.
        """
        try:
            best = self._router.capable(words, arguments or {})
        except UsageError as problem:
            return unavailable("", words, problem.message)
        return await self._route([best], self._call(arguments, timeout_s, deadline, self._now(), retry=True))

    async def execute_cross_server_workflow(
        self, plan: Plan, inputs: Mapping[str, Json] | None = None, *, trace: Path | None = None
    ) -> WorkflowReport:
        """Run a plan and return what came of it; see `ServerCoordinationEngine.run`, which has more choices.

        Raises:
            WorkflowError: An input is missing, unknown or of the wrong shape.
            UsageError: The trace is that of another run.
        """
        engine = ServerCoordinationEngine(self, clock=self._clock, sleep=self._sleep, telemetry=self._telemetry)
        return await engine.run(plan, inputs, trace=trace)

    async def handle_server_failures(self) -> Mapping[str, bool]:
        """Start every server again that was reached once and is down; return by id whether it is back."""
        down = [server for server in self._manager.servers if server.launch is not None and not server.connected]
        await asyncio.gather(*(self._manager.connect_to_server(server.id) for server in down))
        return {server.id: server.connected for server in down}

    def _call(
        self,
        arguments: Mapping[str, Json] | None,
        timeout_s: float | None,
        deadline: float | None,
        started: float,
        *,
        retry: bool,
    ) -> Call:
        seconds = self._policy.timeout_s if timeout_s is None else timeout_s
        tries = self._policy.backoff.attempts if retry else 1
        return Call(dict(arguments or {}), seconds, started, deadline, tries)

    async def _route(self, candidates: Sequence[RegisteredTool], call: Call) -> ToolOutcome:
        """Call one of the candidates, and count and report how that ended."""
        self._budget.first_tries += 1
        watched, self._unwatched_until = self._telemetry.look(call.started)
        if watched:
            with self._telemetry.call(candidates[0].definition.name) as span:
                outcome = await self._tried(candidates, call)
                self._telemetry.ended(span, outcome)
        else:
            outcome = await self._tried(candidates, call)
        return self._counted(outcome)

    def _counted(self, outcome: ToolOutcome) -> ToolOutcome:
        self.metrics.add(outcome)
        return outcome

    async def _tried(
        self, candidates: Sequence[RegisteredTool], call: Call, first: ToolOutcome | None = None
    ) -> ToolOutcome:
        """Try until there is an answer or no reason to try again; ``first`` is what the first attempt has come to."""
        attempts, tries, tried = 0, 0, set[str]()
        make = self._attempts.make if self._policy.hedge_after_s is None else partial(self._hedged, candidates)
        while True:
            target = candidates[0] if len(candidates) == 1 else self._router.choose(candidates, avoid=tried)
            outcome = await make(target, call) if tries or first is None else first
            if not tries and outcome.exchange is not None and not outcome.kind.is_transport_fault:
                return outcome
            attempts, tries = attempts + outcome.attempts, tries + 1
            tried.add(target.server_id)
            delay = self._delay(target, outcome, call.tries - tries, elsewhere=len(tried) < len(candidates))
            if delay is None or not await self._pause(delay, call):
                return replace(outcome, attempts=attempts, duration_s=self._clock.monotonic() - call.started)

    def _delay(self, target: RegisteredTool, outcome: ToolOutcome, left: int, *, elsewhere: bool) -> float | None:
        """Return the seconds to wait before trying again, or None when that is not to be done."""
        if not outcome.kind.is_transport_fault:
            return None
        if outcome.exchange is None:
            return 0.0 if elsewhere else None
        asked = outcome.retry_after_s
        if left <= 0 or (asked is None and not is_safe_to_repeat(target.definition)) or not self._budget.spend():
            return None
        backoff = self._policy.backoff
        return 0.0 if elsewhere else max(asked or 0.0, backoff.delay_s(backoff.attempts - left))

    async def _pause(self, delay: float, call: Call) -> bool:
        """Wait before the next attempt; return False when the deadline leaves no time for it."""
        if call.deadline is not None and self._clock.monotonic() + delay >= call.deadline:
            return False
        if delay:
            await self._sleep(delay)
        return True

    async def _hedged(self, candidates: Sequence[RegisteredTool], target: RegisteredTool, call: Call) -> ToolOutcome:
        """Make one attempt, and one at a second replica as well when it is slow."""
        after = self._policy.hedge_after_s
        if after is None or len(candidates) == 1 or not is_safe_to_repeat(target.definition):
            return await self._attempts.make(target, call)
        second = self._router.choose(candidates, avoid={target.server_id})
        if second.server_id == target.server_id:
            return await self._attempts.make(target, call)
        make = self._attempts.make
        return await hedged(partial(make, target, call), partial(make, second, call), after_s=after)


def _known_groups(groups: Mapping[str, Sequence[str]], manager: MCPClientManager) -> Mapping[str, Sequence[str]]:
    """Return groups of replicas whose servers are all there.

    Raises:
        UsageError: One names a server that the manager does not have: it would silently never be asked.
    """
    known = {name for server in manager.servers for name in (server.id, server.spec.name)}
    for group, names in groups.items():
        for name in names:
            if name not in known:
                servers = ", ".join(server.spec.name for server in manager.servers)
                raise UsageError(f"the group {group!r} names {name!r}, which is no server", hint=f"known: {servers}")
    return groups
