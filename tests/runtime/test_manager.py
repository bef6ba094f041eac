from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest
from fleets import PATIENCE_S, raw_spec, script_spec

from mcp_assay.core.errors import ConnectError, UsageError
from mcp_assay.core.faults import FaultKind
from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.runtime.states import ServerState
from mcp_assay.runtime.supervision import WatchPolicy

pytestmark = pytest.mark.asyncio

EAGER = WatchPolicy(interval_s=0.1, answer_s=0.5, restart_after=2, backoff=Backoff(base_s=0.0, cap_s=0.0, attempts=3))


async def until(manager, name, state):
    """Return the states a server went through up to the wanted one."""
    seen = []
    with manager.events.subscribe() as events:
        if manager.server(name).state is state:
            return seen
        async for event in events:
            if event.server == manager.server(name).id:
                seen.append(event.state)
                if event.state is state:
                    break
    return seen


def history(manager):
    """Return a list that grows with every change of a state."""
    seen = []
    manager.events.listen(lambda event: seen.append((event.server, event.state)))
    return seen


async def test_a_good_and_a_bad_server_end_in_different_states(connector):
    specs = [raw_spec("good"), raw_spec("bad", "--fault", "exit-at-once")]
    async with asyncio.timeout(PATIENCE_S), MCPClientManager(specs, connector=connector) as manager:
        seen = history(manager)
        await manager.connect_all()
        assert seen.index(("c::bad", ServerState.FAILED)) >= 1
        assert [manager.server(name).state for name in ("good", "bad")] == [ServerState.READY, ServerState.FAILED]
        assert [tool.name for tool in await manager.get_server_tools("good")][:2] == ["echo", "add"]
        with pytest.raises(ConnectError):
            await manager.get_server_tools("bad")
    assert manager.server("good").state is ServerState.STOPPED


async def test_a_server_that_never_answers_does_not_keep_the_others_waiting(connector):
    specs = [raw_spec("silent", "--fault", "never-answer=initialize", "--era", "handshake"), raw_spec("good")]
    async with asyncio.timeout(PATIENCE_S), MCPClientManager(specs, connector=connector) as manager:
        connecting = asyncio.ensure_future(manager.connect_all())
        await until(manager, "good", ServerState.READY)
        assert manager.server("silent").state is ServerState.STARTING
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)


async def test_an_unknown_or_ambiguous_name_is_a_usage_error(connector):
    async with MCPClientManager([raw_spec("one")], connector=connector) as manager:
        with pytest.raises(UsageError, match="'two' is not configured"):
            manager.server("two")


async def test_a_loss_is_told_but_nothing_is_restarted_unless_asked_for(fleet):
    async with fleet(raw_spec("one")) as here:
        seen = history(here.manager)
        await here.kill("one")
        assert seen == [("c::one", ServerState.FAILED)]
        assert not here.manager.server("one").connected
        assert (await here.manager.connect_to_server("one")).connected
        assert here.manager.server("one").restarts == 1


async def test_callers_that_reconnect_at_once_share_one_new_process(fleet):
    async with fleet(raw_spec("one")) as here:
        await here.kill("one")
        await asyncio.gather(*(here.manager.connect_to_server("one") for _ in range(5)))
        assert here.manager.server("one").restarts == 1


async def test_a_killed_server_is_started_again_when_watched(fleet):
    async with fleet(raw_spec("one"), watch=EAGER) as here:
        first = here.pid("one")
        seen = history(here.manager)
        await here.kill("one")
        assert await here.manager.wait_until_ready(here.manager.server("one"), timeout_s=20.0)
        await until(here.manager, "one", ServerState.READY)
        assert seen == [("c::one", ServerState.RECONNECTING), ("c::one", ServerState.READY)]
        assert here.pid("one") != first


async def test_a_call_waits_for_a_server_that_is_on_its_way_back(fleet):
    async with fleet(raw_spec("one"), watch=EAGER) as here:
        await here.kill("one")
        outcome = await here.executor.route_tool_call("one.echo", {"text": "x"})
        assert (outcome.succeeded, outcome.attempts) == (True, 1)


async def test_a_hung_server_is_degraded_and_then_started_again(fleet):
    async with fleet(raw_spec("one"), watch=EAGER) as here:
        first = here.pid("one")
        seen = history(here.manager)
        os.kill(first, signal.SIGSTOP)
        await until(here.manager, "one", ServerState.RECONNECTING)
        await until(here.manager, "one", ServerState.READY)
        assert [state for _, state in seen] == [ServerState.DEGRADED, ServerState.RECONNECTING, ServerState.READY]
        assert here.pid("one") != first


async def test_a_server_that_stumbles_once_recovers_without_a_restart(fleet):
    policy = WatchPolicy(interval_s=0.1, answer_s=0.3, restart_after=1_000)
    async with fleet(raw_spec("one"), watch=policy) as here:
        first = here.pid("one")
        os.kill(first, signal.SIGSTOP)
        await until(here.manager, "one", ServerState.DEGRADED)
        os.kill(first, signal.SIGCONT)
        await until(here.manager, "one", ServerState.READY)
        assert here.pid("one") == first


async def test_a_server_that_dies_again_and_again_has_failed_in_the_end(fleet, tmp_path):
    policy = WatchPolicy(interval_s=30.0, backoff=Backoff(base_s=0.0, attempts=10), most=2.0)
    async with fleet(raw_spec("one"), watch=policy) as here:
        restarts = 0
        while here.manager.server("one").state is not ServerState.FAILED:
            if here.manager.server("one").connected:
                await here.kill("one")
                restarts += 1
            await asyncio.sleep(0.01)
        assert (restarts, here.manager.server("one").restarts) == (3, 2)
        outcome = await here.executor.route_tool_call("one.echo", {"text": "x"})
        assert outcome.error == "one is not connected"


async def test_a_server_that_cannot_be_started_again_has_failed(fleet, tmp_path):
    script = tmp_path / "once.py"
    script.write_text(
        f"import os, sys\nos.execv(sys.executable, [sys.executable, {str(raw_spec('x').command[3])!r}])\n"
    )
    async with fleet(script_spec("one", sys.executable, str(script)), watch=EAGER) as here:
        script.unlink()
        await here.kill("one")
        await until(here.manager, "one", ServerState.FAILED)
        assert here.manager.server("one").restarts == 3
        assert here.manager.server("one").fault.kind is not FaultKind.CLOSED


async def test_leaving_ends_everything_also_while_a_server_is_on_its_way_back(fleet):
    slow = WatchPolicy(backoff=Backoff(base_s=3600.0, cap_s=3600.0, random=lambda: 1.0))
    before = asyncio.all_tasks()
    async with fleet(raw_spec("one"), raw_spec("two"), watch=slow) as here:
        await here.kill("one")
        two = here.pid("two")
        await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before
    with pytest.raises(ProcessLookupError):
        os.kill(two, 0)


async def test_a_subscriber_that_does_not_keep_up_loses_the_oldest_news(fleet):
    async with fleet(raw_spec("one")) as here:
        with here.manager.events.subscribe(size=2) as events:
            for _ in range(3):
                await here.manager.reconnect(here.manager.server("one"))
        assert [event.state async for event in events] == [ServerState.RECONNECTING, ServerState.READY]
        assert events.dropped == 4
