"""Hints that hold, and hints that do not, on processes of a few lines."""

from __future__ import annotations

import sys

import pytest
from assay import Assayed, assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.execution.honesty import CHECKS, counts_up

FEW = Settings(examples=1, allow_writes=True)

INLINE = """
import json, sys, time
READS = {"readOnlyHint": True, "openWorldHint": False}
REPEATS = {"idempotentHint": True, "openWorldHint": False}
state = {"count": 0, "seen": set()}
def touch():
    DOES
    return "done"
def show():
    return SHOWS
TOOLS = {"touch": (touch, HINTS), "show": (show, READS)}
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = {}
    if message["method"] == "initialize":
        result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "inline", "version": "1"}}
    if message["method"] == "tools/list":
        result = {"tools": [{"name": name, "inputSchema": {"type": "object"}, "annotations": hints}
                            for name, (_, hints) in TOOLS.items()]}
    if message["method"] == "tools/call":
        result = {"content": [{"type": "text", "text": str(TOOLS[message["params"]["name"]][0]())}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def counted(value: str, *, shows: str = "0") -> Assayed:
    """A read-only tool that answers with a value which may use ``state['count']``, the number of its calls."""
    code = INLINE.replace("HINTS)", "READS)").replace("DOES", "state['count'] += 1").replace("SHOWS", shows)
    code = code.replace('return "done"', f"return {value}")
    return assay([sys.executable, "-c", code], CHECKS, settings=FEW, tools=("touch",))


def hinted(*, hints: str = "READS", does: str = "pass", shows: str = "state['count']") -> Assayed:
    code = INLINE.replace("HINTS)", f"{hints})").replace("DOES", does).replace("SHOWS", shows)
    return assay([sys.executable, "-c", code], CHECKS, settings=FEW, tools=("touch",))


def test_a_read_only_tool_that_changes_what_another_shows_is_found() -> None:
    verdict = hinted(does="state['count'] += 1")["TOOL-029.touch"]
    assert verdict.outcome is Outcome.WARN
    assert verdict.observed == "it claims readOnlyHint, but after {} the answer of show changed"


def test_a_read_only_tool_that_changes_nothing_passes() -> None:
    assert hinted()["TOOL-029.touch"].outcome is Outcome.PASS


def test_a_second_call_that_adds_to_the_first_is_found() -> None:
    verdict = hinted(hints="REPEATS", does="state['count'] += 1")["TOOL-029.touch"]
    assert verdict.outcome is Outcome.WARN
    assert verdict.expected == "the second call with the same arguments changes nothing"


def test_an_idempotent_tool_may_change_something_once() -> None:
    found = hinted(hints="REPEATS", does="state['seen'].add(1)", shows="len(state['seen'])")
    assert found["TOOL-029.touch"].outcome is Outcome.PASS


def test_what_changes_at_every_look_proves_nothing() -> None:
    found = hinted(does="state['count'] += 1", shows="time.perf_counter_ns()")
    assert found["TOOL-029.touch"].outcome is Outcome.PASS


def test_what_changes_with_the_time_of_day_proves_nothing() -> None:
    # It moves on in every snapshot but the control one, as a clock does that ticks at a bad moment.
    shows = "(state.__setitem__('looks', state.get('looks', 0) + 1), max(state['looks'], 3))[1]"
    assert hinted(shows=shows).findings == {}


def test_a_read_only_tool_that_counts_its_calls_is_found() -> None:
    verdict = counted("f'called {state[\"count\"]} times'")["TOOL-029.touch"]
    assert verdict.outcome is Outcome.WARN
    assert "a number in its own answer" in (verdict.observed or "")


@pytest.mark.parametrize(
    "value", ["time.time_ns() // 1_000_000", "time.time()", "int(time.monotonic())", "__import__('random').random()"]
)
def test_an_answer_that_follows_the_clock_or_chance_is_no_count(value: str) -> None:
    assert counted(value)["TOOL-029.touch"].outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("column", "counts"),
    [([1, 2, 3, 4], True), ([5, 15, 25], True), ([4, 3, 2], False), ([1, 1, 1], False), ([1, 3, 4], False)],
)
def test_a_count_rises_by_the_same_small_step(column: list[int], counts: bool) -> None:
    assert counts_up(column) is counts


def test_a_server_that_counts_the_calls_of_every_tool_is_not_accused() -> None:
    everyones = counted("state['count']", shows="state.update(count=state['count'] + 1)")
    assert everyones["TOOL-029.touch"].outcome is not Outcome.WARN
    assert counted("state['count']")["TOOL-029.touch"].outcome is Outcome.WARN


def test_a_server_that_shows_each_tools_calls_beside_each_other_is_not_accused() -> None:
    shown = counted("[state['count'], len(state['seen'])]", shows="state['seen'].add(len(state['seen']))")
    assert shown["TOOL-029.touch"].outcome is not Outcome.WARN
