"""One HTML file that opens from disk: overview, matrix, results, latencies, trends, workflows. No network.

Overview, latencies, trends and workflows are plain HTML; matrix, list and pages of findings are built by the script
from the data beside it. The content security policy allows the one style sheet and the one script by their hashes and
nothing else, so that a text which became markup against all escaping still could not act.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from mcp_assay_reports.findings import remarks
from mcp_assay_reports.html_data import VERDICTS, compact, embedded
from mcp_assay_reports.html_latency import latency_section
from mcp_assay_reports.html_overview import chip, overview_section
from mcp_assay_reports.html_trends import trend_section
from mcp_assay_reports.html_workflows import workflow_section
from mcp_assay_reports.limits import limits_section
from mcp_assay_reports.texts import CATEGORY_TITLES, line, overall, plural, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_assay.core.contract import Document

_ASSETS = files("mcp_assay_reports").joinpath("assets")
_LARGEST = 4_900_000
"""Bytes that the file has, as long as the numbers of its results fit."""

_MOST_REMARKS = 50
_BAR = ("pass", "warn", "fail", "error", "skip")
_LEVELS = ("MUST", "SHOULD", "DESC", "ADV")


def render(document: Document) -> str:
    """Return the report as one self-contained HTML file."""
    style = _ASSETS.joinpath("report.css").read_text("utf-8")
    script = _ASSETS.joinpath("report.js").read_text("utf-8")
    summary = document["summary"]
    body = "".join(_body(document))
    room = _LARGEST - sum(len(part.encode("utf-8")) for part in (style, script, body))
    return "".join(
        [
            "<!doctype html>\n",
            '<html lang="en"><head><meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"<title>{summary['verdict']}: MCP readiness</title>\n<style>{style}</style></head>\n<body>\n",
            body,
            f'<script type="application/json" id="data">{embedded(compact(document, room))}</script>\n',
            f"<script>{script}</script>\n</body></html>\n",
        ]
    )


def _policy(style: str, script: str) -> str:
    """Return the content security policy: our two inline blocks by hash, nothing from anywhere."""
    allowed = "; ".join(f"{kind}-src 'sha256-{_digest(text)}'" for kind, text in (("style", style), ("script", script)))
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    """Return the hash of an inline block as the policy spells it."""
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _body(document: Document) -> Iterator[str]:
    """Yield everything that people see without the script, and the places that it fills."""
    yield '<a class="jump" href="#main">Skip to the content</a>\n'
    yield from _head(document)
    yield from _navigation(document)
    yield '<main id="main" tabindex="-1">\n'
    yield f'<section data-view="overview">{overview_section(document)}{limits_section(document)}</section>\n'
    yield f'<form id="filters" class="filters" aria-label="Filters" hidden>{"".join(_filters())}</form>\n'
    yield '<section data-view="matrix" hidden><h2>Checks by servers</h2>'
    yield '<div id="grid" class="scroll grid"></div></section>\n'
    yield '<section data-view="results" hidden><h2>Results</h2><div id="list"></div></section>\n'
    yield f'<section data-view="latency" hidden>{latency_section(document)}</section>\n'
    yield f'<section data-view="trends" hidden>{trend_section(document)}</section>\n'
    yield f'<section data-view="workflows" hidden>{workflow_section(document)}</section>\n'
    yield '<section data-view="detail" hidden><div id="detail"></div></section>\n'
    yield "<noscript><p>The matrix and the pages of findings need JavaScript; the overview does not.</p></noscript>\n"
    yield "</main>\n"
    run = document["run"]
    tool = f"{document['tool']['name']} {document['tool']['version']}"
    parts = [tool, f"run {run['id']}", run["started_at"], f"Python {run['python']}", run["platform"]]
    yield f"<footer>{escape(line(', '.join(parts)))}</footer>\n"


def _head(document: Document) -> Iterator[str]:
    """Yield the verdict, the score and the counts."""
    summary = document["summary"]
    checks = summary["checks"]
    facts = (
        f"{summary['connected']} of {plural(summary['servers'], 'server')} connected, "
        f"{plural(summary['tools'], 'tool')}, {checks['pass']} passed, {checks['fail']} failed, "
        f"{plural(checks['warn'], 'warning')}, {checks['skip']} skipped, {plural(checks['error'], 'error')}, "
        f"{seconds(document['run']['duration_s'])}"
    )
    yield f"<header><h1>MCP readiness</h1>{chip(summary['verdict'])}"
    yield f'<span class="score">{overall(summary)}</span>'
    yield '<button type="button" id="theme" hidden>Light or dark</button>'
    limiting = [*remarks(document), *document["run"].get("problems", [])]
    told = "".join(f"<li>{escape(line(remark, 300))}</li>" for remark in limiting[:_MOST_REMARKS])
    problems = f'<ul class="problems">{told}</ul>' if told else ""
    yield f'<div class="facts">{facts}{_share_of_verdicts(document)}{problems}</div></header>\n'


def _share_of_verdicts(document: Document) -> str:
    """Return the verdicts as one bar, its parts as long as their shares; nothing without a verdict."""
    counts = Counter[str](result["verdict"] for result in document["results"])
    if not counts:
        return ""
    parts: list[str] = []
    left = 0.0
    for word in _BAR:
        width = 1_000 * counts[word] / counts.total()
        parts += [f'<rect class="{word}" x="{left:.1f}" width="{width:.1f}" height="8"/>'] if width else []
        left += width
    words = ", ".join(f"{counts[word]} {word}" for word in VERDICTS)
    return (
        f'<svg class="share" viewBox="0 0 1000 8" preserveAspectRatio="none" role="img" aria-label="{words}">'
        f"<title>{words}</title>{''.join(parts)}</svg>"
    )


def _navigation(document: Document) -> Iterator[str]:
    """Yield the links to the views that have something to show."""
    views = {"overview": "Overview", "matrix": "Matrix", "results": "Results"}
    views |= {"latency": "Latency"} if document["benchmarks"] else {}
    views |= {"trends": "Trends"} if any(len(trend["points"]) > 1 for trend in document.get("trends", [])) else {}
    views |= {"workflows": "Workflows"} if document["workflows"] else {}
    items = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title in views.items())
    yield f'<nav aria-label="Views"><ul>{items}</ul></nav>\n'


def _filters() -> Iterator[str]:
    """Yield the fields that narrow matrix and results."""
    yield '<label>Search <input type="search" name="search" autocomplete="off"></label>'
    yield '<label>Server <select name="server"><option value="">all</option></select></label>'
    yield _select("category", CATEGORY_TITLES.items())
    yield _select("level", ((level, level) for level in _LEVELS))
    boxes = (
        f'<label><input type="checkbox" name="verdict" value="{word}" checked> {word}</label>' for word in VERDICTS
    )
    yield f"<fieldset><legend>Verdict</legend>{''.join(boxes)}</fieldset>"
    yield '<button type="reset">Reset</button>'


def _select(name: str, options: Iterable[tuple[str, str]]) -> str:
    """Return a field to choose one of several words."""
    choices = "".join(f'<option value="{value}">{title}</option>' for value, title in options)
    return f'<label>{name.capitalize()} <select name="{name}"><option value="">all</option>{choices}</select></label>'
