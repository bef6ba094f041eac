"""MCP over the pipes of a child process."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.framing import LineFramer
from mcp_assay.wire.messages import AnomalyKind, Undecodable, decode, looks_like_message
from mcp_assay.wire.process import ServerProcess
from mcp_assay.wire.transport import CloseReport

if TYPE_CHECKING:
    from mcp_assay.config.spec import Launch
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.raw_http import RawHttp
    from mcp_assay.wire.reaper import Reaper
    from mcp_assay.wire.transport import Outgoing, Receiver


_STDIN_CLOSED_S = 1.5


class StdioTransport:
    """One server process and newline-delimited JSON on its stdin and stdout."""

    kind = "stdio"
    raw_http: RawHttp | None = None

    def __init__(self, limits: Limits) -> None:
        self._framer = LineFramer(limits.line_bytes)
        self._limit = limits.line_bytes
        self._process: ServerProcess | None = None
        self._receiver: Receiver | None = None
        self._early = b""
        self._trailing = b""
        self._closing: asyncio.Task[CloseReport] | None = None

    @classmethod
    async def open(cls, launch: Launch, limits: Limits, reaper: Reaper) -> StdioTransport:
        """Start the server.

        Raises:
            ConnectError: The command could not be started.
        """
        transport = cls(limits)
        transport._process = await ServerProcess.spawn(launch, limits, reaper, transport._stdout_received)
        return transport

    def attach(self, receiver: Receiver) -> None:
        """Deliver to ``receiver`` from now on, first what the server said while it was still being started."""
        self._receiver = receiver
        asyncio.get_running_loop().call_soon(self._deliver_early)
        if self._process is not None:
            self._process.when_ended(self._ended, self._stdin_lost)

    @property
    def pid(self) -> int | None:
        """The server's process id."""
        return None if self._process is None else self._process.pid

    @property
    def stderr_tail(self) -> str:
        """The last lines of the server's stderr."""
        return "" if self._process is None else self._process.stderr.text()

    @property
    def unread_bytes(self) -> int:
        """Bytes we wrote that the server has not read."""
        return 0 if self._process is None else self._process.unread_bytes

    @property
    def partial_bytes(self) -> int:
        """Bytes received of a line that has not ended."""
        return self._framer.pending_bytes

    def send(self, message: Outgoing) -> None:
        """Write one line; nothing is said when stdin is closed, because the end of the connection follows."""
        if self._process is not None:
            self._process.write(message.data)

    def use_version(self, version: str) -> None:
        """Do nothing: a pipe shows no revision."""

    def abandon(self, request_id: RequestId) -> None:
        """Do nothing: a pipe keeps nothing per request."""

    def slow_down(self, seconds: float) -> None:
        """Read no stdout for a while."""
        if self._process is not None:
            self._process.pause_reading(seconds)

    def _stdin_lost(self) -> None:
        """End the connection soon, unless the end of the process comes first and says why."""
        asyncio.get_running_loop().call_later(_STDIN_CLOSED_S, self._stdin_closed)

    def _stdin_closed(self) -> None:
        """End the connection: nothing can be said any more."""
        if self._receiver is not None and self._closing is None:
            fault = Fault(
                kind=FaultKind.CLOSED, message="the server has closed its stdin", stderr_tail=self.stderr_tail
            )
            self._receiver.connection_ended(fault)

    async def close(self) -> CloseReport:
        """Close stdin, wait, terminate, kill; then sweep up what the server left behind."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        return await asyncio.shield(self._closing)

    async def _close(self) -> CloseReport:
        """Do what `close` says, once."""
        started = asyncio.get_running_loop().time()
        needed, survivors = ("exit", 0) if self._process is None else await self._process.stop()
        return CloseReport(
            seconds=asyncio.get_running_loop().time() - started,
            needed=needed,
            exit_code=None if self._process is None else self._process.exit_code,
            survivors=survivors,
            trailing=self._trailing,
        )

    def _stdout_received(self, data: bytes) -> None:
        """Deliver each whole line, or keep the data until there is somebody to deliver it to."""
        if self._receiver is None:
            self._early += data
            return
        if self._early:
            self._deliver_early()
        self._deliver(self._receiver, data)

    def _deliver_early(self) -> None:
        """Deliver what came before there was a receiver."""
        data, self._early = self._early, b""
        if data and self._receiver is not None:
            self._deliver(self._receiver, data)

    def _deliver(self, receiver: Receiver, data: bytes) -> None:
        """Deliver each whole line."""
        if not self._framer.pending_bytes and data.find(b"\n") == len(data) - 1 and len(data) <= self._limit:
            receiver.line_received(data[:-1])
            return
        lines = 0
        for line in self._framer.feed(data):
            receiver.line_received(line)
            lines += 1
        if lines > 1 and self._process is not None:
            self._process.hold_writes()

    def _ended(self) -> None:
        """Deliver a last line without newline when it is whole, then the end."""
        if self._receiver is None:
            return
        self._deliver_early()
        fault = self._end_fault()
        rest = self._framer.flush()
        if isinstance(rest, bytes) and not isinstance(decode(rest), Undecodable):
            self._receiver.line_received(rest)
        elif rest is not None:
            head = rest if isinstance(rest, bytes) else rest.head
            self._trailing = head
            self._receiver.anomaly_seen(AnomalyKind.INVALID_JSON, head, "the last line has no end")
            if looks_like_message(head):
                fault = replace(fault, message=f"{fault.message} in the middle of a message")
        self._receiver.connection_ended(fault)

    def _end_fault(self) -> Fault:
        """Return how the server ended, with its last words."""
        code = None if self._process is None else self._process.exit_code
        return Fault(
            kind=_kind_of_end(code),
            message=_end_message(code),
            exit_code=code,
            stderr_tail=self.stderr_tail,
        )


def _kind_of_end(code: int | None) -> FaultKind:
    """Return the class of an exit status."""
    if code is None:
        return FaultKind.CLOSED
    return FaultKind.KILLED if code < 0 else FaultKind.EXITED


def _end_message(code: int | None) -> str:
    """Return an exit status in words."""
    if code is None:
        return "the server closed its stdout but lives on"
    if code < 0:
        return f"the server was killed by {_signal_name(-code)}"
    return f"the server exited with status {code}"


def _signal_name(number: int) -> str:
    """Return a signal's name, for example ``SIGSEGV``."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
