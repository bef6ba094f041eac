"""What a server does with a call that nobody waits for any more."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.readiness.check import Scope
from mcp_assay.wire.messages import AnomalyKind
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.arguments import input_schema
from mcp_assay_suites.exercising.cases import canonical
from mcp_assay_suites.exercising.durations import lengthened
from mcp_assay_suites.exercising.limits import may_try
from mcp_assay_suites.exercising.shared import valid_calls
from mcp_assay_suites.observing.probing import heartbeat

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.messages import Anomaly
    from mcp_assay.wire.session import ServerSession
    from mcp_assay_suites.exercising.cases import Case

ASKED_S = 0.6
"""How long a tool that can be asked to take its time is asked to take."""

_LEAST_S = 0.25
_MOST_S = 5.0
_CANCELLED_AFTER = 0.25
_TIMES = 2
"""How many calls in a row must show it: a server with threads may write an answer while it reads the cancellation."""

_MARGIN_S = 0.5


@check("STDIO-004", category=Category.EXECUTION, measures=True, scope=Scope.TOOL)
async def cancelled_silence(subject: Subject) -> Judgement:
    """Judge whether a call that was cancelled half-way is answered all the same."""
    if not subject.the_tool.decision.allowed:
        return skipped(subject.the_tool.decision.reason)
    if not may_try(subject.the_tool):
        return not_applicable("asked only of tools that claim readOnlyHint: true and openWorldHint: false")
    calls = await valid_calls(subject)
    slow = await _slow_call(subject, calls.successes)
    if slow is None:
        return not_applicable("no call of it takes long enough to be cancelled on the way")
    arguments, seconds = slow
    session = await subject.server.session()
    late: Anomaly | None = None
    for _ in range(_TIMES):
        late = await _late_answer(subject, session, arguments, seconds)
        if late is None:
            break
    if not session.alive:
        return skipped(f"the server ended while a call was cancelled: {session.channel.ended}")
    if late is None:
        after_s = seconds * _CANCELLED_AFTER
        return passed(
            f"{canonical(arguments)} was cancelled after {after_s:.2g} s; no answer followed once that was read"
        )
    expected = "after notifications/cancelled no message for the request follows"
    observed = f"{canonical(arguments)} was cancelled on the way and answered all the same"
    exchange = {"method": "tools/call", "response": late.raw.decode("utf-8", "replace")}
    return replace(violated(expected, observed, exchange=exchange), arguments=arguments)


async def _slow_call(subject: Subject, worked: list[Case]) -> tuple[JsonObject, float] | None:
    """Return arguments with which the tool takes a while, and the seconds it then takes."""
    if not worked:
        return None
    slowest = max(worked, key=lambda case: case.exchange.duration_s)
    if slowest.exchange.duration_s >= _LEAST_S:
        return (slowest.arguments, slowest.exchange.duration_s) if slowest.exchange.duration_s <= _MOST_S else None
    asked = lengthened(input_schema(subject), worked[0].arguments, ASKED_S)
    if asked is None or not (await subject.run.schemas.validate(input_schema(subject), asked)).clean:
        return None
    exchange = await subject.server.call_tool(subject.the_tool.name, asked)
    return (asked, exchange.duration_s) if exchange.succeeded and exchange.duration_s >= _LEAST_S else None


async def _late_answer(
    subject: Subject, session: ServerSession, arguments: JsonObject, seconds: float
) -> Anomaly | None:
    """Cancel a call on its way and return the answer that came although the server knew of that, or None.

    It knows once it has answered a request that was sent after the cancellation, for a stream is read in order.
    Whatever came before may have been on its way, however long that takes on a busy machine.
    """
    name, identity = subject.the_tool.name, session.channel.new_id()
    subject.server.count_calls(name)
    params: JsonObject = {"name": name, "arguments": arguments}
    waiting = asyncio.ensure_future(session.request("tools/call", params, request_id=identity))
    await asyncio.sleep(seconds * _CANCELLED_AFTER)
    waiting.cancel()
    await asyncio.wait({waiting})
    known = await heartbeat(session)
    known_at = subject.run.clock.monotonic() if known.message is not None else math.inf
    await asyncio.sleep(seconds * (1 - _CANCELLED_AFTER) + _MARGIN_S)
    late = (found for found in session.log.anomalies if found.kind is AnomalyKind.LATE)
    after = (found for found in late if found.at > known_at)
    return next((found for found in after if found.detail.startswith(f"id {identity!r} ")), None)


CHECKS = (cancelled_silence,)
