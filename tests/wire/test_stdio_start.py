"""What a server says before anybody listens is heard all the same."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.core.clock import SystemClock
from mcp_assay.wire.channel import Channel
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.messages import AnomalyKind
from mcp_assay.wire.reaper import Reaper
from mcp_assay.wire.stdio import StdioTransport

if TYPE_CHECKING:
    from mcp_assay.wire.messages import Anomaly

BANNER = 'import sys; print("ready", flush=True); sys.stdin.read()'


async def heard_of(reaper: Reaper) -> tuple[Anomaly, ...]:
    """Attach a channel only when the banner has been read, and return what it found odd."""
    command = (sys.executable, "-S", "-E", "-c", BANNER)
    launch = Launch(name="early", transport=TransportKind.STDIO, command=command, cwd=Path.cwd())
    transport = await StdioTransport.open(launch, Limits(), reaper)
    async with asyncio.timeout(20):
        while not transport._early:  # noqa: ASYNC110  (a transport without a receiver tells nobody)
            await asyncio.sleep(0)
    channel = Channel(transport, Limits(), SystemClock())
    transport.attach(channel)
    await channel.close()
    return channel.log.anomalies


def test_a_line_that_comes_before_anybody_listens_is_kept() -> None:
    reaper = Reaper()
    try:
        (found,) = asyncio.run(heard_of(reaper))
    finally:
        reaper.close()
    assert (found.kind, found.raw) == (AnomalyKind.NOISE, b"ready")
