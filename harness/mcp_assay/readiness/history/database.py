"""The tables of a history, and the only place that talks to its database."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mcp_assay.core.errors import AssayError, UsageError
from mcp_assay.core.presentation import Presenter
from mcp_assay.readiness.history.address import READS
from mcp_assay.readiness.history.points import Figure, Metric

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from sqlalchemy import Connection

    from mcp_assay.readiness.history.address import Address

SCHEMA_VERSION = 1
"""Raised when the tables change. A history of any other version is refused and left as it is."""

_ATTEMPTS = 5
_TABLES = MetaData()
_SCHEMA = Table(
    "mcp_assay_schema",
    _TABLES,
    Column("version", Integer, primary_key=True, autoincrement=False),
)
_RUN = Table(
    "mcp_assay_run",
    _TABLES,
    Column("id", String(64), primary_key=True),
    Column("started_at", String(40), nullable=False),
    Column("commit_id", String(200), nullable=False),
    Column("dirty", Boolean, nullable=False),
    Column("machine", String(200), nullable=False),
    Column("tool_version", String(40), nullable=False),
    Column("exit_status", Integer, nullable=False),
    Index("mcp_assay_run_by_time", "machine", "started_at"),
)
_METRIC = Table(
    "mcp_assay_metric",
    _TABLES,
    Column("run_id", String(64), ForeignKey("mcp_assay_run.id"), primary_key=True),
    Column("series", String(64), primary_key=True),
    Column("config", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("unit", String(40), nullable=False),
    Column("value", Float(53), nullable=False),
    Column("server_version", Text, nullable=False),
    Column("call", String(64), nullable=False),
    Column("cpu_s", Float(53)),
    Column("pipe_s", Float(53)),
    Column("noise", Float(53)),
    Column("overhead_s", Float(53)),
)


class HistoryError(AssayError):
    """The database could not be read or written."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RunRecord:
    """A run in the history.

    Attributes:
        started_at: RFC 3339 in UTC, so that the order of the texts is that of the runs.
        id: Unique name.
        commit: See `mcp_assay.readiness.history.origin.Origin`.
        dirty: Likewise.
        machine: Likewise.
        tool_version: Version of this program.
        exit_status: How the run ended.
    """

    started_at: str
    id: str
    commit: str
    dirty: bool
    machine: str
    tool_version: str
    exit_status: int


class History:
    """A history that is open; use it as a context manager.

    Args:
        address: Where it is kept.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._engine = address.engine()

    def __enter__(self) -> Self:
        """Return the history; nothing is connected before it is used."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        self._engine.dispose()

    def add(self, run: RunRecord, figures: Iterable[Figure]) -> None:
        """Keep a run and its figures: all of it or nothing.

        Raises:
            HistoryError: The database cannot be reached or written.
        """
        with self._explained("written"):
            if self._address.file is not None:
                self._address.file.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()
            rows = [_row(run, figure) for figure in figures]
            with self._engine.begin() as connection:
                connection.execute(insert(_RUN).values(**_run_row(run)))
                if rows:
                    connection.execute(insert(_METRIC), rows)

    def machines(self) -> dict[str, int]:
        """Return the number of runs of each machine, that of the newest run first.

        Raises:
            UsageError: As `runs`.
            HistoryError: As `runs`.
        """
        if self._address.file is not None and not self._address.file.exists():
            raise self._absent()
        counted = select(_RUN.c.machine, func.count().label("runs")).group_by(_RUN.c.machine)
        with self._explained("read"), self._reading() as connection:
            self._check_version(connection)
            rows = _mappings(connection, counted.order_by(func.max(_RUN.c.started_at).desc()))
        return {row["machine"]: row["runs"] for row in rows}

    def runs(self, *, machine: str | None = None, last: int) -> list[tuple[RunRecord, list[Figure]]]:
        """Return the newest runs with their figures, oldest first.

        Args:
            machine: Only runs of this machine; None for all.
            last: How many at most.

        Raises:
            UsageError: There is no history at the address, or another version of this program wrote it.
            HistoryError: The database cannot be reached or read.
        """
        if self._address.file is not None and not self._address.file.exists():
            raise self._absent()
        with self._explained("read"), self._reading() as connection:
            self._check_version(connection)
            chosen = select(_RUN).order_by(_RUN.c.started_at.desc(), _RUN.c.id.desc()).limit(last)
            if machine is not None:
                chosen = chosen.where(_RUN.c.machine == machine)
            records = {row["id"]: _record(row) for row in _mappings(connection, chosen)}
            figures: dict[str, list[Figure]] = {identity: [] for identity in records}
            for row in _mappings(connection, select(_METRIC).where(_METRIC.c.run_id.in_(list(records)))):
                figures[row["run_id"]].append(_figure(row))
        return [(record, figures[record.id]) for record in sorted(records.values())]

    def _reading(self) -> Connection:
        """Return a connection that does not write."""
        return self._engine.connect().execution_options(**{READS: True})

    def _absent(self) -> UsageError:
        """Return the error that nothing was ever kept here."""
        return UsageError(f"there is no history in {self._address.shown}", hint="run pytest with --mcp-history first")

    def _prepare(self) -> None:
        """Make the tables unless they are there; several writers may do so at the same time."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._engine.begin() as connection:
                    if not inspect(connection).has_table(_SCHEMA.name):
                        _TABLES.create_all(connection)
                        connection.execute(insert(_SCHEMA).values(version=SCHEMA_VERSION))
                    self._check_version(connection)
            except DBAPIError:
                # Another writer made them in between; after that they are there.
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    def _check_version(self, connection: Connection) -> None:
        """Refuse what another version wrote.

        Raises:
            UsageError: There are no tables of ours, or newer ones.
        """
        if not inspect(connection).has_table(_SCHEMA.name):
            raise self._absent()
        version: int | None = connection.execute(select(_SCHEMA.c.version)).scalar()
        if version != SCHEMA_VERSION:
            raise self._foreign(version)

    def _foreign(self, version: int | None) -> UsageError:
        """Return the error that another version of this program keeps its figures here."""
        newer = version is not None and version > SCHEMA_VERSION
        told = "no schema version" if version is None else f"schema version {version}"
        step = "update pytest-mcp-assay, or name another place" if newer else "move it away: the next run begins anew"
        return UsageError(
            f"the history in {self._address.shown} has {told}, this program knows {SCHEMA_VERSION}", hint=step
        )

    @contextmanager
    def _explained(self, what: str) -> Generator[None]:
        """Turn what a driver raises into one sentence without a password.

        Raises:
            HistoryError: Something was raised inside.
        """
        try:
            yield
        except (SQLAlchemyError, OSError) as problem:
            cause = getattr(problem, "orig", None) or problem
            words = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause).partition("\n")[0]
            told = Presenter(self._address.redactor).line(words)
            raise HistoryError(f"the history in {self._address.shown} cannot be {what}: {told}") from None


def _mappings(connection: Connection, query: Any) -> Sequence[Any]:
    """Return the rows of a query, each a mapping by the name of its column."""
    return connection.execute(query).mappings().all()


def _run_row(run: RunRecord) -> dict[str, Any]:
    """Return a run as a row."""
    return {
        "id": run.id,
        "started_at": run.started_at,
        "commit_id": run.commit,
        "dirty": run.dirty,
        "machine": run.machine,
        "tool_version": run.tool_version,
        "exit_status": run.exit_status,
    }


def _record(row: Any) -> RunRecord:
    """Return what `_run_row` was given."""
    fields = {name: row[name] for name in ("id", "started_at", "dirty", "machine", "tool_version", "exit_status")}
    return RunRecord(commit=row["commit_id"], **fields)


def _row(run: RunRecord, figure: Figure) -> dict[str, Any]:
    """Return a figure as a row."""
    metric = figure.metric
    return {
        "run_id": run.id,
        "series": metric.digest,
        "config": metric.config,
        "server": metric.server,
        "tool": metric.tool,
        "metric": metric.name,
        "unit": metric.unit[:40],
        "value": figure.value,
        "server_version": figure.server_version,
        "call": figure.call,
        "cpu_s": figure.cpu_s,
        "pipe_s": figure.pipe_s,
        "noise": figure.noise,
        "overhead_s": figure.overhead_s,
    }


def _figure(row: Any) -> Figure:
    """Return what `_row` was given."""
    names = ("value", "server_version", "call", "cpu_s", "pipe_s", "noise", "overhead_s")
    metric = Metric(config=row["config"], server=row["server"], tool=row["tool"], name=row["metric"], unit=row["unit"])
    return Figure(metric=metric, **{name: row[name] for name in names})
