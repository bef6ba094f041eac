"""What a gate asks of a report, and how it is written down.

A policy is a TOML file. What stands at its top holds for every server; a table ``[servers."NAME"]`` says otherwise for
one server or a pattern of names. For each setting the exact name comes first, then patterns in the order of the file,
then the top. A policy that says nothing still asks for the verdict READY of every server and for a whole run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from mcp_assay.config.files import read_document
from mcp_assay.config.rules import matches
from mcp_assay.config.toml_reader import parse_toml
from mcp_assay.config.view import View
from mcp_assay.core.verdicts import Category, Level
from mcp_assay.readiness.scoring import Fitness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

SECONDS = ("cold_start_s", "connect_s", "p95_s")
"""Budgets in seconds: median start of a fresh process, first connection, 95th percentile of each tool's calls."""
ERROR_RATE = "error_rate"
"""Budget for the share of calls that failed while they were timed."""

_BAR_KEYS = ("budgets", "categories", "errors", "evidence", "levels", "regressions", "score", "verdict")
_RUN_KEYS = ("max_age_h", "optional", "partial", "required", "servers")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryBars:
    """The least a category must reach; None asks nothing.

    Attributes:
        score: 0…100.
        evidence: 0…1.
    """

    score: float | None = None
    evidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What is asked of a server; None and what is missing ask nothing.

    Attributes:
        verdict: The worst verdict that passes.
        score: Lowest score, 0…100.
        evidence: Lowest evidence, 0…1.
        errors: Most errors of the harness; none when it is not stated.
        levels: Most violations at a level, warnings included and accepted ones not. At a level that is not named no
            check may have failed, and warnings are free.
        categories: Bars of categories.
        regressions: Most series that are worse than the noise of earlier runs explains; None does not ask for any.
        budgets: Most seconds, or share of failed calls, by name; see `SECONDS` and `ERROR_RATE`.
    """

    verdict: Fitness | None = None
    score: float | None = None
    evidence: float | None = None
    errors: int | None = None
    regressions: int | None = None
    levels: Mapping[Level, int] = field(default_factory=dict["Level", int])
    categories: Mapping[Category, CategoryBars] = field(default_factory=dict["Category", CategoryBars])
    budgets: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """What a gate asks of a report.

    Attributes:
        bars: What is asked of every server.
        servers: What is asked of some, by pattern of their names, in the order of the file.
        required: Patterns of servers that must be in the report, connected.
        optional: Patterns of servers that may have been skipped.
        max_age_s: Most seconds since the run's end, or None for any age.
        partial: Whether a run that judged only some of its checks will do.
    """

    bars: Bars = field(default_factory=Bars)
    servers: Mapping[str, Bars] = field(default_factory=dict[str, Bars])
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    max_age_s: float | None = None
    partial: bool = False

    @classmethod
    def load(cls, path: Path) -> GatePolicy:
        """Return the policy in a TOML file.

        Raises:
            ConfigError: The file cannot be read, a key is unknown, or a value makes no sense.
        """
        return _policy(View.of(parse_toml(read_document(path), path)))

    def bars_for(self, server: str) -> Bars:
        """Return what is asked of one server, each setting from the first place that states it."""
        exact = [self.servers[server]] if server in self.servers else []
        by_pattern = [bars for pattern, bars in self.servers.items() if pattern != server and matches(pattern, server)]
        parts = [*exact, *by_pattern, self.bars]
        return Bars(
            verdict=_first(bars.verdict for bars in parts),
            score=_first(bars.score for bars in parts),
            evidence=_first(bars.evidence for bars in parts),
            errors=_first(bars.errors for bars in parts),
            regressions=_first(bars.regressions for bars in parts),
            levels={level: most for bars in reversed(parts) for level, most in bars.levels.items()},
            categories=_categories_of(parts),
            budgets={name: most for bars in reversed(parts) for name, most in bars.budgets.items()},
        )


def _first(values: Iterator[_Value | None]) -> _Value | None:
    """Return the first value that is stated."""
    return next((value for value in values if value is not None), None)


def _categories_of(parts: list[Bars]) -> dict[Category, CategoryBars]:
    """Return the bars of every category that is named, each setting from the first part that states it."""
    return {
        category: CategoryBars(
            score=_first(bars.categories[category].score for bars in parts if category in bars.categories),
            evidence=_first(bars.categories[category].evidence for bars in parts if category in bars.categories),
        )
        for category in Category
        if any(category in bars.categories for bars in parts)
    }


def _policy(view: View) -> GatePolicy:
    """Return the policy that a document holds."""
    fields = view.known((*_BAR_KEYS, *_RUN_KEYS))
    servers = fields["servers"].fields() if "servers" in fields else {}
    return GatePolicy(
        bars=_bars({key: fields[key] for key in _BAR_KEYS if key in fields}),
        servers={pattern: _bars(server.known(_BAR_KEYS)) for pattern, server in servers.items()},
        required=fields["required"].texts() if "required" in fields else (),
        optional=fields["optional"].texts() if "optional" in fields else (),
        max_age_s=fields["max_age_h"].number() * 3600 if "max_age_h" in fields else None,
        partial=fields["partial"].boolean() if "partial" in fields else False,
    )


def _bars(fields: Mapping[str, View]) -> Bars:
    """Return what is asked of servers."""
    levels = fields["levels"].known([level.value for level in Level]) if "levels" in fields else {}
    categories = fields["categories"].known([category.value for category in Category]) if "categories" in fields else {}
    return Bars(
        verdict=_verdict(fields["verdict"]) if "verdict" in fields else None,
        score=_stated(fields, "score", _score),
        evidence=_stated(fields, "evidence", _share),
        errors=_count(fields["errors"]) if "errors" in fields else None,
        regressions=_count(fields["regressions"]) if "regressions" in fields else None,
        levels={Level(name): _count(most) for name, most in levels.items()},
        categories={Category(name): _category(bars) for name, bars in categories.items()},
        budgets=_budgets(fields["budgets"]) if "budgets" in fields else {},
    )


def _category(view: View) -> CategoryBars:
    """Return what is asked of one category."""
    fields = view.known(("evidence", "score"))
    return CategoryBars(score=_stated(fields, "score", _score), evidence=_stated(fields, "evidence", _share))


def _budgets(view: View) -> dict[str, float]:
    """Return budgets by name."""
    fields = view.known((*SECONDS, ERROR_RATE))
    return {name: _share(most) if name == ERROR_RATE else most.number() for name, most in fields.items()}


def _stated(fields: Mapping[str, View], key: str, read: Callable[[View], float]) -> float | None:
    """Return a number when its key is there."""
    return read(fields[key]) if key in fields else None


def _verdict(view: View) -> Fitness:
    """Return a verdict by its word."""
    word = view.text()
    if word not in tuple(Fitness):
        raise view.error(f"{view.name} is no verdict: {word!r}", hint=f"one of {', '.join(Fitness)}")
    return Fitness(word)


def _score(view: View) -> float:
    """Return a score; a share would let everything pass, so that it is refused."""
    score = view.number()
    if score > 100:
        raise view.error(f"{view.name} must be at most 100")
    if 0 < score <= 1:
        raise view.error(f"{view.name} is a score from 0 to 100", hint=f"is {100 * score:g} meant?")
    return score


def _share(view: View) -> float:
    """Return a share."""
    share = view.number()
    if share > 1:
        raise view.error(f"{view.name} must be at most 1", hint=f"is {share / 100:g} meant?" if share <= 100 else None)
    return share


def _count(view: View) -> int:
    """Return a whole number."""
    number = view.number()
    if not number.is_integer():
        raise view.error(f"{view.name} must be a whole number")
    return int(number)
