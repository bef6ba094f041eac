"""JUnit files by the schema of Jenkins' xUnit plugin (``junit-10.xsd``), which pytest calls ``xunit2``."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

# What the schema of Jenkins' xUnit plugin (junit-10.xsd) allows, attribute by attribute and child by child.
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {
        "name",
        "tests",
        "failures",
        "errors",
        "group",
        "time",
        "skipped",
        "timestamp",
        "hostname",
        "id",
        "package",
        "file",
        "log",
        "url",
    },
    "testcase": {"name", "time", "classname", "group"},
    "properties": set(),
    "property": {"name", "value"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set(),
    "system-err": set(),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
    "properties": {"property"},
}
TIME = re.compile(r"[0-9]+(\.[0-9]{0,3})?")


def assert_jenkins_would_take(text: str) -> ET.Element:
    root = ET.fromstring(text)
    for element in root.iter():
        assert set(element.keys()) <= ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        assert TIME.fullmatch(element.get("time", "0"))
        if element.tag in {"testsuite", "testcase"}:
            assert element.get("name")
    for suite in root.iter("testsuite"):
        assert {"name", "tests", "failures", "errors"} <= set(suite.keys())
    return root
