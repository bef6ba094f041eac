"""Bootstrap intervals, held against samples whose true quantiles are known."""

from __future__ import annotations

import math
import random

import pytest

from mcp_assay.load import Measurement
from mcp_assay.load.resampling import bootstrap_intervals

MEDIAN = {"p50": 0.5}


def test_a_constant_series_has_intervals_without_width() -> None:
    assert bootstrap_intervals([0.005] * 50, {"p50": 0.5, "p99": 0.99}) == {
        "p50": (0.005, 0.005),
        "p99": (0.005, 0.005),
    }


def test_the_same_series_always_has_the_same_intervals() -> None:
    source = random.Random(1)
    series = [source.expovariate(1) for _ in range(80)]
    assert bootstrap_intervals(series, MEDIAN) == bootstrap_intervals(list(series), MEDIAN)


def test_the_interval_holds_the_true_median_about_as_often_as_it_says() -> None:
    source = random.Random(7)
    hits = 0
    for _ in range(200):
        low, high = bootstrap_intervals([source.expovariate(1) for _ in range(60)], MEDIAN)["p50"]
        hits += low <= math.log(2) <= high
    assert 0.85 <= hits / 200 <= 0.99


def test_values_that_hang_together_have_a_wider_interval_than_independent_ones() -> None:
    source = random.Random(3)
    alike: list[float] = []
    for _ in range(60):
        alike += [source.gauss(1.0, 0.1)] * 5
    mixed = random.Random(4).sample(alike, len(alike))
    wide, narrow = (bootstrap_intervals(series, MEDIAN)["p50"] for series in (alike, mixed))
    assert wide[1] - wide[0] > 1.3 * (narrow[1] - narrow[0])


def test_the_interval_of_a_long_series_is_as_narrow_as_its_length_allows() -> None:
    source = random.Random(5)
    series = [source.gauss(1.0, 0.1) for _ in range(32_000)]
    short, whole = (bootstrap_intervals(part, MEDIAN)["p50"] for part in (series[:2_000], series))
    assert whole[1] - whole[0] == pytest.approx((short[1] - short[0]) / 4, rel=0.4)
    assert whole[0] <= 1.0 + 0.002
    assert whole[1] >= 1.0 - 0.002


def test_without_an_answer_there_is_no_interval() -> None:
    assert Measurement(mode="closed").intervals() == {}


def test_the_entry_has_intervals_around_each_quantile() -> None:
    source = random.Random(9)
    latencies = tuple(source.expovariate(100) for _ in range(100))
    entry = Measurement(mode="closed", latencies_s=latencies, elapsed_s=1.0).to_entry(server="s", tool="t")
    assert entry is not None
    for name, (low, high) in entry["intervals_s"].items():
        assert low <= entry["latency_s"][name] <= high
