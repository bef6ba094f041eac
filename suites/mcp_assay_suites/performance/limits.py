"""The user's own limits for what is measured, one verdict for each metric of a server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp_assay.config.budgets import METRICS
from mcp_assay.core.quantities import shown
from mcp_assay.core.verdicts import Category, Judgement, Outcome, passed, violated
from mcp_assay_suites.catalogue import CATALOGUE, check
from mcp_assay_suites.observing.judging import counted, listed
from mcp_assay_suites.performance.measuring import HasLimits, limits_of
from mcp_assay_suites.performance.metrics import server_value, tool_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_assay.config.budgets import Budget
    from mcp_assay.readiness.check import Check
    from mcp_assay.readiness.subject import ServerUnderTest, Subject

_PREFIX = "BUDG-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One limit held against what was measured.

    Attributes:
        budget: The limit.
        tool: The tool it is about, empty for the server.
        value: What was measured, or why there is nothing.
        excused: Whether nothing was to be measured, so that a missing value breaks no limit.
    """

    budget: Budget
    tool: str
    value: float | str
    excused: bool = False

    @property
    def outcome(self) -> Outcome:
        """Whether the limit is kept; one that could not be measured is not."""
        if isinstance(self.value, str):
            return Outcome.SKIP if self.excused else Outcome.FAIL
        return Outcome.PASS if self.budget.is_kept(self.value) else Outcome.FAIL

    @property
    def told(self) -> str:
        """What was measured, for people."""
        found = self.value if isinstance(self.value, str) else shown(self.value, self.budget.metric.quantity)
        return f"{self.tool}: {found}" if self.tool else found

    def to_entry(self) -> Mapping[str, Any]:
        """Return the report's entry."""
        return {
            "tool": self.tool,
            "metric": self.budget.metric.name,
            "threshold": self.budget.text,
            "limit": self.budget.limit,
            "value": None if isinstance(self.value, str) else self.value,
            "unit": self.budget.metric.quantity.value,
            "verdict": self.outcome.value,
        }


def _has_limit(metric: str, server: ServerUnderTest) -> bool:
    """Return whether the user set a limit for a metric of a server or any of its tools."""
    rules = server.run.rules
    return isinstance(rules, HasLimits) and metric in rules.names_limits(server.name)


async def _judge(metric: str, subject: Subject) -> Judgement:
    """Judge one metric of a server and its tools."""
    if subject.server.managed.fault is not None:
        reason = f"the server could not be reached: {subject.server.managed.fault.message}"
        held = [Held(budget=budget, tool="", value=reason) for budget in _budgets(metric, subject)]
    elif METRICS[metric].of_tools:
        held = await _of_tools(metric, subject)
    else:
        value = await server_value(metric, subject)
        held = [Held(budget=budget, tool="", value=value) for budget in _budgets(metric, subject)]
    return replace(_judged(held), budgets=[one.to_entry() for one in held])


def _budgets(metric: str, subject: Subject) -> Sequence[Budget]:
    """Return the limits for a metric: the server's own, or where it has none those of its tools."""
    own = limits_of(subject).get(metric)
    rules, server = subject.run.rules, subject.server
    if own is not None or not isinstance(rules, HasLimits):
        return [] if own is None else [own]
    of_tools = (rules.tool_limits_of(server.name, tool.name).get(metric) for tool in server.tools)
    return [limit for limit in of_tools if limit is not None]


async def _of_tools(metric: str, subject: Subject) -> list[Held]:
    """Return the limit of each tool that has one, held against its value."""
    rules, name = subject.run.rules, subject.server.name
    whole = limits_of(subject).get(metric)
    held: list[Held] = []
    for tool in subject.server.tools:
        own = rules.tool_limits_of(name, tool.name).get(metric) if isinstance(rules, HasLimits) else None
        budget = own or whole
        if budget is not None:
            value, measurable = await tool_value(metric, replace(subject, tool=tool))
            held.append(Held(budget=budget, tool=tool.name, value=value, excused=not measurable and own is None))
    if whole is not None and all(one.outcome is Outcome.SKIP for one in held):
        reason = f"no tool could be measured: {held[0].value}" if held else "the server has no tools"
        held.append(Held(budget=whole, tool="", value=reason))
    return held


def _judged(held: Sequence[Held]) -> Judgement:
    """Return the verdict on a metric: the broken limits, or the worst of the kept ones."""
    expected = listed(sorted({one.budget.text for one in held}))
    broken = [one.told for one in held if one.outcome is Outcome.FAIL]
    left_out = sum(one.outcome is Outcome.SKIP for one in held)
    more = f"; {counted(left_out, 'tool')} not measured" if left_out else ""
    if broken or not held:
        return violated(expected or "the limit is kept", f"{listed(broken) or 'nothing was measured'}{more}")
    kept = [one for one in held if one.outcome is Outcome.PASS]
    return passed(f"{expected}: {_worst(kept).told}{more}")


def _worst(kept: Sequence[Held]) -> Held:
    """Return the kept limit with the worst value."""
    most = kept[0].budget.metric.most
    ordered = sorted(kept, key=lambda one: -1.0 if isinstance(one.value, str) else one.value)
    return ordered[-1] if most else ordered[0]


def _declared() -> tuple[Check, ...]:
    """Return a check for every metric that the catalogue has a row for."""
    slugs = {row.slug: row.id for row in CATALOGUE.values() if row.id.startswith(_PREFIX)}
    found: list[Check] = []
    for metric in METRICS:
        declare = check(
            slugs[f"budget-{metric.replace('_', '-')}"],
            category=Category.PERFORMANCE,
            unreachable=True,
            asked_for=partial(_has_limit, metric),
        )
        found.append(declare(partial(_judge, metric)))
    return tuple(found)


CHECKS = _declared()
