"""What the executor counts, per server and tool."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.runtime.outcome import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.runtime.outcome import ToolOutcome

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


@dataclass(slots=True, kw_only=True)
class CallMetrics:
    """Counts of one server or tool.

    Attributes:
        calls: Calls that ended.
        retries: Attempts beyond the first.
        kinds: Calls by the way they ended.
        latency: Durations of calls that were answered.
    """

    calls: int = 0
    retries: int = 0
    kinds: Counter[OutcomeKind] = field(default_factory=Counter[OutcomeKind])
    latency: LatencyHistogram = field(default_factory=LatencyHistogram)

    @property
    def error_rate(self) -> float:
        """Share of calls without a good result, 0…1."""
        return 1 - self.kinds[OutcomeKind.RESULT] / self.calls if self.calls else 0.0

    def add(self, outcome: ToolOutcome) -> None:
        """Count one outcome."""
        self.calls += 1
        if outcome.attempts > 1:
            self.retries += outcome.attempts - 1
        self.kinds[outcome.kind] += 1
        if not outcome.kind.is_transport_fault:
            self.latency.add(outcome.duration_s)

    def merge(self, other: CallMetrics) -> None:
        """Count everything that others have counted."""
        self.calls += other.calls
        self.retries += other.retries
        self.kinds.update(other.kinds)
        self.latency.merge(other.latency)


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

    def add(self, outcome: ToolOutcome) -> None:
        """Count one outcome."""
        name = (outcome.server, outcome.tool)
        tool = self._tools.get(name)
        if tool is None:
            tool = self._tools[name] = CallMetrics()
        tool.add(outcome)
