"""Running plans."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema_rs

from mcp_assay.core.clock import Clock, SystemClock
from mcp_assay.core.errors import UsageError
from mcp_assay.runtime.feed import Feed
from mcp_assay.runtime.telemetry import Telemetry, process_telemetry
from mcp_assay.runtime.workflow.calling import Caller
from mcp_assay.runtime.workflow.references import ReferenceProblemError, expression
from mcp_assay.runtime.workflow.results import StepResult, WorkflowReport
from mcp_assay.runtime.workflow.running import Run
from mcp_assay.runtime.workflow.trace import Past, Trace, read_trace
from mcp_assay.runtime.workflow.values import Action, Plan, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.manager import MCPClientManager
    from mcp_assay.runtime.outcome import ToolOutcome
    from mcp_assay.runtime.workflow.calling import Executor
    from mcp_assay.runtime.workflow.results import Compensation


class ServerCoordinationEngine:
    """Runs plans: every step as soon as what it needs is done.

    When a step fails no further one is started, those under way end, and what was done is undone in reverse order. On
    cancellation calls under way are given up and nothing is undone; the trace tells how far the run came.

    Args:
        executor: Makes the calls, with its timeouts, retries and breakers.
        limits: Calls that may be under way at the same time, by server id or name; on top of the executor's own.
        keep_going: Whether steps that do not need a failed one still run; then nothing is undone.
        clock: Source of time.
        sleep: Waits between tries.
        telemetry: Reports steps.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        limits: Mapping[str, int] | None = None,
        keep_going: bool = False,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._executor = executor
        self._limits = dict(limits or {})
        self._keep_going = keep_going
        self._clock = clock or SystemClock()
        self._sleep = sleep or asyncio.sleep
        self._telemetry = telemetry or process_telemetry()
        self.steps = Feed[StepResult]()
        """Every step's result as it comes; use `Feed.listen` or `Feed.subscribe`."""

    async def run(
        self,
        plan: Plan,
        inputs: Mapping[str, Json] | None = None,
        *,
        trace: Path | None = None,
        durable: bool = False,
        timeout_s: float | None = None,
    ) -> WorkflowReport:
        """Run a plan and return what came of it; what servers do is never raised.

        Args:
            plan: The plan.
            inputs: Its inputs.
            timeout_s: Seconds for all steps together: no call is begun or waited for after that, so that what is left
                fails as a timeout. Undoing what was done takes the time it needs.
            trace: A file that does not exist yet, for the trace; see `resume`.
            durable: Whether the trace is forced to the disk line by line.

        Raises:
            WorkflowError: An input is missing, unknown or of the wrong shape.
            UsageError: The trace is that of another run.
        """
        given = _checked_inputs(plan, inputs or {})
        if trace is not None and _holds_something(trace):
            raise UsageError(f"{trace} holds a run already", hint="resume it, or name another file")
        return await self._run(plan, given, trace, None, durable=durable, timeout_s=timeout_s)

    async def resume(
        self, plan: Plan, trace: Path, *, repeat_in_doubt: bool = False, durable: bool = False
    ) -> WorkflowReport:
        """Go on with a run that ended early, and return what came of it in all.

        Results in the trace are taken as they are and their calls not made again. A call that was under way when the
        run ended is made again when its tool is read-only or idempotent by its annotations or its step has a ``retry``;
        otherwise its step has failed, and what undoes it is done.

        Args:
            plan: The same plan.
            trace: The trace, which is continued.
            repeat_in_doubt: Whether calls that were under way are made again in any case.
            durable: Whether the trace is forced to the disk line by line.

        Raises:
            UsageError: The trace cannot be read, or is that of another plan.
        """
        past = read_trace(trace)
        if past.digest != plan.digest:
            raise UsageError(f"{trace} is the trace of another plan", hint="build the plan as it was")
        return await self._run(plan, past.inputs, trace, past, durable=durable, repeat_in_doubt=repeat_in_doubt)

    async def parallel_server_execution(self, actions: Iterable[Action]) -> tuple[ToolOutcome, ...]:
        """Make independent calls side by side within the limits, and return their outcomes in the same order."""
        slots = self._slots()

        async def one(action: Action) -> ToolOutcome:
            tool = self._executor.registry.get(action.tool)
            slot = None if tool is None else slots.get(tool.server_id) or slots.get(tool.server)
            if slot is None:
                return await self._executor.route_tool_call(action.tool, action.arguments)
            async with slot:
                return await self._executor.route_tool_call(action.tool, action.arguments)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(action)) for action in actions]
        return tuple(task.result() for task in tasks)

    async def handle_server_dependencies(self, plan: Plan, manager: MCPClientManager) -> Mapping[str, bool]:
        """Connect to every server that a plan calls and that is down; return by server id whether it is there."""
        names = {action.tool for step in plan.steps for action in step.actions}
        names |= {step.compensate.tool for step in plan.steps if step.compensate is not None}
        ids = {server.id for server in manager.servers if any(name.startswith(f"{server.id}.") for name in names)}
        servers = await asyncio.gather(*(manager.connect_to_server(server_id) for server_id in sorted(ids)))
        return {server.id: server.connected for server in servers}

    async def _run(
        self,
        plan: Plan,
        inputs: JsonObject,
        path: Path | None,
        past: Past | None,
        *,
        durable: bool,
        repeat_in_doubt: bool = False,
        timeout_s: float | None = None,
    ) -> WorkflowReport:
        started = self._clock.monotonic()
        run_id = uuid.uuid4().hex if past is None else past.run
        with (
            Trace(path, self._clock, durable=durable) as trace,
            self._telemetry.span(f"workflow {plan.name}", {"mcp_assay.run": run_id}) as span,
        ):
            trace.write("run", run=run_id, plan=plan.digest, workflow=plan.name, inputs=inputs)
            caller = Caller(
                executor=self._executor,
                trace=trace,
                telemetry=self._telemetry,
                slots=self._slots(),
                repeat_in_doubt=repeat_in_doubt,
                sleep=self._sleep,
                deadline=None if timeout_s is None else started + timeout_s,
            )
            run = Run(
                plan=plan,
                inputs=inputs,
                caller=caller,
                keep_going=self._keep_going,
                past=past,
                tell=self.steps.publish,
                now=self._clock.monotonic,
                began=started,
            )
            await run.steps()
            undone = await run.compensate() if run.failed is not None and not self._keep_going else ()
            report = _report(run, run_id, undone, self._clock.monotonic() - started)
            trace.write("end", ok=report.ok, problem=report.problem)
            if not report.ok:
                self._telemetry.failed(span, "failed")
            return report if trace.problem is None else replace(report, trace_problem=trace.problem)

    def _slots(self) -> Mapping[str, asyncio.Semaphore]:
        return {server: asyncio.Semaphore(most) for server, most in self._limits.items()}


def _holds_something(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _report(run: Run, run_id: str, undone: tuple[Compensation, ...], seconds: float) -> WorkflowReport:
    """Return what came of a run."""
    problem, outputs = None, dict[str, "Json"]()
    if run.failed is not None:
        problem = f"step {run.failed.id!r} failed: {run.failed.error}"
    else:
        try:
            outputs = {name: expression(text).value(run.scope()) for name, text in run.plan.outputs.items()}
        except ReferenceProblemError as found:
            problem = found.message
    return WorkflowReport(
        run=run_id,
        workflow=run.plan.name,
        ok=problem is None,
        steps=dict(run.results),
        compensations=undone,
        outputs=outputs,
        problem=problem,
        duration_s=seconds,
    )


def _checked_inputs(plan: Plan, given: Mapping[str, Json]) -> JsonObject:
    """Return the inputs with their defaults.

    Raises:
        WorkflowError: One is missing, unknown or of the wrong shape.
    """
    problems = [f"there is no input {name!r}" for name in given if name not in plan.inputs]
    found: JsonObject = dict(given)
    for name, schema in plan.inputs.items():
        if name not in found and "default" in schema:
            found[name] = schema["default"]
        if name not in found:
            problems.append(f"input {name!r} is missing")
            continue
        try:
            jsonschema_rs.validator_for(schema).validate(found[name])
        except (jsonschema_rs.ValidationError, ValueError) as problem:
            problems.append(f"input {name!r}: {getattr(problem, 'message', problem)}")
    if problems:
        raise WorkflowError(plan.name, tuple(problems))
    return found
