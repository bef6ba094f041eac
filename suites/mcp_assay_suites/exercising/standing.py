"""Does a fault show on a server just started, or only after other calls, and after which?

What is found after hundreds of calls may need what one of them left behind. Whoever repeats the finding must know.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.config.spec import TransportKind
from mcp_assay.core.errors import ConnectError
from mcp_assay.readiness.subject import UnavailableError
from mcp_assay_suites.exercising.cases import Needs, canonical
from mcp_assay_suites.exercising.limits import may_explore
from mcp_assay_suites.observing.probing import heartbeat

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.made_calls import MadeCall
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.session import ServerSession
    from mcp_assay_suites.exercising.cases import Case

    Shows = Callable[[Case], Awaitable[bool]]

_MOST_STARTS = 30
"""Instances of a server that are started for this in a whole run."""

_MOST_NARROWING = 6
"""Of them, those that may be spent to find fewer calls that are enough."""

_MOST_REPEATED = 150
"""Calls that are made again to see which of them a fault needs; of more, the last."""

_MOST_TOLD = 4
_SLOWEST_START_S = 5.0
_PATIENCE_S = 2.0
_WALK_S = 15.0
_KEY = "exercising.standing"


async def standing(subject: Subject, case: Case, shows: Shows) -> Case:
    """Return the case with what a server must have gone through to show its fault, as far as that can be found out.

    Args:
        subject: The tool; another instance of its server is called.
        case: A call that shows a fault.
        shows: Whether another call shows it too.
    """
    if not _is_worth_it(subject, case):
        return case
    search = _Search(subject, case, shows)
    try:
        if await search.shows_after(()):
            return replace(case, needs=Needs(calls=()))
        return replace(case, needs=Needs(calls=await search.enough()))
    except (ConnectError, UnavailableError):
        return case


def _is_worth_it(subject: Subject, case: Case) -> bool:
    """Return whether the question can be asked and answered within reasonable time."""
    session, spec = subject.server.managed.session, subject.server.managed.spec
    # Over HTTP another session may well reach the same process.
    alone = spec.transport is TransportKind.STDIO and session is not None and session.started_s <= _SLOWEST_START_S
    asked = subject.run.settings.confirm and case.past is not None and may_explore(subject)
    return asked and alone and not case.timed_out and _starts(subject) < _MOST_STARTS


def _starts(subject: Subject) -> int:
    """Return how many instances were started so far."""
    count = subject.server.memory.get(_KEY, 0)
    return count if isinstance(count, int) else 0


def scalars(value: Json) -> set[str]:
    """Return the texts, and numbers but the smallest, in a value, as JSON."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return set[str]().union(*map(scalars, parts))
    small = value is None or isinstance(value, bool) or value == "" or (isinstance(value, int) and abs(value) <= 1)
    return set() if small else {canonical(value)}


class _Search:
    """Repeats calls on instances of a server that nobody else uses."""

    def __init__(self, subject: Subject, case: Case, shows: Shows) -> None:
        self._subject = subject
        self._case = case
        self._shows = shows
        self._narrowing = _MOST_NARROWING

    async def shows_after(self, before: Sequence[MadeCall]) -> bool:
        """Return whether the fault shows on a server that was just started and got some calls."""
        async with AsyncExitStack() as stack:
            session = await self._started(stack)
            for made in before:
                if not await self._repeated(session, made):
                    return False
            return await self._is_shown(session)

    async def enough(self) -> tuple[MadeCall, ...] | None:
        """Return a few calls after which the fault shows, or None when they are many or unknown."""
        past = self._case.past.calls if self._case.past is not None else ()
        tools = {tool.name for tool in self._subject.server.tools if tool.decision.allowed}
        made = [call for call in past if call.tool in tools]
        given = scalars(self._case.arguments)
        related = [call for call in made if given & scalars(call.arguments)]
        # What made something mostly shares a name or a path with what asks for it: these are few and soon repeated.
        for some in (related[-_MOST_REPEATED:], made[-_MOST_REPEATED:]):
            last = await self._last_needed(some)
            if last is not None:
                return await self._narrowed(some[: last + 1])
        return None

    async def _last_needed(self, made: Sequence[MadeCall]) -> int | None:
        """Return after which of the calls the fault shows first, or None: one instance gets them all in turn."""
        clock = self._subject.run.clock
        deadline = clock.monotonic() + _WALK_S
        async with AsyncExitStack() as stack:
            session = await self._started(stack)
            for index, call in enumerate(made):
                if clock.monotonic() >= deadline or not await self._repeated(session, call):
                    return None
                if await self._is_shown(session):
                    return index
                if not session.alive:
                    return None
        return None

    async def _narrowed(self, made: Sequence[MadeCall]) -> tuple[MadeCall, ...] | None:
        """Return the fewest of the last calls that are found to be enough; the last one is needed."""
        length = 1
        while length < len(made) and self._narrowing and not await self._is_enough(made[-length:]):
            length = min(len(made), length * 2)
        kept = list(made[-length:])
        for call in kept[:-1] if 1 < length <= 2 * _MOST_TOLD else ():
            fewer = [other for other in kept if other is not call]
            if self._narrowing and await self._is_enough(fewer):
                kept = fewer
        return tuple(kept) if len(kept) <= _MOST_TOLD and await self.shows_after(kept) else None

    async def _is_enough(self, before: Sequence[MadeCall]) -> bool:
        """Return whether the fault shows after some calls; there are only so many tries."""
        self._narrowing -= 1
        return await self.shows_after(before)

    async def _started(self, stack: AsyncExitStack) -> ServerSession:
        """Return a session with an instance that is ended with the stack.

        Raises:
            ConnectError: It cannot be started.
        """
        self._subject.server.memory[_KEY] = _starts(self._subject) + 1
        return await stack.enter_async_context(self._subject.server.fresh_session(protocol=self._subject.version))

    async def _repeated(self, session: ServerSession, made: MadeCall) -> bool:
        """Make a call again; return whether the server lives on."""
        self._subject.server.count_calls(made.tool)
        await session.call_tool(made.tool, made.arguments, timeout_s=_PATIENCE_S)
        return session.alive

    async def _is_shown(self, session: ServerSession) -> bool:
        """Make the call that showed the fault, and return whether it does so here."""
        name = self._subject.the_tool.name
        self._subject.server.count_calls(name)
        exchange = await session.call_tool(name, self._case.arguments, timeout_s=session.limits.call_s)
        # Whether the answer comes before the end is chance, so that either counts.
        fatal = self._case.ended_server or self._case.silenced_server
        after = await heartbeat(session) if fatal or self._case.after is not None else None
        made = replace(self._case, exchange=exchange, after=after)
        return await self._shows(made) or (fatal and (made.ended_server or made.silenced_server))
