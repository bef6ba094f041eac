"""pytest's own ``--junitxml`` over servers: it keeps to its schema, and says what a reader of it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import junitparser
import pytest
from jenkins import assert_jenkins_would_take
from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    Project = Callable[..., pytest.Pytester]


@pytest.fixture
def written(project: Project) -> Callable[..., str]:
    folder = project({"raw": raw_server(), "dead": raw_server("--exit")}, checks=("reachable", "described", "broken"))

    def run(*words: str) -> str:
        folder.runpytest_subprocess("--mcp-config", "servers.json", "--junitxml=own.xml", *words)
        return (folder.path / "own.xml").read_text("utf-8")

    return run


def test_it_keeps_to_the_schema_and_has_scores_and_verdicts(written: Callable[..., str]) -> None:
    text = written()
    root = assert_jenkins_would_take(text)
    suites: Any = junitparser.JUnitXml.fromstring(text.encode())
    (suite,) = list(suites)
    properties = {entry.name: entry.value for entry in suite.properties()}
    assert properties["mcp-assay readiness"] == "UNREACHABLE"
    assert properties["mcp-assay readiness dead"] == "UNREACHABLE"
    assert 0 < float(properties["mcp-assay score raw"]) < 100
    assert properties["mcp-assay check CONN-001"].startswith("MUST")
    failed = next(case for case in suite if case.name == "CONN-001" and case.result)
    assert failed.classname == "servers.json.dead.connectivity"
    assert "reproduce:" in (root.findtext(".//failure") or "")


def test_a_family_that_knows_properties_of_cases_has_check_level_and_specification(written: Callable[..., str]) -> None:
    root = ET.fromstring(written("-o", "junit_family=xunit1"))
    properties = {entry.get("name"): entry.get("value") for entry in next(root.iter("testcase")).iter("property")}
    assert {"check", "level", "spec"} <= set(properties)
