from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from mcp_assay_reports import html_report
from mcp_assay_reports.changes import compared

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document

VOID = {"meta", "br", "input"}
STRUCTURE = """
    html head title style body script a header h1 h2 h3 span button div nav ul ol li main section table thead tbody tr
    th td dl dt dd p pre code strong form label select option fieldset legend noscript footer output
"""
DRAWING = "svg line rect g path text polyline circle"
ALLOWED = {*VOID, *STRUCTURE.split(), *DRAWING.split()}


class Reader(HTMLParser):
    """Collects elements, and sees to it that every one is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("name", ["document", "hostile_document", "with_long_texts"])
def test_the_page_holds_no_element_but_ours(name: str, request: pytest.FixtureRequest) -> None:
    reader = read(html_report.render(request.getfixturevalue(name)))
    assert {tag for tag, _ in reader.elements} <= ALLOWED
    scripts = [attributes.get("type") for tag, attributes in reader.elements if tag == "script"]
    assert scripts == ["application/json", None]
    for _, attributes in reader.elements:
        assert not [
            attribute for attribute in attributes if attribute.startswith("on") or attribute in {"style", "src"}
        ]
        address = attributes.get("href") or "#"
        assert address.startswith(("#", "https://modelcontextprotocol.io/"))


def test_the_policy_allows_our_two_blocks_and_nothing_else(document: Document) -> None:
    reader = read(html_report.render(document))
    policies = [attributes["content"] or "" for _, attributes in reader.elements if "http-equiv" in attributes]
    rules = dict(rule.strip().split(" ", 1) for rule in policies[0].split(";"))
    style, script = "".join(reader.texts["style"]), reader.texts["script"][-1]
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'",
        "script-src": f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def embedded(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(read(text).texts["script"][0])
    return parsed


def test_the_data_keep_every_result_in_its_place(document: Document) -> None:
    data = embedded(html_report.render(document))
    assert len(data["results"]) == len(document["results"])
    for row, result in zip(data["results"], document["results"], strict=True):
        assert data["servers"][row[0]]["name"] == result["server"]
        assert data["checks"][row[1]]["id"] == result["check"]
        assert data["verdicts"][row[3]] == result["verdict"]
        assert (data["strings"][row[2]] if row[2] >= 0 else None) == result["tool"]


def test_a_result_of_an_unlisted_server_is_kept(document: Document) -> None:
    stray: Any = {**document["results"][0], "server": "stray"}
    data = embedded(html_report.render({**document, "results": [stray, *document["results"]]}))
    assert data["servers"][data["results"][0][0]]["name"] == "stray"


def test_text_of_a_server_cannot_end_the_data(hostile_document: Document) -> None:
    text = html_report.render(hostile_document)
    assert text.count("</script>") == 2
    assert "<script>alert(1)</script>" in json.dumps(embedded(text)["strings"])


def test_no_control_or_steering_character_is_in_the_file(hostile_document: Document) -> None:
    text = html_report.render(hostile_document)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


def test_ten_thousand_results_stay_below_five_megabytes(big_document: Document) -> None:
    assert len(html_report.render(big_document).encode()) < 5_000_000


def test_long_and_many_exchanges_stay_below_five_megabytes(big_document: Document) -> None:
    results = [
        {
            **result,
            "exchange": {"request": f"{at} " + "x" * 3_000, "response": "y" * 200_000},
            "observed": f"{at}" * 900,
        }
        for at, result in enumerate(big_document["results"])
    ]
    heavy: Any = {**big_document, "results": results}
    text = html_report.render(heavy)
    assert len(text.encode()) < 5_000_000
    rows = embedded(text)["results"]
    assert len(rows) == len(results)
    assert rows[-1][9] == -2


def test_texts_that_grow_when_they_are_embedded_stay_below_five_megabytes(big_document: Document) -> None:
    results = [
        {**result, "exchange": {"request": f"{at}" + "<" * 3_000}, "observed": f"{at}" + "\u4e2d" * 1_900}
        for at, result in enumerate(big_document["results"])
    ]
    heavy: Any = {**big_document, "results": results}
    assert len(html_report.render(heavy).encode()) < 5_000_000


def test_whatever_the_texts_are_the_file_stays_below_five_megabytes_and_no_result_is_lost(
    big_document: Document,
) -> None:
    long = "\u0436<" * 500
    texts = ("check", "slug", "requirement", "spec", "fix", "observed")
    results = [{**r, **dict.fromkeys(texts, f"{at}{long}"), "exchange": {"at": at, "request": long}}
               for at, r in enumerate(big_document["results"])]  # fmt: skip
    fault = {"kind": "exited", "message": long, "hint": long, "exit_code": 1, "stderr_tail": long}
    servers = [{**s, "error": fault, "protocol_versions": [long] * 9} for s in big_document["servers"]]
    step = {"server": long, "tool": long, "outcome": "result", "duration_s": 0.1, "needs": [long]}
    steps = [{**step, "id": f"{at}{long}"} for at in range(400)]
    workflows = [{"name": long, "servers": [long], "verdict": "pass", "steps": steps}] * 40
    speed = [{**entry, "tool": long} for entry in big_document["benchmarks"]] * 4
    points = [{"at": "2026-11-01T03:00:00Z", "commit": long, "value": float(at)} for at in range(150)]
    trend = {"server": long, "tool": long, "metric": long, "unit": "s", "points": points, "change_points": [50, 100]}
    worst: Any = {**big_document, "results": results, "servers": servers, "workflows": workflows,
                  "benchmarks": speed, "trends": [trend] * 400}  # fmt: skip
    text = html_report.render(worst)
    assert len(text.encode()) < 5_000_000
    data = embedded(text)
    assert len(data["results"]) == len(results)
    assert len(data["checks"]) == len({row[1] for row in data["results"]}) > 9_000
    assert "more workflow" in text


def test_the_way_to_keep_a_rule_stands_beside_it(document: Document) -> None:
    told: Any = [{**result, "fix": "give it a `type`"} for result in document["results"]]
    data = embedded(html_report.render({**document, "results": told}))
    assert {check["fix"] for check in data["checks"]} == {"give it a `type`"}


def test_the_overview_needs_no_script(document: Document) -> None:
    text = html_report.render(document)
    static = text[: text.index('<script type="application/json"')]
    assert "14 tools on everything: tool_10, tool_11" in static
    assert "it exited with status 1 before it answered" in static
    assert "Error: PORTAINER_URL is not set" in static


def test_a_budget_is_drawn_into_the_latencies(document: Document) -> None:
    entries: Any = [{**document["benchmarks"][0], "budget_p95_s": 1.0}]
    text = html_report.render({**document, "benchmarks": entries})
    # The budget is the longest time of all, and the scale ends a fifth beyond it.
    (at,) = re.findall(r'class="budget" x1="([\d.]+)" y1="2"', text)
    assert 960 < float(at) < 1_000


def test_the_users_own_limit_is_drawn_where_it_is_measured(document: Document) -> None:
    entry: Any = {**document["benchmarks"][0], "mode": "closed", "concurrency": 1, "budget_p95_s": 1.0}
    limit = {"server": entry["server"], "tool": entry["tool"], "metric": "p95", "limit": 0.2, "value": 0.1}
    limit |= {
        "config": entry.get("config", ""),
        "threshold": "p95 < 200ms",
        "unit": "s",
        "verdict": "pass",
        "nodeid": "n",
    }
    drawn: Any = {**document, "benchmarks": [entry, {**entry, "concurrency": 8}], "budgets": [limit]}
    text = html_report.render(drawn)
    assert re.findall("budget for p95 ([^<]+)</title>", text) == ["200 ms", "1 s"]
    other: Any = {**drawn, "budgets": [{**limit, "server": "another"}]}
    assert "budget for p95 200 ms" not in html_report.render(other)


def test_why_a_workflow_did_not_run_is_told(document: Document) -> None:
    why = "step 'say': no connected server lists a tool <b>"
    broken: Any = {"name": "w", "servers": [], "verdict": "fail", "steps": [], "observed": why}
    text = html_report.render({**document, "workflows": [broken]})
    assert "<p>step &#x27;say&#x27;: no connected server lists a tool &lt;b&gt;</p>" in text


def test_figures_are_told_in_units_that_people_read(document: Document) -> None:
    first = document["trends"][0]
    units = [("rss", "B", 77_176_832.0), ("children", "number", 3.0), ("cpu", "s/call", 0.000_21)]
    trends: Any = [
        {**first, "metric": name, "unit": unit, "points": [{**point, "value": value} for point in first["points"]]}
        for name, unit, value in units
    ]
    text = html_report.render({**document, "trends": trends})
    assert re.findall("<strong>([^<]+)</strong>", text)[-3:] == ["77.2 MB", "3", "0.21 ms/call"]


def test_a_figure_that_never_changed_comes_last(document: Document) -> None:
    flat = document["trends"][0]
    still: Any = {**flat, "tool": "still", "change_points": [], "points": [flat["points"][0]] * 5}
    moving: Any = {**still, "tool": "moving", "points": [{**flat["points"][0], "value": float(at)} for at in range(5)]}
    text = html_report.render({**document, "trends": [still, moving]})
    assert text.index(": moving</h3>") < text.index(": still</h3>")


def test_a_histogram_is_drawn_bar_by_bar(document: Document) -> None:
    entries: Any = [{**document["benchmarks"][0], "histogram": [[0.001, 5], [0.002, 0], [0.004, 10]]}]
    text = html_report.render({**document, "benchmarks": entries})
    assert len(re.findall(r'class="bar" x="[\d.]+" y="\d+\.', text)) == 2


def test_a_missed_budget_is_told_by_colour_and_in_words(document: Document) -> None:
    entries: Any = [{**document["benchmarks"][0], "budget_p95_s": 0.0001}]
    text = html_report.render({**document, "benchmarks": entries})
    assert '<svg class="range over"' in text
    assert "budget for p95 100 us" in text


def test_the_bar_of_verdicts_is_as_long_as_their_shares(document: Document) -> None:
    words = ["pass"] * 6 + ["fail", "warn", "skip", "skip"]
    results: Any = [{**document["results"][0], "verdict": word} for word in words]
    text = html_report.render({**document, "results": results})
    assert '<rect class="pass" x="0.0" width="600.0" height="8"/><rect class="warn" x="600.0" width="100.0"' in text
    assert "6 pass, 1 fail, 1 warn, 2 skip, 0 error" in text


def test_a_change_of_level_is_drawn_and_told(document: Document) -> None:
    text = html_report.render(document)
    assert text.count('<line class="change"') == 1
    assert text.count('<line class="level"') == 3
    assert "20 ms to 41 ms since 2026-11-06 at 0000000000" in text
    assert text.index("memory: tool_0</h3>") < text.index("memory</h3>"), "what changed comes first"
    assert "score over 10 runs" in text


def test_runs_of_one_day_are_told_apart_by_their_time(document: Document) -> None:
    trend = document["trends"][0]
    times = ("2026-11-01T03:00:00Z", "2026-11-01T21:30:00Z")
    points: Any = [{**trend["points"][0], "at": at} for at in times]
    text = html_report.render({**document, "trends": [{**trend, "points": points}]})
    assert "<span>03:00</span><span>21:30</span>" in text
    assert "<span>2026-11-01</span><span>2026-11-10</span>" in html_report.render(document)


def test_metrics_that_were_measured_once_make_no_page(document: Document) -> None:
    once: Any = [{**trend, "points": trend["points"][:1]} for trend in document["trends"]]
    text = html_report.render({**document, "trends": once})
    assert 'href="#trends"' not in text
    assert "over past runs" not in text


def test_many_trends_with_many_runs_stay_small(document: Document) -> None:
    trend = document["trends"][1]
    many: Any = [{**trend, "tool": f"t{at}", "points": trend["points"] * 100} for at in range(2_000)]
    text = html_report.render({**document, "trends": many})
    assert len(text) < 1_500_000
    assert "and 1700 more metrics in the JSON report" in text


def test_what_changed_is_told_on_the_first_page(document: Document) -> None:
    calmer: Any = {**document, "results": [r for r in document["results"] if r["check"] != "TOOL-003"]}
    text = html_report.render({**document, "changes": compared(document, calmer, since="main.json")})
    assert "<h2>Since main.json</h2><p>14 new findings, 0 gone, 2 still there</p>" in text
    assert "14 tools of everything: tool_10, tool_11, tool_12, tool_13, tool_14 and 9 more" in text


def test_steps_stand_where_they_ran(document: Document) -> None:
    text = html_report.render(document)
    assert '<rect class="body" x="400.0" y="12" width="600.0" height="12"/>' in text
    assert "<td>create</td><td>memory</td>" in text


def test_an_empty_run_still_makes_a_page(document: Document) -> None:
    empty: Any = {**document, "servers": [], "results": [], "benchmarks": [], "workflows": []}
    assert embedded(html_report.render(empty))["results"] == []
