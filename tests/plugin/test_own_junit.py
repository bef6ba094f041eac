"""pytest's own ``--junitxml`` over servers says what a reader of it needs, and three of them can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import gitlab
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
        folder.runpytest("--mcp-config", "servers.json", "--junitxml=own.xml", *words)
        return (folder.path / "own.xml").read_text("utf-8")

    return run


def test_it_has_scores_verdicts_and_rules_where_its_schema_has_room(written: Callable[..., str]) -> None:
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
    shown = {(case.class_name, case.name): case.status for case in gitlab.read(text)}
    assert shown["servers.json.dead.connectivity", "CONN-001"] == "failure"
    assert shown["servers.json.raw.connectivity", "CONN-001"] == "success"
    assert len(shown) == int(root[0].get("tests", ""))


def test_cases_have_their_check_level_and_specification_in_a_family_that_knows_properties_of_cases(
    written: Callable[..., str],
) -> None:
    root = ET.fromstring(written("-o", "junit_family=xunit1"))
    properties = {entry.get("name"): entry.get("value") for entry in next(root.iter("testcase")).iter("property")}
    assert {"check", "level", "spec", "verdict"} <= set(properties)


def test_other_reporters_are_told_check_and_level_of_each_case(project: Project) -> None:
    folder = project({"raw": raw_server()}, checks=("reachable",))
    with (folder.path / "conftest.py").open("a") as conftest:
        conftest.write(
            "\ndef pytest_runtest_logreport(report):\n"
            "    if report.when == 'call':\n"
            "        print('TOLD', dict(report.user_properties))\n"
        )
    result = folder.runpytest("--mcp-config", "servers.json", "-s")
    result.stdout.fnmatch_lines(["*TOLD {'check': 'CONN-001', 'level': 'MUST', *'verdict': 'pass'}*"])
