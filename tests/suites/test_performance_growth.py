"""Servers that hold on to more with each call, and those that do not."""

from __future__ import annotations

import math
import random
import sys
from typing import TYPE_CHECKING

import pytest
from assay import Assayed, assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.load.growth import GrowthRun
from mcp_assay.load.resources import Resources
from mcp_assay.readiness.settings import PerformanceBudget, Settings
from mcp_assay_suites.performance.growth import CHECKS
from mcp_assay_suites.performance.repeating import HOLDINGS, Repeated, growth_per_call

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY = next(held for held in HOLDINGS if held.field == "rss_bytes")
KIB, MIB = 1024, 1024 * 1024

INLINE = """
import json, os, subprocess, sys
HINTS = {"readOnlyHint": True, "openWorldHint": False}
kept = []
def work():
    DOES
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = {}
    if message["method"] == "initialize":
        result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "inline", "version": "1"}}
    if message["method"] == "tools/list":
        result = {"tools": [{"name": "work", "inputSchema": {"type": "object"}, "annotations": HINTS}]}
    if message["method"] == "tools/call":
        work()
        result = {"content": [{"type": "text", "text": "done"}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def worked(does: str, *, growth_s: float = 20.0) -> Assayed:
    settings = Settings(examples=1, performance=PerformanceBudget(growth_s=growth_s))
    return assay([sys.executable, "-S", "-E", "-c", INLINE.replace("DOES", does)], CHECKS, settings=settings)


def test_a_server_that_holds_on_to_nothing_passes() -> None:
    assert worked("bytes(100_000)")["ADV-012"].outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("does", "what"),
    [
        ("kept.append(os.urandom(200 * 1024))", "memory"),
        ("kept.append(os.open(os.devnull, os.O_RDONLY))", "open files"),
        ("os.fork() or os._exit(0)", "child processes"),
    ],
)
def test_what_grows_with_each_call_is_named_with_its_tool(does: str, what: str) -> None:
    verdict = worked(does)["ADV-012"]
    assert verdict.outcome is Outcome.WARN
    assert (verdict.observed or "").startswith(f"work: {what} ")


def test_a_server_that_dies_of_many_calls_is_found() -> None:
    verdict = worked("kept.append(1); len(kept) > 99 and sys.exit(6)")["ADV-012"]
    assert verdict.outcome is Outcome.WARN
    assert "exited with status 6" in (verdict.observed or "")


def test_growth_can_be_left_out() -> None:
    verdict = worked("pass", growth_s=0.0)["ADV-012"]
    assert (verdict.outcome, verdict.reason) == (Outcome.SKIP, "growth_s is 0")


def series(memory: Callable[[float], float], *, calls: int, samples: int = 60, noise: float = 0.0) -> GrowthRun:
    """Return a run in which memory is a function of the calls made, with noise that never repeats."""
    source = random.Random(1)
    made = [calls * at // samples for at in range(samples + 1)]
    held = [int(60 * MIB + memory(float(at)) + source.uniform(0, noise)) for at in made]
    return GrowthRun(
        samples=tuple(
            Resources(calls=at, rss_bytes=size, descriptors=9, children=0, cpu_s=0.0)
            for at, size in zip(made, held, strict=True)
        ),
        calls=calls,
    )


def repeated(run: GrowthRun) -> Repeated:
    """Return the calls of one tool that a run stands for."""
    return Repeated(tools={"work": run.calls}, call="work", run=run)


@pytest.mark.parametrize(
    ("kib", "calls"), [(10.0, 30_000), (6.0, 60_000), (1.0, 300_000), (0.25, 1_000_000), (1.5, 120_000)]
)
def test_a_leak_is_found_however_slow_once_it_is_more_than_what_a_heap_fills_up_by(kib: float, calls: int) -> None:
    run = series(lambda made: made * kib * KIB, calls=calls, noise=6 * MIB)
    assert MEMORY.has_grown(run)
    assert MEMORY.established(run) == pytest.approx(kib * KIB, rel=0.15)


@pytest.mark.parametrize("period", [900, 3_100, 7_300, 11_000])
def test_a_leak_below_a_heap_that_is_collected_is_found(period: int) -> None:
    run = series(lambda made: made * 8 * KIB + (made % period) / period * 40 * MIB, calls=40_000, noise=MIB)
    assert MEMORY.has_grown(run)


@pytest.mark.parametrize("size", [30, 100, 400])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.4, 0.6, 0.66])
def test_what_fills_up_and_stays_is_no_leak(share: float, size: int) -> None:
    run = series(lambda made: min(1.0, made / (share * 60_000)) * size * MIB, calls=60_000, noise=2 * MIB)
    assert not MEMORY.has_grown(run)
    assert not MEMORY.is_open(run)


@pytest.mark.parametrize("share", [0.03, 0.1, 0.15])
def test_a_warm_up_that_comes_to_rest_is_no_leak(share: float) -> None:
    run = series(lambda made: (1 - math.exp(-made / (share * 60_000))) * 300 * MIB, calls=60_000, noise=2 * MIB)
    assert not MEMORY.has_grown(run)
    assert not MEMORY.is_open(run)


def test_a_heap_that_is_collected_at_random_is_no_leak() -> None:
    alarms = 0
    for seed in range(200):
        source = random.Random(seed)
        held, top, memory = 0.0, source.uniform(20, 120) * MIB, list[float]()
        for _ in range(61):
            held = held + source.uniform(0.5, 6) * MIB if held < top else source.uniform(0, 8) * MIB
            memory.append(held)
        run = series(lambda made, memory=memory: memory[min(60, round(made / 500))], calls=30_000)  # type: ignore[misc]
        alarms += MEMORY.has_grown(run)
    assert alarms == 0


def test_what_is_loaded_with_the_first_call_is_no_growth_however_large() -> None:
    run = series(lambda made: 900 * MIB if made else 0, calls=500, samples=20, noise=MIB)
    assert not MEMORY.has_grown(run)
    assert not MEMORY.is_open(run)


def test_too_short_a_rise_is_left_open_and_not_within_a_limit() -> None:
    run = series(lambda made: made * 10 * KIB, calls=4_000, noise=MIB)
    assert not MEMORY.has_grown(run)
    assert MEMORY.is_open(run)
    made = [repeated(run)]
    assert (made[0].told, growth_per_call(made, "open_files_growth")) == (None, 0.0)
    assert "work: memory rose by 10" in (made[0].left_open or "")
    assert "give growth_s more time" in str(growth_per_call(made, "rss_growth"))
    assert growth_per_call(made, "rss_growth", limit=20 * KIB) == growth_per_call(made, "rss_growth")


def test_a_rise_below_a_narrower_limit_of_the_user_is_known_only_when_it_could_have_been_seen() -> None:
    slow = [repeated(series(lambda made: made * 2 * KIB, calls=9_000))]
    assert growth_per_call(slow, "rss_growth") == 0.0
    assert "too few to tell" in str(growth_per_call(slow, "rss_growth", limit=1 * KIB))
    flat = [repeated(series(lambda made: 0.0, calls=9_000))]
    assert growth_per_call(flat, "rss_growth", limit=1 * KIB) == 0.0


def test_few_calls_of_a_slow_tool_are_no_pass() -> None:
    verdict = worked("import time; time.sleep(0.05)", growth_s=0.5)["ADV-012"]
    assert verdict.outcome is Outcome.SKIP
    assert "too few calls to tell growth from noise" in (verdict.reason or "")


def test_a_leak_that_is_too_slow_for_the_time_given_is_no_pass() -> None:
    does = "import time; kept.append(os.urandom(20 * 1024)); time.sleep(0.0005)"
    verdict = worked(does, growth_s=3.0)["ADV-012"]
    assert verdict.outcome is not Outcome.PASS
    assert "work: memory " in (verdict.reason or verdict.observed or "")
