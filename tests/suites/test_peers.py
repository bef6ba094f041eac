"""What other tools miss and this one must not, and of what they accuse healthy servers and this one must not."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_assay.readiness.settings import Settings
from mcp_assay_suites import all_checks

if TYPE_CHECKING:
    from collections.abc import Mapping

LISTED = Path(__file__).parent / "listed.py"
CHECKS = [check for check in all_checks() if check.category in {"connectivity", "schema", "execution"}]
CHOSEN = [check for check in CHECKS if check.tier == 1 and check.id not in {"CONN-002", "ADV-020"}]
TOOL = {
    "name": "add_numbers",
    "title": "Add numbers",
    "description": "Return the sum of two whole numbers",
    "inputSchema": {
        "type": "object",
        "properties": {"a": {"type": "integer", "description": "The first number"}},
        "additionalProperties": False,
    },
    "annotations": {"readOnlyHint": True},
}


def listed(**members: object) -> dict[str, object]:
    """Return a server that lists one tool with other members."""
    return {"command": sys.executable, "args": ["-S", str(LISTED), json.dumps({"tools": [{**TOOL, **members}]})]}


@pytest.fixture(scope="module")
def judged(bench) -> Mapping[str, object]:
    servers = {
        "noise on stdout": bench.raw("--violate", "STDIO-001"),
        "required names nothing": listed(inputSchema={**TOOL["inputSchema"], "required": ["b"]}),
        "stays after the end": bench.raw("--violate", "STDIO-003"),
        "stuck cursor": bench.raw("--fault", "repeated-cursor=prompts/list"),
        "wrong ids": bench.raw("--violate", "BASE-002"),
        "unanswered call": bench.raw("--fault", "never-answer"),
        "title": listed(),
        "stderr flood": bench.raw("--fault", "stderr-flood"),
        "healthy": bench.raw(),
    }
    return bench.judge(servers, CHOSEN, settings=Settings(check_s=60.0, examples=1))


@pytest.mark.parametrize(
    ("server", "check", "words"),
    [
        ("noise on stdout", "STDIO-001", "raw server 1.0 ready"),
        ("required names nothing", "ADV-023", "the root requires 'b', which it does not define"),
        ("stays after the end", "STDIO-003", "it took SIGTERM"),
        ("stuck cursor", "PAGE-002", "came twice"),
        ("wrong ids", "BASE-002", "re:"),
        ("unanswered call", "ADV-014", "no answer to tools/call within"),
    ],
)
def test_what_others_miss_is_found_and_named(judged, server, check, words):
    assert words in judged[server].findings[check].observed


def test_an_unanswered_call_hangs_nothing_else(judged):
    found = judged["unanswered call"]
    assert set(found.findings) == {"ADV-014"}
    assert "pass" in {verdict.outcome for verdict in found.of("TOOL-019")}, "other tools are judged all the same"


@pytest.mark.parametrize("server", ["title", "stderr flood", "healthy"])
def test_a_healthy_server_is_not_accused(judged, server):
    assert {check: verdict.observed for check, verdict in judged[server].findings.items()} == {}


def test_a_title_without_one_in_the_annotations_is_fine(judged):
    assert [verdict.outcome for verdict in judged["title"].of("TOOL-027")] == ["pass"]


def test_wrong_arguments_may_be_answered_by_a_tool_error(judged):
    answers = [verdict for verdict in judged["healthy"].of("TOOL-022") if verdict.outcome == "pass"]
    assert answers
    assert {verdict.outcome for verdict in judged["healthy"].of("TOOL-023")} <= {"pass", "skip"}


def test_a_flood_on_stderr_is_drained_and_judged_by_nothing(judged):
    assert [verdict.outcome for verdict in judged["stderr flood"].of("ADV-015")] == ["pass"]


def test_what_we_send_in_odd_encodings_is_never_held_against_a_server(judged):
    assert [verdict.outcome for verdict in judged["healthy"].of("ADV-016")] == ["pass"]
    assert [verdict.outcome for verdict in judged["healthy"].of("BASE-026")] == ["pass"]
