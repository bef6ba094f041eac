"""Fleets of real raw servers for tests of the runtime, and a clock that stands still."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_assay.config.spec import ServerSpec, Template, TransportKind
from mcp_assay.wire.limits import Limits

if TYPE_CHECKING:
    from mcp_assay.runtime.executor import MultiServerExecutor
    from mcp_assay.runtime.manager import MCPClientManager
    from mcp_assay.runtime.registry import DynamicToolRegistry

RAW_SERVER = Path(__file__).parents[1] / "servers" / "raw.py"

PATIENCE_S = 40.0
LIMITS = Limits(start_s=30.0, list_s=20.0, call_s=20.0, probe_s=1.0, exit_s=0.3, terminate_s=0.5)


@dataclass
class FakeClock:
    """A clock that tests move by hand."""

    at: float = 1_000.0

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.at)


def raw_spec(name: str, *options: str) -> ServerSpec:
    """Return the specification of a raw server."""
    command = (sys.executable, "-S", "-E", str(RAW_SERVER), *options)
    return script_spec(name, *command)


def script_spec(name: str, *command: str) -> ServerSpec:
    """Return the specification of any stdio server."""
    parts = tuple(Template.literal(part) for part in command)
    return ServerSpec(name=name, config="c", path=None, line=0, transport=TransportKind.STDIO, command=parts)


@dataclass
class Fleet:
    """Connected servers and everything above them."""

    manager: MCPClientManager
    registry: DynamicToolRegistry
    executor: MultiServerExecutor

    def pid(self, name: str) -> int:
        session = self.manager.server(name).session
        assert session is not None
        pid = session.channel.transport.pid
        assert pid is not None
        return pid

    async def kill(self, name: str) -> None:
        """Kill a server and wait until that has been noticed."""
        session = self.manager.server(name).session
        assert session is not None
        gone = asyncio.Event()
        session.channel.on_end(lambda _: gone.set())
        os.kill(self.pid(name), signal.SIGKILL)
        await gone.wait()
