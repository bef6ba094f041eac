"""The user's limits in every report: threshold and value side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcp_assay.core.quantities import shown
from mcp_assay_reports import html_report, junit, markdown
from mcp_assay_reports.limits import limit_rows
from mcp_assay_reports.terminal import render_summary

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document


def budget(tool: str, value: float | None, verdict: str, threshold: str = "p95 < 200ms") -> dict[str, Any]:
    subject = {"config": "servers.json", "server": "memory", "tool": tool, "nodeid": "n"}
    return {
        **subject,
        "metric": "p95",
        "threshold": threshold,
        "limit": 0.2,
        "value": value,
        "unit": "s",
        "verdict": verdict,
    }


@pytest.fixture
def limited(document: Document) -> Any:
    entries = [
        budget("quick", 0.0123, "pass"),
        budget("slow", 0.345, "fail"),
        budget("closed", None, "skip"),
        budget("", None, "fail", "p95 < <b>|1s"),
    ]
    return {**document, "budgets": entries}


def test_broken_limits_come_first_and_what_was_not_to_be_measured_is_left_out(limited: Document) -> None:
    assert [(row.tool, row.found, row.verdict) for row in limit_rows(limited)] == [
        ("slow", "345 ms", "fail"),
        ("", "not measured", "fail"),
        ("quick", "12.3 ms", "pass"),
    ]


def test_the_terminal_shows_threshold_and_value(limited: Document) -> None:
    text = render_summary(limited, width=120)
    assert "FAIL memory slow: 345 ms, limit p95 < 200ms" in text
    assert "PASS memory quick: 12.3 ms, limit p95 < 200ms" in text


def test_the_terminal_says_how_many_limits_it_leaves_out(document: Document) -> None:
    many: Any = {**document, "budgets": [budget(f"t{number}", 0.1, "pass") for number in range(25)]}
    assert "and 15 more limits, 0 not kept" in render_summary(many)


def test_markdown_shows_threshold_and_value_and_no_markup_of_others(limited: Document) -> None:
    text = markdown.render(limited)
    assert "| `memory` | `slow` | `p95 < 200ms` | 345 ms | fail |" in text
    assert "\\|1s" in text


def test_html_shows_threshold_and_value_and_no_markup_of_others(limited: Document) -> None:
    text = html_report.render(limited)
    assert "<td>slow</td><td>p95 &lt; 200ms</td><td>345 ms</td>" in text
    assert "<b>|1s" not in text


def test_junit_shows_the_value_of_a_kept_limit(document: Document) -> None:
    result = {**document["results"][0], "slug": "budget-p95", "verdict": "pass", "observed": "p95 < 1s: work: 12.3 ms"}
    kept: Any = {**document, "results": [result]}
    assert "p95 &lt; 1s: work: 12.3 ms" in junit.render(kept)


@pytest.mark.parametrize("name", ["document", "hostile_document"])
def test_without_limits_nothing_is_said_of_them(name: str, request: pytest.FixtureRequest) -> None:
    document = {**request.getfixturevalue(name), "budgets": []}
    assert "### Limits" not in markdown.render(document)
    assert "<h2>Limits" not in html_report.render(document)
    assert "\nlimits\n" not in render_summary(document)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.5, "s", "500 ms"),
        (0.0125, "share", "1.25 %"),
        (5_000.0, "B/call", "5 MB/1000 calls"),
        (79_245_312.0, "B", "79.2 MB"),
        (0.001, "per call", "1/1000 calls"),
        (2.5, "furlongs", "2.5 furlongs"),
    ],
)
def test_a_value_is_told_in_its_unit(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text
