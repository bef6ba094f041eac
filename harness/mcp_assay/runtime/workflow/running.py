"""One run of a plan."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from mcp_assay.runtime.workflow.calling import IN_DOUBT, Caller
from mcp_assay.runtime.workflow.references import ReferenceProblemError, expression
from mcp_assay.runtime.workflow.results import CallResult, Compensation, StepResult, StepStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.workflow.trace import Past
    from mcp_assay.runtime.workflow.values import Plan, Step

MOST_ITEMS = 10_000
"""Items of one ``foreach``; the list may come from a server."""


@dataclass(slots=True, kw_only=True)
class Run:
    """The state of one run.

    Attributes:
        plan: What is run.
        inputs: With what.
        caller: Makes the calls and writes the trace.
        keep_going: Whether a failure leaves steps alone that do not need the failed one.
        past: What is known from before a crash.
        tell: Takes each step's result as it comes.
        now: Tells the time, in seconds.
        began: When the run began.
        results: Results so far, in the order in which the steps ended.
    """

    plan: Plan
    inputs: JsonObject
    caller: Caller
    keep_going: bool = False
    past: Past | None = None
    now: Callable[[], float]
    began: float
    tell: Callable[[StepResult], None] = lambda _: None
    results: dict[str, StepResult] = field(default_factory=dict[str, StepResult])
    _scopes: dict[str, Json] = field(default_factory=dict[str, "Json"], init=False)

    @property
    def failed(self) -> StepResult | None:
        """The first step that failed and was not optional."""
        for result in self.results.values():
            if result.status is StepStatus.FAILED and not self.plan.step(result.id).optional:
                return result
        return None

    def scope(self) -> dict[str, Json]:
        """Return what references see."""
        return {"inputs": self.inputs, "steps": self._scopes}

    async def steps(self) -> None:
        """Run all steps, each as soon as what it needs is done; on cancellation none is left running."""
        sorter = TopologicalSorter(self.plan.dependencies)
        sorter.prepare()
        running: dict[asyncio.Task[StepResult], str] = {}
        try:
            while sorter.is_active():
                for name in sorter.get_ready():
                    known = self._known(name)
                    if known is None:
                        running[asyncio.ensure_future(self._step(self.plan.step(name)))] = name
                    else:
                        self._take(known)
                        sorter.done(name)
                if running:
                    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        self._take(task.result())
                        sorter.done(running.pop(task))
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def compensate(self) -> tuple[Compensation, ...]:
        """Undo what was done, the last first, and return how that went; one failure does not stop the others."""
        undone: list[Compensation] = []
        for result in reversed(tuple(self.results.values())):
            step = self.plan.step(result.id)
            if step.compensate is None:
                continue
            items = self._items_of(step) if result.each else None
            for index, call in reversed(tuple(enumerate(result.calls))):
                place = index if result.each else None
                done_before = self.past is not None and (step.id, place) in self.past.compensated
                if not call.may_have_acted or done_before:
                    continue
                scope = self._scope_of_item(step, call, index, items)
                undone.append(Compensation(step=step.id, index=place, call=await self._undo(step, place, scope)))
        return tuple(undone)

    def _known(self, name: str) -> StepResult | None:
        """Return the result of a step that need not or cannot run, or None."""
        before = None if self.past is None else self.past.steps.get(name)
        if before is not None and before.status is not StepStatus.BLOCKED:
            return before
        if self.failed is not None and not self.keep_going:
            return StepResult(id=name, status=StepStatus.BLOCKED, error=f"step {self.failed.id!r} failed")
        for needed in sorted(self.plan.dependencies[name]):
            result, step = self.results[needed], self.plan.step(name)
            if result.status.lets_others_run or step.when is not None or self.plan.step(needed).optional:
                continue
            status = StepStatus.SKIPPED if result.status is StepStatus.SKIPPED else StepStatus.BLOCKED
            return StepResult(id=name, status=status, error=f"step {needed!r} was {result.status.value}")
        return None

    def _take(self, result: StepResult) -> None:
        """Take a step's result."""
        self.results[result.id] = result
        self._scopes[result.id] = result.scope()
        if self.past is None or self.past.steps.get(result.id) != result:
            self.caller.trace.write("step", step=result.id, result=result.to_json())
        self.tell(result)

    async def _step(self, step: Step) -> StepResult:
        """Run one step and return what became of it, and when it began."""
        started_s = self.now() - self.began
        return replace(await self._result(step), started_s=started_s)

    async def _result(self, step: Step) -> StepResult:
        """Run one step and return what became of it."""
        with self.caller.telemetry.span(f"step {step.id}", {"mcp_assay.workflow": self.plan.name}) as span:
            try:
                if step.when is not None and not expression(step.when).value(self.scope()):
                    return StepResult(id=step.id, status=StepStatus.SKIPPED, error=f"when {step.when} is not so")
                calls = await self._each(step) if step.foreach is not None else await self._one(step)
            except ReferenceProblemError as problem:
                result = StepResult(id=step.id, status=StepStatus.FAILED, error=problem.message)
            else:
                result = _judged(step, calls)
            if result.status is StepStatus.FAILED:
                self.caller.telemetry.failed(span, "failed")
            return result

    async def _one(self, step: Step) -> tuple[CallResult, ...]:
        return (await self._item(step, None, self.scope()),)

    async def _each(self, step: Step) -> tuple[CallResult, ...]:
        """Run a step for every item, a bounded number at a time; results stand in the order of the items.

        Raises:
            ReferenceProblemError: There is no list, or one that is too long.
        """
        items, places = self._items_of(step), asyncio.Semaphore(step.parallel)

        async def one(index: int, item: Json) -> CallResult:
            async with places:
                return await self._item(step, index, {**scope, "item": item, "index": index})

        scope = self.scope()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(index, item)) for index, item in enumerate(items)]
        return tuple(task.result() for task in tasks)

    def _items_of(self, step: Step) -> list[Json]:
        """Return the items of a ``foreach``.

        Raises:
            ReferenceProblemError: There is no list, or one that is too long.
        """
        items = expression(step.foreach or "").value(self.scope())
        if not isinstance(items, list):
            raise ReferenceProblemError(f"foreach {step.foreach} is no list")
        if len(items) > MOST_ITEMS:
            raise ReferenceProblemError(f"foreach {step.foreach} has {len(items):,} items, more than {MOST_ITEMS:,}")
        return items

    async def _item(self, step: Step, index: int | None, scope: dict[str, Json]) -> CallResult:
        """Run a step for one item, with what is done instead if need be, unless it is known from before a crash."""
        place = (step.id, index)
        if self.past is not None and place in self.past.calls:
            return self.past.calls[place]
        if self.past is not None and place in self.past.in_doubt and not self.caller.may_repeat(step):
            return IN_DOUBT
        result = CallResult.never_made(step.action.tool, "nothing was done")
        for action in step.actions:
            result = await self.caller.call(step, action, index, scope)
            if result.ok:
                break
        return result

    def _scope_of_item(self, step: Step, call: CallResult, index: int, items: list[Json] | None) -> dict[str, Json]:
        """Return what references see while one item is undone: the step's own result is that of the item."""
        scope = self.scope()
        if items is None:
            return scope
        own: dict[str, Json] = {**call.scope(), "items": []}
        return {**scope, "steps": {**self._scopes, step.id: own}, "item": items[index], "index": index}

    async def _undo(self, step: Step, index: int | None, scope: dict[str, Json]) -> CallResult:
        with self.caller.telemetry.span(f"undo {step.id}", {"mcp_assay.workflow": self.plan.name}):
            return await self.caller.undo(step, index, scope)


def _judged(step: Step, calls: tuple[CallResult, ...]) -> StepResult:
    """Return the result of a step whose calls were made."""
    bad = next(_failures(step, calls), None)
    status = StepStatus.SUCCEEDED if bad is None else StepStatus.FAILED
    return StepResult(id=step.id, status=status, calls=calls, each=step.foreach is not None, error=bad)


def _failures(step: Step, calls: tuple[CallResult, ...]) -> Iterator[str]:
    """Yield why calls of a step have no good result."""
    for index, call in enumerate(calls):
        if not call.ok:
            where = f"item {index}: " if step.foreach is not None else ""
            yield f"{where}{call.tool or step.action.tool}: {call.error or call.kind.value}"
