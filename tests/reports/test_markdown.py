from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from mcp_assay_reports import markdown
from mcp_assay_reports.terminal import render_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markdown_it.token import Token

    from mcp_assay.core.contract import Document

OURS = re.compile(
    r"</?sub>|</details>|<details><summary><code>[^<>]*</code>: \d+ findings?</summary>|pytest-mcp-assay [\d.]+"
)


def tokens(text: str) -> Iterator[Token]:
    for token in MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(text):
        yield token
        yield from token.children or []


@pytest.mark.parametrize("name", ["document", "hostile_document", "with_long_texts"])
def test_texts_of_servers_bring_no_markup_of_their_own(name: str, request: pytest.FixtureRequest) -> None:
    text = markdown.render(request.getfixturevalue(name))
    for token in tokens(text):
        assert token.type not in {"image", "heading_open"} or token.tag in {"h2", "h3"}
        if token.type in {"html_inline", "html_block"}:
            assert not OURS.sub("", token.content).strip()
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith("https://modelcontextprotocol.io/")
        if token.type == "text":
            assert "@octocat" not in token.content
            assert "::error::" not in token.content


def test_every_row_of_the_table_has_as_many_cells_as_its_head(hostile_document: Document) -> None:
    rows, cells = [], 0
    for token in tokens(markdown.render(hostile_document)):
        if token.type == "tr_open":
            cells = 0
        cells += token.type in {"td_open", "th_open"}
        if token.type == "tr_close":
            rows.append(cells)
    assert rows == [*[10] * 3, *[4] * 2, *[5] * 3]  # servers, workflows, limits


def test_workflows_say_what_happened_broken_ones_first(document: Document) -> None:
    broken = copy.deepcopy(document)
    undone = {**broken["workflows"][0]["steps"][0], "undo": "memory.delete", "undone": True}
    failed = {**broken["workflows"][0], "name": "b", "verdict": "fail", "observed": "step x failed", "steps": [undone]}
    broken["workflows"].append(failed)  # type: ignore[arg-type]  # an entry with other values
    shown = markdown.render(broken)
    rows = [row for row in shown.splitlines() if row.startswith(("| `b`", "| `remember`"))]
    assert rows == [
        "| `b` | fail | `memory` | `step x failed; undone: create` |",
        "| `remember` | pass | `memory` | `2 steps` |",
    ]


def test_the_verdict_comes_first(document: Document) -> None:
    assert markdown.render(document).startswith("## MCP readiness: UNREACHABLE\n")


def test_findings_are_clustered_and_can_be_repeated(document: Document) -> None:
    text = markdown.render(document)
    assert "14 tools on `everything`: `tool_10`, `tool_11`, `tool_12`, `tool_13`, `tool_14` and 9 more" in text
    assert '`pytest --mcp-config servers.json "servers.json::everything::schema::TOOL-003.tool_10"`' in text


def test_details_are_balanced(document: Document) -> None:
    text = markdown.render(document)
    assert text.count("<details>") == text.count("</details>") == 2


@pytest.mark.parametrize("largest", [400_000, 120_000, 20_000, 8_000, 2_000])
def test_a_long_report_drops_detail_and_says_so(big_document: Document, largest: int) -> None:
    whole = markdown.render(big_document)
    short = markdown.render(big_document, largest)
    assert len(short.encode()) <= largest
    assert short.startswith("## MCP readiness: NOT READY")
    if len(whole.encode()) > largest:
        assert "left out" in short


def test_a_bar_in_a_name_does_not_end_its_cell(document: Document, only: Callable[[Document, str], Document]) -> None:
    alone = only(document, "memory")
    alone["servers"] = [{**alone["servers"][0], "name": "a|b`c"}]
    code = [token.content for token in tokens(markdown.render(alone)) if token.type == "code_inline"]
    assert code[0] == "a|b`c"


def test_like_reasons_are_told_once_though_they_name_their_tools(document: Document) -> None:
    named: Any = [
        {**result, "reason": f"{result['tool']} of {result['server']} is closed"}
        if result["verdict"] == "skip"
        else result
        for result in document["results"]
    ]
    text = markdown.render({**document, "results": named})
    assert "- 17 results, 17 tools on 3 servers: " in text
    assert text.count("is closed") == 1


def test_tools_that_hang_together_and_a_cause_in_several_tools_are_told(document: Document) -> None:
    link = {"source": "create_box", "member": "id", "target": "open_box", "parameter": "boxId", "calls": 3, "worked": 2}
    made: Any = json.loads(json.dumps(document))
    made["servers"] = made["servers"][:1]
    made["servers"][0]["links"] = [link, {**link, "target": "shut_box", "worked": 0}]
    template = {**made["results"][0], "verdict": "fail", "level": "MUST", "check": "TOOL-022"}
    template |= {"server": made["servers"][0]["name"], "config": made["servers"][0]["config"]}
    causes = {"one": ["a cause", "another"], "two": ["a cause"], "three": ["a cause"]}
    made["results"] = [{**template, "tool": tool, "causes": found} for tool, found in causes.items()]
    text = markdown.render(made)
    assert "`create_box` → `open_box` (`boxId`)" in text
    assert "shut_box" not in text
    assert "3 tools: a cause" in text
    assert "tools: another" not in text
    assert "3 tools: a cause" in render_summary(made)
