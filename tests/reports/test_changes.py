from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_assay_reports import markdown
from mcp_assay_reports.changes import changed_scores, changes_in_words, compared, gathered
from mcp_assay_reports.terminal import render_summary

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document


def without(document: Document, check: str) -> Document:
    return {**document, "results": [result for result in document["results"] if result["check"] != check]}


def with_verdict(document: Document, check: str, verdict: str) -> Document:
    results: Any = [
        {**result, "verdict": verdict} if result["check"] == check else result for result in document["results"]
    ]
    return {**document, "results": results}


def test_nothing_changed_from_a_run_to_itself(document: Document) -> None:
    changes = compared(document, document, since="main.json")
    assert (changes["new"], changes["gone"], changes["known"]) == ([], [], 16)
    assert changed_scores(changes) == []
    assert changes_in_words(changes) == "0 new findings, 0 gone, 16 still there"


def test_a_finding_with_other_words_is_still_the_same(document: Document) -> None:
    reworded: Any = {**document, "results": [{**result, "observed": "other"} for result in document["results"]]}
    assert compared(reworded, document, since="x")["known"] == 16


def test_what_came_and_went_is_told(document: Document) -> None:
    repaired = with_verdict(document, "TOOL-003", "pass")
    assert len(compared(repaired, document, since="x")["gone"]) == 14
    changes = compared(document, repaired, since="x")
    assert len(changes["new"]) == 14
    assert [len(group) for group in gathered(changes["new"])] == [14]


def test_what_was_not_exercised_again_is_not_gone(document: Document) -> None:
    assert compared(with_verdict(document, "TOOL-003", "skip"), document, since="x")["gone"] == []
    assert compared(without(document, "TOOL-003"), document, since="x")["gone"] == []


def with_changes(document: Document) -> Document:
    changes = compared(document, with_verdict(document, "TOOL-003", "pass"), since="main.json")
    return {**document, "changes": changes}


def test_markdown_tells_the_changes_right_after_the_verdict(document: Document) -> None:
    text = markdown.render(with_changes(document))
    assert "### Since `main.json`: 14 new findings, 0 gone, 2 still there" in text
    assert "- new: **`TOOL-003`** (fail) on 14 tools of `everything`: `tool_10`, `tool_11`" in text
    assert text.index("## MCP readiness") < text.index("### Since") < text.index("| Server |")


def test_the_terminal_tells_the_changes(document: Document) -> None:
    text = render_summary(with_changes(document))
    assert "since main.json: 14 new findings, 0 gone, 2 still there" in text
    assert "  new: TOOL-003 on 14 tools of everything: tool_10, tool_11, tool_12 and 11 more" in text


def test_a_report_without_comparison_says_nothing_of_one(document: Document) -> None:
    assert "ince" not in markdown.render(document).split("| Server |")[0]
    assert "since" not in render_summary(document)


def test_a_server_that_got_worse_comes_before_one_that_got_better(document: Document) -> None:
    before: Any = {**document, "servers": [{**server} for server in document["servers"]]}
    for at, score in ((0, 50.0), (1, 100.0)):
        before["servers"][at]["readiness"] = {**document["servers"][at]["readiness"], "score": score}
    moved = changed_scores(compared(document, before, since="x"))
    assert [entry["server"] for entry in moved] == ["everything", "memory"]


def test_servers_and_tools_that_are_new_are_told_and_a_lost_server_does_not_count_as_lost_tools(
    document: Document,
) -> None:
    fewer: Any = {**document, "servers": document["servers"][1:]}
    changes = compared(document, fewer, since="x")
    assert [entry["before"] for entry in changed_scores(changes)] == [None]
    assert len(changes.get("tools_added", [])) == 9
    assert compared(fewer, document, since="x").get("tools_removed") == []
    grown: Any = {**document, "servers": [{**server, "tools": server["tools"][1:]} for server in document["servers"]]}
    assert len(compared(grown, document, since="x").get("tools_removed", [])) == 3


def with_scores(document: Document, *scores: float) -> Document:
    servers: Any = [
        {**server, "readiness": {**server["readiness"], "score": score}}
        for server, score in zip(document["servers"], scores, strict=False)
    ]
    return {**document, "servers": servers}


def test_a_score_that_reads_the_same_has_not_moved(document: Document) -> None:
    changes = compared(with_scores(document, 85.69, 85.61), with_scores(document, 85.61, 85.59), since="x")
    assert [entry["server"] for entry in changed_scores(changes)] == ["everything"]
