"""Making the calls of a run, and writing each down before and after."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.outcome import OutcomeKind
from mcp_assay.runtime.routing import is_safe_to_repeat
from mcp_assay.runtime.translator import ToolCallTranslator
from mcp_assay.runtime.workflow.references import ReferenceProblemError, filled_object
from mcp_assay.runtime.workflow.results import CallResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.outcome import ToolOutcome
    from mcp_assay.runtime.registry import DynamicToolRegistry
    from mcp_assay.runtime.telemetry import Telemetry
    from mcp_assay.runtime.workflow.trace import Trace
    from mcp_assay.runtime.workflow.values import Action, Step

IN_DOUBT = CallResult(
    kind=OutcomeKind.UNAVAILABLE,
    server="",
    tool="",
    error="it is not known whether the call was made: the run ended while it was under way",
    attempts=1,
)


class Executor(Protocol):
    """What a run needs of `MultiServerExecutor`."""

    @property
    def registry(self) -> DynamicToolRegistry:
        """Which server has which tool."""
        ...

    async def route_tool_call(
        self,
        tool: str,
        arguments: Mapping[str, Json] | None = None,
        *,
        timeout_s: float | None = None,
        deadline: float | None = None,
        retry: bool = True,
    ) -> ToolOutcome:
        """Call a tool and return how it ended."""
        ...


@dataclass(slots=True, kw_only=True)
class Caller:
    """Makes calls.

    Attributes:
        executor: Routes them.
        trace: Where they are written down.
        telemetry: Where they are reported.
        slots: Bounds the calls a run makes at the same time, by server id or name.
        repeat_in_doubt: Whether a call that was under way when a run ended is made again although its tool does not say
            that this is safe.
        sleep: Waits between tries.
        deadline: Moment on the executor's clock after which no step begins or waits for a call, or None.
    """

    executor: Executor
    trace: Trace
    telemetry: Telemetry
    slots: Mapping[str, asyncio.Semaphore] = field(default_factory=dict[str, asyncio.Semaphore])
    repeat_in_doubt: bool = False
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    deadline: float | None = None
    _translator: ToolCallTranslator = field(default_factory=ToolCallTranslator, init=False)

    def may_repeat(self, step: Step) -> bool:
        """Return whether the calls of a step may be made again although they may have been made before."""
        tool = self.executor.registry.get(step.action.tool)
        return (
            self.repeat_in_doubt or step.retry is not None or (tool is not None and is_safe_to_repeat(tool.definition))
        )

    async def call(self, step: Step, action: Action, index: int | None, scope: Mapping[str, Json]) -> CallResult:
        """Do one action of a step, as often as its ``retry`` says, and return how it ended."""
        try:
            arguments = self._arguments(action, scope)
        except ReferenceProblemError as problem:
            return CallResult.never_made(action.tool, problem.message)
        retry, tries = step.retry, 0
        while True:
            tries += 1
            self.trace.write("call", step=step.id, index=index, tool=action.tool, arguments=arguments)
            result = await self._routed(
                action.tool, arguments, step.timeout_s, deadline=self.deadline, retry=retry is None
            )
            self.trace.write("answer", step=step.id, index=index, result=result.to_json())
            if retry is None or result.kind not in retry.on or tries >= retry.attempts:
                return result
            await self.sleep(Backoff(base_s=retry.base_s, cap_s=retry.cap_s).delay_s(tries))

    async def undo(self, step: Step, index: int | None, scope: Mapping[str, Json]) -> CallResult:
        """Undo one call of a step and return how that ended."""
        action = step.compensate or step.action
        try:
            arguments = self._arguments(action, scope)
        except ReferenceProblemError as problem:
            return CallResult.never_made(action.tool, problem.message)
        result = await self._routed(action.tool, arguments, step.timeout_s, deadline=None, retry=True)
        if result.ok:
            self.trace.write("undone", step=step.id, index=index, result=result.to_json())
        return result

    def _arguments(self, action: Action, scope: Mapping[str, Json]) -> JsonObject:
        """Return the arguments with their references replaced, fitted to the tool's schema where that loses nothing.

        Raises:
            ReferenceProblemError: A reference has no value.
        """
        arguments = filled_object(action.arguments, scope)
        tool = self.executor.registry.get(action.tool)
        if tool is None:
            return arguments
        return self._translator.normalize_parameters(tool.definition, arguments).arguments

    async def _routed(
        self, tool: str, arguments: JsonObject, timeout_s: float | None, *, deadline: float | None, retry: bool
    ) -> CallResult:
        """Make a call within the limit of its server."""
        found = self.executor.registry.get(tool)
        slots = None
        if found is not None and self.slots:
            slots = self.slots.get(found.server_id) or self.slots.get(found.server)
        async with slots or nullcontext():
            return CallResult.of(
                await self.executor.route_tool_call(
                    tool, arguments, timeout_s=timeout_s, deadline=deadline, retry=retry
                )
            )
