"""Makes a tool's calls, each once: no call is retried, and none is made again for another check."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_assay.readiness.subject import UnavailableError
from mcp_assay_suites.exercising.arguments import valid_arguments, wrong_arguments
from mcp_assay_suites.exercising.cases import Calls, Case
from mcp_assay_suites.exercising.limits import OPEN_WORLD_CALLS, OPEN_WORLD_VALID, calls_left, is_open_world
from mcp_assay_suites.observing.probing import heartbeat_method

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay_suites.exercising.cases import Flaw

REFUSAL_S = 10.0
"""Seconds for the answer to arguments that are wrong: refusing takes no work."""

_TOOL_S = 45.0
"""Seconds after which no further call of one kind is made to a tool."""

_MOST_ENDED = 2
"""Calls of one kind after which the server had to be started again; a tool gets no more then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A call to be made; see `Case`."""

    arguments: JsonObject
    flaw: Flaw | None = None
    given: bool = False


async def valid_calls(subject: Subject) -> Calls:
    """Return the calls with valid arguments, made now or before: the user's own arguments first, then the plainest."""
    return await _once(subject, "valid", _make_valid)


async def wrong_calls(subject: Subject) -> Calls:
    """Return the calls with arguments that break the input schema, made now or before."""
    return await _once(subject, "wrong", _make_wrong)


async def call(subject: Subject, planned: Planned, *, sign_of_life: bool = False) -> Case:
    """Call the tool once and return the case; a server that it ends or blocks is started again.

    After wrong arguments, and after a call without a proper answer, the server is asked for a sign of life.

    Args:
        subject: The tool.
        planned: The call.
        sign_of_life: Whether the server is asked for one in any case.

    Raises:
        UnavailableError: The server is down before the call.
    """
    session = await subject.server.session()
    limit = session.limits.call_s
    exchange = await subject.server.call_tool(
        subject.the_tool.name, planned.arguments, timeout_s=limit if planned.flaw is None else min(REFUSAL_S, limit)
    )
    case = Case(arguments=planned.arguments, exchange=exchange, flaw=planned.flaw, given=planned.given)
    if case.ended_server:
        await _revive(subject)
    elif sign_of_life or planned.flaw is not None or exchange.fault is not None:
        return await _with_sign_of_life(subject, case)
    return case


async def calls_at_once(subject: Subject, planned: Iterable[Planned]) -> list[Case]:
    """Make calls that are open at the same time; a server that they end or block is started again afterwards.

    Raises:
        UnavailableError: The server is down before the calls.
    """
    session, name, made = await subject.server.session(), subject.the_tool.name, list(planned)
    subject.server.calls[name] = subject.server.calls.get(name, 0) + len(made)
    exchanges = await asyncio.gather(*(session.call_tool(name, item.arguments) for item in made))
    cases = [Case(arguments=item.arguments, exchange=exchange) for item, exchange in zip(made, exchanges, strict=True)]
    cases[-1] = await _with_sign_of_life(subject, cases[-1])
    return cases


async def _with_sign_of_life(subject: Subject, case: Case) -> Case:
    """Return the case with the server's sign of life after it; a server without one is started again."""
    after = await _sign_of_life(subject)
    case = replace(case, after=after)
    if case.silenced_server:
        await _revive(subject)
    return case


async def _sign_of_life(subject: Subject) -> Exchange:
    """Ask the instance that was called, and no other, for a sign of life."""
    session = subject.server.managed.session
    if session is None:
        raise UnavailableError("the server is not connected")
    # A live session is asked through the server, so that an answer ends its row of faults.
    ask = subject.server.request if session.alive else session.request
    return await ask(heartbeat_method(session), timeout_s=session.limits.list_s)


async def _revive(subject: Subject) -> None:
    """Start the server again; that it does not come back is said by whoever needs it next."""
    try:
        await subject.server.revive()
    except UnavailableError:
        return


async def _once(subject: Subject, kind: str, make: Callable[[Subject, Calls], Awaitable[str | None]]) -> Calls:
    """Return the tool's calls of one kind, made unless an earlier check began to."""
    key = f"exercising.{kind}.{subject.the_tool.slug}"
    calls = subject.server.memory.setdefault(key, Calls())
    if not isinstance(calls, Calls):
        raise TypeError(f"memory {key!r} holds something else")
    if not calls.begun:
        calls.begun, calls.problem = True, "the calls were cut short"
        try:
            calls.problem = await make(subject, calls)
        except UnavailableError as problem:
            calls.problem = problem.message
    return calls


async def _make_valid(subject: Subject, calls: Calls) -> str | None:
    """Make the valid calls; return why there are fewer than planned."""
    tool, count = subject.the_tool, subject.run.settings.examples
    if is_open_world(tool):
        count = OPEN_WORLD_VALID
    own = tool.decision.arguments
    planned = [] if own is None else [Planned(arguments=own, given=True)]
    chosen = await valid_arguments(subject, count)
    planned += [Planned(arguments=arguments) for arguments in chosen.arguments]
    problem = await _make(subject, calls, planned[:count])
    if calls.cases and not calls.cases[-1].ended_server and calls.cases[-1].after is None:
        calls.cases[-1] = await _with_sign_of_life(subject, calls.cases[-1])
    return problem or chosen.problem


async def _make_wrong(subject: Subject, calls: Calls) -> str | None:
    """Make the calls with wrong arguments; return why there are fewer than planned."""
    wrong = await wrong_arguments(subject, subject.run.settings.examples)
    return await _make(subject, calls, [Planned(arguments=item.arguments, flaw=item.flaw) for item in wrong])


async def _make(subject: Subject, calls: Calls, planned: Iterable[Planned]) -> str | None:
    """Make calls until all are made or something speaks against more; return what that is.

    Raises:
        UnavailableError: The server is down.
    """
    clock, tool = subject.run.clock, subject.the_tool
    deadline = clock.monotonic() + _TOOL_S
    for item in planned:
        if calls_left(subject.server, tool) == 0:
            return f"a tool with openWorldHint gets at most {OPEN_WORLD_CALLS} calls"
        if clock.monotonic() >= deadline:
            return f"the calls took {_TOOL_S:g} s"
        case = await call(subject, item)
        calls.cases.append(case)
        if case.timed_out:
            return "it is not called again after a call that was not answered in time"
        if sum(case.ended_server or case.silenced_server for case in calls.cases) >= _MOST_ENDED:
            return "it is not called again after it ended the server"
    return None
