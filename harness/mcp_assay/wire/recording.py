"""Recording what goes over the wire: one file of JSON Lines per server, without secrets.

The first line names the format and the server. Each further line carries the ``connection`` it belongs to, counted
from 1 in the order of opening: ``open`` (what was asked for), ``agreement``, ``ready`` (seconds until it was open),
``exchange``, ``raw`` (an HTTP request beside the messages), ``anomaly``, ``message``, ``fault`` (the connection could
not be opened), ``close``, ``stderr`` (its last lines). ``value`` lines hold observations made beside the wire.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from mcp_assay.core.errors import ConnectError, UsageError
from mcp_assay.core.identifiers import slug
from mcp_assay.core.redaction import Redactor
from mcp_assay.wire.tape import FORMAT, Writer
from mcp_assay.wire.transport import CloseReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from mcp_assay.config.spec import Launch
    from mcp_assay.core.clock import Clock
    from mcp_assay.wire.callbacks import Callbacks
    from mcp_assay.wire.channel import Channel
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.opener import Opener
    from mcp_assay.wire.session import ServerSession
    from mcp_assay.wire.tape import Record
    from mcp_assay.wire.versions import VersionBook


def recording_path(directory: Path, server: str) -> Path:
    """Return the file that holds a server's recording."""
    return directory / f"{slug(server)}.jsonl"


class Recorder:
    """Writes recordings into a folder. Safe to use from several threads; close it at the end of the run.

    A disk that fills up costs the recording, and no verdict.

    Attributes:
        problem: Why the recording is incomplete, None when it is not.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.problem: str | None = None
        self._files: dict[str, BinaryIO] = {}
        self._connections: dict[str, int] = {}
        self._learned: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def next_connection(self, launch: Launch) -> int:
        """Return the number of a new connection to a server.

        Raises:
            UsageError: The folder cannot be written.
        """
        with self._lock:
            self._file(launch.name)
            self._connections[launch.name] += 1
            return self._connections[launch.name]

    def learn(self, launch: Launch) -> None:
        """Keep the secrets of a launch out of what its server's connections say from now on, older ones included."""
        learned = self._learned.setdefault(launch.name, {})
        new = {label: value for label, value in launch.secrets.items() if value not in learned.values()}
        learned.update({f"{label} {len(learned) + 1}": value for label, value in new.items()})

    def _redactor(self, launch: Launch) -> Redactor:
        """Return what knows every secret of a server, by the labels that stand in reports too."""
        known = set(launch.secrets.values())
        later = {label: value for label, value in self._learned.get(launch.name, {}).items() if value not in known}
        return Redactor({f"{launch.name} {label}": value for label, value in {**launch.secrets, **later}.items()})

    def write(self, launch: Launch, connection: int, record: Record) -> None:
        """Add a value to a server's recording."""
        writer = Writer(self._redactor(launch))
        self._line(launch.name, {"connection": connection, **writer.line(record)})

    def opened(self, launch: Launch, connection: int, what: str, protocol: str | None) -> None:
        """Add what was asked for when a connection was opened."""
        line = {"kind": "open", "connection": connection, "what": what, "protocol": protocol}
        url = None if launch.url is None else self._redactor(launch).redact(launch.url)
        self._line(launch.name, {**line, "transport": launch.transport.value, "url": url})

    def ready(self, launch: Launch, connection: int, seconds: float) -> None:
        """Add how long it took until the conversation was open."""
        self._line(launch.name, {"kind": "ready", "connection": connection, "seconds": seconds})

    def stderr(self, launch: Launch, connection: int, text: str) -> None:
        """Add the last lines that the server wrote to stderr."""
        clean = self._redactor(launch).redact(text).encode("utf-8", "backslashreplace").decode("utf-8")
        self._line(launch.name, {"kind": "stderr", "connection": connection, "text": clean})

    def value(self, launch: Launch, name: str, value: Any) -> None:
        """Add an observation made beside the wire, such as the official client's report; JSON without secrets."""
        self._line(launch.name, {"kind": "value", "connection": 0, "name": name, "value": value})

    def text(self, launch: Launch, name: str, text: str) -> None:
        """Add an observation that is a text, its secrets taken out."""
        self.value(launch, name, self._redactor(launch).redact(text))

    def close(self) -> None:
        """Finish every file."""
        with self._lock:
            for file in self._files.values():
                self._try(file.close)
            self._files.clear()

    def settle(self) -> None:
        """Have everything written so far reach the disk, so that `problem` tells of it."""
        with self._lock:
            for file in self._files.values():
                self._try(file.flush)

    def _line(self, server: str, line: dict[str, Any]) -> None:
        data = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        with self._lock:
            file = self._file(server)
            if self.problem is None:
                self._try(lambda: file.write(data))

    def _try(self, write: Callable[[], object]) -> None:
        """Write something, and note why not."""
        try:
            write()
        except OSError as problem:
            self.problem = f"the recording in {self._directory} is incomplete: {problem.strerror or problem}"

    def _file(self, server: str) -> BinaryIO:
        """Return a server's file, begun when it is new; the lock is held."""
        if server not in self._files:
            path = recording_path(self._directory, server)
            try:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._files[server] = path.open("wb")
            except OSError as problem:
                reason = problem.strerror or str(problem)
                raise UsageError(f"the recording {path} cannot be written: {reason}") from None
            self._connections[server] = 0
            header = {"kind": "recording", "format": FORMAT, "server": server}
            self._files[server].write(orjson.dumps(header, option=orjson.OPT_APPEND_NEWLINE))
        return self._files[server]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingConnector:
    """Opens connections with another opener and records everything on them.

    Attributes:
        inner: Opens the connections.
        recorder: Takes what is seen.
    """

    inner: Opener
    recorder: Recorder

    @property
    def limits(self) -> Limits:
        """Budgets of each connection."""
        return self.inner.limits

    @property
    def clock(self) -> Clock:
        """Source of every time stamp."""
        return self.inner.clock

    @property
    def callbacks(self) -> Callbacks:
        """What servers are offered."""
        return self.inner.callbacks

    @property
    def versions(self) -> VersionBook:
        """Remembers which revisions servers speak."""
        return self.inner.versions

    async def open_channel(self, launch: Launch) -> Channel:
        """Start or reach a server and return a recorded channel on which nothing has been said.

        Raises:
            ConnectError: The server cannot be started or reached.
        """
        connection = self._begin(launch, "channel", None)
        try:
            channel = await self.inner.open_channel(launch)
        except ConnectError as problem:
            self.recorder.write(launch, connection, problem.fault)
            raise
        self._follow(launch, connection, channel)
        return channel

    async def open_session(
        self, launch: Launch, *, protocol: str | None = None, callbacks: Callbacks | None = None
    ) -> ServerSession:
        """Start or reach a server, open the conversation, and record it.

        Raises:
            ConnectError: See `mcp_assay.wire.connect.Connector.open_session`.
        """
        connection = self._begin(launch, "session", protocol)
        try:
            session = await self.inner.open_session(launch, protocol=protocol, callbacks=callbacks)
        except ConnectError as problem:
            self.recorder.write(launch, connection, problem.fault)
            raise
        self.recorder.write(launch, connection, session.agreement)
        self.recorder.ready(launch, connection, session.started_s)
        self._follow(launch, connection, session.channel)
        return session

    def _begin(self, launch: Launch, what: str, protocol: str | None) -> int:
        """Number a connection and note what is asked for."""
        connection = self.recorder.next_connection(launch)
        self.recorder.opened(launch, connection, what, protocol)
        return connection

    def _follow(self, launch: Launch, connection: int, channel: Channel) -> None:
        """Record what was seen so far and everything from now on."""

        def sink(record: Record) -> None:
            self.recorder.write(launch, connection, record)
            if isinstance(record, CloseReport):
                self.recorder.stderr(launch, connection, channel.transport.stderr_tail)

        log = channel.log
        seen: list[Record] = [*log.exchanges, *log.anomalies, *log.server_messages]
        for record in seen:
            sink(record)
        log.sink = sink
