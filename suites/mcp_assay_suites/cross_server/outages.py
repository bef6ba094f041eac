"""A server that seems slow for a while, and then dies, comes back to those who call it, and nobody else notices.

What goes wrong is put on the wire of a second instance by us, and its callers are those that a runtime has: a circuit
breaker that opens and closes, a supervisor that starts it again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, Outcome, not_applicable, passed, skipped, violated
from mcp_assay.readiness.subject import UnavailableError
from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.breaker import BreakerPolicy, BreakerState
from mcp_assay.runtime.executor import ExecutionPolicy, MultiServerExecutor
from mcp_assay.runtime.registry import DynamicToolRegistry
from mcp_assay.runtime.supervision import WatchPolicy
from mcp_assay.wire.injection import Disturbance, WireFaults
from mcp_assay.wire.replay import ReplayConnector
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.cross_server.hanging import answering, silent_of
from mcp_assay_suites.cross_server.questions import questions
from mcp_assay_suites.cross_server.together import disturbing_alone, disturbing_beside_others
from mcp_assay_suites.observing.judging import counted, listed, shown

if TYPE_CHECKING:
    from mcp_assay.core.faults import Fault
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest, Subject
    from mcp_assay.runtime.outcome import ToolOutcome
    from mcp_assay_suites.cross_server.questions import Question

FAILURES = 3
"""Calls without an answer that open the breaker."""

OPEN_S = 0.2
_QUICKEST_S, _TIMES_SLOWER = 0.5, 4.0
_WATCH = WatchPolicy(interval_s=30.0, backoff=Backoff(base_s=0.05, cap_s=0.5, attempts=3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A second instance, how it is called, what goes wrong on its wire, and how its connections ended."""

    executor: MultiServerExecutor
    server: str
    tool: str
    arguments: JsonObject
    patience_s: float
    faults: WireFaults
    ends: list[Fault] = field(default_factory=list["Fault"])

    async def call(self, timeout_s: float | None = None) -> ToolOutcome:
        """Call the tool once."""
        name = f"{self.server}.{self.tool}"
        return await self.executor.route_tool_call(
            name, self.arguments, timeout_s=timeout_s or self.patience_s, retry=False
        )

    @property
    def breaker(self) -> BreakerState:
        """The state of its circuit breaker."""
        return self.executor.breaker(self.server).state


@check("CROSS-006", category=Category.CROSS_SERVER)
async def outage_survived(subject: Subject) -> Judgement:
    """Judge whether the server answers again after late answers and after a kill, and its neighbours all the time."""
    try:
        asked = next((one for one in await questions(subject.server, subject.run) if one.method == "tools/call"), None)
    except UnavailableError as problem:
        return skipped(problem.message)
    if asked is None:
        return skipped("no tool of this server may be called several times")
    if isinstance(subject.run.manager.opener_for(subject.server.managed.spec), ReplayConnector):
        return not_applicable("nothing goes wrong on the wire of a recording")
    async with disturbing_beside_others(subject.run):
        judged = await _tried(subject, asked)
    if judged.outcome is Outcome.PASS:
        return judged
    async with disturbing_alone(subject.run):
        return await _tried(subject, asked)


async def _tried(subject: Subject, asked: Question) -> Judgement:
    """Start a second instance of the server, put an outage on its wire, and judge what comes of it."""
    faults, spec = WireFaults(), subject.server.managed.spec
    connector = replace(subject.run.manager.connector_for(spec), faults=faults)
    async with subject.run.manager.apart(spec, connector=connector, watch=_WATCH) as manager:
        await manager.connect_all()
        breaker = BreakerPolicy(least_calls=FAILURES, failure_rate=0.5, open_s=OPEN_S)
        patience_s = connector.limits.call_s
        policy = ExecutionPolicy(timeout_s=patience_s, reconnect_s=connector.limits.start_s, breaker=breaker)
        executor = MultiServerExecutor(manager, DynamicToolRegistry.build_from_servers(manager.servers), policy=policy)
        name, arguments = str(asked.params["name"]), _object(asked.params.get("arguments"))
        outage = Outage(
            executor=executor, server=spec.id, tool=name, arguments=arguments, patience_s=patience_s, faults=faults
        )
        manager.events.listen(lambda event: outage.ends.append(event.fault) if event.fault is not None else None)
        return await _lived_through(subject, outage)


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


async def _lived_through(subject: Subject, outage: Outage) -> Judgement:
    """Make the outage and judge what comes after it."""
    before = await outage.call()
    if not before.succeeded:
        return skipped(f"{shown(outage.tool)} has no good result on a second instance: {before.error}")
    neighbours = await answering(subject.others)
    soon_s = max(_QUICKEST_S, _TIMES_SLOWER * before.duration_s)
    outage.faults.answers = Disturbance(delay_s=2 * soon_s)
    for _ in range(FAILURES + 1):
        await outage.call(soon_s)
    opened = outage.breaker is not BreakerState.CLOSED
    silent = await silent_of(await silent_of(neighbours))
    outage.faults.heal()
    if not opened:
        return skipped("its answers could not be delayed enough to open a breaker")
    late = await _again(outage)
    if outage.ends:
        return violated("the server outlives calls that are given up", f"while it was slow, {outage.ends[0].message}")
    if not late.succeeded:
        return _gone(late, "its answers had come late and been given up")
    outage.faults.cut()
    cut = await _again(outage)
    if not cut.succeeded:
        return _gone(cut, "its connection was cut")
    return _of_neighbours(silent, len(neighbours))


async def _again(outage: Outage) -> ToolOutcome:
    """Call until the breaker has closed, a few times at most: what still lay in the pipe may fail the first call."""
    outcome = await outage.call()
    for _ in range(FAILURES):
        if outcome.succeeded and outage.breaker is BreakerState.CLOSED:
            break
        await asyncio.sleep(OPEN_S)
        outcome = await outage.call()
    return outcome


def _gone(outcome: ToolOutcome, when: str) -> Judgement:
    evidence = None if outcome.exchange is None else outcome.exchange.evidence()
    return violated(
        "the server answers again once it can, and its breaker closes",
        f"after {when}: {outcome.error or outcome.kind.value}",
        exchange=evidence,
    )


def _of_neighbours(silent: list[ServerUnderTest], neighbours: int) -> Judgement:
    if silent:
        return violated(
            "every server goes on while this one is slow",
            f"no answer from {listed([shown(one.name) for one in silent])}, twice",
        )
    return passed(
        f"its breaker opened and closed, it came back after a cut, and {counted(neighbours, 'other server')} went on"
    )


CHECKS = (outage_survived,)
