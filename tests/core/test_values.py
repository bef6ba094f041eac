from __future__ import annotations

import errno
import json
import os
import random
import re
import stat
import statistics as reference
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.core.clock import SystemClock, rfc3339
from mcp_assay.core.errors import AssayError, ConfigError, ConnectError, UsageError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.core.files import write_atomically
from mcp_assay.core.identifiers import slug
from mcp_assay.core.statistics import log_histogram, quantile, wilson_lower_bound
from mcp_assay.core.verdicts import Level, Outcome, not_applicable, noted, passed, skipped, violated

if TYPE_CHECKING:
    from pathlib import Path

SAFE = re.compile(r"[A-Za-z0-9_.-]{1,80}")


@given(st.text())
def test_a_slug_is_safe_whatever_the_name(name: str) -> None:
    made = slug(name)
    assert SAFE.fullmatch(made)
    assert made not in {".", ".."}
    assert slug(name) == made


@given(st.lists(st.text(max_size=8), unique=True, max_size=20))
def test_different_names_get_different_slugs(names: list[str]) -> None:
    taken: frozenset[str] = frozenset()
    for name in names:
        made = slug(name, taken=taken)
        assert made not in taken
        taken |= {made}


def test_a_plain_name_is_its_own_slug() -> None:
    assert slug("create_entities") == "create_entities"


def test_a_changed_name_keeps_what_can_be_read() -> None:
    assert re.fullmatch(r"a_b-[0-9a-f]{8}", slug("a/b"))


@pytest.mark.parametrize("name", ["", ".", "..", "../../etc/passwd", "a" * 10_000, "\ud800", "a::b[c]", "-rf", "CON"])
def test_awkward_names_become_usable(name: str, tmp_path: Path) -> None:
    made = slug(name)
    assert not made.startswith("-")
    (tmp_path / f"{made}.txt").write_text("x")
    assert [path.parent for path in tmp_path.iterdir()] == [tmp_path]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50), st.integers(1, 99))
def test_quantiles_agree_with_the_standard_library(values: list[float], percent: int) -> None:
    expected = reference.quantiles(values, n=100, method="inclusive")[percent - 1]
    assert quantile(sorted(values), percent / 100) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1), st.floats(0, 1))
def test_a_quantile_lies_within_the_values(values: list[float], share: float) -> None:
    ordered = sorted(values)
    assert ordered[0] <= quantile(ordered, share) <= ordered[-1]


def test_the_ends_of_a_distribution_are_its_extremes() -> None:
    assert quantile([1.0, 2.0, 3.0], 0) == 1.0
    assert quantile([1.0, 2.0, 3.0], 1) == 3.0
    assert quantile([5.0], 0.95) == 5.0


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], -0.1), ([1.0], 1.1), ([1.0], float("nan"))])
def test_a_quantile_of_nothing_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="quantile"):
        quantile(values, share)


@given(st.lists(st.floats(0, 1e6), max_size=50), st.integers(1, 20))
def test_a_histogram_counts_every_value_in_a_bucket_that_holds_it(values: list[float], per_decade: int) -> None:
    buckets = log_histogram(values, per_decade)
    if any(value > 0 for value in values):
        assert sum(count for _, count in buckets) == len(values)
        assert max(values) <= buckets[-1][0] * (1 + 1e-8)
        assert all(low < high for (low, _), (high, _) in pairwise(buckets))
    else:
        assert buckets == []


def test_the_bounds_of_histograms_line_up() -> None:
    assert log_histogram([0.001, 0.0011, 0.01], 1) == [(0.001, 1), (0.01, 2)]


@pytest.mark.parametrize(
    ("successes", "trials", "bound"), [(3, 3, 0.4385), (0, 10, 0.0), (9, 10, 0.5958), (95, 100, 0.8882), (0, 0, 0.0)]
)
def test_the_wilson_bound_has_its_published_values(successes: int, trials: int, bound: float) -> None:
    assert wilson_lower_bound(successes, trials) == pytest.approx(bound, abs=1e-4)


@given(st.integers(0, 1_000), st.integers(1, 1_000))
def test_the_wilson_bound_lies_below_the_rate_and_grows_with_successes(successes: int, more: int) -> None:
    trials = successes + more
    assert 0 <= wilson_lower_bound(successes, trials) <= successes / trials
    assert wilson_lower_bound(successes, trials) <= wilson_lower_bound(successes + 1, trials)


@pytest.mark.parametrize(("successes", "trials"), [(4, 3), (-1, 3), (0, -1)])
def test_impossible_rates_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        wilson_lower_bound(successes, trials)


def test_a_file_is_written_whole_with_its_folders(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "report.json"
    write_atomically(target, "ä\nb\n")
    assert target.read_bytes() == "ä\nb\n".encode()
    assert [path.name for path in target.parent.iterdir()] == ["report.json"]


def test_text_that_utf_8_cannot_hold_is_still_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x", "a\ud800b")
    assert (tmp_path / "x").read_text("utf-8") == "a\\ud800b"


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.json"
    write_atomically(target, "old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_folder_in_the_way_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "report.json", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "report.json"
    link.symlink_to(tmp_path / "real" / "report.json")
    write_atomically(link, "x")
    assert link.is_symlink()
    assert (tmp_path / "real" / "report.json").read_text() == "x"


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250 + ".json")
    write_atomically(target, "x")
    assert target.read_text() == "x"


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_a_new_file_has_the_mode_that_the_user_asks_for(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "x", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        write_atomically(pipe, "x")
        assert os.read(reader, 10) == b"x"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_text("old")
    target.chmod(0o640)
    write_atomically(target, "new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_times_are_told_in_utc() -> None:
    moment = datetime(2026, 11, 23, 10, 0, 0, 1_500, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(moment) == "2026-11-23T09:00:00.001Z"


def test_the_systems_clock_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
    assert clock.now().tzinfo is UTC


def test_an_error_says_its_next_step() -> None:
    assert str(AssayError("it broke")) == "it broke"
    assert str(UsageError("it broke", hint="mend it")) == "it broke\nhint: mend it"


def test_an_error_in_a_document_says_where() -> None:
    error = ConfigError("no command", path="servers.json", line=3, column=7, hint="add one")
    assert str(error) == "servers.json:3:7: no command\nhint: add one"
    assert str(ConfigError("empty", path="servers.json")) == "servers.json: empty"


def test_a_connection_error_carries_its_fault() -> None:
    fault = Fault(kind=FaultKind.EXITED, message="it exited", hint="look", exit_code=1)
    assert ConnectError(fault).fault is fault
    assert str(ConnectError(fault)) == "it exited\nhint: look"


def test_a_fault_of_one_message_leaves_the_connection_usable_and_a_death_does_not() -> None:
    assert not FaultKind.TIMEOUT.ends_connection
    assert not FaultKind.OVERSIZED.ends_connection
    assert FaultKind.EXITED.ends_connection
    assert FaultKind.CLOSED.ends_connection


def test_judgements_say_what_they_are() -> None:
    assert passed("fine").outcome is Outcome.PASS
    assert violated("a", "b").outcome is Outcome.FAIL
    assert noted("a", "b").outcome is Outcome.WARN
    assert skipped("later").applicable
    assert not not_applicable("no tools").applicable
    assert not_applicable("no tools").outcome is Outcome.SKIP


def test_levels_are_ordered_by_strength() -> None:
    shuffled = random.Random(1).sample(list(Level), k=4)
    assert sorted(shuffled, key=lambda level: level.rank) == list(Level)
    assert [level.weight for level in Level] == [10, 3, 1, 1]
    assert json.dumps(Level.MUST) == '"MUST"'
