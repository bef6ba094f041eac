"""The catalogue: what the specification asks of a server, as data, and how a check is declared from it.

``catalogue.json`` holds the rules of the specification, ``house_checks.json`` those that the specification does not
know. A check takes its level, links and transports from its row, so that they are written down once.
``not_judged.json`` says of each row without a check, and of what no row could hold, why nothing outside can see it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from mcp_assay.core.verdicts import Level
from mcp_assay.readiness.check import Check, CheckFunction, Scope
from mcp_assay_suites.guidance import GUIDANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mcp_assay.core.verdicts import Category
    from mcp_assay.readiness.subject import ServerUnderTest

REVISIONS: Mapping[str, str] = MappingProxyType({"A": "2025-06-18", "B": "2025-11-25", "C": "2026-07-28", "*": "*"})
"""The catalogue's letters for revisions."""

_TRANSPORTS: Mapping[str, frozenset[str]] = {
    "any": frozenset(),
    "stdio": frozenset({"stdio"}),
    "http": frozenset({"streamable-http"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule of the catalogue.

    Attributes:
        id: Stable id, for example ``TOOL-003``.
        slug: Short name, for example ``tool-shape``.
        levels: Level by revision, ``*`` for every revision.
        spec_paths: Path of the rule below the revision's specification, by revision or ``*``.
        transports: Transports it is about; empty for all.
        mode: What it needs: ``P`` nothing but captured traffic, ``N`` an extra probe, ``T`` a tool call, ``X``
            something that only the user can give, ``A`` a credential.
        tier: 1 for the default run, 2 for the full one.
        core: Whether any server can be judged by it without a call, a credential or a trigger.
        requirement: What is asked for, in one sentence.
        observe: How it is seen from outside.
        official: Ids in the official conformance suite that test the same sentence.
    """

    id: str
    slug: str
    levels: Mapping[str, Level]
    spec_paths: Mapping[str, str]
    transports: frozenset[str]
    mode: str
    tier: int
    core: bool
    requirement: str
    observe: str
    official: tuple[str, ...]


def _rows(name: str) -> Iterable[Row]:
    """Yield the rows of a data file of this package."""
    text = files("mcp_assay_suites").joinpath(name).read_text("utf-8")
    for entry in cast("list[dict[str, Any]]", json.loads(text)):
        yield Row(
            id=entry["id"],
            slug=entry["slug"],
            levels=MappingProxyType({version: Level(level) for version, level in entry["levels"].items()}),
            spec_paths=MappingProxyType({REVISIONS[letter]: path for letter, path in entry["path"].items()}),
            transports=_TRANSPORTS[entry["transport"]],
            mode=entry["mode"],
            tier=entry["tier"],
            core=entry["core"],
            requirement=entry["requirement"],
            observe=entry["observe"],
            official=tuple(part.strip() for part in entry["official"].split(";") if part.strip()),
        )


CATALOGUE: Mapping[str, Row] = MappingProxyType(
    {row.id: row for name in ("catalogue.json", "house_checks.json") for row in _rows(name)}
)
"""Every row by its id, in the order of the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unobservable:
    """A requirement that no check could judge from outside, and why."""

    requirement: str
    why: str


_UNJUDGED = json.loads(files("mcp_assay_suites").joinpath("not_judged.json").read_text("utf-8"))

NOT_JUDGED: Mapping[str, str] = MappingProxyType(_UNJUDGED["rules"])
"""Why no check judges a row, by the row's id."""

NOT_OBSERVABLE: tuple[Unobservable, ...] = tuple(Unobservable(**entry) for entry in _UNJUDGED["not_observable"])
"""What the specification asks for besides, and why it is in no row."""


def check(
    identity: str,
    *,
    category: Category,
    scope: Scope = Scope.SERVER,
    unreachable: bool = False,
    late: bool = False,
    measures: bool = False,
    transports: frozenset[str] | None = None,
    tier: int | None = None,
    asked_for: Callable[[ServerUnderTest], bool] | None = None,
    untimed: CheckFunction | None = None,
) -> Callable[[CheckFunction], Check]:
    """Return a decorator that makes a check of the coroutine function which judges a catalogue row.

    Args:
        identity: The row's id.
        category: The suite it belongs to.
        scope: Whether it is judged once a server or once a tool.
        unreachable: Whether it is the check that fails when the server cannot be reached.
        late: Whether it judges all that the server sent in the run, and so comes at the end of the server's lane.
        measures: Whether it looks beside the wire, so that a recording keeps its judgement.
        transports: Transports it is about where the row's word for them is too narrow.
        tier: 1 for a check of the second tier that is made in every run all the same.
        asked_for: Whether a server is judged by it at all; None for every server.
        untimed: What is done in its place in a run that is to time nothing; None to leave it out.

    Raises:
        KeyError: The catalogue has no such row.
    """
    row = CATALOGUE[identity]

    def declare(run: CheckFunction) -> Check:
        return Check(
            id=row.id,
            slug=row.slug,
            category=category,
            scope=scope,
            run=run,
            levels=row.levels,
            requirement=row.requirement,
            spec_paths=row.spec_paths,
            transports=row.transports if transports is None else transports,
            unreachable=unreachable,
            late=late,
            measures=measures,
            fix=GUIDANCE[row.id].fix if row.id in GUIDANCE else "",
            tier=row.tier if tier is None else tier,
            asked_for=asked_for,
            untimed=untimed,
        )

    return declare
