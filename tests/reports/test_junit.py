from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import junitparser
import pytest
from jenkins import assert_jenkins_would_take

from mcp_assay_reports import junit
from mcp_assay_reports.texts import score

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.contract import Document


@pytest.mark.parametrize("name", ["document", "hostile_document", "big_document", "with_long_texts"])
def test_the_file_has_the_shape_that_jenkins_validates(name: str, request: pytest.FixtureRequest) -> None:
    assert_jenkins_would_take(junit.render(request.getfixturevalue(name)))


def test_the_totals_add_up(document: Document) -> None:
    root = assert_jenkins_would_take(junit.render(document))
    checks = document["summary"]["checks"]
    of_workflows = sum(len(workflow["steps"]) + 1 for workflow in document["workflows"])
    of_checks: int = sum(checks.values())  # type: ignore[call-overload]  # all values are int
    assert int(root.get("tests", "")) == of_checks + of_workflows
    assert int(root.get("failures", "")) == checks["fail"]
    assert len(list(root.iter("skipped"))) == checks["skip"]


def test_a_workflow_is_a_suite_with_a_case_for_each_step_and_the_whole(document: Document) -> None:
    broken = copy.deepcopy(document)
    broken["workflows"][0] |= {"verdict": "fail", "observed": "step read: no such id"}
    broken["workflows"][0]["steps"][1] |= {"outcome": "fail", "observed": "no such id"}
    root = assert_jenkins_would_take(junit.render(broken))
    suite = next(suite for suite in root if suite.get("name") == "workflows::remember")
    told = {
        case.get("name"): [child.get("message") for child in case.iter("failure")] for case in suite.iter("testcase")
    }
    assert told == {"create": [], "read": ["no such id"], "whole workflow": ["step read: no such id"]}


def test_junitparser_reads_verdicts_and_properties(document: Document) -> None:
    suites: Any = junitparser.JUnitXml.fromstring(junit.render(document).encode())
    by_name = {suite.name: suite for suite in suites}
    suite = by_name["servers.json::everything::TOOL-003 tool-shape"]
    properties = {entry.name: entry.value for entry in suite.properties()}
    assert properties["check"] == "TOOL-003"
    assert properties["level"] == "MUST"
    assert properties["spec"].startswith("https://")
    assert properties["score"] == score(document["servers"][1]["readiness"]["score"])
    assert suite.failures == 14
    failed = [case for case in suite if not case.is_passed]
    assert failed[0].name == "TOOL-003 tool-shape: tool_10"
    assert failed[0].classname == "servers_json.everything.schema"
    assert failed[0].result[0].message == "inputSchema has no type"
    assert "reproduce: pytest --mcp-config servers.json" in failed[0].result[0].text


def test_a_warning_passes_and_says_so(document: Document) -> None:
    root = assert_jenkins_would_take(junit.render(document))
    case = next(case for case in root.iter("testcase") if case.get("name") == "CALL-004 unknown-tool" and len(case))
    assert [child.tag for child in case] == ["system-out"]
    assert (case.findtext("system-out") or "").startswith("warning: a result with isError")


def test_case_names_are_unique_within_their_class(document: Document) -> None:
    root = assert_jenkins_would_take(junit.render(document))
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(names) == len(set(names))


def test_a_broken_server_without_any_verdict_still_turns_the_file_red(
    document: Document, only: Callable[[Document, str], Document]
) -> None:
    alone = {**only(document, "portainer"), "results": []}
    root = assert_jenkins_would_take(junit.render(alone))  # type: ignore[arg-type]
    assert root.get("errors") == "1"
    error = next(root.iter("error"))
    assert error.get("message") == "it exited with status 1 before it answered"
    assert "PORTAINER_URL" in (error.text or "")


def test_hostile_text_survives_as_inert_characters(hostile_document: Document) -> None:
    text = junit.render(hostile_document)
    root = assert_jenkins_would_take(text)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert any("<script>alert(1)</script>" in (failure.text or "") for failure in root.iter("failure"))
    assert [event for event, _ in ET.iterparse(io.BytesIO(text.encode()), events=["end"])]
