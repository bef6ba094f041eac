"""One process that dies takes nobody with it."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.cross_server.together import disturbing_alone
from mcp_assay_suites.observing.judging import counted, listed, shown
from mcp_assay_suites.observing.probing import heartbeat_method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.readiness.subject import ServerUnderTest, Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

_POLL_S = 0.02
_MOST_POLLS = 100
_KILLED = "CROSS-002 killed an instance"


@check("CROSS-002", category=Category.CROSS_SERVER)
async def failure_contained(subject: Subject) -> Judgement:
    """Judge whether this server and its neighbours go on while a second instance of it is killed."""
    if (await subject.server.session()).channel.transport.pid is None:
        return not_applicable("the server's process is not ours to kill")
    try:
        return await _killed(subject)
    except ConnectError as problem:
        return skipped(f"a second instance of the server cannot be used: {problem.fault.message}")


async def _killed(subject: Subject) -> Judgement:
    """Start a second instance, kill it and ask everybody who answered before.

    Raises:
        ConnectError: The second instance cannot be started.
        UnavailableError: The server is down.
    """
    async with subject.server.fresh_session() as second:
        pid = second.channel.transport.pid
        if pid is None or not second.alive:
            return skipped("the second instance ended by itself")
        async with disturbing_alone(subject.run):
            answering = [
                one for one, exchange in await _asked([subject.server, *subject.others]) if _answered(exchange)
            ]
            if subject.server not in answering:
                return skipped("the server did not answer before anything was killed")
            os.kill(pid, signal.SIGKILL)
            await _gone(second)
            after = await _asked(answering)
            subject.server.memory[_KILLED] = True
    silent = [(one, exchange) for one, exchange in after if not _answered(exchange)]
    if not silent:
        return passed(
            f"it and {counted(len(answering) - 1, 'other server')} went on while an instance of it was killed"
        )
    return violated(
        "every server goes on while an instance of this one is killed",
        f"no answer afterwards from {listed([_account(one, exchange) for one, exchange in silent])}",
        exchange=None if silent[0][1] is None else silent[0][1].evidence(),
    )


async def _gone(second: ServerSession) -> None:
    """Wait until the end of an instance was noticed, or give up: what others answer counts either way."""
    for _ in range(_MOST_POLLS):
        if not second.alive:
            return
        await asyncio.sleep(_POLL_S)


@check("ADV-013", category=Category.CROSS_SERVER)
async def reconnect(subject: Subject) -> Judgement:
    """Judge whether the server can be started again after an instance of it was killed."""
    if (await subject.server.session()).channel.transport.pid is None:
        return not_applicable("the server's process is not ours to kill")
    if _KILLED not in subject.server.memory:
        try:
            await _killed(subject)
        except ConnectError as problem:
            return skipped(f"a second instance of the server cannot be used: {problem.fault.message}")
    expected = "the server starts again after it was killed"
    try:
        async with subject.server.fresh_session() as again:
            exchange = await again.request(heartbeat_method(again), timeout_s=again.limits.list_s)
    except ConnectError as problem:
        evidence = {"fault": problem.fault.kind.value, "stderr_tail": problem.fault.stderr_tail[-2_000:]}
        return violated(expected, f"it did not: {problem.fault.message}", exchange=evidence)
    if exchange.message is None:
        return violated(expected, f"it started but gave no answer: {exchange.describe()}", exchange=exchange.evidence())
    return passed("it started again and answered")


async def _asked(servers: Sequence[ServerUnderTest]) -> list[tuple[ServerUnderTest, Exchange | None]]:
    """Ask servers for a sign of life, all at once; None stands for one that is known to be down."""

    async def ask(server: ServerUnderTest) -> tuple[ServerUnderTest, Exchange | None]:
        session = server.managed.session
        if session is None or not session.alive:
            return server, None
        return server, await session.request(heartbeat_method(session), timeout_s=session.limits.list_s)

    return await asyncio.gather(*(ask(server) for server in servers))


def _answered(exchange: Exchange | None) -> bool:
    """Return whether a sign of life came."""
    return exchange is not None and exchange.message is not None


def _account(server: ServerUnderTest, exchange: Exchange | None) -> str:
    """Return who fell silent and how."""
    return f"{shown(server.name)} ({'it is down' if exchange is None else exchange.describe()})"


CHECKS = (failure_contained, reconnect)
