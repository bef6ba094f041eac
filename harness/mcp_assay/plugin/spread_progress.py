"""How far each server is while workers judge them: what a person at the terminal of a distributed run sees.

The controller judges nothing and waits in no hook of ours, so that it draws whenever it hears from a worker: the lanes
are gone before pytest writes a line and are back below it afterwards.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from mcp_assay.plugin.progress import LiveProgress, is_watched
from mcp_assay.readiness.progress import LaneProgress

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Sequence

    from mcp_assay.core.clock import Clock
    from mcp_assay.core.presentation import Presenter

_PARTS = 4
"""Of a check's node id: configuration, server, category, check."""

_GROUP = "@"
"""What stands in a node id of pytest-xdist before the group that keeps a server in one worker."""


class SpreadProgress:
    """Follows the checks that workers make.

    Args:
        config: pytest's configuration.
        documents: The ids of the configuration documents, with which the node ids of checks begin.
        presenter: Makes names of servers and tools fit to be shown.
        clock: Source of time.
    """

    def __init__(self, config: pytest.Config, documents: Collection[str], presenter: Presenter, clock: Clock) -> None:
        self._documents = frozenset(documents)
        self._clock = clock
        self._config = config
        self._display = LiveProgress(config=config, lanes=self.lanes, presenter=presenter)
        self._watched = False
        self._totals: Counter[tuple[str, str]] = Counter()
        self._done: Counter[tuple[str, str]] = Counter()
        self._running: dict[str, float] = {}

    def lanes(self) -> Sequence[LaneProgress]:
        """Return how far each server is, in the order in which they were collected."""
        now = self._clock.monotonic()
        current = {self._place(nodeid): (nodeid, since) for nodeid, since in self._running.items()}
        found: list[LaneProgress] = []
        for place, total in self._totals.items():
            nodeid, since = current.get(place, (None, now))
            check = None if nodeid is None else _parts(nodeid)[-1].partition(_GROUP)[0]
            done = min(self._done[place], total)
            found.append(LaneProgress(server=place[1], done=done, total=total, current=check, running_s=now - since))
        return found

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Take the checks; every worker collects the same ones."""
        if not self._totals:
            # Not sooner: while plugins are configured, pytest captures what is written.
            self._watched = is_watched(self._config)
            self._totals.update(place for nodeid in ids if (place := self._place(nodeid)) is not None)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> Generator[None, object, object]:
        """Note that a check runs."""
        self._hide()
        result = yield
        if self._place(nodeid) in self._totals:
            self._running[nodeid] = self._clock.monotonic()
        self._show()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Generator[None, object, object]:
        """Give way to what pytest writes of a result."""
        self._hide()
        result = yield
        self._show()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> Generator[None, object, object]:
        """Note that a check has its verdict."""
        self._hide()
        result = yield
        place = self._place(nodeid)
        if self._running.pop(nodeid, None) is not None and place is not None:
            self._done[place] += 1
        self._show()
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Leave the terminal as it was found."""
        self._hide()
        self._watched = False

    def _place(self, nodeid: str) -> tuple[str, str] | None:
        """Return the document and the server that a check's node id names, None for other tests."""
        parts = _parts(nodeid)
        return (parts[0], parts[1]) if len(parts) == _PARTS and parts[0] in self._documents else None

    def _show(self) -> None:
        """Draw the lanes, when somebody may look and checks are spread over workers."""
        if self._watched and self._totals:
            self._display.draw(sys.stdout)

    def _hide(self) -> None:
        """Take away what was drawn."""
        if self._watched:
            self._display.erase(sys.stdout)


def _parts(nodeid: str) -> list[str]:
    """Return the parts of a node id."""
    return nodeid.split("::", _PARTS - 1)
