"""JUnit files by the rules of GitLab: what it reads, what it drops, where it gives up.

Sources: docs.gitlab.com/ci/testing/unit_test_reports (30 MB a file, only the first of cases of one name is used),
GitLab's instance limits (500,000 cases), gitlab-org/gitlab#507482 (250,000 objects), gitlab-org/gitlab#25357 (a text of
ten megabytes is not parsed), and its parser, which takes ``[[ATTACHMENT|path]]`` in a case's output for a link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

MOST_BYTES = 30 * 1000 * 1000
MOST_CASES = 500_000
MOST_OBJECTS = 250_000
LONGEST_TEXT = 10_000_000
ATTACHMENT = re.compile(r"\[\[ATTACHMENT\|(?P<path>.+?)\]\]")


@dataclass(frozen=True, slots=True)
class Case:
    """One case as GitLab shows it."""

    suite: str
    class_name: str
    name: str
    status: str
    output: str
    attachment: str | None


def read(text: str) -> list[Case]:
    """Return the cases that GitLab shows; raises `AssertionError` for a file that it refuses."""
    assert len(text.encode()) < MOST_BYTES
    root = ET.fromstring(text)
    nodes = list(root.iter())
    assert sum(1 + len(node.attrib) + bool((node.text or "").strip()) for node in nodes) < MOST_OBJECTS
    assert max(len(node.text or "") for node in nodes) < LONGEST_TEXT
    shown: dict[tuple[str, str, str], Case] = {}
    for suite in root.iter("testsuite"):
        for element in suite.findall("testcase"):
            case = _case(suite.get("name", ""), element)
            shown.setdefault((case.suite, case.class_name, case.name), case)
    assert len(shown) < MOST_CASES
    return list(shown.values())


def _case(suite: str, element: ET.Element) -> Case:
    status = next((word for word in ("failure", "error", "skipped") if element.find(word) is not None), "success")
    details = element.find(status)
    output = (details.text or details.get("message", "")) if details is not None else ""
    link = ATTACHMENT.search(f"{output}{element.findtext('system-out') or ''}")
    names = element.get("classname", ""), element.get("name", "")
    return Case(suite, *names, status, output, link["path"] if link else None)
