from __future__ import annotations

import asyncio
import os
import signal

import pytest
from fleets import FakeClock, raw_spec

from mcp_assay.core.errors import UsageError
from mcp_assay.core.faults import FaultKind
from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.breaker import BreakerPolicy, BreakerState
from mcp_assay.runtime.executor import ExecutionPolicy
from mcp_assay.runtime.outcome import OutcomeKind

pytestmark = pytest.mark.asyncio

AT_ONCE = Backoff(base_s=0.0, cap_s=0.0, attempts=3)


class Sleeps:
    """Notes how long it was asked to wait, and does not."""

    def __init__(self):
        self.asked = []

    async def __call__(self, seconds):
        self.asked.append(seconds)


async def test_a_call_is_routed_by_full_and_by_bare_name(fleet):
    async with fleet(raw_spec("one"), raw_spec("two", "--fault", "no-tools")) as here:
        full = await here.executor.route_tool_call("one.add", {"a": 2, "b": 3})
        bare = await here.executor.route_tool_call("add", {"a": 2, "b": 3})
        assert full.structured == bare.structured == {"sum": 5}
        assert (full.kind, full.attempts, full.server) == (OutcomeKind.RESULT, 1, "c::one")


async def test_a_capability_is_found_and_called(fleet):
    async with fleet(raw_spec("one")) as here:
        outcome = await here.executor.route_by_capability("sum of numbers", {"a": 2, "b": 3})
        assert (outcome.tool, outcome.structured) == ("add", {"sum": 5})
        assert (await here.executor.route_by_capability("sum", {"c": 1})).kind is OutcomeKind.UNAVAILABLE


async def test_an_unknown_or_ambiguous_tool_is_unavailable_and_says_why(fleet):
    async with fleet(raw_spec("one"), raw_spec("two")) as here:
        unknown = await here.executor.route_tool_call("nothing")
        double = await here.executor.route_tool_call("echo", {"text": "x"})
        assert [one.kind for one in (unknown, double)] == [OutcomeKind.UNAVAILABLE] * 2
        assert "no connected server lists a tool 'nothing'" in unknown.error
        assert "several servers list a tool 'echo'" in double.error


async def test_wrong_arguments_are_an_answer_and_not_repeated(fleet):
    async with fleet(raw_spec("one")) as here:
        outcome = await here.executor.route_tool_call("one.add", {"a": "x"})
        assert outcome.kind in {OutcomeKind.TOOL_ERROR, OutcomeKind.PROTOCOL_ERROR}
        assert (outcome.attempts, here.executor.breaker("one").state) == (1, BreakerState.CLOSED)


async def test_arguments_without_a_json_form_are_a_value_too(fleet):
    async with fleet(raw_spec("one")) as here:
        outcome = await here.executor.route_tool_call("one.echo", {"text": {1, 2}})
        assert (outcome.kind, outcome.attempts) == (OutcomeKind.PROTOCOL_ERROR, 0)
        assert "cannot be sent as JSON" in outcome.error


async def test_an_unreadable_answer_is_a_protocol_error(fleet):
    async with fleet(raw_spec("one", "--fault", "nan")) as here:
        outcome = await here.executor.route_tool_call("one.echo", {"text": "x"})
        assert (outcome.kind, outcome.fault_kind) == (OutcomeKind.PROTOCOL_ERROR, FaultKind.UNREADABLE)


async def test_a_silent_read_only_tool_is_tried_again_with_backoff_and_then_a_timeout(fleet):
    sleeps = Sleeps()
    policy = ExecutionPolicy(timeout_s=0.2, backoff=Backoff(base_s=1.0, cap_s=9.0, random=lambda: 0.5))
    async with fleet(raw_spec("one", "--fault", "never-answer"), policy=policy, sleep=sleeps) as here:
        outcome = await here.executor.route_tool_call("one.echo", {"text": "x"})
        assert (outcome.kind, outcome.attempts) == (OutcomeKind.TIMEOUT, 3)
        assert sleeps.asked == [0.5, 1.0]
        assert here.executor.metrics.tools["c::one", "echo"].retries == 2


async def test_a_tool_that_is_not_safe_to_repeat_is_called_once(fleet):
    policy = ExecutionPolicy(timeout_s=0.2, backoff=AT_ONCE)
    async with fleet(raw_spec("one", "--fault", "never-answer=tools/call"), policy=policy) as here:
        tool = here.registry.find("one.remember").definition
        tool.raw["annotations"] = {"readOnlyHint": False}
        outcome = await here.executor.route_tool_call("one.remember", {"key": "a", "value": "b"})
        assert (outcome.kind, outcome.attempts) == (OutcomeKind.TIMEOUT, 1)


async def test_a_deadline_cuts_the_timeout_and_says_nothing_against_the_server(fleet):
    policy = ExecutionPolicy(timeout_s=30.0, backoff=AT_ONCE, breaker=BreakerPolicy(least_calls=1))
    clock = FakeClock()
    async with fleet(raw_spec("one", "--fault", "never-answer"), policy=policy, clock=clock) as here:
        outcome = await here.executor.route_tool_call("one.echo", {"text": "x"}, deadline=clock.at + 0.2)
        assert outcome.kind is OutcomeKind.TIMEOUT
        assert here.executor.breaker("one").state is BreakerState.CLOSED


async def test_nothing_is_sent_after_the_deadline(fleet):
    clock = FakeClock()
    async with fleet(raw_spec("one"), clock=clock) as here:
        outcome = await here.executor.route_tool_call("one.echo", {"text": "x"}, deadline=clock.at)
        assert (outcome.kind, outcome.attempts, outcome.error) == (OutcomeKind.TIMEOUT, 0, "the deadline has passed")


async def test_a_deadline_bounds_the_wait_for_a_free_slot(fleet):
    clock = FakeClock()
    async with fleet(raw_spec("one", "--delay-ms", "1500"), policy=ExecutionPolicy(concurrency=1), clock=clock) as here:
        first = asyncio.ensure_future(here.executor.route_tool_call("one.echo", {"text": "x"}))
        await asyncio.sleep(0)
        late = await here.executor.route_tool_call("one.echo", {"text": "x"}, deadline=clock.at + 0.05)
        assert (late.kind, late.attempts, first.done()) == (OutcomeKind.TIMEOUT, 0, False)
        assert (await first).succeeded


async def test_a_bulkhead_bounds_calls_in_flight_and_calls_that_wait(fleet):
    policy = ExecutionPolicy(concurrency=2, queue=1)
    async with fleet(raw_spec("one", "--delay-ms", "200"), policy=policy) as here:
        channel = here.manager.server("one").session.channel
        calls = [asyncio.ensure_future(here.executor.route_tool_call("one.echo", {"text": "x"})) for _ in range(5)]
        await asyncio.sleep(0)
        assert channel.open_requests == 2
        outcomes = await asyncio.gather(*calls)
        assert [outcome.kind for outcome in outcomes] == [OutcomeKind.RESULT] * 3 + [OutcomeKind.UNAVAILABLE] * 2
        assert "too many calls waiting" in outcomes[4].error


async def test_a_breaker_opens_for_a_dead_server_and_closes_after_its_restart(fleet):
    clock = FakeClock()
    policy = ExecutionPolicy(backoff=Backoff(attempts=1), breaker=BreakerPolicy(least_calls=1, open_s=5.0))
    async with fleet(raw_spec("one"), raw_spec("two"), policy=policy, clock=clock) as here:
        os.kill(here.pid("one"), signal.SIGSTOP)
        hung = await here.executor.route_tool_call("one.echo", {"text": "x"}, timeout_s=0.3)
        refused = await here.executor.route_tool_call("one.echo", {"text": "x"})
        other = await here.executor.route_tool_call("two.echo", {"text": "x"})
        assert (hung.kind, refused.kind, other.kind) == (
            OutcomeKind.TIMEOUT,
            OutcomeKind.UNAVAILABLE,
            OutcomeKind.RESULT,
        )
        assert "the circuit breaker of one is open for 5.0 s" in refused.error
        await here.kill("one")
        assert await here.executor.handle_server_failures() == {"c::one": True}
        clock.at += 5.0
        assert here.executor.breaker("one").state is BreakerState.HALF_OPEN
        assert (await here.executor.route_tool_call("one.echo", {"text": "x"})).succeeded
        assert here.executor.breaker("one").state is BreakerState.CLOSED


async def test_calls_in_flight_on_a_dying_server_end_as_unavailable(fleet):
    async with fleet(raw_spec("one", "--fault", "kill-mid-call"), policy=ExecutionPolicy(backoff=AT_ONCE)) as here:
        outcome = await here.executor.route_tool_call("one.echo", {"text": "x"})
        assert outcome.kind is OutcomeKind.UNAVAILABLE
        assert outcome.error


async def test_replicas_share_the_calls_by_the_fewest_outstanding(fleet):
    group = {"pool": ("one", "two")}
    async with fleet(
        raw_spec("one", "--delay-ms", "100"), raw_spec("two", "--delay-ms", "100"), replicas=group
    ) as here:
        calls = [here.executor.route_tool_call("pool.echo", {"text": "x"}) for _ in range(6)]
        outcomes = await asyncio.gather(*calls)
        assert sorted(outcome.server for outcome in outcomes) == ["c::one"] * 3 + ["c::two"] * 3


async def test_a_replica_answers_for_one_that_died(fleet):
    group = {"pool": ("one", "two")}
    async with fleet(raw_spec("one"), raw_spec("two"), replicas=group) as here:
        await here.kill("one")
        outcomes = [await here.executor.route_tool_call("pool.echo", {"text": "x"}) for _ in range(3)]
        assert [outcome.server for outcome in outcomes] == ["c::two"] * 3


async def test_a_slow_replica_is_hedged_and_its_call_given_up(fleet):
    group = {"pool": ("slow", "quick")}
    policy = ExecutionPolicy(hedge_after_s=0.05)
    specs = (raw_spec("slow", "--fault", "never-answer"), raw_spec("quick"))
    async with fleet(*specs, replicas=group, policy=policy) as here:
        outcome = await here.executor.route_tool_call("pool.echo", {"text": "x"})
        assert (outcome.server, outcome.attempts, outcome.kind) == ("c::quick", 2, OutcomeKind.RESULT)
        assert here.manager.server("slow").session.channel.open_requests == 0


async def test_a_group_with_a_server_that_is_not_there_is_refused(fleet):
    with pytest.raises(UsageError, match=r"the group 'pool' names 'tow', which is no server\nhint: known: one, two"):
        async with fleet(raw_spec("one"), raw_spec("two"), replicas={"pool": ("one", "tow")}):
            pass


async def test_a_cancelled_call_leaves_no_request_no_slot_and_no_task_behind(fleet):
    policy = ExecutionPolicy(concurrency=1, hedge_after_s=0.01)
    specs = [raw_spec(name, "--fault", "never-answer") for name in ("one", "two")]
    async with fleet(*specs, replicas={"pool": ("one", "two")}, policy=policy) as here:
        before = asyncio.all_tasks()
        call = asyncio.ensure_future(here.executor.route_tool_call("pool.echo", {"text": "x"}))
        channels = [here.manager.server(name).session.channel for name in ("one", "two")]
        while sum(channel.open_requests for channel in channels) < 2:  # noqa: ASYNC110  (nothing tells when it is sent)
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert [channel.open_requests for channel in channels] == [0, 0]
        assert asyncio.all_tasks() <= before
        assert (await here.executor.route_tool_call("one.add", {"a": 1, "b": 1})).succeeded


async def test_a_cancelled_trial_lets_the_next_one_through(fleet):
    clock = FakeClock()
    policy = ExecutionPolicy(backoff=Backoff(attempts=1), breaker=BreakerPolicy(least_calls=1, open_s=5.0))
    async with fleet(raw_spec("one", "--fault", "never-answer"), policy=policy, clock=clock) as here:
        await here.executor.route_tool_call("one.echo", {"text": "x"}, timeout_s=0.2)
        clock.at += 5.0
        trial = asyncio.ensure_future(here.executor.route_tool_call("one.echo", {"text": "x"}))
        await asyncio.sleep(0)
        trial.cancel()
        await asyncio.gather(trial, return_exceptions=True)
        assert (await here.executor.route_tool_call("one.add", {"a": 1, "b": 1})).succeeded
        assert here.executor.breaker("one").state is BreakerState.CLOSED
