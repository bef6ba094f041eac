"""Where a history is kept: a SQLite file, or a database that a team shares.

An address may hold a password. Nothing here ever repeats it: not in messages, not in what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from mcp_assay.core.errors import UsageError
from mcp_assay.core.redaction import Redactor

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Connection, Engine

DEFAULT = ".mcp-assay/history.db"
"""The file that is used when no place is named, below the folder in which a command was started."""
VARIABLE = "MCP_ASSAY_HISTORY"
"""Holds the address where a command line would show its password to everybody on the machine."""

READS = "mcp_assay_reads"
"""Execution option of a connection that does not write."""

_MAGIC = b"SQLite format 3\0"
_WAIT_S = 30
_CONNECT_S = 10
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
_EXAMPLE = "for example .mcp-assay/history.db or postgresql://USER:PASSWORD@HOST/DATABASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a history is kept.

    Attributes:
        url: For SQLAlchemy.
        file: The SQLite file, or None for another database.
        shown: The address without user, password and parameters.
        redactor: Hides the password in what a driver says.
    """

    url: URL = field(repr=False)
    file: Path | None
    shown: str
    redactor: Redactor = field(repr=False, default_factory=Redactor)

    @classmethod
    def of(cls, text: str, folder: Path) -> Address:
        """Return the address that a user wrote: a path, which counts from ``folder``, or a URL.

        Raises:
            UsageError: It is neither, its database is unknown, or the driver is not installed.
        """
        if "://" not in text:
            return _of_file(folder / Path(text).expanduser())
        url = _parsed(text)
        if url.get_backend_name() == "sqlite":
            if not url.database or url.database == ":memory:":
                raise UsageError(f"--mcp-history: {text} is in memory and keeps nothing", hint=_EXAMPLE)
            return _of_file(folder / url.database)
        secrets = [url.password, *(value for values in url.normalized_query.values() for value in values)]
        named = {f"history {number}": str(value) for number, value in enumerate(secrets) if value}
        port = f":{url.port}" if url.port else ""
        shown = f"{url.get_backend_name()}://{url.host or ''}{port}/{url.database or ''}"
        return cls(url=url, file=None, shown=shown, redactor=Redactor(named))

    def engine(self) -> Engine:
        """Return SQLAlchemy's engine; nothing is connected yet.

        Raises:
            UsageError: The driver is not installed.
        """
        waits: dict[str, Any] = {
            "sqlite": {"timeout": _WAIT_S},
            "postgresql": {"connect_timeout": _CONNECT_S},
        }.get(self.url.get_backend_name(), {})
        try:
            engine = create_engine(self.url, connect_args=waits, hide_parameters=True)
        except NoSuchModuleError:
            raise UsageError(f"--mcp-history: unknown database {self.url.drivername!r}", hint=_EXAMPLE) from None
        except ImportError as problem:
            raise UsageError(
                f"--mcp-history: the driver of {self.url.drivername} is not installed: {problem.name or 'unknown'}",
                hint="pip install 'pytest-mcp-assay[postgresql]', or the driver of your database",
            ) from None
        if self.url.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _begin_by_hand)
            event.listen(engine, "begin", _begin)
        return engine


def _begin_by_hand(connection: sqlite3.Connection, _: object) -> None:
    """Keep the driver from beginning transactions itself: it would leave the making of tables out of them."""
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    """Begin a transaction; one that writes waits here for its turn, because later SQLite would give up at once."""
    reads = connection.get_execution_options().get(READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _of_file(path: Path) -> Address:
    """Return the address of a SQLite file.

    Raises:
        UsageError: It is a folder, or a file of another kind.
    """
    if path.is_dir():
        raise UsageError(f"--mcp-history: {path} is a folder", hint=f"write --mcp-history={path / 'history.db'}")
    if _is_foreign(path):
        raise UsageError(f"--mcp-history: {path} is no SQLite file", hint="name another file, or move this one away")
    return Address(url=URL.create("sqlite", database=str(path)), file=path, shown=str(path))


def _is_foreign(path: Path) -> bool:
    """Return whether there is a file that does not begin as SQLite's do; one that cannot be read is not judged."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return not _MAGIC.startswith(stream.read(len(_MAGIC)))
    except OSError:
        return False


def _parsed(text: str) -> URL:
    """Return a URL with the driver that we ship.

    Raises:
        UsageError: It is none; the text itself is not repeated.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UsageError("--mcp-history: the database URL cannot be read", hint=_EXAMPLE) from None
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
