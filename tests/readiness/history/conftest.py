"""Runs and figures that never happened, for what is done with those that did."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import create_engine, text

from mcp_assay.core.clock import rfc3339
from mcp_assay.readiness.history.database import RunRecord
from mcp_assay.readiness.history.points import Figure, Metric

MakeRun = Callable[..., RunRecord]
MakeFigure = Callable[..., Figure]
FIRST = datetime(2026, 1, 1, 3, tzinfo=UTC)


@pytest.fixture
def make_run() -> MakeRun:
    """Return a function that makes the run of night ``number``."""

    def make(number: int, **more: Any) -> RunRecord:
        values: dict[str, Any] = {
            "id": f"run-{number}",
            "started_at": rfc3339(FIRST + timedelta(days=number)),
            "commit": f"{number:040x}",
            "dirty": False,
            "machine": "here",
            "tool_version": "1",
            "exit_status": 0,
        }
        return RunRecord(**(values | more))

    return make


@pytest.fixture
def make_figure() -> MakeFigure:
    """Return a function that makes a figure of the median latency of a tool."""

    def make(value: float, *, name: str = "latency.p50", unit: str = "s", tool: str = "read", **more: Any) -> Figure:
        metric = Metric(config="servers.json", server="memory", tool=tool, name=name, unit=unit)
        return Figure(metric=metric, value=value, **more)

    return make


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a PostgreSQL server of our own with two empty databases, ``one`` and ``two``."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(programs[-1]) if programs else shutil.which("initdb")
    if initdb is None:
        pytest.skip("needs a PostgreSQL server: apt-get install postgresql")
    with Cluster(Path(initdb).parent, Path(tempfile.mkdtemp(prefix="postgres-"))) as cluster:
        yield cluster.url


class Cluster:
    """A PostgreSQL server on a free port of the loopback; it refuses to run as root, so it does not."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._user = "nobody" if os.geteuid() == 0 else None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.url = f"postgresql://assay:correct-horse@127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        secret = self._folder / "password"
        secret.write_text("correct-horse")
        secret.chmod(0o644)
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "assay", "-A", "scram-sha-256", f"--pwfile={secret}", "-N")
        options = f"-h 127.0.0.1 -p {self._port} -k {self._folder} -F"
        self._run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", str(self._folder / "log"), "-o", options, "start")
        engine = create_engine(self.url.replace("postgresql:", "postgresql+psycopg:") + "/postgres")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for name in ("one", "two"):
                connection.execute(text(f"create database {name}"))
        engine.dispose()
        return self

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            check=True,
            timeout=120,
            cwd=self._folder,
            user=self._user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
