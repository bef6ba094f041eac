"""The end of a run on the terminal: one table, what could not be used, what costs most.

Our own words are ASCII, so that the summary reads the same with ``LANG=C``; colour only repeats what words say.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabulate import DataRow, TableFormat, tabulate

from mcp_assay_reports.changes import changes_in_words, gathered
from mcp_assay_reports.findings import Cluster, clusters, gaps, left_out, remarks, slowest
from mcp_assay_reports.limits import limit_lines
from mcp_assay_reports.texts import category_score, line, listing, percent, plural, score, seconds
from mcp_assay_reports.workflows import workflow_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.core.contract import ChangedFinding, Document, ReadinessWord, ServerEntry

_HEADERS = ("server", "conn", "schema", "exec", "cross", "perf", "evid", "p95", "score", "verdict")
_CATEGORIES = ("connectivity", "schema", "execution", "cross_server", "performance")
_COLOURS: dict[ReadinessWord, int] = {"READY": 32, "UNPROVEN": 33, "NOT READY": 31, "UNREACHABLE": 31}
_NARROWEST = 50
_TOO_NARROW_FOR_CATEGORIES = 76
_OVERALL = 4
_OTHER_COLUMNS = 62
_OVERALL_COLUMNS = 31
_MOST_FAILED = 20
_MOST_FINDINGS = 5
_MOST_GAPS = 3
_MOST_LIMITS = 10
_MOST_WORKFLOWS = 10
_COMPACT = TableFormat(
    lineabove=None,
    linebelowheader=None,
    linebetweenrows=None,
    linebelow=None,
    headerrow=DataRow("", " ", ""),
    datarow=DataRow("", " ", ""),
    padding=0,
    with_header_hide=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Screen:
    """What the terminal can show.

    Attributes:
        width: Its columns.
        color: Whether to use ANSI colours.
        encoding: Its character set.
    """

    width: int
    color: bool
    encoding: str

    @property
    def is_narrow(self) -> bool:
        """Whether there is no room for the categories."""
        return self.width < _TOO_NARROW_FOR_CATEGORIES

    @property
    def room_for_names(self) -> int:
        """Return the columns that the table leaves for the names of servers."""
        return self.width - (_OVERALL_COLUMNS if self.is_narrow else _OTHER_COLUMNS)

    def text(self, value: str, limit: int = 300) -> str:
        """Return ``value`` on one line; characters that the terminal lacks become escapes."""
        return line(value, limit).encode(self.encoding, "backslashreplace").decode(self.encoding)

    def wrapped(self, text: str, indent: str, later: str | None = None) -> str:
        """Return ``text`` broken between words, every line indented."""
        return textwrap.fill(
            text,
            self.width,
            initial_indent=indent,
            subsequent_indent=indent if later is None else later,
            break_on_hyphens=False,
        )

    def verdict(self, word: ReadinessWord) -> str:
        """Return a verdict, in its colour if wanted."""
        return f"\x1b[{_COLOURS.get(word, 0)}m{word}\x1b[0m" if self.color else word


def render_summary(document: Document, width: int = 80, *, color: bool = False, encoding: str = "utf-8") -> str:
    """Return the summary of a run, without a final newline.

    Args:
        document: The report.
        width: Columns of the terminal; command lines that reproduce a finding are never broken.
        color: Whether to use ANSI colours.
        encoding: What the terminal can show; other characters become escapes.
    """
    screen = _Screen(width=max(width, _NARROWEST), color=color, encoding=encoding)
    parts = [_table(document, screen), *_changes(document, screen), *_unusable(document, screen)]
    parts += [*_costliest(document, screen), *_workflows(document, screen), *_limits(document, screen)]
    return "\n".join([*parts, *_not_exercised(document, screen), *_closing(document, screen)])


def _table(document: Document, screen: _Screen) -> str:
    """Return servers by categories."""
    rows = [_HEADERS, *(_row(document, server, screen) for server in document["servers"])]
    if screen.is_narrow:
        rows = [(row[0], *row[-_OVERALL:]) for row in rows]
    align = ("left", *["right"] * (len(rows[0]) - 2), "left")
    # As headers the titles would be padded by two columns each, which 80 columns have no room for.
    return tabulate(rows, tablefmt=_COMPACT, colalign=align, disable_numparse=True)


def _row(document: Document, server: ServerEntry, screen: _Screen) -> tuple[str, ...]:
    """Return one server's row."""
    name, readiness = _shortened(screen.text(server["name"]), screen.room_for_names), server["readiness"]
    if server["status"] in {"disabled", "skipped", "interrupted"}:
        return (name, *["-"] * (len(_HEADERS) - 2), server["status"])
    verdict = screen.verdict(readiness["verdict"])
    if server["status"] == "failed":
        return (name, *["-"] * (len(_HEADERS) - 2), verdict)
    measured = slowest(document, server)
    return (
        name,
        *(category_score(readiness["categories"].get(category)) for category in _CATEGORIES),
        percent(readiness["evidence"]).replace(" ", ""),
        seconds(measured["latency_s"]["p95"] if measured else None).replace(" ", ""),
        score(readiness["score"]),
        verdict,
    )


def _shortened(name: str, room: int) -> str:
    """Return ``name`` in at most ``room`` characters, its middle left out."""
    if len(name) <= room:
        return name
    tail = (room - 2) // 2
    return f"{name[: room - 2 - tail]}..{name[-tail:]}"


def _changes(document: Document, screen: _Screen) -> Iterator[str]:
    """Yield what changed since the run or file that this run was compared with."""
    changes = document.get("changes")
    if changes is None:
        return
    yield "\n" + screen.wrapped(f"since {screen.text(changes['since'], 60)}: {changes_in_words(changes)}", "", "  ")
    for title, found in (("new", changes["new"]), ("gone", changes["gone"])):
        groups = gathered(found)
        for entries in groups[:_MOST_FINDINGS]:
            yield screen.wrapped(f"{title}: {_changed(entries, screen)}", "  ", "     ")
        if len(groups) > _MOST_FINDINGS:
            yield f"  and {len(groups) - _MOST_FINDINGS} more {title}"


def _changed(entries: Sequence[ChangedFinding], screen: _Screen) -> str:
    """Return the findings of one check that came or went on one server."""
    first = entries[0]
    tools = [screen.text(entry["tool"], 40) for entry in entries if entry["tool"] is not None]
    where = f"{plural(len(tools), 'tool')} of {screen.text(first['server'], 40)}: {listing(tools, 3)}"
    return f"{screen.text(first['check'], 40)} on {where if tools else screen.text(first['server'], 40)}"


def _unusable(document: Document, screen: _Screen) -> Iterator[str]:
    """Yield why servers could not be used."""
    failed = [server for server in document["servers"] if server["error"] is not None]
    if failed:
        yield "\nnot usable"
    for server in failed[:_MOST_FAILED]:
        yield from _cause(server, screen)
    if len(failed) > _MOST_FAILED:
        yield f"  and {plural(len(failed) - _MOST_FAILED, 'more server')}"


def _cause(server: ServerEntry, screen: _Screen) -> Iterator[str]:
    """Yield why one server could not be used."""
    error = server["error"]
    if error is None:
        return
    yield screen.wrapped(f"{screen.text(server['name'], 60)}: {screen.text(error['message'])}", "  ")
    if error["stderr_tail"].strip():
        yield screen.wrapped(f"stderr: {screen.text(error['stderr_tail'].strip().splitlines()[-1])}", "    ")
    if error["hint"]:
        yield screen.wrapped(f"hint: {screen.text(error['hint'])}", "    ")


def _costliest(document: Document, screen: _Screen) -> Iterator[str]:
    """Yield the few findings that cost most."""
    found = clusters(document)
    if found:
        yield "\nwhat costs most"
    for number, cluster in enumerate(found[:_MOST_FINDINGS], 1):
        yield from _finding(number, cluster, screen)
    if len(found) > _MOST_FINDINGS:
        yield f"  and {plural(len(found) - _MOST_FINDINGS, 'more finding')} in the reports"


def _finding(number: int, cluster: Cluster, screen: _Screen) -> Iterator[str]:
    """Yield one finding: where it is, what was seen and how to see it again."""
    first = cluster.first
    yield screen.wrapped(f"{number}. {screen.text(cluster.title)} ({cluster.weight})", "  ", "     ")
    yield screen.wrapped(_place(cluster, screen), "     ")
    yield from (screen.wrapped(screen.text(cause), "     ") for cause in cluster.causes)
    yield screen.wrapped(screen.text(first["observed"] or first["requirement"]), "     ")
    if first["reproduce"]:
        yield f"     {screen.text(first['reproduce'], 600)}"


def _workflows(document: Document, screen: _Screen) -> Iterator[str]:
    """Yield what became of the user's workflows, broken ones first."""
    told = [*workflow_lines(document, _MOST_WORKFLOWS)]
    if told:
        yield "\nworkflows"
    yield from (screen.wrapped(screen.text(text), "  ", "       ") for text in told)


def _limits(document: Document, screen: _Screen) -> Iterator[str]:
    """Yield the user's limits with what was measured, broken ones first."""
    told = [*limit_lines(document, _MOST_LIMITS)]
    if told:
        yield "\nlimits"
    yield from (screen.wrapped(screen.text(text), "  ", "       ") for text in told)


def _not_exercised(document: Document, screen: _Screen) -> Iterator[str]:
    """Yield the few reasons that thin the evidence most."""
    found = gaps(document)
    if found:
        yield "\nnot exercised"
    for gap in found[:_MOST_GAPS]:
        count = plural(len(gap.results), "result")
        yield screen.wrapped(f"{count}, {_place(gap, screen)}", "  ", "     ")
        yield screen.wrapped(screen.text(gap.first["reason"] or "no reason was given"), "     ")
    if len(found) > _MOST_GAPS:
        yield f"  and {plural(len(found) - _MOST_GAPS, 'more reason')} in the reports"


def _place(cluster: Cluster, screen: _Screen) -> str:
    """Return where a finding was made: servers, or tools and their server."""
    servers = [screen.text(name, 40) for name in cluster.servers]
    if not cluster.tools:
        return listing(servers, 4)
    where = servers[0] if len(servers) == 1 else plural(len(servers), "server")
    tools = listing([screen.text(name, 40) for name in cluster.tools], 3)
    return f"{plural(cluster.tool_count, 'tool')} on {where}: {tools}"


def _closing(document: Document, screen: _Screen) -> Iterator[str]:
    """Yield the run in two lines, the verdict last."""
    summary = document["summary"]
    checks = summary["checks"]
    called = sum(tool["executed"] for server in document["servers"] for tool in server["tools"])
    failing = sum(tool.get("status") == "never successful" for s in document["servers"] for tool in s["tools"])
    counts = ", ".join(
        [
            f"{summary['connected']} of {plural(summary['servers'], 'server')} connected",
            f"{called} of {plural(summary['tools'], 'tool')} exercised",
            *([f"{failing} called but never with success"] if failing else []),
            f"{checks['pass']} passed, {checks['fail']} failed, {plural(checks['warn'], 'warning')}",
            f"{checks['skip']} skipped, {plural(checks['error'], 'error')}",
            f"evidence {percent(summary.get('evidence', 0.0))}",
        ]
    )
    yield "\n" + screen.wrapped(counts, "")
    yield from (screen.wrapped(remark, "") for remark in remarks(document))
    part = " of this part" if left_out(document) is not None else ""
    yield f"readiness{part}: {screen.verdict(summary['verdict'])}, score {score(summary['score'])} of 100"
