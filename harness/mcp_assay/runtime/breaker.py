"""A circuit breaker per server: stops calls to a server that does not answer, and tries it again carefully."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_assay.core.clock import Clock


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a breaker opens and closes.

    Attributes:
        window_s: Seconds that an answer or failure counts.
        window_calls: The most recent calls of these that count.
        failure_rate: Share of failures in the window from which on it opens.
        least_calls: Calls in the window below which it stays closed.
        open_s: Seconds it stays open before a trial.
        trials: Trial calls that must succeed in a row before it closes.
    """

    window_s: float = 30.0
    window_calls: int = 1_000
    failure_rate: float = 0.5
    least_calls: int = 3
    open_s: float = 5.0
    trials: int = 1


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call.

    Attributes:
        generation: The breaker's state change it was given after; a later change makes its outcome old news.
    """

    generation: int


class CircuitBreaker:
    """Counts transport faults only: a tool error or a JSON-RPC error is an answer, so the server is there.

    Ask `permit` before each call and tell `record` how it ended. While half-open, at most ``trials`` calls are let
    through at once; all of them must succeed before it closes, and one failure opens it again.
    """

    def __init__(self, policy: BreakerPolicy, clock: Clock) -> None:
        self._policy = policy
        self._now = clock.monotonic
        # Two lines instead of one of pairs: nothing that the garbage collector would have to look at is kept per call.
        self._ended_at: deque[float] = deque(maxlen=policy.window_calls)
        self._failed: deque[bool] = deque(maxlen=policy.window_calls)
        self._opened_at: float | None = None
        self._generation = 0
        self._permit = Permit(0)
        self._trials_out = 0
        self._trials_passed = 0

    @property
    def standing(self) -> Permit | None:
        """The permit that every call has while it is closed, None when it is not; see `permit`."""
        return self._permit if self._opened_at is None else None

    def answered(self, permit: Permit, at: float) -> None:
        """Do what `record` does of a call that was answered at a moment that the caller has just looked up."""
        if self._opened_at is None and permit.generation == self._generation:
            self._ended_at.append(at)
            self._failed.append(False)
        else:
            self.record(permit, failed=False)

    @property
    def state(self) -> BreakerState:
        """The state now."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self.retry_after_s == 0 else BreakerState.OPEN

    @property
    def retry_after_s(self) -> float:
        """Seconds until a trial is let through; 0 unless open."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._policy.open_s - self._now())

    def permit(self) -> Permit | None:
        """Return leave to make a call now, or None."""
        if self._opened_at is not None:
            if self.retry_after_s > 0 or self._trials_out >= self._policy.trials:
                return None
            self._trials_out += 1
        return self._permit

    def record(self, permit: Permit, *, failed: bool) -> None:
        """Note how a permitted call ended; what was permitted before the last change of state is old news."""
        if permit.generation != self._generation:
            return
        if self._opened_at is None:
            self._count(failed)
        elif failed:
            self._change(self._now())
        else:
            self._trials_passed += 1
            if self._trials_passed >= self._policy.trials:
                self._change(None)

    def release(self, permit: Permit) -> None:
        """Take a permit back whose call was never made or was given up by its caller."""
        if permit.generation == self._generation and self._opened_at is not None:
            self._trials_out -= 1

    def _count(self, failed: bool) -> None:
        """Note an outcome while closed; open when too many fail."""
        now = self._now()
        self._ended_at.append(now)
        self._failed.append(failed)
        if not failed:
            return
        # Only a failure can open it, so the window is looked at only then: almost all calls succeed.
        oldest = now - self._policy.window_s
        recent = [bad for at, bad in zip(self._ended_at, self._failed, strict=True) if at > oldest]
        enough = len(recent) >= self._policy.least_calls
        if enough and sum(recent) >= self._policy.failure_rate * len(recent):
            self._change(now)

    def _change(self, opened_at: float | None) -> None:
        """Open at a moment, or close, with a clean window."""
        self._opened_at = opened_at
        self._generation += 1
        self._permit = Permit(self._generation)
        self._ended_at.clear()
        self._failed.clear()
        self._trials_out = self._trials_passed = 0
