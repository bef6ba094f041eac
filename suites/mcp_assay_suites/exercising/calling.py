"""Makes single calls of a tool. None is ever retried; a server that one ends or blocks is started again."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mcp_assay.readiness.subject import UnavailableError
from mcp_assay_suites.exercising.cases import Case
from mcp_assay_suites.observing.probing import heartbeat_method

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.made_calls import Past
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay_suites.exercising.cases import Flaw
    from mcp_assay_suites.exercising.known_values import Known

REFUSAL_S = 10.0
"""Seconds for the answer to arguments that are wrong: refusing takes no work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A call to be made; see `Case`."""

    arguments: JsonObject
    flaw: Flaw | None = None
    given: bool = False
    told: bool = False
    uses: Mapping[str, Known] = field(default_factory=dict[str, "Known"])

    def case(self, exchange: Exchange, past: Past | None = None) -> Case:
        """Return the call as made, after what the server was called with before."""
        return Case(
            arguments=self.arguments,
            exchange=exchange,
            flaw=self.flaw,
            given=self.given,
            told=self.told,
            uses=self.uses,
            past=past,
        )


async def call(
    subject: Subject, planned: Planned, *, sign_of_life: bool = False, timeout_s: float | None = None
) -> Case:
    """Call the tool once and return the case; a server that it ends or blocks is started again.

    After wrong arguments, and after a call without a proper answer, the server is asked for a sign of life.

    Args:
        subject: The tool.
        planned: The call.
        sign_of_life: Whether the server is asked for one in any case.
        timeout_s: Seconds to wait for the answer, at most the limit for calls; by default that limit, less for wrong
            arguments.

    Raises:
        UnavailableError: The server is down before the call.
    """
    session = await subject.server.session()
    usual_s = math.inf if planned.flaw is None else REFUSAL_S
    patience_s = min(usual_s if timeout_s is None else timeout_s, session.limits.call_s)
    past = subject.server.past
    exchange = await subject.server.call_tool(subject.the_tool.name, planned.arguments, timeout_s=patience_s)
    case = planned.case(exchange, past)
    if case.ended_server:
        await _revive(subject)
    elif sign_of_life or planned.flaw is not None or exchange.fault is not None:
        return await with_sign_of_life(subject, case)
    return case


async def calls_at_once(subject: Subject, planned: Iterable[Planned]) -> list[Case]:
    """Make calls that are open at the same time; a server that they end or block is started again afterwards.

    Raises:
        UnavailableError: The server is down before the calls.
    """
    session, name, made = await subject.server.session(), subject.the_tool.name, list(planned)
    subject.server.count_calls(name, len(made))
    exchanges = await asyncio.gather(*(session.call_tool(name, item.arguments) for item in made))
    cases = [item.case(exchange) for item, exchange in zip(made, exchanges, strict=True)]
    cases[-1] = await with_sign_of_life(subject, cases[-1])
    return cases


async def with_sign_of_life(subject: Subject, case: Case) -> Case:
    """Return the case with the server's sign of life after it; a server without one is started again."""
    after = await _sign_of_life(subject)
    case = replace(case, after=after)
    if case.silenced_server:
        await _revive(subject)
    return case


async def with_end_seen(subject: Subject, case: Case) -> Case:
    """Return the case with the server's end after it, where it ended once it had answered; else as it is.

    The next call would start it again, and nobody would know.
    """
    session = subject.server.managed.session
    if session is None or session.alive or case.ended_server or case.after is not None:
        return case
    return await with_sign_of_life(subject, case)


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
