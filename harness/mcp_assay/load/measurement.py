"""What a load run found out, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Self

from mcp_assay.core.statistics import log_histogram, quantile
from mcp_assay.load.estimates import quantile_interval
from mcp_assay.load.resampling import bootstrap_intervals

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The distribution of answer times, in seconds.

    Attributes:
        min: Shortest.
        p50: Median; quantiles are those of `mcp_assay.core.statistics.quantile`.
        p90: 90th percentile.
        p95: 95th percentile.
        p99: 99th percentile.
        max: Longest.
        mean: Arithmetic mean.
        stddev: Standard deviation of the sample, 0 for a single value.
        p50_low: Lower end of the median's 95 % confidence interval.
        p50_high: Its upper end.
    """

    min: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float
    mean: float
    stddev: float
    p50_low: float
    p50_high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Return the distribution of at least one value.

        Raises:
            ValueError: There is none.
        """
        ordered = sorted(values)
        low, high = quantile_interval(ordered, 0.5)
        return cls(
            min=ordered[0],
            p50=quantile(ordered, 0.5),
            p90=quantile(ordered, 0.9),
            p95=quantile(ordered, 0.95),
            p99=quantile(ordered, 0.99),
            max=ordered[-1],
            mean=fmean(ordered),
            stddev=stdev(ordered) if len(ordered) > 1 else 0.0,
            p50_low=low,
            p50_high=high,
        )

    def to_entry(self) -> dict[str, float]:
        """Return the figures in the shape of the report contract's ``latency_s``."""
        return {name: getattr(self, name) for name in _LATENCY_NAMES}

    @property
    def spread(self) -> float:
        """Half the width of the median's confidence interval as a share of the median, 0 for a median of 0."""
        return (self.p50_high - self.p50_low) / 2 / self.p50 if self.p50 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One load run on one target.

    Attributes:
        mode: The load model: ``closed``, ``open`` or ``cold-start``.
        concurrency: Calls kept in flight (closed), or the most that were (open).
        latencies_s: Seconds of each answered call in the order of the answers, warm-up left out.
        errors: Calls that were not answered by a result.
        elapsed_s: From the start of the first call to the end of the last one, warm-up left out.
        warm_up: Calls left out at the start.
        stopped: Why it ended: ``done``, ``budget``, ``tight``, ``errors`` or ``lost``.
        first_error: What the first failed call got, or None.
        offered_per_s: The rate at which calls were due (open), otherwise None.
        late_s: How late the generator itself sent, 99th percentile (open); large values distrust the generator.
        overhead_s: The harness's own share of one call, see `mcp_assay.load.own_cost`.
        first_bytes_s: Seconds until the first piece of each answer that came as a stream.
        closings_s: Seconds each started process took to end (cold start).
        answered: Answered calls where the times of only some are kept (soak), None where all are.
    """

    mode: str
    concurrency: int = 1
    latencies_s: tuple[float, ...] = ()
    errors: int = 0
    elapsed_s: float = 0.0
    warm_up: int = 0
    stopped: str = "done"
    first_error: str | None = None
    offered_per_s: float | None = None
    late_s: float | None = None
    overhead_s: float = 0.0
    first_bytes_s: tuple[float, ...] = ()
    closings_s: tuple[float, ...] = ()
    answered: int | None = None

    @property
    def results(self) -> int:
        """Calls that were answered by a result."""
        return len(self.latencies_s) if self.answered is None else self.answered

    @property
    def calls(self) -> int:
        """Calls that were measured, failed ones included."""
        return self.results + self.errors

    @property
    def distribution(self) -> Distribution | None:
        """The distribution of the answered calls, None when there were none."""
        return Distribution.of(self.latencies_s) if self.latencies_s else None

    @property
    def first_byte(self) -> Distribution | None:
        """The distribution of the times until the first piece of an answer, None where none came as a stream."""
        return Distribution.of(self.first_bytes_s) if self.first_bytes_s else None

    @property
    def rate_per_s(self) -> float:
        """Answered calls a second."""
        return self.results / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def error_rate(self) -> float:
        """Share of the calls that failed, 0 without calls."""
        return self.errors / self.calls if self.calls else 0.0

    def to_entry(self, *, server: str, tool: str) -> dict[str, Any] | None:
        """Return the measurement in the shape of the report contract's ``benchmarks`` entry, times in seconds.

        None when no call was answered: there is no number then, and 0 would be a lie.

        Args:
            server: The server's name.
            tool: What was called, empty when the server as a whole was measured.
        """
        found = self.distribution
        if found is None:
            return None
        entry: dict[str, Any] = {
            "server": server,
            "tool": tool,
            "mode": self.mode,
            "concurrency": self.concurrency,
            "calls": self.calls,
            "errors": self.errors,
            "rate_per_s": self.rate_per_s,
            "latency_s": found.to_entry(),
            "overhead_s": self.overhead_s,
            "p50_low_s": found.p50_low,
            "p50_high_s": found.p50_high,
            "warm_up": self.warm_up,
            "stopped": self.stopped,
            "intervals_s": {name: [low, high] for name, (low, high) in self.intervals().items()},
            "histogram": [[bound, count] for bound, count in log_histogram(self.latencies_s)],
        }
        first = None if self.first_byte is None else self.first_byte.to_entry()
        optional = {"offered_per_s": self.offered_per_s, "late_s": self.late_s, "first_byte_s": first}
        return entry | {name: value for name, value in optional.items() if value is not None}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Return the 95 % bootstrap confidence intervals of the quantiles that have one, empty without an answer."""
        return bootstrap_intervals(self.latencies_s, _QUANTILES) if self.latencies_s else {}


_LATENCY_NAMES = ("min", "p50", "p90", "p95", "p99", "max", "mean", "stddev")
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
