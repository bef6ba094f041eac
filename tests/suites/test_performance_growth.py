"""Servers that hold on to more with each call, and those that do not."""

from __future__ import annotations

import sys

import pytest
from assay import Assayed, assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.settings import PerformanceBudget, Settings
from mcp_assay_suites.performance.growth import CHECKS

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
