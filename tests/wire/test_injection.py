"""What we inject between us and a server is seen as such, and over when we say so."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from mcp_assay.core.faults import FaultKind
from mcp_assay.wire.injection import Disturbance, WireFaults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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


@pytest_asyncio.fixture
async def wire(connector: Connector, raw: Callable) -> AsyncIterator[Wire]:
    faults = WireFaults()
    session = await replace(connector, faults=faults).open_session(raw())
    yield Wire(session, faults)
    await session.close()


async def test_nothing_goes_wrong_at_first(wire: Wire) -> None:
    assert (await wire.echo()).succeeded


@pytest.mark.parametrize("direction", ["requests", "answers"])
async def test_what_is_dropped_never_arrives_and_what_comes_after_does(wire: Wire, direction: str) -> None:
    setattr(wire.faults, direction, Disturbance(drop=True))
    assert (await wire.echo(timeout_s=0.2)).fault.kind is FaultKind.TIMEOUT
    wire.faults.heal()
    assert (await wire.echo()).succeeded


async def test_a_corrupt_answer_is_unreadable_and_never_another_answer(wire: Wire) -> None:
    wire.faults.answers = Disturbance(corrupt=True)
    assert (await wire.echo()).fault.kind is FaultKind.UNREADABLE
    wire.faults.heal()
    assert (await wire.echo()).succeeded


async def test_a_delayed_answer_comes_late_and_unchanged(wire: Wire) -> None:
    wire.faults.answers = Disturbance(delay_s=0.2)
    late = await wire.echo()
    assert late.succeeded
    assert late.duration_s >= 0.2


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
