"""Every report says what its score stands on: how much was exercised, and whether the run was whole."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

import pytest
from gated import facts, report

from mcp_assay.readiness.document import ServerStatus
from mcp_assay_reports import github, html_report, junit, markdown, sarif
from mcp_assay_reports.merge import merge
from mcp_assay_reports.reading import parse_document
from mcp_assay_reports.terminal import render_summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.contract import Document

RENDER: dict[str, Callable[[Document], str]] = {
    "terminal": render_summary,
    "markdown": markdown.render,
    "html": html_report.render,
}
ALL = {**RENDER, "junit": junit.render, "sarif": sarif.render, "github": github.render}


def with_run(document: Document, **more: object) -> Document:
    return cast("Document", {**document, "run": {**document["run"], **more}})


@pytest.mark.parametrize("name", RENDER)
def test_the_score_stands_beside_the_evidence(document: Document, name: str) -> None:
    share = f"evidence {int(document['summary']['evidence'] * 100)} %"
    assert 0 < document["summary"]["evidence"] < 1
    assert share in " ".join(RENDER[name](document).split())


@pytest.mark.parametrize("name", RENDER)
def test_a_part_of_a_run_is_told(document: Document, name: str) -> None:
    made = len(document["results"])
    told = f"only {made} of {made + 7} planned checks have a verdict"
    assert told in RENDER[name](with_run(document, planned=made + 7))
    assert "planned checks" not in RENDER[name](with_run(document, planned=made))


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_why_a_run_failed_besides_its_verdicts_is_told_and_inert(document: Document, name: str) -> None:
    problem = "readiness 80.0 is below --mcp-min-score 90 <script>alert(1)</script>"
    text = RENDER[name](with_run(document, problems=[problem]))
    assert "is below --mcp-min-score 90" in text
    if name == "html":
        assert "<script>alert(1)" not in text
    else:
        assert f"- `{problem}`" in text


LATE = facts("late", status=ServerStatus.INTERRUPTED, connect_s=None, tools=())


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("status", "how"), [(2, "was interrupted"), (143, "was terminated by SIGTERM")])
def test_a_run_that_broke_off_says_so_in_every_report(name: str, status: int, how: str) -> None:
    told = f"the run {how}, 1 server had not been judged: it shows no server to be ready"
    broken: Any = report(servers=(facts("memory"), LATE), exit_status=status)
    assert told in " ".join(ALL[name](broken).split())
    whole: Any = report()
    assert "shows no server to be ready" not in ALL[name](whole)


@pytest.mark.parametrize("name", RENDER)
def test_a_server_that_the_run_had_not_come_to_is_neither_skipped_nor_accused(name: str) -> None:
    broken: Any = report(servers=(facts("memory"), LATE), exit_status=2)
    row = next(
        row for row in RENDER[name](broken).replace("<tr>", "\n<tr>").splitlines() if re.search(r"\blate\b", row)
    )
    assert "interrupted" in row
    assert "skipped" not in row
    assert "UNREACHABLE" not in row


@pytest.mark.parametrize(("status", "verdict"), [(0, "READY"), (1, "READY"), (2, "UNPROVEN"), (3, "UNPROVEN")])
def test_a_run_that_broke_off_shows_no_server_to_be_ready(status: int, verdict: str) -> None:
    document = report(exit_status=status)
    assert document["summary"]["verdict"] == verdict
    assert {server["readiness"]["verdict"] for server in document["servers"]} == {verdict}


def test_a_merged_run_with_an_interrupted_shard_is_not_ready() -> None:
    shards: Any = [report(servers=(facts("memory"),)), report(servers=(LATE,), exit_status=2)]
    whole = merge(shards)
    assert whole["summary"]["verdict"] == "UNPROVEN"
    assert whole["run"]["exit_status"] == 2
    assert [server["status"] for server in parse_document(json.dumps(whole))["servers"]] == ["connected", "interrupted"]
