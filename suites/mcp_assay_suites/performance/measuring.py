"""What every measurement needs: the budget that holds for the server, a quiet session, and the harness's own share."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mcp_assay.core.verdicts import Judgement, violated
from mcp_assay.load.machine import MachineSpeed, machine_speed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from mcp_assay.config.budgets import Budget
    from mcp_assay.load import Measurement
    from mcp_assay.readiness.settings import PerformanceBudget
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.session import ServerSession


_NO_LIMIT = 10**9
_MOST_SAMPLES = 10_000


@runtime_checkable
class HasBudgets(Protocol):
    """Rules of the user that set limits for measurements."""

    def budgets_of(self, server: str) -> Mapping[str, float]:
        """Return the limits that hold for a server, by the name of the field of `PerformanceBudget`."""
        ...


@runtime_checkable
class HasLimits(Protocol):
    """Rules of the user that say what measurements must keep."""

    def limits_of(self, server: str) -> Mapping[str, Budget]:
        """Return the limits of a server and all its tools, by metric."""
        ...

    def tool_limits_of(self, server: str, tool: str) -> Mapping[str, Budget]:
        """Return the limits of one tool, by metric; they come before those of the server."""
        ...

    def names_limits(self, server: str) -> frozenset[str]:
        """Return the metrics of the server or any of its tools that have a limit."""
        ...


def limits_of(subject: Subject) -> Mapping[str, Budget]:
    """Return the limits that the user set for the server and all its tools, by metric."""
    rules = subject.run.rules
    return rules.limits_of(subject.server.name) if isinstance(rules, HasLimits) else {}


def budget_of(subject: Subject) -> PerformanceBudget:
    """Return the run's budget with what the user set for the server."""
    budget = subject.run.settings.performance
    if not isinstance(subject.run.rules, HasBudgets):
        return budget
    own = subject.run.rules.budgets_of(subject.server.name)
    whole = {field.name for field in fields(budget) if isinstance(getattr(budget, field.name), int)}
    parts = {field.name for field in fields(budget)} - whole
    changes: dict[str, Any] = {name: round(value) for name, value in own.items() if name in whole}
    changes |= {name: float(value) for name, value in own.items() if name in parts}
    bench_s = subject.run.settings.bench_s
    changes |= {} if bench_s is None else {"per_tool_s": bench_s, "calls": _NO_LIMIT}
    return replace(budget, **changes)


@contextmanager
def unrecorded(session: ServerSession) -> Generator[None]:
    """Keep the session's exchanges out of its log until the block ends."""
    before, session.log.recording = session.log.recording, False
    try:
        yield
    finally:
        session.log.recording = before


def machine_of(subject: Subject) -> MachineSpeed:
    """Return the speed of the machine, measured once per server just before its first measurement."""
    found = subject.server.memory.get("performance.machine")
    if not isinstance(found, MachineSpeed):
        found = subject.server.memory["performance.machine"] = machine_speed(subject.run.clock)
    return found


def entry_of(subject: Subject, measured: Measurement, **more: float | str) -> dict[str, Any] | None:
    """Return the measurement as the report's entry, with the machine's speed and more; None without a figure."""
    tool = "" if subject.tool is None else subject.tool.name
    entry = measured.to_entry(server=subject.server.name, tool=tool)
    return None if entry is None else {**entry, **more, "machine": machine_of(subject).to_entry()}


def with_samples(judgement: Judgement, measured: Measurement) -> Judgement:
    """Return the judgement with the answer times it rests on, evenly thinned to some 10,000."""
    step = -(-len(measured.latencies_s) // _MOST_SAMPLES) or 1
    return replace(judgement, samples=measured.latencies_s[::step])


def unmeasurable(expected: str, measured: Measurement) -> Judgement:
    """Return the finding that there is no figure: a budget that cannot be checked is not kept."""
    return violated(expected, f"it could not be measured: {measured.first_error or 'nothing was answered'}")
