"""The user's own limits, overload and soak against real processes; no test looks at how long anything took here."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from assay import Assayed, assay

from mcp_assay.config.overlay import Overlay
from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.settings import PerformanceBudget, Settings
from mcp_assay_suites.performance import CHECKS

if TYPE_CHECKING:
    from collections.abc import Mapping

RAW = Path(__file__).parent.parent / "servers" / "raw.py"
NOTHING = "[budgets]\n"
LITTLE = PerformanceBudget(cold_starts=1, calls=12, warm_up=1, overload_s=0.1)
LIMITS = tuple(check for check in CHECKS if check.id.startswith("BUDG-"))
IDS = {check.slug.removeprefix("budget-").replace("-", "_"): check.id for check in LIMITS}

INLINE = """
import json, os, sys, time
HINTS = {"readOnlyHint": True, "openWorldHint": False}
kept, calls = [], 0
TOOLS = [{"name": "work", "inputSchema": {"type": "object"}, "annotations": HINTS},
         {"name": "remember", "inputSchema": {"type": "object"}}]
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = {}
    if message["method"] == "initialize":
        result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "inline", "version": "1"}}
    if message["method"] == "tools/list":
        result = {"tools": TOOLS}
    if message["method"] == "tools/call":
        calls += 1
        result = {"content": [{"type": "text", "text": "done"}]}
        DOES
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def judged(
    folder: Path, text: str, *, does: str = "pass", soak_s: float = 0.0, ids: str = "BUDG-", growth_s: float = 1.0
) -> Assayed:
    path = folder / "mcp-assay.toml"
    path.write_text(text, "utf-8")
    checks = tuple(check for check in CHECKS if check.id.startswith(ids))
    settings = Settings(examples=1, performance=replace(LITTLE, growth_s=growth_s), soak_s=soak_s)
    command = [sys.executable, "-S", "-E", "-c", INLINE.replace("DOES", does)]
    return assay(command, checks, settings=settings, rules=Overlay.load(path))


def entries(found: Assayed, metric: str) -> list[Mapping[str, object]]:
    return [dict(budget) for budget in found[IDS[metric]].budgets]


def test_each_limit_is_a_verdict_with_threshold_and_value(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        '[budgets]\nlimits = ["p95 < 1h", "p50 < 1ns", "error_rate < 1%", "throughput > 0.001/s", "cold_start < 1h",'
        ' "shutdown < 1h", "recovery < 1h", "rss < 10GB", "cpu < 1h/call"]\n',
    )
    outcomes = {name: verdict.outcome for name, verdict in found.verdicts.items()}
    assert outcomes.pop(IDS["p50"]) is Outcome.FAIL
    assert set(outcomes.values()) == {Outcome.PASS}
    assert len(outcomes) == 8
    kept, unopened = entries(found, "p95")
    whole = {"tool": "work", "metric": "p95", "threshold": "p95 < 1h", "limit": 3600.0, "unit": "s", "verdict": "pass"}
    assert kept == {**whole, "value": kept["value"]}
    assert isinstance(kept["value"], float)
    assert (unopened["tool"], unopened["value"], unopened["verdict"]) == ("remember", None, "skip")
    broken = found[IDS["p50"]]
    assert broken.expected == "p50 < 1ns"
    assert (broken.observed or "").startswith("work: ")
    assert "1 tool not measured" in (broken.observed or "")
    assert found[IDS["cold_start"]].budgets[0]["value"] > 0


def test_what_could_not_be_measured_breaks_its_limit(tmp_path: Path) -> None:
    limits = '[budgets]\nlimits = ["p95 < 1h", "error_rate < 1%", "rss_growth < 1GB/call", "recovery < 1h"]\n'
    found = judged(tmp_path, limits, does='result["isError"] = True')
    for metric in ("p95", "error_rate", "rss_growth", "recovery"):
        assert found[IDS[metric]].outcome is Outcome.FAIL, metric
        assert {entry["value"] for entry in entries(found, metric)} == {None}
    assert "no tool could be measured" in (found[IDS["p95"]].observed or "")


def test_a_limit_on_a_tool_that_may_not_be_called_is_broken(tmp_path: Path) -> None:
    found = judged(tmp_path, '[servers.it.tools.remember]\nlimits = ["p95 < 1h"]\n')
    assert found[IDS["p95"]].outcome is Outcome.FAIL
    assert "remember: not called" in (found[IDS["p95"]].observed or "")
    assert set(found.verdicts) == {IDS["p95"]}


def test_calls_that_fail_under_measurement_break_the_limit_on_errors(tmp_path: Path) -> None:
    does = 'result["isError"] = calls > 2 and calls % 2 == 0'
    found = judged(tmp_path, '[budgets]\nlimits = ["error_rate < 1%"]\n', does=does)
    assert found[IDS["error_rate"]].outcome is Outcome.FAIL
    assert entries(found, "error_rate")[0]["value"] == pytest.approx(0.5, abs=0.1)


def test_growth_beyond_a_limit_of_the_user_is_found(tmp_path: Path) -> None:
    limits = '[budgets]\nlimits = ["rss_growth < 5MB/1000 calls", "open_files_growth <= 0/call"]\n'
    found = judged(tmp_path, limits, growth_s=20.0, does="kept.append(bytearray(b'x') * 100_000)")
    assert found[IDS["rss_growth"]].outcome is Outcome.FAIL
    assert entries(found, "rss_growth")[0]["value"] == pytest.approx(100_000, rel=0.2)
    assert found[IDS["open_files_growth"]].outcome is Outcome.PASS


def test_limits_of_a_server_that_does_not_start_are_broken(tmp_path: Path) -> None:
    path = tmp_path / "mcp-assay.toml"
    path.write_text('[budgets]\nlimits = ["p95 < 1h", "cold_start < 1h"]\n', "utf-8")
    found = assay([sys.executable, "-c", "raise SystemExit(3)"], LIMITS, rules=Overlay.load(path))
    assert {verdict.outcome for verdict in found.verdicts.values()} == {Outcome.FAIL}
    assert "could not be reached" in (found[IDS["p95"]].observed or "")
    assert found[IDS["p95"]].budgets[0]["value"] is None


def test_a_server_recovers_from_an_overload(tmp_path: Path) -> None:
    verdict = judged(tmp_path, NOTHING, ids="PERF-004")["PERF-004"]
    assert verdict.outcome is Outcome.PASS
    assert [figure["metric"] for figure in verdict.figures] == ["recovery"]


def test_a_server_that_dies_of_an_overload_is_a_finding(tmp_path: Path) -> None:
    does = "calls > 60 and sys.exit(7)"
    verdict = judged(tmp_path, NOTHING, does=does, ids="PERF-004")["PERF-004"]
    assert verdict.outcome is Outcome.WARN
    assert "exited with status 7" in (verdict.observed or "")


def test_nothing_is_soaked_unasked(tmp_path: Path) -> None:
    assert judged(tmp_path, NOTHING, ids="PERF-005").verdicts == {}


def test_a_soak_says_what_it_did(tmp_path: Path) -> None:
    verdict = judged(tmp_path, NOTHING, soak_s=0.5, ids="PERF-005")["PERF-005"]
    assert verdict.outcome is Outcome.PASS
    assert verdict.benchmark is not None
    assert (verdict.benchmark["mode"], verdict.benchmark["errors"]) == ("soak", 0)
    assert {"rss_before", "rss_peak", "rss_after", "cpu"} <= {figure["metric"] for figure in verdict.figures}


def test_a_server_that_fails_during_a_soak_is_a_finding(tmp_path: Path) -> None:
    does = 'result["isError"] = calls > 5'
    verdict = judged(tmp_path, NOTHING, does=does, soak_s=0.5, ids="PERF-005")["PERF-005"]
    assert verdict.outcome is Outcome.WARN
    assert "failed: a result with isError" in (verdict.observed or "")
