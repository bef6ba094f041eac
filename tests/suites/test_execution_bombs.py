"""In a sandbox, what takes a tool for ever is looked for; elsewhere somebody may be waiting for the server."""

from __future__ import annotations

import sys
from pathlib import Path

from assay import assay

from mcp_assay.wire.limits import Limits
from mcp_assay_suites.execution import CHECKS
from mcp_assay_suites.exercising.bombs import bombs

SEARCHING = [sys.executable, "-S", "-E", str(Path(__file__).parent.parent / "servers" / "searching.py")]
LIMITS = Limits(start_s=20.0, list_s=1.0, call_s=1.0, probe_s=0.5, exit_s=0.5, terminate_s=0.5)
TEXT = {"type": "string"}


def test_a_pattern_that_backtracks_for_ever_is_found_in_a_sandbox() -> None:
    found = assay(SEARCHING, CHECKS, limits=LIMITS, contained=True)
    assert set(found.findings) == {"ADV-014.find_text"}
    assert "(a+)+" in (found["ADV-014.find_text"].arguments or "")


def test_a_tool_that_bounds_its_patterns_has_no_finding() -> None:
    assert assay([*SEARCHING, "--healthy"], CHECKS, contained=True).findings == {}


def test_they_are_made_for_parameters_that_say_what_they_are() -> None:
    def made(base: dict[str, str], *names: str) -> list[object]:
        return [*bombs({"properties": dict.fromkeys(names, TEXT)}, dict(base))]

    assert made({"content": "a"}, "content", "searchPattern") == [
        {"content": f"{'a' * 48}!", "searchPattern": "^(a+)+$"}
    ]
    assert made({}, "expression", "text") == [{"expression": "9**9**9"}]
    assert made({}, "pattern", "path") == []
    assert made({"a": "b"}, "a", "formulation") == []
