"""The history as a file and as a database that is shared."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.errors import UsageError
from mcp_assay.readiness.history.address import Address
from mcp_assay.readiness.history.database import SCHEMA_VERSION, History, HistoryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.readiness.history.database import RunRecord
    from mcp_assay.readiness.history.points import Figure

    MakeRun = Callable[..., RunRecord]
    MakeFigure = Callable[..., Figure]

WRITER = """
import sys
from pathlib import Path
from mcp_assay.readiness.history.address import Address
from mcp_assay.readiness.history.database import History, RunRecord
from mcp_assay.readiness.history.points import Figure, Metric

place, name = sys.argv[1:]
metrics = [Metric(config="c", server="s", tool=str(at), name="m", unit="s") for at in range(300)]
figures = [Figure(metric=metric, value=1.0) for metric in metrics]
with History(Address.of(place, Path())) as history:
    for number in range(3):
        history.add(RunRecord(started_at=f"2026-01-0{number + 1}T00:00:00.000Z", id=f"{name}-{number}", commit="",
                              dirty=False, machine="m", tool_version="1", exit_status=0), figures)
"""


def opened(place: object) -> History:
    return History(Address.of(str(place), Path.cwd()))


def write_side_by_side(place: str) -> None:
    """Let three processes write three runs each, the first of which has to make the tables."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, place, f"w{number}"], stderr=subprocess.PIPE, text=True)
        for number in range(3)
    ]
    for writer in writers:
        _, complaints = writer.communicate(timeout=120)
        assert writer.returncode == 0, complaints


def assert_keeps_and_returns(place: str, make_run: MakeRun, make_figure: MakeFigure) -> None:
    figure = make_figure(0.002, server_version="1.2", call="abc", cpu_s=0.001, pipe_s=1e-6, noise=0.05, overhead_s=1e-5)
    rate = make_figure(1e-300, name="rate", unit="1/s", tool="snow ☃ '; drop table mcp_assay_run")
    with opened(place) as history:
        history.add(make_run(2, dirty=True), [figure, rate])
        history.add(make_run(1), [])
        history.add(make_run(3, machine="there"), [figure])
        found = history.runs(last=10)
        assert [(run, sorted(figures, key=lambda f: f.metric)) for run, figures in found] == [
            (make_run(1), []),
            (make_run(2, dirty=True), sorted([figure, rate], key=lambda f: f.metric)),
            (make_run(3, machine="there"), [figure]),
        ]
        assert list(history.machines().items()) == [("there", 1), ("here", 2)]
        assert [run.id for run, _ in history.runs(last=1)] == ["run-3"]
        assert [run.id for run, _ in history.runs(machine="here", last=10)] == ["run-1", "run-2"]


def test_a_file_keeps_runs_and_figures_as_they_were(tmp_path: Path, make_run: MakeRun, make_figure: MakeFigure) -> None:
    assert_keeps_and_returns(str(tmp_path / "new" / "h.db"), make_run, make_figure)


def test_a_url_of_sqlite_is_a_file_as_well(tmp_path: Path, make_run: MakeRun) -> None:
    with opened(f"sqlite:///{tmp_path}/new/h.db") as history:
        history.add(make_run(1), [])
    assert (tmp_path / "new" / "h.db").is_file()


def test_several_processes_may_write_at_once(tmp_path: Path) -> None:
    place = str(tmp_path / "h.db")
    write_side_by_side(place)
    with opened(place) as history:
        found = history.runs(last=100)
    assert len(found) == 9
    assert {len(figures) for _, figures in found} == {300}


def test_a_run_is_kept_whole_or_not_at_all(tmp_path: Path, make_run: MakeRun, make_figure: MakeFigure) -> None:
    with opened(tmp_path / "h.db") as history:
        history.add(make_run(1), [])
        with pytest.raises(HistoryError, match="cannot be written"):
            history.add(make_run(2), [make_figure(1.0), make_figure(2.0)])
        assert [run.id for run, _ in history.runs(last=9)] == ["run-1"]


def test_a_history_that_was_never_written_is_said_to_be_missing(tmp_path: Path) -> None:
    with opened(tmp_path / "h.db") as history, pytest.raises(UsageError, match="there is no history in"):
        history.runs(last=1)
    assert not (tmp_path / "h.db").exists()
    sqlite3.connect(tmp_path / "other.db").execute("create table mine (x)").connection.close()
    with opened(tmp_path / "other.db") as history, pytest.raises(UsageError, match="there is no history in"):
        history.runs(last=1)


@pytest.mark.parametrize(
    ("change", "told", "hint"),
    [
        (
            f"update mcp_assay_schema set version = {SCHEMA_VERSION + 1}",
            f"schema version {SCHEMA_VERSION + 1}",
            "update",
        ),
        (
            f"update mcp_assay_schema set version = {SCHEMA_VERSION - 1}",
            f"schema version {SCHEMA_VERSION - 1}",
            "move it",
        ),
        ("delete from mcp_assay_schema", "no schema version", "move it away"),
    ],
    ids=["newer", "older", "none"],
)
def test_the_history_of_another_version_is_refused_and_left_as_it_is(
    tmp_path: Path, make_run: MakeRun, change: str, told: str, hint: str
) -> None:
    with opened(tmp_path / "h.db") as history:
        history.add(make_run(1), [])
        connection = sqlite3.connect(tmp_path / "h.db")
        with connection:
            connection.execute(change)
        connection.close()
        before = (tmp_path / "h.db").read_bytes()
        with pytest.raises(UsageError, match=f"has {told}, this program knows {SCHEMA_VERSION}") as caught:
            history.runs(last=1)
        assert (caught.value.hint or "").startswith(hint)
        with pytest.raises(UsageError, match=told):
            history.add(make_run(2), [])
        assert (tmp_path / "h.db").read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, make_run: MakeRun) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes, more than a hundred bytes of them " * 40)
    with pytest.raises(UsageError, match="is no SQLite file"):
        opened(path)
    assert path.read_text().startswith("my notes")


def test_a_database_that_was_damaged_is_left_alone(tmp_path: Path, make_run: MakeRun) -> None:
    path = tmp_path / "damaged.db"
    damaged = b"SQLite format 3\0" + b"damaged " * 600
    path.write_bytes(damaged)
    with opened(path) as history, pytest.raises(HistoryError, match="cannot be written"):
        history.add(make_run(1), [])
    assert path.read_bytes() == damaged


def test_a_full_disk_is_said(make_run: MakeRun) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with (
        opened("/dev/full") as history,
        pytest.raises(HistoryError, match="the history in /dev/full cannot be written"),
    ):
        history.add(make_run(1), [])


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:s3cret-word@host:port/db",
        "://me:s3cret-word@host/db",
        "nosuchdb://me:s3cret-word@host/db",
        "mysql://me:s3cret-word@host/db",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(UsageError, match="--mcp-history") as caught, opened(address):
        pass
    assert "s3cret-word" not in str(caught.value)
    assert caught.value.hint


def test_a_server_that_cannot_be_reached_is_named_without_the_password(make_run: MakeRun) -> None:
    address = "postgresql://me:s3cret-word@127.0.0.1:1/assay?sslpassword=another-secret"
    with opened(address) as history, pytest.raises(HistoryError) as caught:
        history.add(make_run(1), [])
    told = str(caught.value)
    assert "postgresql://127.0.0.1:1/assay cannot be written" in told
    assert "s3cret-word" not in told
    assert "another-secret" not in told


def test_a_folder_is_no_history(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"), opened(tmp_path):
        pass


def test_postgresql_keeps_runs_and_figures_as_they_were(
    postgresql: str, make_run: MakeRun, make_figure: MakeFigure
) -> None:
    assert_keeps_and_returns(f"{postgresql}/one", make_run, make_figure)


def test_several_processes_may_write_to_postgresql_at_once(postgresql: str) -> None:
    write_side_by_side(f"{postgresql}/two")
    with opened(f"{postgresql}/two") as history:
        found = history.runs(last=100)
    assert len(found) == 9
    assert {len(figures) for _, figures in found} == {300}


def test_a_wrong_password_of_postgresql_is_said_and_not_shown(postgresql: str, make_run: MakeRun) -> None:
    address = postgresql.replace("correct-horse", "wrong-battery") + "/one"
    with opened(address) as history, pytest.raises(HistoryError, match="password authentication failed") as caught:
        history.add(make_run(1), [])
    assert "wrong-battery" not in str(caught.value)
