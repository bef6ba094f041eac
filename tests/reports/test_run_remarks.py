"""Every report says what its score stands on: how much was exercised, and whether the run was whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from mcp_assay_reports import html_report, markdown
from mcp_assay_reports.terminal import render_summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.contract import Document

RENDER: dict[str, Callable[[Document], str]] = {
    "terminal": render_summary,
    "markdown": markdown.render,
    "html": html_report.render,
}


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
