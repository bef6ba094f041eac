"""Figures held against those before them."""

from __future__ import annotations

import random

import pytest

from mcp_assay.load.regression import change


def test_too_few_earlier_figures_say_nothing() -> None:
    assert change(9.0, [1.0] * 4) is None


def test_a_jump_of_fifteen_per_cent_stands_out_of_small_noise() -> None:
    source = random.Random(1)
    found = change(1.15, [source.gauss(1.0, 0.01) for _ in range(20)])
    assert found is not None
    assert found.is_worse
    assert found.share == pytest.approx(0.15, abs=0.02)


def test_an_unchanged_server_raises_hardly_any_alarm() -> None:
    source = random.Random(2)
    alarms = 0
    for _ in range(500):
        found = change(source.gauss(1.0, 0.03), [source.gauss(1.0, 0.03) for _ in range(20)])
        alarms += found is not None and found.is_worse
    assert alarms <= 5


def test_one_bad_run_among_the_earlier_ones_hides_nothing() -> None:
    found = change(1.3, [1.0, 1.01, 0.99, 1.0, 50.0, 1.02, 0.98])
    assert found is not None
    assert found.is_worse


def test_a_jitter_after_a_lucky_row_is_no_alarm() -> None:
    found = change(1.04, [1.0] * 10)
    assert found is not None
    assert not found.is_worse


def test_faster_is_never_worse() -> None:
    found = change(0.5, [1.0] * 10)
    assert found is not None
    assert not found.is_worse
    assert found.share == -0.5
