"""``mcp-assay checks``: what servers are judged by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from mcp_assay.readiness.check import spec_link
from mcp_assay_suites import all_checks
from mcp_assay_suites.catalogue import CATALOGUE, NOT_JUDGED, NOT_OBSERVABLE
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

_WIDEST = 24
_LONGEST = 60
"""Characters of a reason in the table; --json has it whole."""


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
        return None if self.check is not None else NOT_JUDGED[self.row.id]


def catalogue() -> tuple[CatalogueEntry, ...]:
    """Return every rule, in the order of the catalogue."""
    judged = {check.id: check for check in all_checks()}
    return tuple(CatalogueEntry(row=row, check=judged.get(row.id)) for row in CATALOGUE.values())


@click.command()
@click.option("--json", "as_json", is_flag=True, help='Write {"checks": [...], ...} instead of a table.')
def checks(*, as_json: bool) -> int:
    """List every rule of the catalogue: level in each revision, category, what it needs, whether it is judged."""
    entries = catalogue()
    if as_json:
        unobservable = [{"requirement": one.requirement, "why": one.why} for one in NOT_OBSERVABLE]
        listed = {"checks": [_json(entry) for entry in entries], "not_observable": unobservable}
        click.echo(json.dumps(listed, indent=2))
        return 0
    headers = ("check", "name", "level", "category", "needs", "judged")
    rows = [_row(entry) for entry in entries]
    click.echo(tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True))
    judged = sum(entry.check is not None for entry in entries)
    second = sum(entry.check is not None and entry.check.tier > 1 for entry in entries)
    click.echo(
        f"\n{len(entries)} rules, {judged} judged, {second} of them with --mcp-tier 2 only; --json has requirements, "
        "links, how each is seen, and what nothing outside can see"
    )
    return 0


def _row(entry: CatalogueEntry) -> tuple[str, ...]:
    """Return a rule as a line of the table."""
    row = entry.row
    category = entry.check.category.value if entry.check else "-"
    name = row.slug if len(row.slug) <= _WIDEST else f"{row.slug[: _WIDEST - 2]}.."
    judged = "--mcp-tier 2" if entry.check is not None and entry.check.tier > 1 else "yes"
    why_not = entry.why_not
    said = judged if why_not is None else f"no: {why_not if len(why_not) <= _LONGEST else f'{why_not[:_LONGEST]}…'}"
    return row.id, name, levels_of(row), category, NEEDS.get(row.mode, row.mode), said


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
        "tier": row.tier if check is None else check.tier,
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
