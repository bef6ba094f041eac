"""Figures derived from a series of answer times."""

from __future__ import annotations

import math
import random

import pytest

from mcp_assay.load import Distribution, Measurement
from mcp_assay.load.estimates import quantile_interval, warm_up_length


def test_the_distribution_of_known_values_is_exact() -> None:
    found = Distribution.of([value / 1000 for value in range(1, 102)])
    assert (found.min, found.max) == (0.001, 0.101)
    assert [found.p50, found.p90, found.p95, found.p99] == pytest.approx([0.051, 0.091, 0.096, 0.1])
    assert found.mean == pytest.approx(0.051)
    assert found.stddev == pytest.approx(math.sqrt((101**2 - 1) / 12 * 101 / 100) / 1000)


def test_a_single_value_has_no_spread() -> None:
    found = Distribution.of([0.25])
    assert (found.p50, found.p99, found.stddev, found.p50_low, found.p50_high) == (0.25, 0.25, 0.0, 0.25, 0.25)


def test_without_values_there_is_no_distribution() -> None:
    with pytest.raises(ValueError, match="values"):
        Distribution.of([])


def test_the_interval_of_the_median_of_ten_values_is_the_textbook_one() -> None:
    # Ranks 2 and 9 of ten values hold the median with 97.85 %.
    assert quantile_interval([float(rank) for rank in range(1, 11)], 0.5) == (2.0, 9.0)


def test_the_interval_narrows_with_more_values() -> None:
    few, many = (quantile_interval([i / n for i in range(n)], 0.5) for n in (20, 2000))
    assert many[1] - many[0] < (few[1] - few[0]) / 5


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_interval_of_an_extreme_quantile_is_the_extreme(share: float) -> None:
    low, high = quantile_interval([1.0, 2.0, 3.0], share)
    assert low <= high
    assert {low, high} <= {1.0, 2.0, 3.0}


def test_the_interval_holds_the_true_median_about_as_often_as_it_says() -> None:
    source = random.Random(7)
    hits = 0
    for _ in range(400):
        low, high = quantile_interval(sorted(source.expovariate(1) for _ in range(40)), 0.5)
        hits += low <= math.log(2) <= high
    assert 0.92 <= hits / 400 <= 1.0


def test_an_even_series_has_no_warm_up() -> None:
    source = random.Random(11)
    cut = sum(warm_up_length([source.lognormvariate(0, 0.3) for _ in range(100)]) > 0 for _ in range(200))
    assert cut <= 10


def test_a_series_that_never_settles_loses_at_most_half() -> None:
    assert warm_up_length([float(100 - number) for number in range(100)]) == 50


def test_a_short_series_is_kept_whole() -> None:
    assert warm_up_length([9.0] * 5 + [1.0] * 5) == 0


def test_the_entry_has_the_shape_of_the_contract() -> None:
    measured = Measurement(mode="closed", latencies_s=(0.1, 0.2), errors=1, elapsed_s=0.5, overhead_s=0.001)
    entry = measured.to_entry(server="memory", tool="read_graph")
    assert entry is not None
    assert {name: entry[name] for name in ("server", "tool", "mode", "concurrency", "calls", "errors")} == {
        "server": "memory", "tool": "read_graph", "mode": "closed", "concurrency": 1, "calls": 3, "errors": 1,
    }  # fmt: skip
    assert entry["rate_per_s"] == 4.0
    assert set(entry["latency_s"]) == {"min", "p50", "p90", "p95", "p99", "max", "mean", "stddev"}
    assert entry["overhead_s"] == 0.001
