"""The performance category against real processes; no test looks at how long anything took on this machine."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from assay import Assayed, Rules, assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.policy import Rule
from mcp_assay.readiness.settings import PerformanceBudget, Settings
from mcp_assay_suites.execution import CHECKS as EXECUTION
from mcp_assay_suites.performance import CHECKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.readiness.policy import ToolRules

RAW = Path(__file__).parent.parent / "servers" / "raw.py"
LATENCY = tuple(check for check in CHECKS if check.id in {"ADV-011", "PERF-001", "PERF-002", "PERF-003"})
STARTING = tuple(check for check in CHECKS if check.id == "ADV-010")
LITTLE = PerformanceBudget(cold_starts=2, calls=12, warm_up=1, per_tool_s=5.0, cold_start_s=60.0, p95_s=30.0)
ENTRY_FIELDS = {"server", "tool", "mode", "concurrency", "calls", "errors", "rate_per_s", "latency_s", "overhead_s"}


def judged(
    *options: str,
    checks: tuple[object, ...] = LATENCY,
    budget: PerformanceBudget = LITTLE,
    rules: ToolRules | None = None,
    writes: bool = False,
    tools: tuple[str, ...] = ("echo",),
) -> Assayed:
    settings = Settings(allow_writes=writes, examples=2, performance=budget)
    command = [sys.executable, "-S", "-E", str(RAW), *options]
    return assay(command, checks, settings=settings, rules=rules, tools=tools)  # type: ignore[arg-type]


def test_a_cold_start_is_measured_over_fresh_processes() -> None:
    verdict = judged(checks=STARTING)["ADV-010"]
    assert verdict.outcome is Outcome.PASS
    assert verdict.benchmark is not None
    assert verdict.benchmark.keys() >= ENTRY_FIELDS
    assert (verdict.benchmark["mode"], verdict.benchmark["tool"], verdict.benchmark["calls"]) == ("cold-start", "", 2)
    assert verdict.benchmark["latency_s"]["min"] > 0


def test_a_cold_start_beyond_its_budget_is_a_finding_with_the_figure() -> None:
    verdict = judged(checks=STARTING, budget=replace(LITTLE, cold_start_s=0.0001))["ADV-010"]
    assert verdict.outcome is Outcome.WARN
    assert verdict.benchmark is not None
    assert verdict.expected == "the server is ready within 0.0001 s of its start"


def test_a_second_instance_that_never_starts_is_a_finding_not_silence(tmp_path: Path) -> None:
    once = tmp_path / "once.py"
    once.write_text(
        f"import os, sys\nmark = {str(tmp_path / 'mark')!r}\n"
        f"os.path.exists(mark) and sys.exit(3)\nopen(mark, 'w').close()\n"
        f"os.execv(sys.executable, [sys.executable, '-S', '-E', {str(RAW)!r}])\n"
    )
    settings = Settings(performance=LITTLE)
    verdict = assay([sys.executable, str(once)], STARTING, settings=settings)["ADV-010"]
    assert verdict.outcome is Outcome.WARN
    assert "could not be measured" in (verdict.observed or "")
    assert verdict.benchmark is None


def test_the_latency_of_a_tool_is_measured_with_the_call_that_worked() -> None:
    found = judged(checks=(*EXECUTION[:1], *LATENCY))
    verdict = found["ADV-011.echo"]
    assert verdict.outcome is Outcome.PASS
    assert '{"text": "hello"}' in (verdict.observed or "")
    assert verdict.benchmark is not None
    assert verdict.benchmark.keys() >= ENTRY_FIELDS | {"machine"}
    assert (verdict.benchmark["mode"], verdict.benchmark["concurrency"]) == ("closed", 1)
    assert verdict.benchmark["overhead_s"] > 0
    assert found["PERF-001.echo"].benchmark is not None
    assert found["PERF-001.echo"].benchmark["concurrency"] == 8


def test_a_slow_tool_is_a_finding_with_the_figure() -> None:
    verdict = judged("--delay-ms", "20", budget=replace(LITTLE, p95_s=0.01))["ADV-011.echo"]
    assert verdict.outcome is Outcome.WARN
    assert verdict.benchmark is not None
    assert verdict.benchmark["latency_s"]["min"] >= 0.02


def test_a_tool_that_dies_under_repetition_is_a_finding() -> None:
    found = judged("--fault", "exit-after=6", checks=(*EXECUTION[:1], *LATENCY))
    assert found["ADV-011.echo"].outcome is Outcome.WARN
    assert "exited with status 9" in (found["ADV-011.echo"].observed or "")
    assert {found[f"{name}.echo"].outcome for name in ("PERF-001", "PERF-002")} == {Outcome.WARN}


def test_a_tool_that_dies_at_a_constant_rate_is_a_finding() -> None:
    at_a_rate = [check for check in LATENCY if check.id == "PERF-003"]
    found = judged("--fault", "exit-after=9", checks=(*EXECUTION[:1], *at_a_rate))
    assert found["PERF-003.echo"].outcome is Outcome.WARN
    assert "exited with status 9" in (found["PERF-003.echo"].observed or "")


def test_a_tool_that_never_worked_is_a_skip() -> None:
    verdict = judged("--fault", "always-fails")["ADV-011.echo"]
    assert verdict.outcome is Outcome.SKIP
    assert "never successfully exercised" in (verdict.reason or "")


def test_a_tool_that_is_not_opened_is_a_skip_with_the_reason_of_the_decision() -> None:
    verdict = judged(tools=("remember",))["ADV-011.remember"]
    assert verdict.outcome is Outcome.SKIP
    assert "call = true" in (verdict.reason or "")


INLINE = """
import json, sys
HINTS = {hints!r}
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = {{"content": [{{"type": "text", "text": "ok"}}]}}
    if message["method"] == "initialize":
        result = {{"protocolVersion": message["params"]["protocolVersion"], "capabilities": {{"tools": {{}}}},
                   "serverInfo": {{"name": "inline", "version": "1"}}}}
    if message["method"] == "tools/list":
        result = {{"tools": [{{"name": "look", "inputSchema": {{"type": "object"}}, "annotations": HINTS}}]}}
    print(json.dumps({{"jsonrpc": "2.0", "id": message["id"], "result": result}}), flush=True)
"""


def looked(hints: dict[str, bool], *, rules: ToolRules | None = None, writes: bool = False) -> Assayed:
    settings = Settings(allow_writes=writes, performance=LITTLE)
    command = [sys.executable, "-c", INLINE.format(hints=hints)]
    return assay(command, (*EXECUTION, *LATENCY), settings=settings, rules=rules)


@pytest.mark.parametrize("hints", [{"readOnlyHint": True}, {"readOnlyHint": True, "openWorldHint": True}])
def test_a_tool_that_may_reach_the_world_is_called_thrice_at_most(hints: dict[str, bool]) -> None:
    found = looked(hints)
    assert found["EXEC-001.look"].outcome is Outcome.PASS
    assert found["ADV-011.look"].outcome is Outcome.SKIP
    assert "openWorldHint" in (found["ADV-011.look"].reason or "")
    assert 1 <= found.server.calls["look"] <= 3


def test_a_rule_of_the_user_lifts_the_limit_for_open_world_tools() -> None:
    found = looked({"readOnlyHint": True}, rules=Rules({"look": Rule(call=True)}))
    assert found["ADV-011.look"].outcome is Outcome.PASS


def test_a_tool_that_does_not_say_it_may_be_repeated_is_not_measured() -> None:
    verdict = looked({"openWorldHint": False}, writes=True)["ADV-011.look"]
    assert verdict.outcome is Outcome.SKIP
    assert "idempotentHint" in (verdict.reason or "")


@dataclass(frozen=True)
class WithBudgets(Rules):
    budgets: Mapping[str, float]

    def budgets_of(self, server: str) -> Mapping[str, float]:
        return self.budgets


def test_limits_of_the_user_replace_those_of_the_run() -> None:
    rules = WithBudgets({}, {"p95_s": 0.000001, "calls": 7, "warm_up": 0})
    verdict = judged(rules=rules)["ADV-011.echo"]
    assert verdict.outcome is Outcome.WARN
    assert verdict.benchmark is not None
    assert verdict.benchmark["calls"] == 7
