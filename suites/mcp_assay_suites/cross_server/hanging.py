"""One process that hangs holds nobody up, and goes on when it can."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.cross_server.together import disturbing_alone
from mcp_assay_suites.observing.judging import counted, listed, shown
from mcp_assay_suites.observing.probing import heartbeat_method

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_assay.readiness.subject import ServerUnderTest, Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

_LOOK_S = 0.01
_MOST_LOOKS = 100


@check("CROSS-004", category=Category.CROSS_SERVER)
async def hang_contained(subject: Subject) -> Judgement:
    """Judge whether this server and its neighbours answer while a second instance of it is held, and it after that."""
    if (await subject.server.session()).channel.transport.pid is None:
        return not_applicable("the server's process is not ours to hold")
    try:
        async with subject.server.fresh_session() as second, disturbing_alone(subject.run):
            return await _held(subject, second)
    except ConnectError as problem:
        return skipped(f"a second instance of the server cannot be used: {problem.fault.message}")


async def _held(subject: Subject, second: ServerSession) -> Judgement:
    """Hold an instance, ask everybody, and let it go on."""
    pid = second.channel.transport.pid
    before = await answering([subject.server, *subject.others])
    if pid is None or subject.server not in before or not await _alive(second):
        return skipped("the server did not answer before anything was held")
    try:
        os.kill(pid, signal.SIGSTOP)
        await _until_held(pid)
        silent = await silent_of(before)
        # One that was slow for a moment is asked once more before anybody is accused.
        silent = await silent_of(silent)
    except ProcessLookupError:
        return skipped("the second instance ended by itself")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    if silent:
        names = listed([shown(one.name) for one in silent])
        return violated("every server goes on while an instance of this one hangs", f"no answer from {names}, twice")
    exchange = await second.request(heartbeat_method(second), timeout_s=second.limits.list_s)
    if exchange.message is None:
        return violated(
            "an instance that was held answers once it may go on", exchange.describe(), exchange=exchange.evidence()
        )
    others = counted(len(before) - 1, "other server")
    return passed(f"it and {others} answered while an instance was held, and that one afterwards")


async def _until_held(pid: int) -> None:
    """Wait until the signal has taken hold of a process, which a busy machine may delay."""
    for _ in range(_MOST_LOOKS):
        if _is_held(pid):
            return
        await asyncio.sleep(_LOOK_S)


def _is_held(pid: int) -> bool:
    """Return whether a process is stopped, or nothing can be said of it."""
    try:
        # The state is the first field after the name in brackets.
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] == "T"
    except OSError:
        return True


async def answering(servers: Iterable[ServerUnderTest]) -> list[ServerUnderTest]:
    """Return those of the servers that give a sign of life when all are asked at once."""
    asked = list(servers)
    answers = await asyncio.gather(*(_sign(server) for server in asked))
    return [
        server for server, exchange in zip(asked, answers, strict=True) if exchange is not None and exchange.message
    ]


async def silent_of(servers: Iterable[ServerUnderTest]) -> list[ServerUnderTest]:
    """Return those of the servers that give none."""
    asked = list(servers)
    alive = await answering(asked)
    return [server for server in asked if server not in alive]


async def _sign(server: ServerUnderTest) -> Exchange | None:
    session = server.managed.session
    if session is None or not session.alive:
        return None
    return await session.request(heartbeat_method(session), timeout_s=session.limits.list_s)


async def _alive(session: ServerSession) -> bool:
    exchange = await session.request(heartbeat_method(session), timeout_s=session.limits.list_s)
    return exchange.message is not None


CHECKS = (hang_contained,)
