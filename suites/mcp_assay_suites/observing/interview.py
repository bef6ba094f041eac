"""The interview: a second instance of a server is asked what no client asks, once, for many checks to judge.

The live session is left alone: an odd message may confuse or end a server. When it ends this one, another instance is
started for what is left to ask.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.readiness.subject import UnavailableError
from mcp_assay.runtime.inventory import LISTS_BY_CAPABILITY, Inventory, take_inventory
from mcp_assay.wire.eras import Era
from mcp_assay.wire.negotiation import discover, initialize
from mcp_assay.wire.session import LIST_METHODS, ServerSession
from mcp_assay_suites.observing.asks import (
    ECHO_IDS,
    GUARDED,
    MALFORMED,
    MISSHAPEN,
    UNKNOWN,
    UNKNOWN_METHOD,
    cancellations_of_nothing,
    heavy_requests,
    invalid_requests,
)
from mcp_assay_suites.observing.envelopes import mirrored, odd_envelopes
from mcp_assay_suites.observing.harmless import harmless_call
from mcp_assay_suites.observing.levels import LogTalk, talk_of_levels
from mcp_assay_suites.observing.memory import remembered
from mcp_assay_suites.observing.probing import Patience, Reaction, heartbeat_method, react

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.log import ServerMessage, WireLog
    from mcp_assay.wire.messages import Anomaly, RequestId
    from mcp_assay.wire.transport import CloseReport
    from mcp_assay_suites.observing.asks import Ask

QUIET_S = 0.5
"""How long ``notifications/initialized`` is held back to see who speaks first."""

CROWD = 32
"""How many requests are opened at once."""
_MOST_INSTANCES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How an instance took the first messages.

    Attributes:
        first: ``initialize`` or ``server/discover``.
        early: What the server sent on its own while ``notifications/initialized`` was held back.
        unprompted: In the stateless era, the answer to a list as the very first message; None without lists.
    """

    first: Exchange
    early: tuple[ServerMessage, ...] = ()
    unprompted: Exchange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interview:
    """What a second instance of a server answered; None where it could not be asked.

    Attributes:
        opening: How it took the first messages.
        echoes: Its answers to a request with a numeric id and to one with a textual id.
        anomalies: What was odd before anything odd was sent.
        inventory: What it listed, in the stateless era, where a list may not vary with the connection.
        unknown_method: Its answer to a method that does not exist.
        undeclared: Its answers to methods behind capabilities that it did not declare, by capability.
        unknown: Its answers to requests for a tool and a prompt that do not exist, by capability.
        misshapen: Its answers to parameters that break the method's schema, by what is wrong with them.
        envelopes: Its answers to requests of the stateless era that are not quite right, by what is wrong with them.
        crowd: Its answers to many requests at once, in the stateless era.
        logging: What came of log levels, None without the capability.
        cancelled: How it took cancellations of nothing.
        malformed: How it took a line that is no JSON.
        invalid: How it took JSON that is no request, by what is wrong with it.
        heavy: How it took large and unusual arguments, by what is unusual about them.
        logs: What was seen on the connections of all instances.
        closed: How the last instance ended.
    """

    opening: Opening
    echoes: tuple[Exchange, ...]
    anomalies: tuple[Anomaly, ...]
    inventory: Inventory
    unknown_method: Exchange | None = None
    undeclared: Mapping[str, Exchange] = field(default_factory=dict[str, "Exchange"])
    unknown: Mapping[str, Exchange] = field(default_factory=dict[str, "Exchange"])
    misshapen: Mapping[str, Exchange] = field(default_factory=dict[str, "Exchange"])
    envelopes: Mapping[str, Exchange] = field(default_factory=dict[str, "Exchange"])
    crowd: tuple[Exchange, ...] = ()
    logging: LogTalk | None = None
    cancelled: Reaction | None = None
    malformed: Reaction | None = None
    invalid: Mapping[str, Reaction] = field(default_factory=dict[str, "Reaction"])
    heavy: Mapping[str, Reaction] = field(default_factory=dict[str, "Reaction"])
    logs: tuple[WireLog, ...] = ()
    closed: CloseReport | None = None

    @property
    def deliberate(self) -> tuple[Exchange, ...]:
        """Answers to requests that were wrong on purpose: what they lack says nothing of proper ones."""
        wrong = (*self.undeclared.values(), *self.unknown.values(), *self.misshapen.values(), *self.envelopes.values())
        return wrong if self.logging is None else (*wrong, self.logging.invalid)


async def interview(server: ServerUnderTest) -> Interview:
    """Return the server's interview, held once.

    Raises:
        UnavailableError: No second instance can be used.
    """
    return await remembered(server, Interview, _held)


async def _held(server: ServerUnderTest) -> Interview:
    """Hold the interview.

    Raises:
        UnavailableError: The live session is down, so that the revision is not known.
        ConnectError: No second instance can be started.
    """
    live = await server.session()
    async with AsyncExitStack() as stack:
        interviewer = _Interviewer(server, live, stack)
        answers = await interviewer.ask()
        return replace(answers, closed=await interviewer.close())


class _Interviewer:
    """Asks, on a fresh instance whenever the last one is gone."""

    def __init__(self, server: ServerUnderTest, live: ServerSession, stack: AsyncExitStack) -> None:
        self._server = server
        self._live = live
        self._stack = stack
        self._session: ServerSession | None = None
        self._patience = Patience()
        self._openings: list[Opening] = []
        self._logs: list[WireLog] = []

    async def ask(self) -> Interview:
        """Ask everything and return the answers."""
        session = await self._instance()
        echoes = tuple([await self._echo(session, identity) for identity in ECHO_IDS])
        stateless = self._live.agreement.era is Era.STATELESS
        return Interview(
            opening=self._openings[0],
            echoes=echoes,
            inventory=await take_inventory(session) if stateless else Inventory(),
            anomalies=session.log.anomalies,
            unknown_method=await self._unknown_method(),
            undeclared=await self._asked(GUARDED, offered=False),
            unknown=await self._asked(UNKNOWN, offered=True),
            misshapen=await self._asked(MISSHAPEN, offered=True),
            envelopes=await self._envelopes() if stateless else {},
            logging=await self._logging(),
            crowd=await self._crowd() if stateless else (),
            cancelled=await self._cancelled(),
            malformed=await self._reaction(MALFORMED, "malformed JSON"),
            invalid=await self._reactions(invalid_requests(self._live)),
            heavy=await self._reactions(heavy_requests(self._live)),
            logs=tuple(self._logs),
        )

    async def close(self) -> CloseReport | None:
        """End the last instance and return how it ended."""
        return None if self._session is None else await self._session.close()

    async def _echo(self, session: ServerSession, identity: RequestId) -> Exchange:
        """Return the answer to a proper request with this id."""
        method = heartbeat_method(session)
        # Asked again, it gets an id of its own: the server may be at work on the first one still.
        spare = identity + 1_000 if isinstance(identity, int) else f"{identity}-again"
        ids = iter((identity, spare))
        return await self._patience.asked(session, lambda s: session.request(method, request_id=next(ids), timeout_s=s))

    async def _unknown_method(self) -> Exchange | None:
        """Return the answer to a method that does not exist."""
        session = await self._usable()
        if session is None:
            return None
        return await self._patience.asked(session, lambda s: session.request(UNKNOWN_METHOD, timeout_s=s))

    async def _asked(self, table: Mapping[str, Ask], *, offered: bool) -> Mapping[str, Exchange]:
        """Return the answers to requests behind capabilities that are offered, or are not, asked side by side."""
        session = await self._usable()
        if session is None:
            return {}
        asks = {label: ask for label, ask in table.items() if session.offers(ask.capability) is offered}

        async def answer(ask: Ask) -> Exchange:
            return await self._patience.asked(session, lambda s: session.request(ask.method, ask.params, timeout_s=s))

        answers = await asyncio.gather(*map(answer, asks.values()))
        return dict(zip(asks, answers, strict=True))

    async def _envelopes(self) -> Mapping[str, Exchange]:
        """Return the answers to requests whose envelope is not quite right."""
        session = await self._usable()
        if session is None:
            return {}

        async def answer(method: str, params: JsonObject) -> Exchange:
            send = session.channel.request
            return await self._patience.asked(
                session, lambda s: send(method, params, timeout_s=s, headers=mirrored(params))
            )

        odd = odd_envelopes(session.agreement.version)
        return {label: await answer(*message) for label, message in odd.items()}

    async def _logging(self) -> LogTalk | None:
        """Return what came of log levels."""
        session = await self._usable()
        if session is None or not session.offers("logging"):
            return None
        return await talk_of_levels(session, harmless_call(self._server.tools))

    async def _crowd(self) -> tuple[Exchange, ...]:
        """Return the answers to many requests that are open at the same time."""
        session = await self._usable()
        if session is None:
            return ()
        methods = [LIST_METHODS[keys[0]] for name, keys in LISTS_BY_CAPABILITY.items() if session.offers(name)]
        chosen = itertools.islice(itertools.cycle(methods or [heartbeat_method(session)]), CROWD)
        return tuple(await asyncio.gather(*(session.request(one, timeout_s=session.limits.list_s) for one in chosen)))

    async def _cancelled(self) -> Reaction | None:
        """Return how the server takes cancellations of nothing; a line each, so only where there are lines."""
        if self._live.channel.transport.kind != "stdio":
            return None
        return await self._reaction(cancellations_of_nothing(self._live), "cancellations of nothing")

    async def _reactions(self, messages: Mapping[str, bytes]) -> Mapping[str, Reaction]:
        """Return the reactions to several messages, one after another."""
        reactions: dict[str, Reaction] = {}
        for label, data in messages.items():
            reaction = await self._reaction(data, label)
            if reaction is not None:
                reactions[label] = reaction
        return reactions

    async def _reaction(self, data: bytes, label: str) -> Reaction | None:
        """Return how the server takes raw bytes."""
        session = await self._usable()
        return None if session is None else await react(session, data, label=label)

    async def _usable(self) -> ServerSession | None:
        """Return the present instance, a fresh one when it is gone, or None when there are no more."""
        if self._session is not None and self._session.alive:
            return self._session
        if len(self._logs) >= _MOST_INSTANCES:
            return None
        try:
            return await self._instance()
        except (ConnectError, UnavailableError):
            return None

    async def _instance(self) -> ServerSession:
        """Return a fresh instance with the conversation opened.

        Raises:
            ConnectError: It cannot be started.
            UnavailableError: It does not open the conversation as the live one did.
        """
        channel = await self._stack.enter_async_context(self._server.fresh_channel())
        live = self._live
        self._logs.append(channel.log)
        session = ServerSession(
            name=live.name, channel=channel, agreement=live.agreement, limits=live.limits, started_s=0.0
        )
        opening = await _opened(session)
        if opening.first.result is None:
            raise UnavailableError(f"a second instance of the server answers {opening.first.describe()}")
        self._openings.append(opening)
        self._session = session
        return session


async def _opened(session: ServerSession) -> Opening:
    """Open the conversation as was agreed with the live instance, holding back what ends the opening."""
    version, limits = session.agreement.version, session.limits
    if session.agreement.era is Era.STATELESS:
        session.channel.use_version(version)
        unprompted = await _first_list(session)
        return Opening(first=await discover(session.channel, version, limits.start_s), unprompted=unprompted)
    first = await initialize(session.channel, version, limits.start_s)
    await asyncio.sleep(QUIET_S)
    early = session.log.server_messages
    session.channel.notify("notifications/initialized")
    return Opening(first=first, early=early)


async def _first_list(session: ServerSession) -> Exchange | None:
    """Return the first page of the first list that the server offers, or None when it offers none."""
    key = next((keys[0] for name, keys in LISTS_BY_CAPABILITY.items() if session.offers(name)), None)
    return None if key is None else await session.request(LIST_METHODS[key], timeout_s=session.limits.start_s)
