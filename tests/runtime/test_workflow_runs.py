from __future__ import annotations

import asyncio
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from fleets import raw_spec

from mcp_assay.core.errors import UsageError
from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.executor import MultiServerExecutor
from mcp_assay.runtime.inventory import ToolDefinition
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.runtime.outcome import OutcomeKind, ToolOutcome
from mcp_assay.runtime.registry import DynamicToolRegistry, RegisteredTool
from mcp_assay.runtime.supervision import WatchPolicy
from mcp_assay.runtime.workflow.builder import CrossServerWorkflowBuilder
from mcp_assay.runtime.workflow.engine import ServerCoordinationEngine
from mcp_assay.runtime.workflow.results import StepStatus
from mcp_assay.runtime.workflow.trace import read_trace
from mcp_assay.runtime.workflow.values import Action, Retry, WorkflowError
from mcp_assay.wire.injection import Disturbance, WireFaults

pytestmark = pytest.mark.asyncio

NAMES = ("do", "undo", "list", "safe")


class Scripted:
    """An executor whose outcomes are written down by the test; it notes what was called."""

    def __init__(self, script=None):
        self.script = script or {}
        self.called = []
        self.open = self.most_open = 0
        self.gates = {}
        self.registry = DynamicToolRegistry(
            RegisteredTool(
                server=server,
                server_id=f"c::{server}",
                definition=ToolDefinition(
                    name=name, raw={"name": name, "annotations": {"readOnlyHint": name in {"safe", "list"}}}
                ),
            )
            for server in ("a", "b")
            for name in NAMES
        )

    async def route_tool_call(self, tool, arguments=None, *, timeout_s=None, deadline=None, retry=True):
        bare = tool.rpartition("::")[2]
        self.called.append((bare, arguments))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            gate = self.gates.get(bare) or self.gates.get((bare, arguments.get("n")))
            await (asyncio.sleep(0) if gate is None else gate.wait())
        finally:
            self.open -= 1
        answers = self.script.get((bare, arguments.get("n"))) or self.script.get(bare)
        answer = answers.pop(0) if isinstance(answers, list) and len(answers) > 1 else answers
        answer = answer[0] if isinstance(answer, list) else answer
        if isinstance(answer, OutcomeKind):
            return ToolOutcome(kind=answer, server="c::a", tool=bare, error="scripted")
        value = {"n": arguments.get("n", 0)} if answer is None else answer
        content = ({"type": "text", "text": json.dumps(value)},)
        return ToolOutcome(kind=OutcomeKind.RESULT, server="c::a", tool=bare, structured=value, content=content)


def builder(executor, **options):
    return CrossServerWorkflowBuilder(executor.registry, **options)


def undo(reference="${steps.first.structured.n}", tool="a.undo"):
    return Action(tool=tool, arguments={"n": reference})


def statuses(report):
    return {name: result.status.value for name, result in report.steps.items()}


async def test_results_flow_from_step_to_step():
    executor = Scripted()
    plan = (
        builder(executor, inputs={"n": {"type": "integer", "default": 4}}, outputs={"sum": "steps.last.structured.n"})
        .step("first", "a.do", {"n": "${inputs.n}"})
        .step("last", "b.do", {"n": "${steps.first.structured.n}", "note": "n=${steps.first.structured.n}"})
        .build()
    )
    report = await ServerCoordinationEngine(executor).run(plan)
    assert report.ok
    assert report.outputs == {"sum": 4}
    assert executor.called[1] == ("b.do", {"n": 4, "note": "n=4"})


async def test_independent_steps_run_side_by_side_and_dependent_ones_wait():
    executor = Scripted()
    executor.gates = {"a.do": asyncio.Event()}
    plan = (
        builder(executor)
        .step("one", "a.do")
        .step("two", "a.do")
        .step("three", "b.do")
        .step("after", "b.safe", needs=["one", "three"])
        .build()
    )
    seen = []
    engine = ServerCoordinationEngine(executor)
    engine.steps.listen(lambda result: seen.append(result.id))
    running = asyncio.ensure_future(engine.run(plan))
    while "three" not in seen:  # noqa: ASYNC110  (the point is that nothing else ends before)
        await asyncio.sleep(0)
    assert (executor.most_open, seen) == (3, ["three"])
    executor.gates["a.do"].set()
    assert (await running).ok
    assert seen[-1] == "after"


async def test_a_limit_bounds_the_calls_to_one_server_only():
    executor = Scripted()
    plan = builder(executor)
    for number in range(6):
        plan.step(f"s{number}", "a.do")
    await ServerCoordinationEngine(executor, limits={"a": 2}).run(plan.build())
    assert executor.most_open == 2
    executor.most_open = 0
    actions = [Action(tool="b.do", arguments={"n": n}) for n in range(6)]
    outcomes = await ServerCoordinationEngine(executor, limits={"a": 2}).parallel_server_execution(actions)
    assert executor.most_open == 6
    assert [outcome.structured for outcome in outcomes] == [{"n": n} for n in range(6)]


async def test_foreach_keeps_the_order_and_its_own_limit():
    executor = Scripted({"a.list": {"items": [3, 1, 2]}})
    plan = (
        builder(executor, outputs={"all": "steps.each.structured[].n"})
        .step("list", "a.list")
        .step("each", "b.do", {"n": "${item}", "at": "${index}"}, foreach="steps.list.structured.items", parallel=2)
        .build()
    )
    report = await ServerCoordinationEngine(executor).run(plan)
    assert report.outputs == {"all": [3, 1, 2]}
    assert executor.most_open == 2
    assert sorted(arguments["at"] for name, arguments in executor.called if name == "b.do") == [0, 1, 2]


async def test_when_skips_a_step_and_what_needs_it():
    executor = Scripted()
    plan = (
        builder(executor)
        .step("first", "a.do")
        .step("no", "a.do", when="steps.first.structured.missing")
        .step("after", "a.do", needs=["no"])
        .step("anyway", "a.do", needs=["no"], when="steps.first.ok")
        .build()
    )
    report = await ServerCoordinationEngine(executor).run(plan)
    assert report.ok
    assert statuses(report) == {"first": "succeeded", "no": "skipped", "after": "skipped", "anyway": "succeeded"}


async def test_retry_tries_again_and_fallback_steps_in():
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    executor = Scripted({"a.do": [OutcomeKind.TIMEOUT], "b.do": {"from": "b"}})
    retry = Retry(attempts=3, base_s=0.0)
    plan = builder(executor).step("first", "a.do", retry=retry, fallback=[Action(tool="b.do")]).build()
    report = await ServerCoordinationEngine(executor, sleep=sleep).run(plan)
    assert report.ok
    assert [name for name, _ in executor.called] == ["a.do", "a.do", "a.do", "b.do"]
    assert report.steps["first"].structured == {"from": "b"}
    assert len(waits) == 2


async def test_an_optional_step_may_fail():
    executor = Scripted({"a.do": OutcomeKind.TOOL_ERROR})
    plan = builder(executor).step("may", "a.do", optional=True).step("after", "b.do", needs=["may"]).build()
    report = await ServerCoordinationEngine(executor).run(plan)
    assert report.ok
    assert statuses(report) == {"may": "failed", "after": "succeeded"}


async def test_a_failure_blocks_the_rest_and_undoes_what_was_done_in_reverse():
    executor = Scripted({("b.do", 3): OutcomeKind.TOOL_ERROR})
    plan = (
        builder(executor)
        .step("first", "a.do", {"n": 1}, compensate=undo())
        .step("second", "a.do", {"n": 2}, needs=["first"], compensate=undo("${steps.second.structured.n}"))
        .step("third", "b.do", {"n": 3}, needs=["second"], compensate=undo("${steps.third.structured.n}"))
        .step("fourth", "a.do", needs=["third"])
        .build()
    )
    report = await ServerCoordinationEngine(executor).run(plan)
    assert not report.ok
    assert report.problem == "step 'third' failed: b.do: scripted"
    assert statuses(report)["fourth"] == "blocked"
    assert [arguments for name, arguments in executor.called if name == "a.undo"] == [{"n": 2}, {"n": 1}]
    assert [(undone.step, undone.call.ok) for undone in report.compensations] == [("second", True), ("first", True)]


async def test_a_call_whose_end_nobody_knows_is_undone_as_well():
    executor = Scripted({"a.do": OutcomeKind.TIMEOUT})
    plan = builder(executor).step("first", "a.do", compensate=undo("7")).build()
    report = await ServerCoordinationEngine(executor).run(plan)
    assert [(name, arguments) for name, arguments in executor.called][-1] == ("a.undo", {"n": "7"})
    assert len(report.compensations) == 1


async def test_a_call_whose_answer_was_corrupted_on_the_way_is_undone_as_well(connector):
    faults = WireFaults()
    async with (
        asyncio.timeout(40),
        MCPClientManager([raw_spec("one")], connector=replace(connector, faults=faults)) as manager,
    ):
        await manager.connect_all()
        registry = DynamicToolRegistry.build_from_servers(manager.servers)
        undoing = Action(tool="one.echo", arguments={"text": "a"})
        steps = CrossServerWorkflowBuilder(registry)
        plan = steps.step("keep", "one.remember", {"key": "a", "value": "b"}, compensate=undoing).build()
        engine = ServerCoordinationEngine(MultiServerExecutor(manager, registry))
        faults.answers = Disturbance(corrupt=True)
        report = await engine.run(plan)
    assert report.steps["keep"].calls[0].kind is OutcomeKind.PROTOCOL_ERROR
    assert [undone.step for undone in report.compensations] == ["keep"]


async def test_items_are_undone_one_by_one_the_last_first():
    executor = Scripted({"a.list": {"items": [1, 2, 3]}, ("b.do", 2): OutcomeKind.TOOL_ERROR})
    plan = (
        builder(executor)
        .step("list", "a.list")
        .step(
            "each",
            "b.do",
            {"n": "${item}"},
            foreach="steps.list.structured.items",
            compensate=Action(tool="a.undo", arguments={"n": "${steps.each.structured.n}", "was": "${item}"}),
        )
        .build()
    )
    report = await ServerCoordinationEngine(executor).run(plan)
    assert report.problem == "step 'each' failed: item 1: b.do: scripted"
    undone = [arguments for name, arguments in executor.called if name == "a.undo"]
    assert undone == [{"n": 3, "was": 3}, {"n": 1, "was": 1}]


async def test_a_failing_compensation_does_not_stop_the_others():
    executor = Scripted({"b.do": OutcomeKind.TOOL_ERROR, ("a.undo", 2): OutcomeKind.UNAVAILABLE})
    plan = (
        builder(executor)
        .step("first", "a.do", {"n": 1}, compensate=undo())
        .step("second", "a.do", {"n": 2}, needs=["first"], compensate=undo("${steps.second.structured.n}"))
        .step("third", "b.do", needs=["second"])
        .build()
    )
    report = await ServerCoordinationEngine(executor).run(plan)
    assert [undone.call.ok for undone in report.compensations] == [False, True]


async def test_keep_going_runs_what_does_not_need_the_failed_step():
    executor = Scripted({"a.do": OutcomeKind.TOOL_ERROR})
    plan = (
        builder(executor)
        .step("bad", "a.do", compensate=undo("1"))
        .step("after", "b.do", needs=["bad"])
        .step("good", "b.do")
        .step("later", "b.do", needs=["good"])
        .build()
    )
    report = await ServerCoordinationEngine(executor, keep_going=True).run(plan)
    assert statuses(report) == {"bad": "failed", "after": "blocked", "good": "succeeded", "later": "succeeded"}
    assert report.compensations == ()


async def test_a_reference_without_a_value_fails_the_step_and_nothing_is_called():
    executor = Scripted()
    plan = builder(executor).step("first", "a.do").step("bad", "b.do", {"n": "${steps.first.structured.x}"}).build()
    report = await ServerCoordinationEngine(executor).run(plan)
    assert "${steps.first.structured.x} has no value" in report.problem
    assert [name for name, _ in executor.called] == ["a.do"]


@pytest.mark.parametrize("items", ["text", list(range(10_001)), {"a": 1}])
async def test_a_foreach_over_anything_but_a_short_list_fails_the_step(items):
    executor = Scripted({"a.list": {"items": items}})
    plan = (
        builder(executor)
        .step("list", "a.list")
        .step("each", "b.do", {"n": "${item}"}, foreach="steps.list.structured.items")
        .build()
    )
    report = await ServerCoordinationEngine(executor).run(plan)
    assert report.steps["each"].status is StepStatus.FAILED
    assert len(executor.called) == 1


async def test_inputs_are_checked_before_anything_runs():
    executor = Scripted()
    plan = builder(executor, inputs={"n": {"type": "integer"}}).step("first", "a.do").build()
    engine = ServerCoordinationEngine(executor)
    for inputs, message in (({}, "'n' is missing"), ({"n": "x"}, "'n': "), ({"n": 1, "m": 2}, "no input 'm'")):
        with pytest.raises(WorkflowError, match=message):
            await engine.run(plan, inputs)
    assert executor.called == []


async def test_cancellation_leaves_no_call_behind_and_the_trace_can_be_resumed(tmp_path):
    executor = Scripted()
    executor.gates = {"b.safe": asyncio.Event()}
    trace = tmp_path / "run.jsonl"
    plan = (
        builder(executor)
        .step("first", "a.do", {"n": 1})
        .step("second", "b.safe", {"n": "${steps.first.structured.n}"})
        .step("third", "a.do", {"n": 3}, needs=["second"])
        .build()
    )
    engine = ServerCoordinationEngine(executor)
    before = asyncio.all_tasks()
    running = asyncio.ensure_future(engine.run(plan, trace=trace))
    while not executor.open or executor.called[-1][0] != "b.safe":  # noqa: ASYNC110  (no news is sent then)
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (executor.open, asyncio.all_tasks() - before) == (0, set())
    executor.gates["b.safe"].set()
    report = await engine.resume(plan, trace)
    assert report.ok
    assert [name for name, _ in executor.called] == ["a.do", "b.safe", "b.safe", "a.do"]
    assert read_trace(trace).over


async def crashed(executor, plan, trace, *, keep):
    """Run a plan and cut its trace off after the line for which ``keep`` is true first, in the middle of the next."""
    await ServerCoordinationEngine(executor).run(plan, trace=trace)
    lines = trace.read_bytes().splitlines(keepends=True)
    last = next(index for index, line in enumerate(lines) if keep(orjson.loads(line)))
    trace.write_bytes(b"".join(lines[: last + 1]) + b'{"at": "20')
    executor.called.clear()


async def test_a_call_in_doubt_fails_its_step_and_is_undone(tmp_path):
    executor = Scripted()
    plan = (
        builder(executor)
        .step("first", "a.do", {"n": 1}, compensate=undo())
        .step("second", "b.do", {"n": 2}, needs=["first"], compensate=undo("second"))
        .build()
    )
    trace = tmp_path / "run.jsonl"
    await crashed(executor, plan, trace, keep=lambda line: line["event"] == "call" and line["step"] == "second")
    report = await ServerCoordinationEngine(executor).resume(plan, trace)
    assert "it is not known whether the call was made" in report.problem
    assert executor.called == [("a.undo", {"n": "second"}), ("a.undo", {"n": 1})]


@pytest.mark.parametrize("each", [False, True])
async def test_a_call_whose_end_nobody_knew_before_the_crash_is_not_made_again(tmp_path, each):
    executor, trace = Scripted({("a.do", 1): OutcomeKind.TIMEOUT}), tmp_path / "t.jsonl"
    executor.gates = {"a.safe": asyncio.Event(), ("a.do", 2): asyncio.Event()}
    steps = builder(executor).step("wait", "a.safe")
    if each:
        steps.step("first", "a.do", {"n": "${item}"}, foreach="[`1`, `2`]")
    else:
        steps.step("first", "a.do", {"n": 1})
    plan = steps.build()
    running = asyncio.ensure_future(ServerCoordinationEngine(executor).run(plan, trace=trace))
    while b'"answer"' not in trace.read_bytes() if trace.exists() else True:  # noqa: ASYNC110
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    # The crash comes before the step's own line.
    lines = [line for line in trace.read_bytes().splitlines(keepends=True) if b'"event":"step"' not in line]
    trace.write_bytes(b"".join(lines))
    executor.gates, before = {}, len(executor.called)
    report = await ServerCoordinationEngine(executor).resume(plan, trace)
    assert report.steps["first"].status is StepStatus.FAILED
    assert ("a.do", {"n": 1}) not in executor.called[before:]


@pytest.mark.parametrize("allowed", ["annotation", "retry", "resume"])
async def test_a_call_in_doubt_is_made_again_when_somebody_says_so(tmp_path, allowed):
    executor = Scripted()
    tool = "b.safe" if allowed == "annotation" else "b.do"
    plan = builder(executor).step("first", tool, {"n": 1}, retry=2 if allowed == "retry" else None).build()
    trace = tmp_path / "run.jsonl"
    await crashed(executor, plan, trace, keep=lambda line: line["event"] == "call")
    report = await ServerCoordinationEngine(executor).resume(plan, trace, repeat_in_doubt=allowed == "resume")
    assert report.ok
    assert executor.called == [(tool, {"n": 1})]


async def test_items_that_were_answered_are_not_done_again(tmp_path):
    executor = Scripted({"a.list": {"items": [1, 2, 3]}})
    plan = (
        builder(executor)
        .step("list", "a.list")
        .step("each", "b.safe", {"n": "${item}"}, foreach="steps.list.structured.items", parallel=1)
        .build()
    )
    trace = tmp_path / "run.jsonl"
    await crashed(executor, plan, trace, keep=lambda line: line["event"] == "answer" and line["index"] == 1)
    report = await ServerCoordinationEngine(executor).resume(plan, trace)
    assert report.steps["each"].structured == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert executor.called == [("b.safe", {"n": 3})]


async def test_a_crash_at_any_line_loses_no_result_and_repeats_no_unsafe_call(tmp_path):
    def make():
        executor = Scripted({"a.list": {"items": [1, 2]}})
        plan = (
            builder(executor, outputs={"all": "steps.each.structured[].n"})
            .step("list", "a.list")
            .step("one", "a.do", {"n": 9}, needs=["list"])
            .step("each", "b.do", {"n": "${item}"}, foreach="steps.list.structured.items", needs=["one"])
            .build()
        )
        return executor, plan

    whole = tmp_path / "whole.jsonl"
    executor, plan = make()
    await ServerCoordinationEngine(executor).run(plan, trace=whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    for cut in range(1, len(lines) + 1):
        trace = tmp_path / f"{cut}.jsonl"
        trace.write_bytes(b"".join(lines[:cut]))
        answered = read_trace(trace)
        executor, plan = make()
        report = await ServerCoordinationEngine(executor).resume(plan, trace)
        unsafe = [place for place in answered.in_doubt if place[0] != "list"]
        assert report.ok is not bool(unsafe), cut
        called = len(executor.called)
        done = len(answered.calls)
        assert called <= 4 - done - len(unsafe), cut
        for place, result in answered.calls.items():
            assert result in report.steps[place[0]].calls, cut


async def test_a_trace_belongs_to_one_plan_and_one_run(tmp_path):
    executor = Scripted()
    plan = builder(executor).step("first", "a.do", {"n": 1}).build()
    other = builder(executor).step("first", "a.do", {"n": 2}).build()
    trace = tmp_path / "run.jsonl"
    engine = ServerCoordinationEngine(executor)
    await engine.run(plan, trace=trace)
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="the trace of another plan"):
        await engine.resume(other, trace)
    with pytest.raises(UsageError, match="holds a run already"):
        await engine.run(plan, trace=trace)
    report = await engine.resume(plan, trace)
    assert (report.ok, len(executor.called)) == (True, 1)


@pytest.mark.parametrize("text", ["", "no json\n", '{"event": "step"}\n', '["run"]\n'])
async def test_what_is_no_trace_is_refused(tmp_path, text):
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError):
        read_trace(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_trace(tmp_path / "none")


async def test_a_full_disk_ends_the_trace_and_not_the_run():
    executor = Scripted()
    plan = builder(executor).step("first", "a.do", {"n": 1}).step("second", "a.do", {"n": 2}).build()
    report = await ServerCoordinationEngine(executor).run(plan, trace=Path("/dev/full"))
    assert report.ok
    assert "the trace ends early" in report.trace_problem
    assert len(report.steps) == 2


async def test_a_workflow_runs_over_real_servers_and_survives_a_kill(fleet, tmp_path):
    watch = WatchPolicy(interval_s=30.0, backoff=Backoff(base_s=0.0, cap_s=0.0, attempts=3))
    names = ("one", "two", "three")
    async with fleet(*(raw_spec(name) for name in names), watch=watch) as here:
        plan = (
            CrossServerWorkflowBuilder(here.registry, outputs={"kept": "steps.keep.structured.kept"})
            .step("sum", "one.add", {"a": 2, "b": 3})
            .step("say", "two.echo", {"text": "sum ${steps.sum.structured.sum}"})
            .step("wait", "two.wait", {"ms": 300}, needs=["say"])
            .step("keep", "three.remember", {"key": "said", "value": "${steps.say.structured.text}"}, needs=["wait"])
            .build()
        )
        engine = ServerCoordinationEngine(here.executor)
        assert await engine.handle_server_dependencies(plan, here.manager) == {f"c::{name}": True for name in names}
        engine.steps.listen(lambda result: result.id == "say" and os.kill(here.pid("two"), 9))
        report = await engine.run(plan, trace=tmp_path / "run.jsonl")
        assert report.problem is None
        assert report.outputs == {"kept": 1}
        assert report.steps["say"].structured == {"text": "sum 5"}
        assert here.manager.server("two").restarts == 1


async def test_what_is_left_when_the_time_is_up_fails_and_what_was_done_is_still_undone(fleet):
    async with fleet(raw_spec("one"), raw_spec("slow", "--fault", "never-answer")) as here:
        steps = CrossServerWorkflowBuilder(here.registry)
        steps.step("keep", "one.add", {"a": 1, "b": 2}, compensate=Action(tool="one.add", arguments={"a": 1, "b": -2}))
        steps.step("hang", "slow.echo", {"text": "x"}, needs=["keep"])
        steps.step("never", "one.add", {"a": 1, "b": 1}, needs=["hang"])
        report = await ServerCoordinationEngine(here.executor).run(steps.build(), timeout_s=1.5)
    assert report.steps["hang"].calls[0].kind is OutcomeKind.TIMEOUT
    assert report.steps["never"].status is StepStatus.BLOCKED
    assert [undone.call.ok for undone in report.compensations] == [True]


async def test_the_executor_runs_a_plan_as_well(fleet):
    async with fleet(raw_spec("one")) as here:
        plan = CrossServerWorkflowBuilder(here.registry).step("sum", "one.add", {"a": "2", "b": 3})
        assert plan.problems() == ("step 'sum': argument 'a' is string where integer is wanted",)
        plan = CrossServerWorkflowBuilder(here.registry).step("sum", "one.add", {"a": 2, "b": 3}).build()
        report = await here.executor.execute_cross_server_workflow(plan)
        assert report.steps["sum"].structured == {"sum": 5}
