"""pytest's own ``--junitxml`` over servers says what a reader of it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import junitparser
import pytest
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


def test_it_has_scores_verdicts_and_rules(written: Callable[..., str]) -> None:
    text = written()
    root = ET.fromstring(text)
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


def test_each_case_has_its_check_level_and_specification(written: Callable[..., str]) -> None:
    root = ET.fromstring(written())
    properties = {entry.get("name"): entry.get("value") for entry in next(root.iter("testcase")).iter("property")}
    assert {"check", "level", "spec"} <= set(properties)
