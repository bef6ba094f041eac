"""Tools that ask the client for input: what they do with answers of every kind, tried once, for many checks to judge.

Which tools ask is known from the calls that were made of them anyway, and from calls made now when there were none;
such a tool is called again, on an instance of its own, only when it may be called again at all. Forms are declined or
filled in wrongly, never rightly.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, cast

import orjson

from mcp_assay.core.faults import FaultKind
from mcp_assay.wire.callbacks import Callbacks
from mcp_assay.wire.eras import META_CAPABILITIES, Era
from mcp_assay.wire.param_headers import mirrored_params, param_headers
from mcp_assay_suites.exercising.limits import is_open_world, is_repeatable
from mcp_assay_suites.exercising.shared import valid_calls
from mcp_assay_suites.exercising.wrong_input import invalid_answers, plain_answers, tampered
from mcp_assay_suites.observing.memory import remembered
from mcp_assay_suites.observing.questions import asked_of, is_question, requests_in
from mcp_assay_suites.observing.traffic import logs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest, Subject, ToolUnderTest
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

MISSING_CAPABILITY = -32021
MOST_TOOLS = 2
"""How many tools that ask are tried."""

EVERYTHING: Mapping[str, Json] = {"elicitation": {}, "sampling": {}, "roots": {}}
"""The capabilities that a client can declare to be asked; an empty elicitation means forms."""

SUBSETS: Mapping[str, Mapping[str, Json]] = {
    "nothing": {},
    **{name: {name: detail} for name, detail in EVERYTHING.items()},
    "elicitation by URL": {"elicitation": {"url": {}}},
}
"""What a client may declare instead, by what it is called."""


class Reply(StrEnum):
    """What a question can be answered with."""

    DECLINED = "decline"
    DECLINED_AGAIN = "the same decline to another question"
    CANCELLED = "cancel"
    MISSING = "no answer"
    INVALID = "answers that make no sense"
    UNEXPECTED = "one answer too many"
    TAMPERED = "a changed requestState"
    ELSEWHERE = "a requestState of other arguments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """What one tool that asks did.

    Attributes:
        tool: Its name.
        arguments: What it was called with.
        question: Its answer when everything was declared.
        limited: Its answers when less was declared, by what was; see `SUBSETS`.
        forgotten: Its answer with nothing declared, asked after everything had been; None in the handshake era.
        replies: Its answers to replies to its question, by what the reply was.
    """

    tool: str
    arguments: JsonObject
    question: Exchange
    limited: Mapping[str, Exchange] = field(default_factory=dict[str, "Exchange"])
    forgotten: Exchange | None = None
    replies: Mapping[Reply, Exchange] = field(default_factory=dict[Reply, "Exchange"])


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTalk:
    """What came of tools that ask.

    Attributes:
        rounds: One per tool that was tried.
        spared: Tools that ask and were not tried, because they may not be called again.
    """

    rounds: tuple[Rounds, ...] = ()
    spared: tuple[str, ...] = ()


async def input_talk(subject: Subject) -> InputTalk:
    """Return what the server's tools that ask do, tried once.

    Raises:
        UnavailableError: No further instance can be used.
    """

    async def tried(server: ServerUnderTest) -> InputTalk:
        return await _tried(replace(subject, tool=None), server)

    return await remembered(subject.server, InputTalk, tried)


async def _tried(subject: Subject, server: ServerUnderTest) -> InputTalk:
    """Try the first tools that ask."""
    tools = {tool.name: tool for tool in server.tools if tool.decision.allowed}
    if not server.calls:
        for tool in tools.values():
            await valid_calls(replace(subject, tool=tool, may_wait=False))
    asking = {name: arguments for name, arguments in _asking(server) if name in tools}
    may = {name: arguments for name, arguments in asking.items() if _may_repeat(tools[name])}
    chosen = list(may.items())[:MOST_TOOLS]
    rounds = [await _rounds(replace(subject, tool=tools[name]), arguments) for name, arguments in chosen]
    return InputTalk(rounds=tuple(rounds), spared=tuple(name for name in asking if name not in may))


def _may_repeat(tool: ToolUnderTest) -> bool:
    """Return whether a tool may be called again with the same arguments."""
    return tool.decision.explicit or (is_repeatable(tool) and not is_open_world(tool))


def _asking(server: ServerUnderTest) -> Iterator[tuple[str, JsonObject]]:
    """Yield name and arguments of the first call of each tool that led to a question."""
    seen: set[str] = set()
    for exchange in (one for log in logs(server) for one in log.exchanges):
        if exchange.method != "tools/call" or not _asks(exchange):
            continue
        params = cast("JsonObject", orjson.loads(exchange.sent)).get("params")
        name, arguments = (params.get("name"), params.get("arguments")) if isinstance(params, dict) else (None, None)
        if isinstance(name, str) and isinstance(arguments, dict) and name not in seen:
            seen.add(name)
            yield name, arguments


def _asks(exchange: Exchange) -> bool:
    """Return whether a call led to a question, or to the complaint that none could be asked."""
    return is_question(exchange) or exchange.error_code == MISSING_CAPABILITY or asked_meanwhile(exchange)


def asked_meanwhile(exchange: Exchange) -> bool:
    """Return whether the server asked the user while a call was open, as servers of the handshake era do.

    Only forms count: a server may ask for roots at any time, whatever is open.
    """
    return any(message.get("method") == "elicitation/create" for message in exchange.related)


async def _rounds(subject: Subject, arguments: JsonObject) -> Rounds:
    """Try one tool."""
    live = await subject.server.session()
    if live.agreement.era is Era.HANDSHAKE:
        return await _answered_on_the_way(subject, arguments, live.agreement.version)
    # Nothing is declared when the conversation is opened, so that nothing can be remembered from there.
    async with subject.server.fresh_session(protocol=live.agreement.version, callbacks=Callbacks()) as session:
        return await _Retries(subject, session, arguments).tried()


async def _answered_on_the_way(subject: Subject, arguments: JsonObject, version: str) -> Rounds:
    """Try a tool of the handshake era, where questions are requests of the server: decline them, and cancel them."""
    replies: dict[Reply, Exchange] = {}
    for action in (Reply.DECLINED, Reply.CANCELLED):
        answers = Callbacks.declining().with_elicitation(partial(_refuse, action))
        async with subject.server.fresh_session(protocol=version, callbacks=answers) as session:
            replies[action] = await session.call_tool(subject.the_tool.name, arguments)
        if _is_late(replies[action]):
            break
    return Rounds(tool=subject.the_tool.name, arguments=arguments, question=replies[Reply.DECLINED], replies=replies)


def _refuse(action: Reply, params: JsonObject) -> JsonObject:  # noqa: ARG001  (the answer to every form)
    """Refuse a form."""
    return {"action": action.value}


class _Retries:
    """Calls a tool of the stateless era in one session, again and again."""

    def __init__(self, subject: Subject, session: ServerSession, arguments: JsonObject) -> None:
        self._subject = subject
        self._session = session
        self._arguments = arguments
        self._mirrored = mirrored_params(subject.the_tool.definition.input_schema)

    async def tried(self) -> Rounds:
        """Declare less, then answer questions in every way; a call that is not answered in time is the last one."""
        limited: dict[str, Exchange] = {}
        for what, capabilities in SUBSETS.items():
            limited[what] = await self._call(capabilities)
        question = await self._call(EVERYTHING)
        forgotten = await self._call({})
        replies = await self._replies(question)
        return Rounds(
            tool=self._subject.the_tool.name,
            arguments=self._arguments,
            question=question,
            limited=limited,
            forgotten=forgotten,
            replies=replies,
        )

    async def _replies(self, first: Exchange) -> Mapping[Reply, Exchange]:
        """Return the answers to replies, each to a question of its own."""
        replies: dict[Reply, Exchange] = {}
        question, others = first, await self._other_arguments()
        for what in Reply:
            arguments = others if what is Reply.ELSEWHERE else self._arguments
            more = None if arguments is None or not is_question(question) else _reply(what, question)
            if more is None:
                continue
            replies[what] = await self._call(EVERYTHING, more, arguments)
            if _is_late(replies[what]):
                break
            question = await self._call(EVERYTHING)
        return replies

    async def _other_arguments(self) -> JsonObject | None:
        """Return other arguments that the tool was called with before, or None."""
        cases = (await valid_calls(self._subject)).cases
        return next((case.arguments for case in cases if case.arguments != self._arguments), None)

    async def _call(
        self,
        capabilities: Mapping[str, Json],
        more: Mapping[str, Json] | None = None,
        arguments: JsonObject | None = None,
    ) -> Exchange:
        """Call the tool with these capabilities declared and these members added."""
        given = self._arguments if arguments is None else arguments
        name = self._subject.the_tool.name
        self._subject.server.count_calls(name)
        meta: JsonObject = {META_CAPABILITIES: dict(capabilities)}
        params: JsonObject = {"name": name, "arguments": given, "_meta": meta, **(more or {})}
        return await self._session.request("tools/call", params, headers=param_headers(self._mirrored, given))


def _reply(what: Reply, question: Exchange) -> JsonObject | None:
    """Return what is added to a call in reply to its question, or None when there is nothing to try."""
    result = question.result or {}
    requests, state = result.get("inputRequests"), result.get("requestState")
    answers = _answers(what, question)
    if answers is None or (what in {Reply.TAMPERED, Reply.ELSEWHERE} and not state):
        return None
    if what is Reply.TAMPERED:
        state = tampered(state)
    given: JsonObject = {} if requests is None else {"inputResponses": answers}
    return given if state is None else {**given, "requestState": state}


def _answers(what: Reply, question: Exchange) -> JsonObject | None:
    """Return the answers to the requests in a question, or None where this reply makes no sense."""
    requests = requests_in(question)
    if what is Reply.MISSING:
        return {} if requests else None
    if what is Reply.INVALID:
        return invalid_answers(requests) if requests else None
    if what is Reply.CANCELLED:
        forms = "elicitation/create" in asked_of(question).values()
        return plain_answers(requests, what) if forms else None
    extra: JsonObject = {"x-probe": {"action": "decline"}} if what is Reply.UNEXPECTED else {}
    return {**plain_answers(requests, Reply.DECLINED), **extra}


def _is_late(exchange: Exchange) -> bool:
    """Return whether no answer came in time."""
    return exchange.fault is not None and exchange.fault.kind is FaultKind.TIMEOUT
