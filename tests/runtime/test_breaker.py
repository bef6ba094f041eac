from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from mcp_assay.runtime.breaker import BreakerPolicy, BreakerState, CircuitBreaker


class StillClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 100.0

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


policies = st.builds(
    BreakerPolicy,
    window_s=st.sampled_from([1.0, 10.0]),
    window_calls=st.integers(4, 6),
    failure_rate=st.sampled_from([0.3, 0.5, 1.0]),
    least_calls=st.integers(1, 4),
    open_s=st.sampled_from([1.0, 5.0]),
    trials=st.integers(1, 3),
)


class BreakerAgainstModel(RuleBasedStateMachine):
    """The model keeps everything that ever happened in this era and works the state out from it each time."""

    permits = Bundle("permits")

    @initialize(policy=policies)
    def start(self, policy):
        self.clock, self.policy = StillClock(), policy
        self.breaker = CircuitBreaker(policy, self.clock)
        self.era, self.opened_at, self.results, self.given, self.good = 0, None, [], 0, 0

    def state(self):
        if self.opened_at is None:
            return BreakerState.CLOSED
        over = self.clock.at >= self.opened_at + self.policy.open_s
        return BreakerState.HALF_OPEN if over else BreakerState.OPEN

    def change(self, opened_at):
        self.era, self.opened_at, self.results, self.given, self.good = self.era + 1, opened_at, [], 0, 0

    @rule(seconds=st.sampled_from([0.0, 0.4, 1.0, 5.0, 11.0]))
    def wait(self, seconds):
        self.clock.at += seconds

    @rule(target=permits)
    def ask(self):
        permit = self.breaker.permit()
        state = self.state()
        wanted = state is BreakerState.CLOSED or (state is BreakerState.HALF_OPEN and self.given < self.policy.trials)
        assert (permit is not None) == wanted
        if permit is None:
            return None, -1
        self.given += state is BreakerState.HALF_OPEN
        return permit, self.era

    @rule(given=consumes(permits), failed=st.booleans())
    def record(self, given, failed):
        permit, era = given
        if permit is None:
            return
        self.breaker.record(permit, failed=failed)
        if era != self.era:
            return
        if self.opened_at is not None:
            self.good += not failed
            if failed:
                self.change(self.clock.at)
            elif self.good == self.policy.trials:
                self.change(None)
            return
        self.results.append((self.clock.at, failed))
        recent = [bad for at, bad in self.results if at > self.clock.at - self.policy.window_s]
        recent = recent[-self.policy.window_calls :]
        too_many = sum(recent) >= self.policy.failure_rate * len(recent)
        if failed and len(recent) >= self.policy.least_calls and too_many:
            self.change(self.clock.at)

    @rule(given=consumes(permits))
    def give_back(self, given):
        permit, era = given
        if permit is not None:
            self.breaker.release(permit)
            self.given -= era == self.era and self.opened_at is not None

    @invariant()
    def both_agree(self):
        if hasattr(self, "breaker"):
            assert self.breaker.state is self.state()
            assert (self.breaker.retry_after_s > 0) == (self.state() is BreakerState.OPEN)


TestBreakerAgainstModel = BreakerAgainstModel.TestCase
TestBreakerAgainstModel.settings = settings(max_examples=60, stateful_step_count=30)


def breaker(**policy):
    clock = StillClock()
    return CircuitBreaker(BreakerPolicy(**policy), clock), clock


def test_answers_alone_never_open_it():
    kept, _ = breaker(least_calls=1)
    for _ in range(100):
        kept.record(kept.permit(), failed=False)
    assert kept.state is BreakerState.CLOSED


def test_one_good_trial_closes_it_again():
    kept, clock = breaker(least_calls=2, open_s=5.0)
    for _ in range(2):
        kept.record(kept.permit(), failed=True)
    assert kept.permit() is None
    clock.at += 5.0
    kept.record(kept.permit(), failed=False)
    assert kept.state is BreakerState.CLOSED


def test_a_call_from_before_the_failure_cannot_close_it():
    kept, clock = breaker(least_calls=1, open_s=5.0)
    early, bad = kept.permit(), kept.permit()
    kept.record(bad, failed=True)
    clock.at += 5.0
    kept.record(early, failed=False)
    assert kept.state is BreakerState.HALF_OPEN
