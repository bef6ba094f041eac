from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.runtime.backoff import Backoff, RetryBudget


@given(
    failures=st.integers(1, 10_000),
    draw=st.floats(0, 1, exclude_max=True),
    base=st.floats(0.001, 10),
    cap=st.floats(0.001, 100),
)
def test_a_wait_is_a_share_of_the_doubled_base_and_never_beyond_the_cap(failures, draw, base, cap):
    delay = Backoff(base_s=base, cap_s=cap, random=lambda: draw).delay_s(failures)
    assert 0 <= delay <= cap
    assert delay == draw * min(cap, base * 2.0 ** min(failures - 1, 60))


@given(
    share=st.sampled_from([0.1, 0.2, 0.5, 1.0]),
    most=st.integers(0, 20),
    calls=st.lists(st.booleans(), max_size=300),
)
def test_retries_never_exceed_what_was_saved_and_earned(share, most, calls):
    budget = RetryBudget(share=share, most=float(most))
    first = retries = 0
    for again in calls:
        if again:
            retries += budget.spend()
        else:
            first += 1
            budget.first_tries += 1
        assert 0 <= budget.balance <= most
        assert retries <= most + share * first + 1e-9


def test_an_empty_budget_lets_no_retry_through_until_it_has_earned_a_whole_one():
    budget = RetryBudget(share=0.5, most=1.0)
    assert budget.spend()
    budget.first_tries += 1
    assert not budget.spend()
    budget.first_tries += 1
    assert budget.spend()
