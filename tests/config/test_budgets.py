"""Limits of measurements as a user writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.budgets import METRICS, BudgetSyntaxError, parse_budget
from mcp_assay.config.overlay import Overlay
from mcp_assay.core.errors import ConfigError
from mcp_assay_suites.performance.limits import CHECKS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "metric", "limit"),
    [
        ("p95 < 200ms", "p95", 0.2),
        ("p99<1.5s", "p99", 1.5),
        ("max <= 250 µs", "max", 250e-6),
        ("cold_start < 3s", "cold_start", 3.0),
        ("error_rate < 1%", "error_rate", 0.01),
        ("error_rate <= 0.02", "error_rate", 0.02),
        ("rss_growth < 5MB/1000 calls", "rss_growth", 5_000.0),
        ("rss_growth < 4 KiB / call", "rss_growth", 4096.0),
        ("rss_growth < 5MB per 1k calls", "rss_growth", 5_000.0),
        ("rss < 300 MiB", "rss", 300 * 2.0**20),
        ("throughput > 50/s", "throughput", 50.0),
        ("open_files_growth < 1/1,000 calls", "open_files_growth", 0.001),
        ("cpu < 2ms/call", "cpu", 0.002),
        ("children <= 0", "children", 0.0),
    ],
)
def test_a_limit_is_read_in_the_unit_of_its_quantity(text: str, metric: str, limit: float) -> None:
    found = parse_budget(text)
    assert (found.metric.name, found.limit) == (metric, pytest.approx(limit))


@pytest.mark.parametrize(
    ("text", "at", "message", "hint"),
    [
        ("trouhgput > 1/s", 0, "unknown metric 'trouhgput'", "did you mean 'throughput'?"),
        ("latency < 1s", 0, "unknown metric", "known metrics: p50, "),
        ("", 0, "the metric is missing", "known metrics"),
        ("p95 200ms", 4, "after p95 comes < or <=", "'p95 < 200ms'"),
        ("p95 > 200ms", 4, "after p95 comes < or <=, not >", "'p95 < 200ms'"),
        ("throughput < 5/s", 11, "after throughput comes > or >=, not <", "'throughput > 50/s'"),
        ("p95 < fast", 6, "p95 needs a number, not 'fast'", "'p95 < 200ms'"),
        ("p95 <", 5, "p95 needs a number", "'p95 < 200ms'"),
        ("p95 < 200", 9, "the unit of p95 is missing", "one of ns, "),
        ("p95 < 200MB", 9, "'MB' is no unit of p95", "one of ns, "),
        ("rss_growth < 5MB", 14, "'MB' is no unit of rss_growth", "followed by /call or /1000 calls"),
        ("p95 < -1s", 6, "needs a number", ""),
    ],
)
def test_a_limit_that_cannot_be_read_says_where_and_what_to_write(text: str, at: int, message: str, hint: str) -> None:
    with pytest.raises(BudgetSyntaxError) as caught:
        parse_budget(text)
    assert caught.value.at == at
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_the_limit_itself_is_too_much_only_where_it_says_so() -> None:
    strict, loose, least = (parse_budget(text) for text in ("p95 < 1s", "p95 <= 1s", "throughput >= 9/s"))
    assert (strict.is_kept(0.9), strict.is_kept(1.0), strict.is_kept(1.1)) == (True, False, False)
    assert (loose.is_kept(1.0), loose.is_kept(1.1)) == (True, False)
    assert (least.is_kept(9.0), least.is_kept(8.0)) == (True, False)


def overlay(folder: Path, text: str) -> Overlay:
    path = folder / "mcp-assay.toml"
    path.write_text(text, "utf-8")
    return Overlay.load(path)


def test_the_nearest_limit_for_a_metric_holds(tmp_path: Path) -> None:
    found = overlay(
        tmp_path,
        """
        [budgets]
        limits = ["p95 < 1s", "cold_start < 3s"]
        [servers."mem*".budgets]
        limits = ["p95 < 500ms"]
        [servers.memory.budgets]
        limits = ["p95 < 200ms"]
        [servers.memory.tools.search]
        limits = ["p95 < 50ms"]
        """,
    )
    texts = {name: limit.text for name, limit in found.limits_of("memory").items()}
    assert texts == {"p95": "p95 < 200ms", "cold_start": "cold_start < 3s"}
    assert found.limits_of("memento")["p95"].limit == 0.5
    assert found.tool_limits_of("memory", "search")["p95"].limit == 0.05
    assert found.tool_limits_of("memory", "other") == {}
    assert found.names_limits("memory") == {"p95", "cold_start"}


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('[budgets]\nlimits = ["p95 < 1s", "p95 < 200mss"]\n', ":2:33:", "budgets.limits[1]: 'mss' is no unit of p95"),
        ('[budgets]\nlimits = ["p95 < 1s", "p95 < 2s"]\n', ":2:23:", "p95 has two limits"),
        ('[budgets]\nlimits = "p95 < 1s"\n', ":2:10:", "must be a list"),
        ('[servers.a.tools.b]\nlimits = ["cold_start < 1s"]\n', ":2:11:", "cold_start is of the server, not of a tool"),
    ],
)
def test_a_wrong_limit_is_one_error_with_its_place(tmp_path: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        overlay(tmp_path, text)
    assert place in str(caught.value)
    assert message in str(caught.value)
    assert "hint:" in str(caught.value) or "list" in message


def test_every_metric_has_a_check_in_the_catalogue() -> None:
    assert {check.slug for check in CHECKS} == {f"budget-{name.replace('_', '-')}" for name in METRICS}
