"""What one tool returns another is called with, in a sandbox; outside, tools that claim nothing are not called."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from assay import Assayed, assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.links import Link, Links
from mcp_assay.readiness.made_calls import read_calls
from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.execution import CHECKS
from mcp_assay_suites.exercising.cases import canonical

SERVERS = Path(__file__).parent.parent / "servers"
COMMAND = [sys.executable, "-S", "-E", str(SERVERS / "shelf.py")]
ENDING = [sys.executable, "-S", "-E", str(SERVERS / "ending.py")]
WARES = [sys.executable, "-S", "-E", str(SERVERS / "wares.py")]


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


def test_what_only_a_box_that_is_there_can_show_is_repeated_with_the_calls_that_lead_to_it(contained: Assayed) -> None:
    found = contained["TOOL-016.open_box"]
    assert found.before is not None
    before = json.loads(found.before)
    assert [made["tool"] for made in before] == ["create_box"]
    assert f"on a server just started, after create_box {canonical(before[0]['arguments'])}" in (found.observed or "")
    assert found.reproduce.endswith(f"--mcp-before '{found.before}' --mcp-args '{found.arguments}'")
    settings = Settings(arguments=json.loads(found.arguments or ""), before=read_calls(before))
    chosen = [check for check in CHECKS if check.id == "TOOL-016"]
    again = assay(COMMAND, chosen, settings=settings, tools=["open_box"], contained=True)
    assert again["TOOL-016.open_box"].outcome is Outcome.FAIL
    assert again.server.calls == {"create_box": 1, "open_box": 1}


def test_without_a_second_look_such_a_finding_is_repeated_by_making_the_calls_again(contained: Assayed) -> None:
    found = assay(COMMAND, CHECKS, settings=Settings(confirm=False), contained=True)["TOOL-016.open_box"]
    assert (found.before, found.arguments) == (None, contained["TOOL-016.open_box"].arguments)
    assert "--mcp-args" not in found.reproduce


@pytest.mark.parametrize(
    ("tool", "arguments", "source"),
    [
        ("weigh_ware", '{"wareName": "teapot-31"}', "completion/complete"),
        ("find_ware", '{"shelfmark": "QX 4711"}', "resources/read"),
    ],
)
def test_what_completions_and_resources_name_is_called_with(tool: str, arguments: str, source: str) -> None:
    assayed = assay(WARES, CHECKS, settings=Settings(), tools=[tool])
    verdict = assayed[f"TOOL-016.{tool}"]
    assert (verdict.outcome, verdict.arguments) == (Outcome.FAIL, arguments)
    assert verdict.reproduce.endswith(f"--mcp-args '{arguments}'")
    assert {(link.source, link.target) for link in assayed.server.links.all() if link.worked} == {(source, tool)}


def test_a_server_that_is_told_to_end_itself_is_not_accused() -> None:
    assayed = assay(ENDING, CHECKS, settings=Settings(), contained=True)
    assert assayed.findings == {}
    assert "may have asked for it" in (assayed["EXEC-001.kill_process"].reason or "")


def test_a_server_that_ends_when_told_to_end_another_is_found() -> None:
    assayed = assay([*ENDING, "--careless"], CHECKS, settings=Settings(), contained=True)
    assert set(assayed.findings) == {"EXEC-001.kill_process"}
    assert assayed["EXEC-001.kill_process"].arguments == '{"pid": 0}'


def test_wares_without_a_fault_have_no_finding() -> None:
    assert assay([*WARES, "--healthy"], CHECKS, settings=Settings()).findings == {}


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
