"""Where a series moved to another level."""

from __future__ import annotations

import random

import pytest

from mcp_assay.load.shifts import shifts


def series(source: random.Random, *levels: tuple[float, int], noise: float = 0.02) -> list[float]:
    return [level * source.gauss(1.0, noise) for level, count in levels for _ in range(count)]


def test_a_lasting_step_of_fifteen_per_cent_is_found_where_it_is() -> None:
    for seed in range(50):
        (found,) = shifts(series(random.Random(seed), (1.0, 20), (1.15, 10)))
        assert abs(found.index - 20) <= 3
        assert found.share == pytest.approx(0.15, abs=0.03)


def test_two_steps_are_two() -> None:
    found = shifts(series(random.Random(3), (1.0, 15), (1.5, 15), (0.8, 15)))
    assert [shift.index for shift in found] == [15, 30]


def test_an_unchanged_series_hardly_ever_shifts() -> None:
    assert sum(bool(shifts(series(random.Random(seed), (1.0, 40), noise=0.05))) for seed in range(300)) <= 6


def test_a_few_outliers_are_no_step() -> None:
    values = series(random.Random(5), (1.0, 30))
    values[12] = values[13] = 40.0
    assert shifts(values) == []


def test_too_short_or_flat_a_series_has_no_step() -> None:
    assert shifts([]) == []
    assert shifts([1.0, 9.0, 9.0]) == []
    assert shifts([1.0] * 30) == []


def test_a_step_below_five_per_cent_is_not_told() -> None:
    assert shifts(series(random.Random(7), (1.0, 20), (1.03, 20), noise=0.001)) == []
