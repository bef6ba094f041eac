"""The first page of the HTML report: the servers, what changed, what costs most, what was not exercised."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from mcp_assay_reports.changes import changed_scores, changes_in_words, gathered
from mcp_assay_reports.findings import Cluster, clusters, gaps, place_of, slowest
from mcp_assay_reports.html_trends import sparkline
from mcp_assay_reports.texts import (
    CATEGORY_TITLES,
    block,
    category_score,
    line,
    link,
    listing,
    percent,
    plural,
    score,
    seconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.core.contract import CategoryEntry, ChangedFinding, ChangedScore, Document, ServerEntry

_MOST_COSTLY = 10
_MOST_CHANGES = 10
_NUMBER = ' class="number"'
_GRADES = ((100.0, "full"), (90.0, "good"), (70.0, "fair"), (0.0, "poor"))


def overview_section(document: Document) -> str:
    """Return the servers, what could not be used, what changed, what costs most and what was not exercised."""
    return "".join(_overview(document))


def _overview(document: Document) -> Iterator[str]:
    """Yield the parts of `overview_section`."""
    titles = ["Server", "Verdict", "Score", *CATEGORY_TITLES.values(), "Evidence", "p95"]
    head = "".join(f'<th scope="col"{_NUMBER if at > 1 else ""}>{title}</th>' for at, title in enumerate(titles))
    rows = "".join(_server_row(document, server, at) for at, server in enumerate(document["servers"]))
    yield f'<h2>Servers</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
    yield f"<tbody>{rows}</tbody></table></div>"
    yield from _unusable(document)
    yield from _changes(document)
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
        trend = sparkline(document, server["config"], server["name"])
        cells = [
            f"<td{_NUMBER}>{trend}<strong>{score(readiness['score'])}</strong></td>",
            *(_category_cell(readiness["categories"].get(category)) for category in CATEGORY_TITLES),
            f"<td{_NUMBER}>{percent(readiness['evidence'])}</td>",
            f"<td{_NUMBER}>{seconds(measured['latency_s']['p95'] if measured else None)}</td>",
        ]
    else:
        cells = [f"<td{_NUMBER}>-</td>"] * (len(CATEGORY_TITLES) + 3)
    numbers = "".join(cells)
    name = f'<a href="#server/{at}">{_shown(server["name"], 80)}</a>'
    return f'<tr><th scope="row">{name}</th><td>{chip(word)}</td>{numbers}</tr>'


def _category_cell(entry: CategoryEntry | None) -> str:
    """Return a category's score, on a ground that says how good it is."""
    shown = category_score(entry)
    if entry is None or shown in {"n/a", "-"}:
        return f'<td class="number soft">{shown}</td>'
    grade = next(word for bar, word in _GRADES if entry["score"] >= bar)
    return f'<td class="number grade {grade}">{shown}</td>'


def _changes(document: Document) -> Iterator[str]:
    """Yield what is different from the run or file that this run was compared with."""
    changes = document.get("changes")
    if changes is None:
        return
    yield f"<h2>Since {_shown(changes['since'], 120)}</h2>"
    yield f"<p>{changes_in_words(changes)}</p>"
    moved = "".join(_moved(entry) for entry in changed_scores(changes))
    yield f'<ul class="changes">{moved}</ul>' if moved else ""
    for title, found in (("New", changes["new"]), ("Gone", changes["gone"])):
        groups = gathered(found)
        if groups:
            rows = "".join(f"<li>{_changed(entries)}</li>" for entries in groups[:_MOST_CHANGES])
            more = f"<li>and {len(groups) - _MOST_CHANGES} more</li>" if len(groups) > _MOST_CHANGES else ""
            yield f'<h3>{title}</h3><ul class="changes">{rows}{more}</ul>'


def _moved(entry: ChangedScore) -> str:
    """Return a server's score then and now."""
    before, now = ("not judged" if value is None else score(value) for value in (entry["before"], entry["now"]))
    words = entry["verdict_before"], entry["verdict_now"]
    verdicts = f" {chip(words[0] or 'skipped')} → {chip(words[1] or 'skipped')}" if words[0] != words[1] else ""
    return f"<li><strong>{_shown(entry['server'], 80)}</strong>: {before} → {now}{verdicts}</li>"


def _changed(entries: Sequence[ChangedFinding]) -> str:
    """Return the findings of one check that came or went on one server."""
    first, tools = entries[0], [_shown(entry["tool"], 60) for entry in entries if entry["tool"] is not None]
    where = f"{plural(len(tools), 'tool')} of {_shown(first['server'], 80)}: {listing(tools)}" if tools else ""
    return (
        f"{chip(first['verdict'])} <code>{_shown(first['check'], 60)}</code> on {where or _shown(first['server'], 80)}"
    )


def _unusable(document: Document) -> Iterator[str]:
    """Yield why servers could not be used."""
    failed = [(server["name"], server["error"]) for server in document["servers"]]
    if not any(error for _, error in failed):
        return
    yield '<h2>Not usable</h2><dl class="unusable">'
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
            yield f"<li>{plural(len(gap.results), 'result')}, {place_of(gap, _shown)}<br>{reason}</li>"
        yield "</ul>"


def _finding(cluster: Cluster, document: Document) -> str:
    """Return one finding of the overview, linked to the page of its gravest result."""
    first = cluster.first
    address = link(first["spec"])
    spec = f' (<a href="{escape(address)}" rel="noreferrer noopener">specification</a>)' if address else ""
    at = next(index for index, result in enumerate(document["results"]) if result is first)
    reproduce = f"<pre>{_shown(first['reproduce'], 600)}</pre>" if first["reproduce"] else ""
    return (
        f'<li><a href="#result/{at}"><strong>{_shown(cluster.title, 90)}</strong></a> {chip(first["verdict"])} '
        f"{cluster.weight}<br>{place_of(cluster, _shown)}<br>"
        f"{_shown(first['observed'] or first['requirement'], 400)}{spec}{reproduce}</li>"
    )


def chip(word: str) -> str:
    """Return a verdict as a coloured word."""
    return f'<span class="chip {word.replace(" ", "-")}">{word}</span>'


def _shown(text: str, limit: int) -> str:
    """Return ``text`` on one line, escaped."""
    return escape(line(text, limit))


def _shown_block(text: str) -> str:
    """Return the last lines of ``text`` with their line ends, escaped."""
    return escape("\n".join(block(text).split("\n")[-20:]))
