"""A server as a child process: spawn, pipes, exit and the end of everything it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.excess import excess_of
from mcp_assay.wire.reaper_main import MARK_VARIABLE, kill_tree, signal_group
from mcp_assay.wire.stderr import StderrTail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.config.spec import Confinement, Launch
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.reaper import Reaper

INHERITED_VARIABLES = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
"""What a server inherits from our environment; the same small set as the official SDKs."""

_LOOK_S = 0.5
"""Seconds between two looks at what a sandbox takes."""

_PIPE_DRAIN_S = 0.25
_EXIT_STATUS_S = 1.0
_STDIN, _STDOUT, _STDERR = 0, 1, 2


def child_environment(launch: Launch, mark: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return a server's environment: the inherited set, the configured variables and the launch's mark."""
    kept = {name: inherited[name] for name in INHERITED_VARIABLES if name in inherited}
    return {**kept, **launch.env, MARK_VARIABLE: mark}


class ServerProcess(asyncio.SubprocessProtocol):
    """One server process in a process group of its own.

    Bytes from stdout go to ``on_stdout`` as they come. ``on_end`` is called once, when the process has exited and its
    output has been read, or when it has closed its stdout and lives on.

    Attributes:
        stderr: The tail of its stderr.
        exit_code: Its exit status, None while it runs.
        mark: Value of the mark variable in its environment.
    """

    def __init__(self, limits: Limits, reaper: Reaper, on_stdout: Callable[[bytes], None]) -> None:
        self._limits = limits
        self._reaper = reaper
        self._on_stdout = on_stdout
        self._on_end: Callable[[], None] | None = None
        self._on_stdin_lost: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.SubprocessTransport | None = None
        self._exited = asyncio.Event()
        self._open_pipes = {_STDOUT, _STDERR}
        self._ended = False
        self._group_may_live = True
        self._burst: list[bytes] = []
        self._bursting = False
        self._guard: asyncio.Task[None] | None = None
        self.stderr = StderrTail(limits.stderr_bytes)
        self.exit_code: int | None = None
        self.mark = reaper.new_mark()
        self.pid = 0

    @classmethod
    async def spawn(
        cls, launch: Launch, limits: Limits, reaper: Reaper, on_stdout: Callable[[bytes], None]
    ) -> ServerProcess:
        """Start the server's command.

        Raises:
            ConnectError: The command does not exist, may not be executed, or its working directory is missing.
        """
        if not launch.command:
            raise ConnectError(Fault(kind=FaultKind.WRONG_ARGUMENTS, message="the server has no command to start"))
        reaper.start()
        protocol = cls(limits, reaper, on_stdout)
        environment = child_environment(launch, protocol.mark, os.environ)
        try:
            transport, _ = await protocol._loop.subprocess_exec(
                lambda: protocol, *launch.command, env=environment, cwd=launch.cwd, start_new_session=True
            )
        except (OSError, ValueError) as problem:
            raise ConnectError(_spawn_fault(launch, problem)) from None
        protocol.pid = transport.get_pid()
        _StraightFromStdout.take_over(transport, on_stdout)
        if launch.confinement is not None:
            protocol._guard = protocol._loop.create_task(protocol._watch_over(launch.confinement))
        reaper.add(protocol.pid, protocol.mark)
        return protocol

    def when_ended(self, callback: Callable[[], None], stdin_lost: Callable[[], None]) -> None:
        """Call ``callback`` once nothing more will come, at once when that is so already.

        ``stdin_lost`` is called when nothing more can be written, by whichever side the pipe was closed.
        """
        self._on_end, self._on_stdin_lost = callback, stdin_lost
        if self._ended:
            callback()

    @property
    def unread_bytes(self) -> int:
        """Bytes written to stdin that the process has not taken."""
        stdin = self._stdin()
        return 0 if stdin is None else stdin.get_write_buffer_size()

    def write(self, data: bytes) -> bool:
        """Write to stdin without waiting; return whether it is still open."""
        if self._bursting:
            self._burst.append(data)
            return True
        stdin = self._stdin()
        if stdin is None or stdin.is_closing():
            return False
        stdin.write(data)
        return True

    def hold_writes(self) -> None:
        """Write what comes before the next turn of the event loop ends together, at its end.

        For when several answers came at once: those who waited for them will all write in that turn, and one system
        call and one wake-up of the server will do.
        """
        if not self._bursting:
            self._bursting = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write what was held back."""
        self._bursting = False
        if self._burst:
            data, self._burst = b"".join(self._burst), []
            stdin = self._stdin()
            if stdin is not None and not stdin.is_closing():
                stdin.write(data)

    def close_stdin(self) -> None:
        """Close stdin; unread bytes are dropped when the process does not take them."""
        self._flush()
        stdin = self._stdin()
        if stdin is not None and not stdin.is_closing():
            stdin.abort() if stdin.get_write_buffer_size() else stdin.close()

    async def wait(self, seconds: float) -> bool:
        """Return whether the process has exited, waiting at most ``seconds``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._exited.wait()
        return self._exited.is_set()

    def pause_reading(self, seconds: float) -> None:
        """Read no stdout for a while; the server's writes block once the pipe is full."""
        stdout = self._pipe(_STDOUT)
        if stdout is not None and not stdout.is_closing() and not self._exited.is_set():
            cast("asyncio.ReadTransport", stdout).pause_reading()
            self._loop.call_later(max(seconds, 0.0), self._resume_reading)

    def _resume_reading(self) -> None:
        """Read stdout again."""
        stdout = self._pipe(_STDOUT)
        if stdout is not None and not stdout.is_closing():
            cast("asyncio.ReadTransport", stdout).resume_reading()

    async def stop(self) -> tuple[str, int]:
        """End the process and everything it started.

        Returns:
            What it took (``exit``, ``terminate`` or ``kill``) and how many processes it had left behind.
        """
        self.close_stdin()
        needed = "exit"
        if not await self.wait(self._limits.exit_s):
            needed = "terminate"
            signal_group(self.pid, signal.SIGTERM)
            if not await self.wait(self._limits.terminate_s):
                needed = "kill"
        survivors = await asyncio.to_thread(kill_tree, self.pid, self.mark, group=self._group_may_live)
        await self.wait(self._limits.terminate_s)
        self._reaper.remove(self.mark)
        if self._transport is not None:
            with contextlib.suppress(PermissionError, ProcessLookupError):
                self._transport.close()
        return needed, survivors

    async def _watch_over(self, confinement: Confinement) -> None:
        """End a sandbox that takes more than it may; its last words say why."""
        while not await self.wait(_LOOK_S):
            excess = await asyncio.to_thread(excess_of, self.pid, confinement)
            if excess is not None:
                self.stderr.feed(f"\nmcp-assay: the sandbox was ended: {excess}\n".encode())
                signal_group(self.pid, signal.SIGKILL)
                return

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Pass stdout on (what came before it was taken over), keep the tail of stderr."""
        if fd == _STDOUT:
            self._on_stdout(data)
        else:
            self.stderr.feed(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002  (the asyncio protocol)
        """Note which pipe has ended."""
        self._open_pipes.discard(fd)
        if fd == _STDIN and self._on_stdin_lost is not None:
            self._on_stdin_lost()
        if fd == _STDOUT:
            self._loop.call_later(_EXIT_STATUS_S, self._end)
        if not self._open_pipes and self._exited.is_set():
            self._end()

    def process_exited(self) -> None:
        """Note the exit; its last output may still be in the pipes."""
        if self._transport is not None:
            self.exit_code = self._transport.get_returncode()
        self._exited.set()
        # Once the group is empty its number may be given to strangers, so it is never signalled again.
        self._group_may_live = signal_group(self.pid, 0)
        if not self._group_may_live:
            self._reaper.forget_group(self.mark)
        self._resume_reading()
        self._loop.call_later(0 if not self._open_pipes else _PIPE_DRAIN_S, self._end)

    def _end(self) -> None:
        """Tell the owner, once."""
        if not self._ended:
            self._ended = True
            if self._on_end is not None:
                self._on_end()

    def _stdin(self) -> asyncio.WriteTransport | None:
        """Return stdin's transport while there is one."""
        return cast("asyncio.WriteTransport | None", self._pipe(_STDIN))

    def _pipe(self, fd: int) -> asyncio.BaseTransport | None:
        """Return a pipe's transport while there is one."""
        return None if self._transport is None else self._transport.get_pipe_transport(fd)


class _StraightFromStdout(asyncio.Protocol):
    """Takes the data of a stdout in the turn of the event loop in which it was read.

    The protocol that asyncio puts there passes data on in the next turn only, which costs every call a turn. It is kept
    for the end of the pipe, by which asyncio knows that a process is over.
    """

    def __init__(self, former: asyncio.Protocol, on_data: Callable[[bytes], None]) -> None:
        self._former = former
        self._on_data = on_data

    @classmethod
    def take_over(cls, transport: asyncio.SubprocessTransport, on_data: Callable[[bytes], None]) -> None:
        """Take the data of a process's stdout from now on; what was read before has been passed on by then."""
        pipe = transport.get_pipe_transport(_STDOUT)
        if pipe is not None:
            pipe.set_protocol(cls(cast("asyncio.Protocol", pipe.get_protocol()), on_data))

    def data_received(self, data: bytes) -> None:
        """Pass data on."""
        self._on_data(data)

    def eof_received(self) -> bool | None:
        """Tell the former protocol."""
        return self._former.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the former protocol."""
        self._former.connection_lost(exc)


def _spawn_fault(launch: Launch, problem: OSError | ValueError) -> Fault:
    """Return why a command could not be started."""
    program = launch.command[0] if launch.command else ""
    if isinstance(problem, ValueError):
        return Fault(kind=FaultKind.WRONG_ARGUMENTS, message=f"{program!r} cannot be started: {problem}")
    if launch.cwd is not None and not launch.cwd.is_dir():
        return Fault(
            kind=FaultKind.WRONG_ARGUMENTS,
            message=f"the working directory {str(launch.cwd)!r} does not exist",
            hint="create it or correct cwd",
        )
    if isinstance(problem, FileNotFoundError) and (found := shutil.which(program) or _existing(launch, program)):
        return Fault(
            kind=FaultKind.NOT_INSTALLED,
            message=f"command {program!r} cannot be started: the interpreter that {found} names was not found",
            hint="install that interpreter, or correct the file's first line",
        )
    if isinstance(problem, FileNotFoundError):
        return Fault(
            kind=FaultKind.NOT_INSTALLED,
            message=f"command {program!r} was not found",
            hint="install it, or give its full path: the server gets our PATH, no shell aliases",
        )
    return Fault(
        kind=FaultKind.NOT_EXECUTABLE,
        message=f"command {program!r} cannot be executed: {problem.strerror or problem}",
        hint="check that it is a program and has the x permission",
    )


def _existing(launch: Launch, program: str) -> str | None:
    """Return the path of a program that is given by path and exists, although it could not be started."""
    path = (launch.cwd or Path()) / program
    return str(path) if "/" in program and path.is_file() else None
