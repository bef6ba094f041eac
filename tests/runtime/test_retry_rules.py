"""When the executor sends a call again, against a model of the rules that knows nothing of how it is done."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from fleets import FakeClock
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.breaker import BreakerPolicy
from mcp_assay.runtime.executor import ExecutionPolicy, MultiServerExecutor
from mcp_assay.runtime.inventory import ToolDefinition
from mcp_assay.runtime.outcome import OutcomeKind
from mcp_assay.runtime.registry import DynamicToolRegistry, RegisteredTool
from mcp_assay.wire.eras import Era
from mcp_assay.wire.exchange import Exchange, HttpMeta

ASKED_S = 3.0
GOOD = {"content": [], "structuredContent": {}}
ANSWERS = {
    "result": {"message": {"result": GOOD}},
    "tool-error": {"message": {"result": {**GOOD, "isError": True}}},
    "error": {"message": {"error": {"code": -32602, "message": "no"}}},
    "unreadable": {"fault": Fault(kind=FaultKind.UNREADABLE, message="no JSON")},
    "timeout": {"fault": Fault(kind=FaultKind.TIMEOUT, message="silence")},
    "closed": {"fault": Fault(kind=FaultKind.CLOSED, message="gone")},
    "refused": {
        "fault": Fault(kind=FaultKind.HTTP, message="429"),
        "http": HttpMeta(status=429, headers=(("Retry-After", str(int(ASKED_S))),), stream="none"),
    },
}
KINDS = {
    "result": OutcomeKind.RESULT,
    "tool-error": OutcomeKind.TOOL_ERROR,
    "error": OutcomeKind.PROTOCOL_ERROR,
    "unreadable": OutcomeKind.PROTOCOL_ERROR,
    "timeout": OutcomeKind.TIMEOUT,
    "closed": OutcomeKind.UNAVAILABLE,
    "refused": OutcomeKind.UNAVAILABLE,
}
SAFE_HINTS = ("readOnlyHint", "idempotentHint")
HINTS = st.dictionaries(st.sampled_from([*SAFE_HINTS, "destructiveHint", "openWorldHint"]), st.booleans())


class Wire:
    """A manager of one server whose answers are written down; it counts what is sent."""

    def __init__(self, script):
        self.script, self.sent = list(script), 0
        self.channel = SimpleNamespace(ended=None)
        self.agreement = SimpleNamespace(era=Era.STATELESS)
        self.alive, self.id, self.session = True, "c::one", self
        self.servers, self.spec = [self], SimpleNamespace(name="one")

    def server(self, _):
        return self

    async def call_tool(self, name, arguments, *, timeout_s):
        word = self.script[min(self.sent, len(self.script) - 1)]
        self.sent += 1
        return Exchange(method="tools/call", id=1, sent=b"", sent_at=0.0, ended_at=0.0, **ANSWERS[word])


def expected(script, *, safe, tries):
    """Return how the call ends, how often it is sent, and for each wait its longest time by the rules."""
    waits = []
    for number in range(1, tries + 1):
        word = script[min(number - 1, len(script) - 1)]
        final = word not in {"timeout", "closed", "refused"} or number == tries
        if final or not (safe or word == "refused"):
            return KINDS[word], number, waits
        waits.append(max(ASKED_S if word == "refused" else 0.0, min(9.0, 2.0 ** (number - 1))))
    raise AssertionError("the last try is final")


@given(
    script=st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=4),
    hints=HINTS,
    attempts=st.integers(1, 4),
    retry=st.booleans(),
    warm=st.booleans(),
)
def test_a_call_is_sent_again_only_when_that_is_safe_or_nothing_was_done(script, hints, attempts, retry, warm):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    async def play():
        definition = ToolDefinition(name="tool", raw={"name": "tool", "annotations": hints})
        registry = DynamicToolRegistry([RegisteredTool(server="one", server_id="c::one", definition=definition)])
        backoff = Backoff(base_s=1.0, cap_s=9.0, attempts=attempts, random=lambda: 1.0)
        policy = ExecutionPolicy(backoff=backoff, breaker=BreakerPolicy(least_calls=100))
        wire = Wire(["result", *script] if warm else script)
        executor = MultiServerExecutor(wire, registry, policy=policy, clock=FakeClock(), sleep=sleep)
        if warm:
            assert (await executor.route_tool_call("one.tool")).succeeded
        outcome = await executor.route_tool_call("one.tool", retry=retry)
        return outcome, wire.sent - warm

    outcome, sent = asyncio.run(play())
    safe = any(hints.get(hint) is True for hint in SAFE_HINTS)
    kind, times, waits = expected(script, safe=safe, tries=attempts if retry else 1)
    assert (outcome.kind, sent, outcome.attempts) == (kind, times, times)
    assert waited == pytest.approx(waits)
