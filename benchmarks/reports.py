"""How large is an HTML report of 134 tools and 10,050 results, and how soon is it painted?

Makes the report of a run over 19 servers, every finding with its exchange, with latencies, workflows and a history, and
opens it in the system's Chromium, headless, in a fresh profile for each round. First contentful paint is the browser's
own figure, counted from the start of the navigation; switching is the time from a click on a view until the next frame
after it was drawn. Needs the dependency group ``browser`` and a Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goals import conclude
from playwright.sync_api import sync_playwright
from tabulate import tabulate

from mcp_assay.core.verdicts import Category, Level, Outcome, Verdict
from mcp_assay.readiness.document import RunFacts, ServerFacts, ServerStatus, ToolFacts, build_document
from mcp_assay_reports import WRITERS

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document

LARGEST_BYTES = 5_000_000
SLOWEST_PAINT_S = 1.0
TARGETS = dict.fromkeys(("size_vs_goal", "first_paint_vs_goal"), ("<=", 1.0))
SERVERS, CHECKS = 19, 75
VIEWS = ("matrix", "results", "latency", "trends", "workflows")
EXCHANGE = {
    "request": {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "create_entities"}},
    "response": {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "done " * 60}]}},
}
SWITCH = """(name) => new Promise((resolve) => {
    const started = performance.now();
    location.hash = `#${name}`;
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - started))));
})"""


def server(number: int) -> ServerFacts:
    """Return one server; all of them have 134 tools together."""
    tools = tuple(ToolFacts(name=f"tool_{at}", hash=f"sha256:{at:064x}") for at in range(8 if number == 0 else 7))
    about = {"config": "servers.json", "line": 3, "status": ServerStatus.CONNECTED, "transport": "stdio"}
    return ServerFacts(name=f"server-{number:02}", tools=tools, connect_s=0.4, **about)


def verdict(name: str, check: int, tool: str, at: int) -> Verdict:
    """Return one result; every third tool violates every fourth check, in words of its own."""
    broken = check % 4 == 0 and at % 3 == 0
    category = list(Category)[check % 5]
    nodeid = f"servers.json::{name}::{category}::TOOL-{check:03}.{tool}"
    seen = {"expected": "a thing", "observed": f"{name} sent another thing {at} to {tool}"} if broken else {}
    return Verdict(
        check=f"TOOL-{check:03}",
        slug=f"rule-{check}",
        category=category,
        level=list(Level)[check % 4],
        server=name,
        config="servers.json",
        tool=tool,
        outcome=Outcome.FAIL if broken else Outcome.PASS,
        nodeid=nodeid,
        duration_s=0.0123,
        requirement=f"Every tool has a name, and a schema that is an object; rule {check}.",
        spec="https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool",
        reproduce=f"pytest {nodeid}",
        exchange={**EXCHANGE, "tool": tool, "server": name} if broken else None,
        **seen,
    )


def document() -> Document:
    """Return the report of the run."""
    servers = [server(number) for number in range(SERVERS)]
    places = [(facts.name, tool.name, at) for facts in servers for at, tool in enumerate(facts.tools)]
    verdicts = [verdict(name, check, tool, at) for name, tool, at in places for check in range(CHECKS)]
    shape = {"min": 0.8, "p50": 1, "p90": 1.3, "p95": 1.6, "p99": 3, "max": 4, "mean": 1.1, "stddev": 0.4}
    speed: list[Any] = [
        {
            "server": name,
            "tool": tool,
            "mode": "closed",
            "concurrency": lanes,
            "calls": 200,
            "latency_s": {word: factor * 0.001 * (at + 1) for word, factor in shape.items()},
            "histogram": [[0.0008 * 1.26**bucket, bucket] for bucket in range(20)],
            "budget_p95_s": 0.05,
        }
        for name, tool, at in places
        for lanes in (1, 8)
    ]
    points = [
        {
            "at": f"2026-{1 + day // 28:02}-{1 + day % 28:02}T03:00:00Z",
            "commit": f"{day:040x}",
            "value": 0.01 + day % 7 / 1e3,
        }
        for day in range(120)
    ]
    trends: list[Any] = [
        {"server": name, "tool": tool, "metric": "p95", "unit": "s", "points": points, "change_points": [60]}
        for name, tool, _ in places
    ]
    steps = [
        {"id": f"s{at}", "server": "server-00", "tool": "tool_0", "outcome": "pass", "duration_s": 0.01}
        | ({"needs": [f"s{at // 2}"]} if at else {})
        for at in range(60)
    ]
    flow: Any = {"name": "fan", "servers": ["server-00"], "verdict": "pass", "steps": steps}
    run = RunFacts(
        id="bench",
        started_at=datetime(2026, 11, 25, tzinfo=UTC),
        duration_s=60,
        configs=("servers.json",),
        python=sys.version.split()[0],
        platform=sys.platform,
        exit_status=1,
    )
    return build_document(run, servers, verdicts, benchmarks=speed, workflows=[flow], trends=trends)


def measured(path: Path, rounds: int) -> tuple[list[float], dict[str, list[float]]]:
    """Return seconds to the first paint, and to each view, of every round."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no Chromium is installed")
    paints: list[float] = []
    switches: dict[str, list[float]] = {view: [] for view in VIEWS}
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as engine:
        for _ in range(rounds):
            browser = engine.chromium.launch(executable_path=chromium, args=arguments)
            page = browser.new_page(viewport={"width": 1360, "height": 900})
            page.goto(path.as_uri())
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            entry = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            paints.append(page.evaluate(entry) / 1_000)
            for view in VIEWS:
                switches[view].append(page.evaluate(SWITCH, view) / 1_000)
            browser.close()
    return paints, switches


def main() -> None:
    """Make the report, open it, print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    report = document()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "report.html"
        path.write_text(next(writer for writer in WRITERS if writer.name == "html").render(report), "utf-8")
        size = path.stat().st_size
        paints, switches = measured(path, given.rounds)
    paint = statistics.median(paints)
    rows = [["first paint", *_of(paints)], *([f"to {view}", *_of(times)] for view, times in switches.items())]
    print(tabulate(rows, headers=["", "median s", "worst s"], floatfmt=".3f"))
    summary = report["summary"]
    print(f"\n{summary['tools']} tools, {len(report['results'])} results, {size / 1e6:.2f} MB\n")
    ratios = {
        "size_vs_goal": size / LARGEST_BYTES,
        "first_paint_vs_goal": paint / SLOWEST_PAINT_S,
        "slowest_view_vs_first_paint_goal": max(map(statistics.median, switches.values())) / SLOWEST_PAINT_S,
    }
    conclude(ratios, TARGETS)


def _of(times: list[float]) -> tuple[float, float]:
    """Return median and worst."""
    return statistics.median(times), max(times)


if __name__ == "__main__":
    main()
