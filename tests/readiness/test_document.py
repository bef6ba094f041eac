from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import mcp_assay_reports
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.redaction import Redactor
from mcp_assay.core.verdicts import Category, Level, Outcome, Verdict
from mcp_assay.plugin.transfer import decode_verdict, encode_verdict
from mcp_assay.readiness.document import RunFacts, ServerFacts, ServerStatus, ToolFacts, build_document

RUN = RunFacts(
    id="r1",
    started_at=datetime(2026, 11, 23, 9, tzinfo=UTC),
    duration_s=1.5,
    configs=("servers.json",),
    python="3.11.7",
    platform="Linux",
    exit_status=1,
)
POINTS = ((1, 0.1), (2, math.nan), (3, 0.2), (4, 0.9))
MEMORY = ServerFacts(
    name="memory",
    config="servers.json",
    line=3,
    status=ServerStatus.CONNECTED,
    transport="stdio",
    era="handshake",
    protocol_versions=("2025-11-25",),
    server_info={"name": "memory-server", "version": "0.6.3", "title": ["unexpected"]},
    connect_s=0.4,
    tools=(ToolFacts(name="read_graph", hash="sha256:00", executed=True),),
)
BROKEN = ServerFacts(
    name="broken",
    config="servers.json",
    line=9,
    status=ServerStatus.FAILED,
    transport="stdio",
    error=Fault(
        kind=FaultKind.EXITED, message="it exited at once", hint="look at stderr", exit_code=1, stderr_tail="x"
    ),
)
GOOD = Verdict(
    check="TOOL-001",
    slug="tools-list",
    category=Category.SCHEMA,
    level=Level.MUST,
    server="memory",
    config="servers.json",
    tool=None,
    outcome=Outcome.PASS,
    nodeid="servers.json::memory::schema::TOOL-001",
    duration_s=0.01,
    requirement="Lists are lists.",
)


def conforms(document: object) -> None:
    schema = json.loads((Path(mcp_assay_reports.__file__).parent / "report.schema.json").read_text("utf-8"))
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(
        json.loads(json.dumps(document, allow_nan=False))
    )


def test_a_document_conforms_to_its_schema() -> None:
    document = build_document(RUN, [MEMORY, BROKEN], [GOOD])
    conforms(document)
    assert document["summary"]["servers"] == 2
    assert document["summary"]["connected"] == 1
    assert document["run"]["started_at"] == "2026-11-23T09:00:00.000Z"


def test_an_empty_run_conforms_and_proves_nothing() -> None:
    document = build_document(RUN, [], [])
    conforms(document)
    assert document["summary"]["verdict"] == "UNPROVEN"


def test_an_unreachable_server_is_the_worst_and_drags_the_mean() -> None:
    summary = build_document(RUN, [MEMORY, BROKEN], [GOOD])["summary"]
    assert summary["verdict"] == "UNREACHABLE"
    assert summary["score"] == 50


@pytest.mark.parametrize("status", [ServerStatus.DISABLED, ServerStatus.SKIPPED])
def test_a_server_that_was_not_asked_for_counts_in_no_mean(status: ServerStatus) -> None:
    document = build_document(RUN, [MEMORY, replace(BROKEN, status=status, error=None)], [GOOD])
    assert document["summary"]["verdict"] == "READY"
    assert document["summary"]["score"] == 100
    assert document["servers"][1]["readiness"]["verdict"] == "UNPROVEN"


def test_servers_of_one_name_in_two_documents_are_judged_apart() -> None:
    other = replace(MEMORY, config="other.json")
    bad = replace(GOOD, config="other.json", outcome=Outcome.FAIL)
    first, second = build_document(RUN, [MEMORY, other], [GOOD, bad])["servers"]
    assert first["readiness"]["verdict"] == "READY"
    assert second["readiness"]["verdict"] == "NOT READY"


def test_texts_of_a_server_are_redacted_and_neutralised() -> None:
    presenter = Presenter(Redactor({"env TOKEN": "correct-horse-battery"}))
    error = replace(BROKEN.error, stderr_tail="\x1b[31mcorrect-horse-battery") if BROKEN.error else None
    hostile = replace(BROKEN, name="a\nb", error=error, server_info={"name": "correct-horse-battery", "version": 7})
    text = json.dumps(build_document(RUN, [hostile], [], presenter=presenter))
    assert "correct-horse-battery" not in text
    assert "\\u001b" not in text
    assert "<redacted:env TOKEN>" in text


def test_verdicts_meet_their_server_by_its_presented_name() -> None:
    hostile = replace(MEMORY, name="a\nb")
    bad = replace(GOOD, server="a b", outcome=Outcome.FAIL)
    assert build_document(RUN, [hostile], [bad])["servers"][0]["readiness"]["blockers"] == 1


def test_measurements_of_verdicts_and_callers_are_listed_with_finite_numbers() -> None:
    measured: dict[str, Any] = {"server": "memory", "tool": "read_graph", "mode": "closed", "calls": 3}
    measured |= {"latency_s": {"p50": math.inf, "p95": 0.2}, "extra": "kept"}
    verdict = replace(GOOD, benchmark=measured)
    document = build_document(RUN, [MEMORY], [verdict], benchmarks=[{**measured, "config": "other.json"}])
    conforms(document)
    first, second = document["benchmarks"]
    assert first["latency_s"]["p50"] == 0
    assert first["latency_s"]["p95"] == 0.2
    assert (first["config"], second["config"]) == ("servers.json", "other.json")


def test_a_histogram_is_kept_and_a_malformed_one_is_cleaned() -> None:
    measured: dict[str, Any] = {"server": "memory", "tool": "t", "histogram": [[0.1, 3], "x", [1], [math.nan, 2]]}
    document = build_document(RUN, [MEMORY], [], benchmarks=[measured, {**measured, "histogram": "none"}])
    conforms(document)
    first, second = document["benchmarks"]
    assert first.get("histogram") == [[0.1, 3.0], [0.0, 2.0]]
    assert "histogram" not in second


def test_workflows_are_presented_and_keep_their_fields() -> None:
    step: Any = {"id": "a\x1b", "server": "s", "tool": "t", "outcome": "result", "duration_s": 0.1, "needs": ["b"]}
    workflow: Any = {"name": "n\nm", "servers": ["s"], "verdict": "pass", "steps": [step] * 500, "note": "kept"}
    document = build_document(RUN, [], [], workflows=[workflow])
    conforms(document)
    shown: Any = document["workflows"][0]
    assert (shown["name"], shown["note"], len(shown["steps"])) == ("n m", "kept", 500)
    assert (shown["steps"][0]["id"], shown["steps"][0]["needs"]) == ("a\\x1b", ["b"])


def test_trends_keep_what_is_a_number_and_point_at_the_same_runs() -> None:
    points = [{"at": f"2026-11-{day:02}T03:00:00Z", "commit": "\x1b[31mabc", "value": value} for day, value in POINTS]
    about = {"server": "m\n", "tool": None, "metric": "p95", "unit": "s"}
    trend: Any = {**about, "points": points, "change_points": [3, 1]}
    document = build_document(RUN, [MEMORY], [], trends=[trend])
    conforms(document)
    (shown,) = document["trends"]
    assert [point["value"] for point in shown["points"]] == [0.1, 0.2, 0.9]
    assert shown["points"][0]["commit"] == "\\x1b[31mabc"
    assert shown["change_points"] == [2]
    assert "trends" not in build_document(RUN, [MEMORY], [])


def test_what_costs_most_names_the_tool_only_when_there_is_one() -> None:
    def failed(check: str, tool: str) -> Verdict:
        return replace(GOOD, check=check, tool=tool, outcome=Outcome.FAIL)

    made = [GOOD, failed("TOOL-008", "a"), failed("TOOL-008", "b"), failed("TOOL-009", "c")]
    costliest = build_document(RUN, [MEMORY], made)["servers"][0]["readiness"]["costliest"]
    assert [(c["check"], c["tool"], c.get("count")) for c in costliest] == [("TOOL-008", None, 2), ("TOOL-009", "c", 1)]


def test_a_score_just_below_a_bar_never_rounds_up_to_it() -> None:
    passes = [replace(GOOD, check=f"A-{n}", level=Level.ADV) for n in range(30)]
    document = build_document(RUN, [MEMORY], [*passes, replace(GOOD, check="B", level=Level.ADV, outcome=Outcome.WARN)])
    assert document["servers"][0]["readiness"]["score"] == 96.7741


def test_what_a_verdict_measured_stands_in_the_document_with_its_subject() -> None:
    figure = {"metric": "shutdown_s", "value": 0.25, "unit": "s"}
    budget = {
        "metric": "p95", "threshold": "p95 < 200ms", "limit": 0.2, "value": 0.3, "unit": "s", "verdict": "fail",
    }  # fmt: skip
    tool = replace(GOOD, tool="read_graph", outcome=Outcome.FAIL, figures=[figure], budgets=[budget], samples=(0.1,))
    unmeasured = replace(tool, figures=(), budgets=[{**budget, "value": None}, {**budget, "verdict": "pass"}])
    document = build_document(RUN, [MEMORY, BROKEN], [GOOD, tool, unmeasured])
    conforms(document)
    subject = {"config": "servers.json", "server": "memory", "tool": "read_graph"}
    assert document.get("figures") == [{**subject, **figure}]
    whole = {**subject, **budget, "nodeid": GOOD.nodeid}
    assert document.get("budgets") == [whole, {**whole, "value": None}, {**whole, "verdict": "pass"}]


def test_what_a_verdict_measured_reaches_the_controller_of_several_workers() -> None:
    figure = {"metric": "shutdown_s", "value": 0.25, "unit": "s"}
    verdict = replace(GOOD, figures=[figure], samples=[0.1, 0.2], budgets=[{"metric": "p95"}])
    assert decode_verdict(json.loads(json.dumps(encode_verdict(verdict)))) == verdict
