"""One HTML file that opens from disk: overview, matrix, results, latencies, workflows. No network.

The overview, latencies and workflows are plain HTML; matrix, list and pages of findings are built by the script from
the data beside it. The content security policy allows the one style sheet and the one script by their hashes and
nothing else, so that a text which became markup against all escaping still could not act.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from mcp_assay_reports.findings import Cluster, clusters, gaps, left_out, slowest
from mcp_assay_reports.html_charts import latency_section, workflow_section
from mcp_assay_reports.html_data import VERDICTS, compact
from mcp_assay_reports.texts import (
    CATEGORY_TITLES,
    block,
    category_score,
    line,
    link,
    listing,
    overall,
    percent,
    plural,
    score,
    seconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_assay.core.contract import Document, ServerEntry

_ASSETS = files("mcp_assay_reports").joinpath("assets")
_MOST_COSTLY = 10
_MOST_REMARKS = 50
_NUMBER = ' class="number"'
_LEVELS = ("MUST", "SHOULD", "DESC", "ADV")


def render(document: Document) -> str:
    """Return the report as one self-contained HTML file."""
    style = _ASSETS.joinpath("report.css").read_text("utf-8")
    script = _ASSETS.joinpath("report.js").read_text("utf-8")
    summary = document["summary"]
    return "".join(
        [
            "<!doctype html>\n",
            '<html lang="en"><head><meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"<title>{summary['verdict']}: MCP readiness</title>\n<style>{style}</style></head>\n<body>\n",
            *_body(document),
            f'<script type="application/json" id="data">{_embedded(compact(document))}</script>\n',
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


def _embedded(value: object) -> str:
    """Return ``value`` as JSON that cannot end its script element, whatever its texts hold."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _body(document: Document) -> Iterator[str]:
    """Yield everything that people see without the script, and the places that it fills."""
    yield '<a class="jump" href="#main">Skip to the content</a>\n'
    yield from _head(document)
    yield from _navigation(document)
    yield '<main id="main" tabindex="-1">\n'
    yield f'<section data-view="overview">{"".join(_overview(document))}</section>\n'
    yield f'<form id="filters" class="filters" aria-label="Filters" hidden>{"".join(_filters())}</form>\n'
    yield '<section data-view="matrix" hidden><h2>Checks by servers</h2>'
    yield '<div id="grid" class="scroll grid"></div></section>\n'
    yield '<section data-view="results" hidden><h2>Results</h2><div id="list"></div></section>\n'
    yield f'<section data-view="latency" hidden>{latency_section(document)}</section>\n'
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
    yield f"<header><h1>MCP readiness</h1>{_chip(summary['verdict'])}"
    yield f'<span class="score">{overall(summary)}</span>'
    yield '<button type="button" id="theme" hidden>Light or dark</button>'
    partial = left_out(document)
    remarks = [*([partial] if partial else []), *document["run"].get("problems", [])]
    told = "".join(f"<br><strong>{_shown(remark, 300)}</strong>" for remark in remarks[:_MOST_REMARKS])
    yield f'<div class="facts">{facts}{told}</div></header>\n'


def _navigation(document: Document) -> Iterator[str]:
    """Yield the links to the views that have something to show."""
    views = {"overview": "Overview", "matrix": "Matrix", "results": "Results"}
    views |= {"latency": "Latency"} if document["benchmarks"] else {}
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


def _overview(document: Document) -> Iterator[str]:
    """Yield the table of servers, what could not be used and what costs most."""
    titles = ["Server", "Verdict", "Score", *CATEGORY_TITLES.values(), "Evidence", "p95"]
    head = "".join(f'<th scope="col"{_NUMBER if at > 1 else ""}>{title}</th>' for at, title in enumerate(titles))
    rows = "".join(_server_row(document, server, at) for at, server in enumerate(document["servers"]))
    yield f'<h2>Servers</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
    yield f"<tbody>{rows}</tbody></table></div>"
    yield from _unusable(document)
    found = clusters(document)
    if found:
        yield '<h2>What costs most</h2><ol class="findings">'
        yield from (_finding(cluster, document) for cluster in found[:_MOST_COSTLY])
        yield "</ol>"
    if len(found) > _MOST_COSTLY:
        yield f'<p><a href="#results">and {plural(len(found) - _MOST_COSTLY, "more finding")}</a></p>'
    yield from _not_exercised(document)


def _server_row(document: Document, server: ServerEntry, at: int) -> str:
    """Return one server's row."""
    readiness = server["readiness"]
    word = readiness["verdict"] if server["status"] in {"connected", "failed"} else server["status"]
    if server["status"] == "connected":
        measured = slowest(document, server)
        cells = [
            score(readiness["score"]),
            *(category_score(readiness["categories"].get(category)) for category in CATEGORY_TITLES),
            percent(readiness["evidence"]),
            seconds(measured["latency_s"]["p95"] if measured else None),
        ]
    else:
        cells = ["-"] * (len(CATEGORY_TITLES) + 3)
    numbers = "".join(f"<td{_NUMBER}>{cell}</td>" for cell in cells)
    name = f'<a href="#server/{at}">{_shown(server["name"], 80)}</a>'
    return f'<tr><th scope="row">{name}</th><td>{_chip(word)}</td>{numbers}</tr>'


def _unusable(document: Document) -> Iterator[str]:
    """Yield why servers could not be used."""
    failed = [(server["name"], server["error"]) for server in document["servers"]]
    if not any(error for _, error in failed):
        return
    yield "<h2>Not usable</h2><dl>"
    for name, error in failed:
        if error is not None:
            hint = f'<br><span class="soft">hint: {_shown(error["hint"], 600)}</span>' if error["hint"] else ""
            tail = f"<pre>{_shown_block(error['stderr_tail'])}</pre>" if error["stderr_tail"].strip() else ""
            yield f"<dt>{_shown(name, 80)}</dt><dd>{_shown(error['message'], 600)}{hint}{tail}</dd>"
    yield "</dl>"


def _not_exercised(document: Document) -> Iterator[str]:
    """Yield the reasons that thin the evidence most."""
    found = gaps(document)
    if found:
        yield "<h2>Not exercised</h2><ul>"
        for gap in found[:_MOST_COSTLY]:
            reason = _shown(gap.first["reason"] or "no reason was given", 400)
            yield f"<li>{plural(len(gap.results), 'result')}, {_place(gap)}<br>{reason}</li>"
        yield "</ul>"


def _finding(cluster: Cluster, document: Document) -> str:
    """Return one finding of the overview, linked to the page of its gravest result."""
    first = cluster.first
    address = link(first["spec"])
    spec = f' (<a href="{escape(address)}" rel="noreferrer noopener">specification</a>)' if address else ""
    at = next(index for index, result in enumerate(document["results"]) if result is first)
    reproduce = f"<pre>{_shown(first['reproduce'], 600)}</pre>" if first["reproduce"] else ""
    return (
        f'<li><a href="#result/{at}"><strong>{_shown(cluster.title, 90)}</strong></a> {_chip(first["verdict"])} '
        f"{cluster.weight}<br>{_place(cluster)}<br>{_shown(first['observed'] or first['requirement'], 400)}{spec}"
        f"{reproduce}</li>"
    )


def _place(cluster: Cluster) -> str:
    """Return where a finding was made: servers, or tools and their server."""
    servers = [_shown(name, 60) for name in cluster.servers]
    if not cluster.tools:
        return listing(servers)
    where = servers[0] if len(servers) == 1 else plural(len(servers), "server")
    return f"{plural(cluster.tool_count, 'tool')} on {where}: {listing([_shown(tool, 60) for tool in cluster.tools])}"


def _chip(word: str) -> str:
    """Return a verdict as a coloured word."""
    return f'<span class="chip {word.replace(" ", "-")}">{word}</span>'


def _shown(text: str, limit: int) -> str:
    """Return ``text`` on one line, escaped."""
    return escape(line(text, limit))


def _shown_block(text: str) -> str:
    """Return the last lines of ``text`` with their line ends, escaped."""
    return escape("\n".join(block(text).split("\n")[-20:]))
