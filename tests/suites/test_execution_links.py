"""What one tool returns another is called with, in a sandbox; outside, tools that claim nothing are not called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from assay import Assayed, assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.links import Link, Links
from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.execution import CHECKS

COMMAND = [sys.executable, "-S", "-E", str(Path(__file__).parent.parent / "servers" / "shelf.py")]


@pytest.fixture(scope="module")
def contained() -> Assayed:
    return assay(COMMAND, CHECKS, settings=Settings(), contained=True)


def test_a_fault_behind_an_id_that_another_tool_returns_is_found(contained: Assayed) -> None:
    verdict = contained["TOOL-016.open_box"]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.arguments is not None
    assert verdict.arguments.startswith('{"boxId": "box-')
    assert set(contained.findings) == {"TOOL-016.open_box"}


def test_the_link_between_the_tools_is_noted(contained: Assayed) -> None:
    (link,) = (link for link in contained.server.links.all() if link.worked)
    assert (link.source, link.member, link.target, link.parameter) == ("create_box", "id", "open_box", "boxId")
    assert link.calls >= link.worked > 0


def test_without_a_sandbox_none_of_these_tools_is_called() -> None:
    assayed = assay(COMMAND, CHECKS, settings=Settings())
    assert assayed.server.calls == {}
    assert assayed["EXEC-001.open_box"].outcome is Outcome.SKIP


def test_an_equal_share_of_the_budget_is_all_that_a_tool_gets() -> None:
    assayed = assay(COMMAND, CHECKS, settings=Settings(budget_s=1e-9), contained=True)
    assert all(calls <= 2 for calls in assayed.server.calls.values())
    assert "--mcp-budget" in (assayed["EXEC-001.open_box"].reason or "")


def test_links_are_counted_and_bounded() -> None:
    links = Links()
    for number in range(300):
        for worked in (True, False):
            links.note(Link(source="a", member="id", target=str(number), parameter="id"), worked=worked)
    assert len(links.all()) == 200
    assert {(link.calls, link.worked) for link in links.all()} == {(2, 1)}
