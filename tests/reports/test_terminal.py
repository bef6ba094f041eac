from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from mcp_assay_reports.terminal import render_summary
from mcp_assay_reports.texts import percent, score

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("width", [50, 75, 76, 80, 120])
@pytest.mark.parametrize("name", ["document", "hostile_document", "big_document"])
def test_nothing_but_a_command_line_is_wider_than_the_screen(
    name: str, width: int, request: pytest.FixtureRequest
) -> None:
    commands = ("     pytest --mcp-config", "     \\x1b[31mred")
    lines = render_summary(request.getfixturevalue(name), width).splitlines()
    assert [row for row in lines if len(row) > width and not row.startswith(commands)] == []


def test_the_summary_is_ascii_when_the_data_are(document: Document) -> None:
    assert render_summary(document).isascii()


def test_a_terminal_without_unicode_gets_escapes(hostile_document: Document) -> None:
    assert render_summary(hostile_document, encoding="ascii").isascii()


def test_no_control_character_of_a_server_reaches_the_terminal(hostile_document: Document) -> None:
    text = render_summary(hostile_document)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert not re.search(r"(?m)^\s*::", text)
    assert "##[" not in text


def test_colour_only_repeats_what_words_say(document: Document) -> None:
    assert ANSI.sub("", render_summary(document, color=True)) == render_summary(document)
    assert "\x1b[31mNOT READY\x1b[0m" in render_summary(document, color=True)


def test_each_server_has_its_row_and_the_verdict_comes_last(document: Document) -> None:
    lines = render_summary(document).splitlines()
    assert lines[0].split() == ["server", "conn", "schema", "exec", "cross", "perf", "evid", "p95", "score", "verdict"]
    everything = document["servers"][1]["readiness"]
    assert lines[2].split()[0] == "everything"
    assert lines[2].split()[-5:] == [
        percent(everything["evidence"]).replace(" ", ""),
        "76.8ms",
        score(everything["score"]),
        "NOT",
        "READY",
    ]
    assert lines[3].split()[-1] == "UNREACHABLE"
    assert lines[4].split()[-1] == "disabled"
    assert lines[-1] == f"readiness: UNREACHABLE, score {score(document['summary']['score'])} of 100"


def test_a_server_that_failed_is_told_with_cause_and_next_step(document: Document) -> None:
    text = render_summary(document)
    assert "portainer: it exited with status 1 before it answered" in text
    assert "stderr: Error: PORTAINER_URL is not set" in text
    assert "hint: run `npx -y portainer-mcp` by hand" in text


def test_the_costliest_findings_are_clustered_with_the_line_that_repeats_them(document: Document) -> None:
    text = render_summary(document)
    assert "14 tools on everything: tool_10, tool_11, tool_12 and 11 more" in text
    assert '     pytest --mcp-config servers.json "servers.json::everything::schema::TOOL-003.tool_10"' in text


def test_no_more_than_five_findings_are_told(big_document: Document) -> None:
    text = render_summary(big_document)
    assert len(re.findall(r"(?m)^  \d+\. ", text)) == 5
    assert "and 5 more findings in the reports" in text


def test_what_thins_the_evidence_is_told_with_the_way_to_open_it(document: Document) -> None:
    text = render_summary(document)
    assert "  17 results, 17 tools on 3 servers: tool_1, tool_3, tool_5 and 9 more" in text
    assert "tool_1 has no readOnlyHint; open it in mcp-assay.toml" in text
    assert "cannot disturb itself" not in text
