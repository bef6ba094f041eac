"""The limits that the user set: threshold and value side by side, broken ones first."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from mcp_assay.core.quantities import shown
from mcp_assay_reports.texts import WORST_FIRST, line, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.contract import BudgetEntry, Document, VerdictWord

_MOST = 1_000
_NOTHING = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRow:
    """One limit as it is told.

    Attributes:
        server: The server.
        tool: The tool, empty for the server as a whole.
        threshold: The limit as it was written.
        found: What was measured, or that nothing was.
        verdict: Whether it is kept.
    """

    server: str
    tool: str
    threshold: str
    found: str
    verdict: VerdictWord

    @property
    def place(self) -> str:
        """The server, and the tool where there is one."""
        return f"{self.server} {self.tool}".strip()


def limit_rows(document: Document) -> list[LimitRow]:
    """Return every limit that was looked at, broken ones first; tools that were not to be measured are left out."""
    told = [_row(budget) for budget in document.get("budgets", []) if budget["verdict"] != "skip"]
    return sorted(told, key=lambda row: WORST_FIRST.index(row.verdict))


def limit_lines(document: Document, most: int) -> Iterator[str]:
    """Yield limits as lines of text, the first ones and the number of the others."""
    rows = limit_rows(document)
    for row in rows[:most]:
        yield f"{row.verdict.upper():4} {row.place}: {row.found}, limit {row.threshold}"
    if len(rows) > most:
        broken = sum(row.verdict != "pass" for row in rows[most:])
        yield f"and {plural(len(rows) - most, 'more limit')}, {broken} not kept"


def limits_section(document: Document) -> str:
    """Return the table of limits for a page, empty without any."""
    rows = limit_rows(document)
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{title}</th>' for title in ("Server", "Tool", "Limit", "Measured", "Verdict"))
    body = "".join(_html_row(row) for row in rows[:_MOST])
    return (
        f'<h2>Limits</h2><div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _row(budget: BudgetEntry) -> LimitRow:
    """Return one limit."""
    value = budget["value"]
    return LimitRow(
        server=line(budget["server"], 80),
        tool=line(budget["tool"], 80),
        threshold=line(budget["threshold"], 80),
        found=_NOTHING if value is None else shown(value, budget["unit"]),
        verdict=budget["verdict"],
    )


def _html_row(row: LimitRow) -> str:
    """Return one limit as a row of the table."""
    texts = "".join(f"<td>{escape(text)}</td>" for text in (row.tool, row.threshold, row.found))
    chip = f'<span class="chip {row.verdict}">{row.verdict}</span>'
    return f'<tr><th scope="row">{escape(row.server)}</th>{texts}<td>{chip}</td></tr>'
