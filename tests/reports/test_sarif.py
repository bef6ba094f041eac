from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from sarif_pydantic import Sarif

from mcp_assay_reports import sarif

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document


def run_of(document: Document) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(sarif.render(document))["runs"][0]
    return run


@pytest.mark.parametrize("name", ["document", "hostile_document", "big_document", "with_long_texts"])
def test_an_independent_reader_takes_the_log(name: str, request: pytest.FixtureRequest) -> None:
    log = Sarif.model_validate_json(sarif.render(request.getfixturevalue(name)))
    assert log.version == "2.1.0"
    assert log.runs[0].results


def test_findings_stand_on_the_line_of_their_server(document: Document) -> None:
    result = next(entry for entry in run_of(document)["results"] if "portainer" in entry["message"]["text"])
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "servers.json"
    assert place["region"] == {"startLine": 17}
    assert result["level"] == "error"


def test_every_result_points_to_its_rule(document: Document) -> None:
    run = run_of(document)
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert rules[0]["helpUri"].startswith("https://modelcontextprotocol.io/")


def test_a_finding_keeps_its_fingerprint_when_only_its_words_change(document: Document) -> None:
    reworded: Any = {**document, "results": [{**result, "observed": "other words"} for result in document["results"]]}
    prints = [[entry["partialFingerprints"] for entry in run_of(made)["results"]] for made in (document, reworded)]
    assert prints[0] == prints[1]
    assert len({str(entry) for entry in prints[0]}) == len(prints[0])


def test_what_passed_or_was_skipped_is_no_result(document: Document) -> None:
    checks = document["summary"]["checks"]
    assert len(run_of(document)["results"]) == checks["fail"] + checks["warn"]


def test_errors_of_ours_are_notifications_and_not_findings(hostile_document: Document) -> None:
    run = run_of(hostile_document)
    assert {entry["level"] for entry in run["results"]} == {"error", "warning"}
    assert run["invocations"][0]["executionSuccessful"] is False
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 1 + 8


def test_no_text_of_a_server_becomes_a_placeholder_or_a_link(document: Document) -> None:
    evil = "[click](https://evil.invalid) {0} {"
    results: Any = [{**result, "observed": evil, "requirement": evil} for result in document["results"]]
    for entry in run_of({**document, "results": results})["results"]:
        text = entry["message"]["text"]
        assert "](" not in text
        assert not re.search(r"(?<!\{)\{(\{\{)*(?!\{)", text)


def test_a_place_is_always_an_address(hostile_document: Document) -> None:
    for entry in run_of(hostile_document)["results"]:
        place = entry["locations"][0]["physicalLocation"]
        assert re.fullmatch(r"[A-Za-z0-9/._~%-]+", place["artifactLocation"]["uri"])
        assert place["region"]["startLine"] >= 1


def test_no_more_results_than_are_shown(big_document: Document) -> None:
    many: Any = {**big_document, "results": [{**r, "verdict": "warn"} for r in big_document["results"]]}
    run = run_of(many)
    assert len(run["results"]) == sarif.MOST_RESULTS
    assert "5050 more findings" in run["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"]


def test_a_broken_workflow_is_a_result_on_its_own_file(document: Document) -> None:
    step = {"id": "pay", "server": "memory", "tool": "tool_0", "outcome": "fail", "duration_s": 0.1, "observed": "no"}
    about = {"name": "book", "servers": ["memory"], "steps": [step], "observed": "pay failed"}
    workflows = [{**about, "verdict": "fail", "file": "workflows/book a trip.yaml"}, {**about, "verdict": "pass"}]
    broken: Any = {**document, "workflows": workflows}
    run = run_of(broken)
    (found,) = [result for result in run["results"] if result["ruleId"] == "workflow"]
    assert found["level"] == "error"
    assert found["message"]["text"] == "workflow book: pay failed\nstep pay (memory.tool_0): no"
    place = found["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "workflows/book%20a%20trip.yaml"
    assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == "workflow"
    del workflows[0]["file"]
    (older,) = [result for result in run_of(broken)["results"] if result["ruleId"] == "workflow"]
    assert older["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "servers.json"
