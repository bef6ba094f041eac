"""What a user can set for a run, apart from what to run."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.check import Check
    from mcp_assay.readiness.made_calls import MadeCall


class Gate(StrEnum):
    """From which level on a violated requirement fails the run; weaker ones are warnings."""

    MUST = "must"
    SHOULD = "should"
    ALL = "all"

    def fails(self, level: Level) -> bool:
        """Return whether a violation at ``level`` is a failure."""
        last = {Gate.MUST: Level.MUST, Gate.SHOULD: Level.SHOULD, Gate.ALL: Level.ADV}[self]
        return level.rank <= last.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceBudget:
    """How much is measured, and what is too slow.

    Attributes:
        cold_starts: Fresh processes started per server.
        calls: Most calls in one measurement of a tool.
        tight: A measurement ends once half the median's confidence interval is below this share of the median.
        warm_up: Calls before them that are not counted in any case; a beginning that is still slow is left out, too.
        per_tool_s: Seconds for all measurements of one tool.
        rate_per_s: Calls a second at a constant rate; 0 for half of what the tool manages with eight in flight.
        overload_s: Seconds of more load than a server can bear, to see whether it recovers; 0 leaves that out.
        cold_start_s: Slowest median start that is no warning.
        p95_s: Slowest 95th percentile of a call that is no warning.
        growth_s: Seconds of repeated calls per server to see whether it grows; 0 leaves that out.
    """

    cold_starts: int = 3
    calls: int = 200
    tight: float = 0.05
    warm_up: int = 3
    per_tool_s: float = 10.0
    rate_per_s: float = 0.0
    overload_s: float = 0.5
    cold_start_s: float = 10.0
    p95_s: float = 1.0
    growth_s: float = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run judges.

    Attributes:
        gate: See `Gate`.
        allow_writes: Whether every tool may be called.
        seed: Seed of generated arguments.
        examples: Generated calls per tool and kind.
        budget_s: Seconds for the calls to a server's tools, shared among those that may be called, or None.
        arguments: The only arguments that the checked tool is called with, or None to generate them.
        before: Calls that come before the one with them.
        confirm: Whether findings are tried again on servers just started, to see what they need.
        check_s: Seconds after which a single check is given up as our own error.
        down_after: Transport faults in a row after which a server counts as down.
        restarts: How often a server that died is started again.
        revivals: How often a server that a deliberate call of ours ended or blocked is started again besides.
        workflow_s: Seconds for all steps of a workflow of the user.
        performance: See `PerformanceBudget`.
        tier: Highest tier of checks that are made; see `mcp_assay.readiness.check.Check`.
        bench_s: Seconds for all measurements of one tool in place of the budget's, without a limit to the number of
            calls; None keeps the budget's.
        soak_s: Seconds of steady load on each server; 0 leaves that out.
        strict: Checks whose violation fails the run whatever their level, because the user asked for them by name.
    """

    gate: Gate = Gate.MUST
    allow_writes: bool = False
    seed: int = 0
    examples: int = 5
    budget_s: float | None = None
    arguments: Mapping[str, Json] | None = None
    before: tuple[MadeCall, ...] = ()
    confirm: bool = True
    check_s: float = 120.0
    workflow_s: float = 300.0
    down_after: int = 3
    restarts: int = 2
    revivals: int = 20
    performance: PerformanceBudget = field(default_factory=PerformanceBudget)
    tier: int = 1
    bench_s: float | None = None
    soak_s: float = 0.0
    strict: frozenset[str] = frozenset()

    def wanted(self, checks: Iterable[Check]) -> list[Check]:
        """Return the checks that are made, in their order."""
        return [check for check in checks if check.tier <= self.tier]

    def patience_s(self, category: Category) -> float:
        """Return the seconds after which a check of a category is given up: what the user asks for may take long."""
        asked_for_s = {
            Category.EXECUTION: self.budget_s or 0.0,
            Category.PERFORMANCE: self.soak_s + (self.bench_s or 0.0) + self.performance.growth_s,
        }
        return self.check_s + asked_for_s.get(category, 0.0)

    def fails(self, check: str, level: Level) -> bool:
        """Return whether a violation of ``check`` at ``level`` is a failure."""
        return check in self.strict or self.gate.fails(level)
