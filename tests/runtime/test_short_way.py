"""From the second call of a tool on the executor takes a short way; it ends in the same outcomes as the long one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from fleets import PATIENCE_S, FakeClock, raw_spec

from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.breaker import BreakerPolicy, BreakerState
from mcp_assay.runtime.executor import ExecutionPolicy, MultiServerExecutor
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.runtime.outcome import OutcomeKind
from mcp_assay.runtime.registry import DynamicToolRegistry
from mcp_assay.runtime.telemetry import Telemetry
from mcp_assay.wire.injection import Disturbance, WireFaults

pytestmark = pytest.mark.asyncio

AT_ONCE = Backoff(base_s=0.0, cap_s=0.0, attempts=3)
PATIENT = BreakerPolicy(least_calls=100)
POLICY = ExecutionPolicy(timeout_s=0.3, concurrency=2, queue=1, backoff=AT_ONCE, breaker=PATIENT)


class Warm:
    """An executor that has called ``echo`` once, and what goes wrong on its wire."""

    def __init__(self, executor, registry, faults):
        self.executor, self.registry, self.faults = executor, registry, faults
        self.counts = executor.metrics.tool("c::one", "echo")

    async def echo(self, value="x", **options):
        return await self.executor.route_tool_call("one.echo", {"text": value}, **options)


@pytest.fixture
def warm(connector):
    @asynccontextmanager
    async def opened(policy=POLICY, protocol=None, **options):
        faults = WireFaults()
        wired = replace(connector, faults=faults, protocol=protocol)
        async with asyncio.timeout(PATIENCE_S), MCPClientManager([raw_spec("one")], connector=wired) as manager:
            await manager.connect_all()
            registry = DynamicToolRegistry.build_from_servers(manager.servers)
            executor = MultiServerExecutor(manager, registry, policy=policy, **options)
            here = Warm(executor, registry, faults)
            assert (await here.echo()).succeeded
            yield here

    return opened


@pytest.mark.parametrize("protocol", ["2025-11-25", "2026-07-28"])
async def test_the_second_outcome_is_like_the_first_in_every_era(warm, protocol):
    async with warm(protocol=protocol) as here:
        first = await here.executor.route_tool_call("one.add", {"a": 2, "b": 3})
        second = await here.executor.route_tool_call("one.add", {"a": 2, "b": 3})
        assert second.structured == {"sum": 5}
        told = ("kind", "server", "tool", "content", "structured", "text", "error", "attempts")
        assert [getattr(first, name) for name in told] == [getattr(second, name) for name in told]
        assert (here.counts.calls, here.executor.metrics.tool("c::one", "add").latency.total) == (1, 2)


async def test_an_answer_that_is_lost_is_asked_for_again_and_counted_once(warm):
    async with warm() as here:
        here.faults.answers = Disturbance(drop=True)
        outcome = await here.echo()
        assert (outcome.kind, outcome.attempts) == (OutcomeKind.TIMEOUT, 3)
        assert (here.counts.calls, here.counts.retries, here.counts.kinds[OutcomeKind.TIMEOUT]) == (2, 2, 1)


async def test_a_caller_with_retries_of_its_own_gets_the_first_failure(warm):
    async with warm() as here:
        here.faults.answers = Disturbance(drop=True)
        assert (await here.echo(retry=False)).attempts == 1


async def test_an_open_breaker_stops_it_and_one_good_trial_lets_it_through(warm):
    clock = FakeClock()
    policy = replace(POLICY, breaker=BreakerPolicy(least_calls=1, failure_rate=0.1, open_s=5.0))
    async with warm(policy, clock=clock) as here:
        here.faults.answers = Disturbance(drop=True)
        await here.echo(retry=False)
        here.faults.heal()
        assert "is open for 5.0 s" in (await here.echo()).error
        clock.at += 5.0
        assert (await here.echo()).succeeded
        assert here.executor.breaker("one").state is BreakerState.CLOSED


async def test_its_places_are_those_of_the_long_way(warm):
    async with warm() as here:
        here.faults.answers = Disturbance(delay_s=0.1)
        outcomes = await asyncio.gather(*(here.echo(timeout_s=5.0) for _ in range(5)))
        assert [outcome.kind for outcome in outcomes] == [OutcomeKind.RESULT] * 3 + [OutcomeKind.UNAVAILABLE] * 2


async def test_a_cancelled_call_and_one_that_cannot_be_sent_give_their_places_back(warm):
    async with warm(replace(POLICY, concurrency=1, queue=0)) as here:
        here.faults.answers = Disturbance(delay_s=0.2)
        given_up = asyncio.ensure_future(here.echo())
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert (await here.echo({1, 2})).kind is OutcomeKind.PROTOCOL_ERROR
        assert (await here.echo()).succeeded


async def test_a_tool_that_is_gone_is_unavailable_although_it_was_called_before(warm):
    async with warm() as here:
        here.registry.replace_tools("c::one", ())
        assert (await here.echo()).error == "no connected server lists a tool 'one.echo'"


async def test_a_lost_connection_is_unavailable(warm):
    async with warm(replace(POLICY, reconnect_s=0.0)) as here:
        here.faults.cut()
        assert (await here.echo()).kind is OutcomeKind.UNAVAILABLE


async def test_spans_are_made_within_a_second_after_somebody_wants_them(warm):
    class LateTelemetry(Telemetry):
        wanted, ended_calls = False, 0

        @property
        def _has_provider(self):
            return self.wanted

        def ended(self, span, outcome):
            self.ended_calls += 1

    clock, telemetry = FakeClock(), LateTelemetry()
    async with warm(clock=clock, telemetry=telemetry) as here:
        telemetry.wanted = True
        await here.echo()
        clock.at += 1.0
        await here.echo()
        assert telemetry.ended_calls == 1
