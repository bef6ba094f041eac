"""What the executor counts, per server and tool."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from mcp_assay.runtime.outcome import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.runtime.outcome import ToolOutcome

_FRESH = 256
_STEPS = 20
_LOWEST_S = 1e-5
_BOUNDS = tuple(_LOWEST_S * 10 ** (step / _STEPS) for step in range(_STEPS * 7 + 1))
_MIDDLE = 10 ** (-0.5 / _STEPS)


class LatencyHistogram:
    """Counts durations in logarithmic buckets, twenty a decade from 10 µs to 100 s.

    A quantile is told as the geometric middle of its bucket, so it is within 6 % of the truth in that range.
    """

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self.total = 0
        self.sum_s = 0.0
        self.least_s = math.inf
        self.most_s = 0.0

    def add(self, duration_s: float) -> None:
        """Count one duration."""
        self._counts[bisect_left(_BOUNDS, duration_s)] += 1
        self.total += 1
        self.sum_s += duration_s
        self.least_s = min(self.least_s, duration_s)
        self.most_s = max(self.most_s, duration_s)

    def merge(self, other: LatencyHistogram) -> None:
        """Count everything that another histogram has counted."""
        self._counts = [ours + theirs for ours, theirs in zip(self._counts, other._counts, strict=True)]
        self.total += other.total
        self.sum_s += other.sum_s
        self.least_s = min(self.least_s, other.least_s)
        self.most_s = max(self.most_s, other.most_s)

    def quantile(self, share: float) -> float:
        """Return about the duration, in seconds, that ``share`` of all durations do not exceed; 0 without durations.

        It is never outside of what was counted.
        """
        wanted, seen = math.ceil(share * self.total), 0
        for index, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                middle = _BOUNDS[index] * _MIDDLE if index < len(_BOUNDS) else self.most_s
                return min(self.most_s, max(self.least_s, middle))
        return 0.0


class CallMetrics:
    """Counts of one server or tool."""

    __slots__ = ("_calls", "_fresh", "_kinds", "_latency", "retries")

    def __init__(self) -> None:
        self._calls = 0
        self._kinds = Counter[OutcomeKind]()
        self._latency = LatencyHistogram()
        self._fresh: list[float] = []
        self.retries = 0
        """Attempts beyond the first."""

    @property
    def calls(self) -> int:
        """Calls that ended."""
        return self._calls + len(self._fresh)

    @property
    def kinds(self) -> Counter[OutcomeKind]:
        """Calls by the way they ended."""
        self._settle()
        return self._kinds

    @property
    def latency(self) -> LatencyHistogram:
        """Durations of calls that were answered."""
        self._settle()
        return self._latency

    @property
    def error_rate(self) -> float:
        """Share of calls without a good result, 0…1."""
        return 1 - self.kinds[OutcomeKind.RESULT] / self.calls if self.calls else 0.0

    def succeeded(self, duration_s: float) -> None:
        """Count a call with a good result at the first attempt.

        Almost all are such, so they are only noted here and sorted in together: what a call costs between two waits for
        the wire is paid with cold caches.
        """
        self._fresh.append(duration_s)
        if len(self._fresh) >= _FRESH:
            self._settle()

    def add(self, outcome: ToolOutcome) -> None:
        """Count one outcome."""
        self._calls += 1
        if outcome.attempts > 1:
            self.retries += outcome.attempts - 1
        self._kinds[outcome.kind] += 1
        if not outcome.kind.is_transport_fault:
            self._latency.add(outcome.duration_s)

    def merge(self, other: CallMetrics) -> None:
        """Count everything that others have counted."""
        self._calls += other.calls
        self.retries += other.retries
        self._kinds.update(other.kinds)
        self._latency.merge(other.latency)

    def _settle(self) -> None:
        """Sort in what was only noted."""
        fresh, self._fresh = self._fresh, []
        if fresh:
            self._calls += len(fresh)
            self._kinds[OutcomeKind.RESULT] += len(fresh)
            for duration_s in fresh:
                self._latency.add(duration_s)


class ExecutorMetrics:
    """Counts per server and per server and tool."""

    def __init__(self) -> None:
        self._tools: dict[tuple[str, str], CallMetrics] = {}

    @property
    def servers(self) -> Mapping[str, CallMetrics]:
        """Counts by server id, added up from those of the tools."""
        found: dict[str, CallMetrics] = {}
        for (server, _), counts in self._tools.items():
            found.setdefault(server, CallMetrics()).merge(counts)
        return found

    @property
    def tools(self) -> Mapping[tuple[str, str], CallMetrics]:
        """Counts by server id and tool."""
        return self._tools

    def tool(self, server: str, tool: str) -> CallMetrics:
        """Return the counts of one tool of a server, new ones when it was never called."""
        return self._tools.setdefault((server, tool), CallMetrics())

    def add(self, outcome: ToolOutcome) -> None:
        """Count one outcome."""
        self.tool(outcome.server, outcome.tool).add(outcome)
