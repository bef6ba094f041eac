"""Markdown for a pull-request comment or ``$GITHUB_STEP_SUMMARY``: the verdict first, detail to unfold.

Texts from servers stand in code spans and fences only, where GitHub reads no markup, no mention and no link.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from mcp_assay_reports.changes import changed_scores, changes_in_words, gathered
from mcp_assay_reports.findings import Cluster, clusters, gaps, left_out, place_of, remarks, server_clusters, slowest
from mcp_assay_reports.limits import limit_rows
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
from mcp_assay_reports.workflows import account, workflows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.core.contract import ChangedFinding, Document, ResultEntry, ServerEntry

LARGEST = 1024 * 1024
"""Bytes that GitHub takes as a step summary."""

_MOST_REMARKS = 50
_MOST_LINKS = 8
_BACKTICKS = re.compile("`+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Detail:
    """How much a report tells.

    Attributes:
        findings: Most findings told of one server, 0 for no detail at all.
        exchange: Most characters shown of an exchange.
        servers: Most servers in the table.
    """

    findings: int
    exchange: int
    servers: int = 1_000


_STEPS = (
    _Detail(findings=1_000, exchange=3_000),
    _Detail(findings=1_000, exchange=0),
    _Detail(findings=10, exchange=0),
    _Detail(findings=0, exchange=0),
    _Detail(findings=0, exchange=0, servers=50),
)


def render(document: Document, largest: int = LARGEST) -> str:
    """Return the report in at most ``largest`` bytes of UTF-8; what had to be left out is said at its end."""
    text = ""
    for step, detail in enumerate(_STEPS):
        text = "\n".join(_sections(document, detail, shortened=step > 0)) + "\n"
        if len(text.encode("utf-8", "replace")) <= largest:
            return text
    note = "\n\n_The rest was left out because the report is too long._\n"
    return text.encode("utf-8", "replace")[: largest - len(note)].decode("utf-8", "ignore") + note


def code(text: str, limit: int = 200) -> str:
    """Return ``text`` as a code span that its content cannot leave; see `cell` for tables."""
    shown = line(text, limit) or " "
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str, limit: int = 80) -> str:
    """Return ``text`` as a code span for a table cell, where a bar ends the cell even inside a span."""
    return code(text, limit).replace("|", "\\|")


def _sections(document: Document, detail: _Detail, *, shortened: bool) -> Iterator[str]:
    """Yield the report's lines."""
    yield from _head(document)
    yield from _changes(document)
    yield from _table(document, detail.servers)
    yield from _unusable(document, detail.servers)
    yield from _costliest(document)
    yield from _workflows(document, detail.servers)
    yield from _limits(document, detail.servers)
    yield from _not_exercised(document)
    if detail.findings:
        for server in document["servers"]:
            yield from _server(document, server, detail)
    if shortened:
        yield "_Detail was left out to keep this report short; the JSON and HTML reports have all of it._"
    yield f"<sub>{document['tool']['name']} {line(document['tool']['version'], 40)}</sub>"


def _head(document: Document) -> Iterator[str]:
    """Yield the verdict and the run in one line."""
    summary, run = document["summary"], document["run"]
    checks = summary["checks"]
    part = " of a part" if left_out(document) is not None else ""
    yield f"## MCP readiness{part}: {summary['verdict']}"
    yield ""
    yield (
        f"**{overall(summary).capitalize()}**, {summary['connected']} of {plural(summary['servers'], 'server')} "
        f"connected, {plural(summary['tools'], 'tool')}, {checks['pass']} passed, {checks['fail']} failed, "
        f"{plural(checks['warn'], 'warning')}, {checks['skip']} skipped, {plural(checks['error'], 'error')}, "
        f"{seconds(run['duration_s'])}"
    )
    yield ""
    told = [*remarks(document), *run.get("problems", [])]
    yield from (f"- {code(remark, 300)}" for remark in told[:_MOST_REMARKS])
    yield from [""] * bool(told)


def _changes(document: Document, most: int = 10) -> Iterator[str]:
    """Yield what changed since the run or file that this run was compared with."""
    changes = document.get("changes")
    if changes is None:
        return
    yield f"### Since {code(changes['since'], 120)}: {changes_in_words(changes)}"
    yield ""
    for entry in changed_scores(changes)[:most]:
        before, now = ("not judged" if value is None else score(value) for value in (entry["before"], entry["now"]))
        words = entry["verdict_before"] or "not judged", entry["verdict_now"] or "not judged"
        verdicts = f", {words[0]} → **{words[1]}**" if words[0] != words[1] else ""
        yield f"- {code(entry['server'], 80)}: {before} → {now}{verdicts}"
    for title, found in (("new", changes["new"]), ("gone", changes["gone"])):
        groups = gathered(found)
        yield from (f"- {title}: {_changed(entries)}" for entries in groups[:most])
        yield from [f"- _and {len(groups) - most} more {title}_"] if len(groups) > most else []
    yield ""


def _changed(entries: Sequence[ChangedFinding]) -> str:
    """Return the findings of one check that came or went on one server."""
    first, tools = entries[0], [code(entry["tool"], 60) for entry in entries if entry["tool"] is not None]
    where = f"{plural(len(tools), 'tool')} of {code(first['server'], 60)}: {listing(tools)}" if tools else ""
    return f"**{code(first['check'], 60)}** ({first['verdict']}) on {where or code(first['server'], 60)}"


def _table(document: Document, most: int) -> Iterator[str]:
    """Yield the table of servers and categories."""
    yield f"| Server | Verdict | Score | {' | '.join(CATEGORY_TITLES.values())} | Evidence | p95 |"
    yield f"|:--|:--|--:|{'--:|' * len(CATEGORY_TITLES)}--:|--:|"
    for server in document["servers"][:most]:
        yield _row(document, server)
    if len(document["servers"]) > most:
        yield ""
        yield f"_and {plural(len(document['servers']) - most, 'more server')}_"
    yield ""


def _row(document: Document, server: ServerEntry) -> str:
    """Return a server's row."""
    readiness = server["readiness"]
    if server["status"] != "connected":
        verdict = readiness["verdict"] if server["status"] == "failed" else server["status"]
        cells = [verdict, *["-"] * (len(CATEGORY_TITLES) + 3)]
    else:
        measured = slowest(document, server)
        cells = [
            f"**{readiness['verdict']}**",
            score(readiness["score"]),
            *(category_score(readiness["categories"].get(category)) for category in CATEGORY_TITLES),
            percent(readiness["evidence"]),
            seconds(measured["latency_s"]["p95"] if measured else None),
        ]
    return f"| {cell(server['name'])} | {' | '.join(cells)} |"


def _unusable(document: Document, most: int) -> Iterator[str]:
    """Yield why servers could not be used."""
    failed = [server for server in document["servers"] if server["error"] is not None]
    if not failed:
        return
    yield "### Not usable"
    yield ""
    for server in failed[:most]:
        error = server["error"]
        if error is not None:
            place = f"{server['config']}:{server['line']}" if server["line"] else server["config"]
            yield f"- {code(server['name'], 80)} ({code(place, 120)}): {code(error['message'], 400)}"
            if error["hint"]:
                yield f"  - hint: {code(error['hint'], 400)}"
            if error["stderr_tail"]:
                yield f"  - stderr ends: {code(error['stderr_tail'][-400:], 400)}"
    yield ""


def _costliest(document: Document, most: int = 5) -> Iterator[str]:
    """Yield the few findings that cost most."""
    found = clusters(document)
    if not found:
        return
    yield "### What costs most"
    yield ""
    for cluster in found[:most]:
        yield f"- {_headline(cluster)}"
        yield from _explanation(cluster.first, "  - ")
    if len(found) > most:
        yield ""
        yield f"_and {plural(len(found) - most, 'more finding')} below_"
    yield ""


def _workflows(document: Document, most: int) -> Iterator[str]:
    """Yield what became of the user's workflows, broken ones first."""
    workflows = workflows_of(document)
    if not workflows:
        return
    yield "### Workflows"
    yield ""
    yield "| Workflow | Verdict | Servers | What happened |"
    yield "|:--|:--|:--|:--|"
    for workflow in workflows[:most]:
        servers = ", ".join(cell(server) for server in workflow["servers"])
        yield f"| {cell(workflow['name'])} | {workflow['verdict']} | {servers} | {cell(account(workflow), 300)} |"
    if len(workflows) > most:
        yield ""
        yield f"_and {plural(len(workflows) - most, 'more workflow')}_"
    yield ""


def _limits(document: Document, most: int) -> Iterator[str]:
    """Yield the user's limits with what was measured."""
    rows = limit_rows(document)
    if not rows:
        return
    yield "### Limits"
    yield ""
    yield "| Server | Tool | Limit | Measured | Verdict |"
    yield "|:--|:--|:--|--:|:--|"
    for row in rows[:most]:
        named = cell(row.tool) if row.tool else ""
        yield f"| {cell(row.server)} | {named} | {cell(row.threshold)} | {row.found} | {row.verdict} |"
    if len(rows) > most:
        yield ""
        yield f"_and {plural(len(rows) - most, 'more limit')}_"
    yield ""


def _not_exercised(document: Document, most: int = 5) -> Iterator[str]:
    """Yield the few reasons that thin the evidence most."""
    found = gaps(document)
    if not found:
        return
    yield "### Not exercised"
    yield ""
    for gap in found[:most]:
        reason = code(gap.first["reason"] or "no reason was given", 400)
        yield f"- {plural(len(gap.results), 'result')}, {place_of(gap, code)}: {reason}"
    if len(found) > most:
        yield ""
        yield f"_and {plural(len(found) - most, 'more reason')}_"
    yield ""


def _headline(cluster: Cluster) -> str:
    """Return a finding in one line: what, how strong, where, at what cost."""
    return f"**{code(cluster.title, 90)}** ({cluster.weight}): {place_of(cluster, code)}"


def _explanation(result: ResultEntry, bullet: str) -> Iterator[str]:
    """Yield requirement, expectation, observation and how to see it again."""
    address = link(result["spec"])
    spec = f" ([specification]({address}))" if address else ""
    yield f"{bullet}requires: {code(result['requirement'], 300)}{spec}"
    for label, value in (("expected", result["expected"]), ("observed", result["observed"])):
        if value:
            yield f"{bullet}{label}: {code(value, 400)}"
    if result.get("fix"):
        yield f"{bullet}fix: {code(result.get('fix', ''), 600)}"
    if result["reproduce"]:
        yield f"{bullet}reproduce: {code(result['reproduce'], 600)}"


def _server(document: Document, server: ServerEntry, detail: _Detail) -> Iterator[str]:
    """Yield one server's findings, folded."""
    found = server_clusters(document, server)
    if not found:
        return
    name = escape(line(server["name"], 80))
    yield f"<details><summary><code>{name}</code>: {plural(len(found), 'finding')}</summary>"
    yield ""
    yield from _facts(server)
    yield from _links(server)
    for cluster in found[: detail.findings]:
        yield f"- {_headline(cluster)}"
        yield from (f"  - {code(cause, 160)}" for cause in cluster.causes)
        yield from _explanation(cluster.first, "  - ")
        yield from _exchange(cluster.first, detail.exchange)
    if len(found) > detail.findings:
        yield f"- _and {plural(len(found) - detail.findings, 'more finding')}_"
    yield ""
    yield "</details>"
    yield ""


def _facts(server: ServerEntry) -> Iterator[str]:
    """Yield what the server is."""
    info, readiness = server["server_info"], server["readiness"]
    called = sum(tool["executed"] for tool in server["tools"])
    title = f"{info['name']} {info['version']}" if info else "a server without a name of its own"
    versions = ", ".join(server["protocol_versions"]) or "no revision"
    yield (
        f"{code(title, 100)} over {line(server['transport'], 40)}, speaks {code(versions, 120)}, "
        f"called {called} of {plural(len(server['tools']), 'tool')}, "
        f"passed {percent(readiness.get('rate', 0.0))} (at least {percent(readiness.get('rate_low', 0.0))} "
        "with 95 % confidence)"
    )
    yield ""


def _links(server: ServerEntry) -> Iterator[str]:
    """Yield which tools hang together, as far as values that went from one to another worked."""
    worked = [w for w in server.get("links", []) if w["worked"]]
    if worked:
        shown = [f"{code(w['source'], 60)} → {code(w['target'], 60)} ({code(w['parameter'], 40)})" for w in worked]
        yield f"Values passed on between tools: {listing(shown, _MOST_LINKS)}"
        yield ""


def _exchange(result: ResultEntry, limit: int) -> Iterator[str]:
    """Yield the exchange that proves a finding as an indented fence."""
    if result["exchange"] is None or not limit:
        return
    text = block(json.dumps(result["exchange"], indent=1, ensure_ascii=False), limit)
    fence = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    yield ""
    yield f"  {fence}json"
    yield from (f"  {row}" for row in text.split("\n"))
    yield f"  {fence}"
