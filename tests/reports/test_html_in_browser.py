"""The HTML report in a real browser; skipped where Playwright or a Chromium is missing."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from mcp_assay_reports import html_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mcp_assay.core.contract import Document

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
WATCH = """
    window.broken = [];
    document.addEventListener("securitypolicyviolation", (event) => window.broken.push(event.violatedDirective));
"""
CONTRAST = """() => {
    const channels = (text) => text.match(/[\\d.]+/g).map(Number);
    const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const light = (text) => {
        const [red, green, blue] = channels(text).map((value) => linear(value / 255));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const opaque = (node) => channels(getComputedStyle(node).backgroundColor)[3] !== 0;
    return [...document.querySelectorAll("h1, td, th, .chip, .facts, a, pre, dt")].map((node) => {
        let ground = node;
        while (ground.parentElement && !opaque(ground)) ground = ground.parentElement;
        const pair = [light(getComputedStyle(node).color), light(getComputedStyle(ground).backgroundColor)];
        return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    });
}"""
# Playwright's own waiting evaluates texts in the page, which the report's policy forbids.
SCROLLED = """() => new Promise((done) => {
    const graph = document.querySelector(".graph");
    const look = () => (graph.scrollLeft > 0 ? done(true) : requestAnimationFrame(look));
    setTimeout(() => done(false), 10_000);
    look();
})"""
PAGES = ("", "#matrix", "#results", "#latency", "#trends", "#workflows")
VIEWS = (*PAGES, "#server/0", "#result/4", "#cell/CALL-001/0", "#nonsense/9")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    # Chromium's sandbox does not start for root, as containers run tests.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as engine:
        instance = engine.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=60_000)
        yield instance
        instance.close()


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a report; afterwards it must have asked nothing of the network, broken no policy and logged no error."""
    pages: list[tuple[Any, list[str]]] = []

    def opened(document: Document, view: str = "", **options: Any) -> Any:
        path = tmp_path / "report.html"
        path.write_text(html_report.render(document), "utf-8")
        page = browser.new_page(**options)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: None if request.url.startswith("file:") else complaints.append(request.url))
        page.add_init_script(WATCH)
        page.set_default_timeout(20_000)
        page.goto(f"{path.as_uri()}{view}")
        pages.append((page, complaints))
        return page

    yield opened
    for page, complaints in pages:
        assert page.evaluate("window.broken") == []
        assert complaints == []
        page.close()


@pytest.mark.parametrize("view", VIEWS)
def test_hostile_text_stays_text_in_every_view(
    hostile_document: Document, visit: Callable[..., Any], view: str
) -> None:
    page = visit(hostile_document, view)
    assert page.locator("main section:visible").count() == 1
    assert page.locator("main img, main script, main iframe").count() == 0


def test_the_policy_stops_markup_that_got_in_all_the_same(document: Document, browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    place = '<main id="main" tabindex="-1">'
    evil = '<img src="https://evil.invalid/" onerror="window.owned=1"><script>window.owned=1</script>'
    path.write_text(html_report.render(document).replace(place, place + evil), "utf-8")
    page = browser.new_page()
    page.add_init_script(WATCH)
    page.goto(path.as_uri())
    assert page.evaluate("window.owned") is None
    assert {"img-src", "script-src-elem"} <= set(page.evaluate("window.broken"))
    page.close()


def test_the_matrix_is_walked_and_opened_by_keyboard(document: Document, visit: Callable[..., Any]) -> None:
    page = visit(document, "#matrix")
    page.locator("#grid td a").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.title") == "TOOL-003 on everything: 14 of 24 fail"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="TOOL-003 on everything").wait_for()
    assert page.locator("#detail tbody tr").count() == 24


def test_only_one_cell_of_the_matrix_is_a_stop_of_the_tab_key(document: Document, visit: Callable[..., Any]) -> None:
    page = visit(document, "#matrix")
    assert page.locator('#grid td a[tabindex="0"]').count() == 1


def test_filters_narrow_matrix_and_results(document: Document, visit: Callable[..., Any]) -> None:
    page = visit(document, "#results")
    page.locator("select[name=server]").select_option(label="everything")
    for word in ("pass", "skip"):
        page.get_by_label(word, exact=True).uncheck()
    assert page.locator("#list caption").inner_text() == "15 results"
    page.get_by_label("Search").fill("unknown isError")
    assert page.locator("#list caption").inner_text() == "1 results"
    page.get_by_role("button", name="Reset").click()
    page.locator("#list caption", has_text=f"{len(document['results'])} results").wait_for()


def test_a_finding_shows_its_exchange_and_how_to_see_it_again(document: Document, visit: Callable[..., Any]) -> None:
    at = next(index for index, result in enumerate(document["results"]) if result["verdict"] == "fail")
    page = visit(document, f"#result/{at}")
    assert page.get_by_role("heading", name="request").is_visible()
    assert page.get_by_role("heading", name="response").is_visible()
    assert '"method": "tools/call"' in page.locator("#detail").inner_text()
    assert "pytest --mcp-config servers.json" in page.locator("#detail pre").first.inner_text()


def test_the_overview_leads_to_the_finding(document: Document, visit: Callable[..., Any]) -> None:
    page = visit(document)
    page.get_by_role("link", name="TOOL-003 tool-shape").click()
    page.get_by_role("heading", name="TOOL-003 tool-shape fail").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_are_legible(document: Document, visit: Callable[..., Any], scheme: str) -> None:
    page = visit(document, color_scheme=scheme)
    contrast = page.evaluate(CONTRAST)
    assert min(contrast) >= 4.5


def test_a_narrow_screen_needs_no_sideways_scrolling(document: Document, visit: Callable[..., Any]) -> None:
    for view in (*PAGES, "#server/1"):
        page = visit(document, view, viewport={"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def named(document: Document, name: str) -> Document:
    """Return a document whose first server has another name."""
    first = document["servers"][0]["name"]
    results: Any = [{**entry, "server": name} if entry["server"] == first else entry for entry in document["results"]]
    return {
        **document,
        "servers": [{**document["servers"][0], "name": name}, *document["servers"][1:]],
        "results": results,
    }


@pytest.mark.parametrize("name", ["x" * 90, "\u062e\u0627\u062f\u0645-" * 12])
def test_a_long_name_pushes_no_column_off_the_screen_or_the_paper(
    document: Document, visit: Callable[..., Any], name: str
) -> None:
    overflow = "() => { const box = document.querySelector('.scroll'); return box.scrollWidth - box.clientWidth; }"
    page = visit(named(document, name), viewport={"width": 1280, "height": 900})
    assert page.evaluate(overflow) <= 0
    page.emulate_media(media="print")
    # A4 at 96 dots an inch, without the margins that browsers leave.
    page.set_viewport_size({"width": 718, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(overflow) <= 0
    page.emulate_media(media="screen")
    page.evaluate("location.hash = '#results'")
    assert page.locator("select[name=server]").bounding_box()["width"] <= 300


def test_trends_are_narrowed_by_words(document: Document, visit: Callable[..., Any]) -> None:
    page = visit(document, "#trends")
    assert page.locator(".trend:visible").count() == 2
    page.locator("#trend-filter input").fill("tool_0 p95")
    assert page.locator(".trend:visible").count() == 1
    assert page.locator("#trend-filter output").inner_text() == "1 of 2 metrics"


def test_a_graph_stands_within_its_frame_and_can_be_scrolled_by_keyboard(
    document: Document, visit: Callable[..., Any]
) -> None:
    wide = [{**document["workflows"][0]["steps"][0], "id": f"s{at}", "needs": [f"s{at - 1}"]} for at in range(20)]
    page = visit({**document, "workflows": [{**document["workflows"][0], "steps": wide}]}, "#workflows")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.locator(".graph").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(SCROLLED), "the arrow key moved nothing"


FILLS = """() => [...document.querySelectorAll(".graph rect")].map((box) => {
    const style = getComputedStyle(box);
    return [style.fill, style.strokeDasharray === "none"];
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_stood_in_and_what_was_undone_is_seen_in_the_graph(
    document: Document, visit: Callable[..., Any], scheme: str
) -> None:
    first = document["workflows"][0]["steps"][0]
    steps = [
        {**first, "id": "a", "outcome": "pass", "fallback": ["m.other", "m.third"], "stood_in": ["m.third"]},
        {**first, "id": "b", "outcome": "fail", "undo": "m.remove", "undone": True, "needs": ["a"]},
        {**first, "id": "c", "outcome": "skip", "undo": "m.remove", "undone": False, "needs": ["b"]},
    ]
    flow = {**document["workflows"][0], "verdict": "fail", "steps": steps, "observed": "b: it went away"}
    page = visit({**document, "workflows": [flow]}, "#workflows", color_scheme=scheme)
    boxes = page.evaluate(FILLS)
    passed, planned, used, failed, undone, skipped, undo = (fill for fill, _ in boxes)
    assert [is_solid for _, is_solid in boxes] == [True, False, True, True, True, True, False]
    assert planned == used == undone == undo == skipped
    assert len({passed, failed, planned}) == 3
    shown = page.locator("section[data-view=workflows]").inner_text()
    assert "b: it went away" in shown
    assert "pass, m.third stood in" in shown
    assert "fail, undone by m.remove" in shown


def test_ten_thousand_results_can_be_paged_through(big_document: Document, visit: Callable[..., Any]) -> None:
    page = visit(big_document, "#results")
    assert page.locator("#list tbody tr").count() == 200
    page.get_by_role("button", name="Show more").click()
    assert page.locator("#list tbody tr").count() == 400
