"""How far the lanes of a run are, for whoever watches it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.runtime.states import ServerState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mcp_assay.core.faults import Fault
    from mcp_assay.readiness.plan import PlannedCheck
    from mcp_assay.runtime.manager import MCPClientManager
    from mcp_assay.runtime.states import ServerEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneProgress:
    """One lane at a moment.

    Attributes:
        server: Name of its server.
        done: Checks that have a verdict.
        total: Checks that were planned.
        current: The check that runs, in words, or None when none does.
        running_s: Seconds for which it has been running.
        outcome: What to say once everything is done.
    """

    server: str
    done: int
    total: int
    current: str | None = None
    running_s: float = 0.0
    outcome: str = "done"


class Arrivals:
    """Follows servers while they are started. Read from any thread: it only ever replaces whole values."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._state: dict[str, tuple[ServerState, float]] = {}
        self._faults: dict[str, Fault] = {}

    def follow(self, manager: MCPClientManager) -> None:
        """Take the servers of a manager, and hear of everything that becomes of them."""
        self._names = {server.id: server.spec.name for server in manager.servers}
        manager.events.listen(self._hear)

    def _hear(self, event: ServerEvent) -> None:
        """Note a server's new state."""
        self._state[event.server] = (event.state, event.at)
        if event.state is ServerState.FAILED and event.fault is not None:
            self._faults[event.server] = event.fault

    @property
    def faults(self) -> Mapping[str, Fault]:
        """Why servers could not be started, by their ids, as far as that is known now."""
        return dict(self._faults)

    def lanes(self, now: Callable[[], float]) -> list[LaneProgress]:
        """Return every server in its order; one is done when it is there, or will not be."""
        states, at = dict(self._state), now()
        found: list[LaneProgress] = []
        for identity, name in self._names.items():
            state, since = states.get(identity, (None, at))
            is_over = state is not None and not state.is_under_way
            found.append(
                LaneProgress(
                    server=name,
                    done=int(is_over),
                    total=1,
                    current=None if state is None or is_over else "is started",
                    running_s=max(0.0, at - since),
                    outcome="is there" if state is ServerState.READY else "did not start",
                )
            )
        return found


class Watch:
    """Follows the checks of the lanes. Read from any thread: it only ever replaces whole values."""

    def __init__(self) -> None:
        self._totals: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._done: dict[str, int] = {}
        self._running: dict[str, tuple[str, float]] = {}

    def expect(self, planned: Iterable[PlannedCheck]) -> None:
        """Take the checks that are going to be made."""
        for item in planned:
            self._totals[item.server.managed.id] += 1
            self._names[item.server.managed.id] = item.server.name

    def begin(self, item: PlannedCheck, at: float) -> None:
        """Note that a check runs since ``at``, seconds on the run's clock."""
        tool = "" if item.tool is None else f" {item.tool.name}"
        self._running[item.server.managed.id] = (f"{item.check.id} {item.check.slug}{tool}", at)

    def end(self, item: PlannedCheck) -> None:
        """Note that a check has its verdict."""
        lane = item.server.managed.id
        self._running.pop(lane, None)
        self._done[lane] = self._done.get(lane, 0) + 1

    def lanes(self, now: Callable[[], float]) -> list[LaneProgress]:
        """Return every lane in its order; texts are as the servers gave them."""
        running, done = dict(self._running), dict(self._done)
        at = now()
        found: list[LaneProgress] = []
        for lane, total in dict(self._totals).items():
            current, since = running.get(lane, (None, at))
            made = min(done.get(lane, 0), total)
            found.append(
                LaneProgress(
                    server=self._names[lane], done=made, total=total, current=current, running_s=max(0.0, at - since)
                )
            )
        return found
