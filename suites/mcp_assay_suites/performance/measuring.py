"""What every measurement needs: the budget that holds for the server, a quiet session, and the harness's own share."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mcp_assay.core.verdicts import Judgement, violated
from mcp_assay.load import own_cost
from mcp_assay.load.machine import MachineSpeed, machine_speed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from mcp_assay.load import Measurement
    from mcp_assay.readiness.settings import PerformanceBudget
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession


@runtime_checkable
class HasBudgets(Protocol):
    """Rules of the user that set limits for measurements."""

    def budgets_of(self, server: str) -> Mapping[str, float]:
        """Return the limits that hold for a server, by the name of the field of `PerformanceBudget`."""
        ...


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


async def with_own_cost(subject: Subject, measured: Measurement, exchange: Exchange) -> Measurement:
    """Return the measurement with the median time that the same exchange takes in the harness alone."""
    cost = (await own_cost(exchange, subject.run.clock)).distribution
    return measured if cost is None else replace(measured, overhead_s=cost.p50)


def entry_of(subject: Subject, measured: Measurement, **budget: float) -> dict[str, Any] | None:
    """Return the measurement as the report's entry, with the machine's speed and the budget; None without a figure."""
    tool = "" if subject.tool is None else subject.tool.name
    entry = measured.to_entry(server=subject.server.name, tool=tool)
    return None if entry is None else {**entry, **budget, "machine": machine_of(subject).to_entry()}


def unmeasurable(expected: str, measured: Measurement) -> Judgement:
    """Return the finding that there is no figure: a budget that cannot be checked is not kept."""
    return violated(expected, f"it could not be measured: {measured.first_error or 'nothing was answered'}")


def milliseconds(seconds: float) -> str:
    """Return seconds as a person reads them, for example ``1.23 ms``."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
