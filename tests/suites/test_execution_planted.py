"""Every planted fault is found and shrunk, and nothing is found where nothing is planted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from assay import LIMITS, Assayed, assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.execution import CHECKS

PLANTED = Path(__file__).parent.parent / "servers" / "planted.py"

FOUND_HERE = {
    "reverse_text": ("EXEC-001", '{"text": ""}'),
    "repeat_text": ("ADV-014", '{"count": 0, "text": ""}'),
    "divide": ("TOOL-026", '{"dividend": 0, "divisor": 0}'),
    "parse_number": ("TOOL-025", '{"text": ""}'),
    "find_colour": ("TOOL-022", "{} (the required property 'name' is missing)"),
    "scale": ("TOOL-022", '{"factor": {"unexpected": true}} (/factor: an object instead of a number)'),
    "describe_season": ("TOOL-022", '{"season": "spring-unknown"} (/season: a value that is not listed)'),
    "pad_text": ("TOOL-022", '{"text": "", "width": 0} (/width: less than the bound 1)'),
    "check_code": ("TOOL-022", '{"code": "'),
    "sort_words": ("TOOL-022", '{"unexpectedProperty": "", "words": []}'),
    "total_price": ("TOOL-022", '{"items": [{"amount": {"unexpected": true}}]}'),
    "describe_user": ("TOOL-015", '{"brief": true, "name": ""}'),
    "average": ("TOOL-016", '{"values": []}: /mean'),
    "lower_text": ("TOOL-018", '{"text": ""}'),
    "draw": ("TOOL-019", '{"shape": "square"}: content[1]: data is no base64 text'),
    "count_letters": ("TOOL-026", '{"text": "\\u'),
    "transpose": (
        "TOOL-022",
        '{"matrix": {"unexpected": true}} (/matrix: an object instead of an array): the server exited',
    ),
    "hit_count": ("TOOL-029", "it claims readOnlyHint, but after {}"),
    "echo_slowly": ("EXEC-002", '{"text": "zq'),
    "sleep": ("STDIO-004", '{"ms": 600}'),
    "find_user": ("TOOL-025", '{"id": 101}'),
    "read_part": ("TOOL-016", '{"id": "part-9f3c21"}: /weight'),
    "digest": ("EXEC-003", "65 537 characters in text"),
}
"""Check that finds the fault of a tool, and how what it observed begins. The others are found by the wire's checks."""


def judged(*options: str) -> Assayed:
    command = [sys.executable, "-S", "-E", str(PLANTED), *options]
    return assay(command, CHECKS, settings=Settings(), limits=LIMITS)


@pytest.fixture(scope="module")
def planted() -> Assayed:
    return judged()


@pytest.mark.parametrize("tool", FOUND_HERE)
def test_a_planted_fault_is_found_and_shrunk(planted: Assayed, tool: str) -> None:
    check, begins = FOUND_HERE[tool]
    verdict = planted[f"{check}.{tool}"]
    assert verdict.outcome in {Outcome.FAIL, Outcome.WARN}
    assert (verdict.observed or "").startswith(begins)
    assert verdict.exchange


def test_a_planted_fault_is_found_by_no_check_of_another_tool(planted: Assayed) -> None:
    assert set(planted.findings) == {f"{check}.{tool}" for tool, (check, _) in FOUND_HERE.items()}


def test_the_healthy_twin_has_no_finding() -> None:
    assert judged("--healthy").findings == {}
