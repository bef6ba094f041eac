"""What we inject between us and a server is seen as such, and over when we say so."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.core.faults import FaultKind
from mcp_assay.wire.injection import Disturbance, WireFaults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from mcp_assay.wire.connect import Connector
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

pytestmark = pytest.mark.asyncio


class Wire:
    """A session with a real server and what goes wrong on the way."""

    def __init__(self, session: ServerSession, faults: WireFaults) -> None:
        self.session = session
        self.faults = faults

    async def echo(self, timeout_s: float = 4.0) -> Exchange:
        return await self.session.call_tool("echo", {"text": "x"}, timeout_s=timeout_s)

    async def ended(self) -> FaultKind:
        """Return how the connection ended, when it has."""
        gone = asyncio.Event()
        self.session.channel.on_end(lambda _: gone.set())
        async with asyncio.timeout(8):
            while self.session.channel.ended is None:
                await gone.wait()
        return self.session.channel.ended.kind


@pytest.fixture
def web() -> Iterator[Launch]:
    """Yield the launch of a server over HTTP while it runs."""
    script = Path(__file__).parents[1] / "servers" / "http_raw.py"
    with subprocess.Popen(
        (sys.executable, "-S", "-E", str(script)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        yield Launch(name="web", transport=TransportKind.HTTP, url=server.stdout.readline().strip())
        server.communicate(timeout=8)


@pytest_asyncio.fixture
async def wire(connector: Connector, raw: Callable) -> AsyncIterator[Wire]:
    """Yield a session with a process."""
    async with wired(connector, raw()) as wire:
        yield wire


@pytest_asyncio.fixture(params=["stdio", "http"])
async def any_wire(connector: Connector, raw: Callable, request: pytest.FixtureRequest) -> AsyncIterator[Wire]:
    """Yield a session over each transport."""
    launch = raw() if request.param == "stdio" else request.getfixturevalue("web")
    async with wired(connector, launch) as wire:
        yield wire


@asynccontextmanager
async def wired(connector: Connector, launch: Launch) -> AsyncIterator[Wire]:
    faults = WireFaults()
    session = await replace(connector, faults=faults).open_session(launch)
    yield Wire(session, faults)
    await session.close()


async def test_nothing_goes_wrong_at_first(any_wire: Wire) -> None:
    assert (await any_wire.echo()).succeeded


@pytest.mark.parametrize("direction", ["requests", "answers"])
async def test_what_is_dropped_never_arrives_and_what_comes_after_does(any_wire: Wire, direction: str) -> None:
    setattr(any_wire.faults, direction, Disturbance(drop=True))
    assert (await any_wire.echo(timeout_s=0.2)).fault.kind is FaultKind.TIMEOUT
    any_wire.faults.heal()
    assert (await any_wire.echo()).succeeded


async def test_a_corrupt_answer_is_unreadable_and_never_another_answer(any_wire: Wire) -> None:
    any_wire.faults.answers = Disturbance(corrupt=True)
    assert (await any_wire.echo()).fault.kind is FaultKind.UNREADABLE
    any_wire.faults.heal()
    assert (await any_wire.echo()).succeeded


async def test_a_delayed_answer_comes_late_and_unchanged(any_wire: Wire) -> None:
    any_wire.faults.answers = Disturbance(delay_s=0.2)
    late = await any_wire.echo()
    assert late.succeeded
    assert late.duration_s >= 0.2


async def test_a_cut_connection_fails_everything_after(any_wire: Wire) -> None:
    any_wire.faults.cut()
    assert (await any_wire.echo()).fault.message == "the connection was cut by an injected fault"


async def test_nothing_is_killed_or_held_where_the_process_is_not_ours(connector: Connector, web: Launch) -> None:
    async with wired(connector, web) as wire:
        wire.faults.hold()
        wire.faults.kill()
        assert (await wire.echo()).succeeded


async def test_a_held_process_is_silent_until_it_goes_on(wire: Wire) -> None:
    wire.faults.hold()
    assert (await wire.echo(timeout_s=0.3)).fault.kind is FaultKind.TIMEOUT
    wire.faults.heal()
    assert (await wire.echo()).succeeded


async def test_a_cut_connection_fails_what_is_open_and_everything_after(wire: Wire) -> None:
    wire.faults.hold()
    waiting = asyncio.ensure_future(wire.echo())
    await asyncio.sleep(0)
    wire.faults.cut()
    assert (await waiting).fault.message == "the connection was cut by an injected fault"
    assert (await wire.echo()).fault.kind is FaultKind.CLOSED


async def test_a_killed_process_is_seen_as_killed(wire: Wire) -> None:
    wire.faults.kill()
    assert await wire.ended() is FaultKind.KILLED
    wire.faults.kill()


async def test_an_answer_on_its_way_does_not_outlive_its_connection(wire: Wire) -> None:
    wire.faults.answers = Disturbance(delay_s=0.3)
    waiting = asyncio.ensure_future(wire.echo())
    await asyncio.sleep(0.1)
    wire.faults.cut()
    assert (await waiting).fault.kind is FaultKind.CLOSED
