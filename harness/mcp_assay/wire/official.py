"""What the official client makes of a server: it connects, lists, and calls one tool.

The reference for compatibility: whatever our own driver finds, a server that the SDK cannot use is broken for most
hosts. The client runs in a process of its own, see `mcp_assay.wire.official_main`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.core.clock import SystemClock
from mcp_assay.wire.framing import LineFramer
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.messages import Undecodable, decode
from mcp_assay.wire.negotiation import strings
from mcp_assay.wire.process import ServerProcess
from mcp_assay.wire.reaper import Reaper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.clock import Clock
    from mcp_assay.core.json_types import Json, JsonObject

# Named, not imported: importing it would load the SDK here, which takes longer than all the rest of a start.
_CLIENT = Path(__file__).with_name("official_main.py")
_CLOSE_LIMITS = Limits(exit_s=0.2, terminate_s=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialReport:
    """How the official client fared with a server.

    Attributes:
        ok: Whether it connected, listed, made the call if one was asked for, and closed. A tool's own error counts
            as success: it was understood.
        phase: The last phase it entered: ``start``, ``connect``, ``list``, ``call``, ``close`` or ``done``.
        error: Why it did not finish, in the SDK's words or ours, None when it did.
        protocol: The revision it agreed on, None before that.
        tool_names: The tools it lists, in order.
        call_is_error: Whether the called tool answered with an error of its own, None without a call.
        seconds: How long it took.
        stderr_tail: The last lines that the server and the SDK wrote to stderr.
    """

    ok: bool
    phase: str
    error: str | None
    protocol: str | None = None
    tool_names: tuple[str, ...] = ()
    call_is_error: bool | None = None
    seconds: float = 0.0
    stderr_tail: str = field(default="", repr=False)


async def official_client_report(
    launch: Launch,
    *,
    budget_s: float,
    call: tuple[str, Mapping[str, Json]] | None = None,
    reaper: Reaper | None = None,
    clock: Clock | None = None,
) -> OfficialReport:
    """Let the official client visit a server and return how it fared.

    Args:
        launch: The server. It is started anew; nothing of it is left running.
        budget_s: Seconds for everything; then the client and all that it started are killed.
        call: Name and arguments of a tool to call, or None to call none.
        reaper: Kills what is left if this process dies; by default one for this visit alone.
        clock: Source of time stamps.

    Raises:
        ConnectError: Our own interpreter could not be started; never for what the server or the SDK does.
    """
    now = (clock or SystemClock()).monotonic
    owned = Reaper() if reaper is None else reaper
    visit = _Visit()
    started = now()
    try:
        process = await ServerProcess.spawn(_client_launch(launch), _CLOSE_LIMITS, owned, visit.feed)
        try:
            process.when_ended(visit.over.set, _nothing)
            process.write(_order(launch, call))
            finished = await _within(visit.over, budget_s)
        finally:
            await process.stop()
        unfinished = None if finished else f"it did not finish within {budget_s:g} s"
        report = visit.report(unfinished, process.exit_code)
        return replace(report, seconds=now() - started, stderr_tail=process.stderr.text())
    finally:
        if reaper is None:
            await asyncio.to_thread(owned.close)


class _Visit:
    """Follows the client's phases."""

    def __init__(self) -> None:
        self._framer = LineFramer(Limits().line_bytes)
        self._facts: JsonObject = {"phase": "start"}
        self._error: str | None = None
        self.over = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """Take what the client writes."""
        for line in self._framer.feed(data):
            facts = decode(line) if isinstance(line, bytes) else None
            if facts is None or isinstance(facts, Undecodable):
                continue
            error = facts.get("error")
            if facts.get("phase") == "failed":
                self._error = str(error)
            else:
                self._facts = facts
            if facts.get("phase") in {"failed", "done"}:
                self.over.set()

    def report(self, unfinished: str | None, exit_code: int | None) -> OfficialReport:
        """Return what is known now."""
        phase = str(self._facts.get("phase"))
        error = self._error or unfinished
        if error is None and phase != "done":
            error = f"the client process ended with status {exit_code}"
        is_error, protocol = self._facts.get("call_is_error"), self._facts.get("protocol")
        return OfficialReport(
            ok=phase == "done",
            phase=phase,
            error=error if phase != "done" else None,
            protocol=protocol if isinstance(protocol, str) else None,
            tool_names=strings(self._facts.get("tools")),
            call_is_error=is_error if isinstance(is_error, bool) else None,
        )


def _nothing() -> None:
    """Do nothing: a client that reads no more orders is no news."""


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Return whether the event happens in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _client_launch(launch: Launch) -> Launch:
    """Return how to start the client; the import path is ours because it may come from a test's own settings."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    command = (sys.executable, "-P", str(_CLIENT))
    return Launch(name=launch.name, transport=TransportKind.STDIO, command=command, env={"PYTHONPATH": path})


def _order(launch: Launch, call: tuple[str, Mapping[str, Json]] | None) -> bytes:
    """Return the order for the client as one line; it goes through a pipe because arguments are public."""
    return orjson.dumps(
        {
            "transport": launch.transport.value,
            "command": list(launch.command),
            "env": dict(launch.env),
            "cwd": None if launch.cwd is None else str(launch.cwd),
            "url": launch.url,
            "headers": dict(launch.headers),
            "call": None if call is None else [call[0], dict(call[1])],
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
