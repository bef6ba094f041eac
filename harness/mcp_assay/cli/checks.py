"""``mcp-assay checks``: what servers are judged by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from mcp_assay.readiness.check import spec_link
from mcp_assay_suites import all_checks
from mcp_assay_suites.catalogue import CATALOGUE
from mcp_assay_suites.guidance import GUIDANCE

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.check import Check
    from mcp_assay_suites.catalogue import Row
    from mcp_assay_suites.guidance import Guidance

NEEDS = {
    "P": "nothing",
    "N": "a probe",
    "T": "a tool call",
    "X": "a trigger",
    "A": "a credential",
}
"""What the catalogue's modes mean."""

_WHY_NOT = {
    "X": "needs something that only the user can bring about",
    "A": "needs credentials and an authorization server",
}
_WIDEST = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """One rule of the catalogue and whether servers are judged by it.

    Attributes:
        row: The rule.
        check: The check that judges it, or None.
    """

    row: Row
    check: Check | None

    @property
    def why_not(self) -> str | None:
        """Why no check judges it, or None when one does."""
        if self.check is not None:
            return None
        second = "left out of the default run" if self.row.tier > 1 else "not judged yet"
        return _WHY_NOT.get(self.row.mode, second)


def catalogue() -> tuple[CatalogueEntry, ...]:
    """Return every rule, in the order of the catalogue."""
    judged = {check.id: check for check in all_checks()}
    return tuple(CatalogueEntry(row=row, check=judged.get(row.id)) for row in CATALOGUE.values())


@click.command()
@click.option("--json", "as_json", is_flag=True, help='Write {"checks": [...]} instead of a table.')
def checks(*, as_json: bool) -> int:
    """List every rule of the catalogue: level in each revision, category, what it needs, whether it is judged."""
    entries = catalogue()
    if as_json:
        click.echo(json.dumps({"checks": [_json(entry) for entry in entries]}, indent=2))
        return 0
    headers = ("check", "name", "level", "category", "needs", "judged")
    rows = [_row(entry) for entry in entries]
    click.echo(tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True))
    judged = sum(entry.check is not None for entry in entries)
    click.echo(f"\n{len(entries)} rules, {judged} judged; --json has requirements, links and how each is seen")
    return 0


def _row(entry: CatalogueEntry) -> tuple[str, ...]:
    """Return a rule as a line of the table."""
    row = entry.row
    category = entry.check.category.value if entry.check else "-"
    name = row.slug if len(row.slug) <= _WIDEST else f"{row.slug[: _WIDEST - 2]}.."
    return row.id, name, levels_of(row), category, NEEDS.get(row.mode, row.mode), entry.why_not or "yes"


def levels_of(row: Row) -> str:
    """Return the level when it is the same in every revision that has the rule, otherwise each with its revision."""
    if len(set(row.levels.values())) == 1:
        return next(iter(row.levels.values())).value
    return ", ".join(f"{revision} {level.value}" for revision, level in row.levels.items())


def _json(entry: CatalogueEntry) -> JsonObject:
    """Return a rule as JSON."""
    row, check, guidance = entry.row, entry.check, GUIDANCE[entry.row.id]
    return {
        "id": row.id,
        "name": row.slug,
        "levels": {revision: level.value for revision, level in row.levels.items()},
        "category": check.category.value if check else None,
        "scope": check.scope.value if check else None,
        "transports": [*sorted(row.transports)],
        "needs": NEEDS.get(row.mode, row.mode),
        "judged": check is not None,
        "why_not": entry.why_not,
        "requirement": row.requirement,
        "observe": row.observe,
        "spec": {revision: spec_link(row.spec_paths, revision) for revision in row.levels},
        "official": [*row.official],
        "why": guidance.why,
        "whose": guidance.whose.value,
        "fix": {"both": guidance.both} if guidance.both else _per_sdk(guidance),
    }


def _per_sdk(guidance: Guidance) -> JsonObject:
    """Return what to do with each SDK."""
    return {"python": guidance.python, "typescript": guidance.typescript}
