"""Subscriptions of the stateless era, opened on an instance of their own."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.wire.eras import META_SUBSCRIPTION
from mcp_assay_suites.observing.harmless import harmless_call
from mcp_assay_suites.observing.memory import remembered
from mcp_assay_suites.observing.probing import heartbeat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.log import ServerMessage, WireLog
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.session import ServerSession

ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
QUIET_S = 0.5
_POLL_S = 0.02
_FOREVER_S = 3_600.0
_TOKEN = 7_000_202

FILTERS: Mapping[str, tuple[str, str, str]] = {
    "toolsListChanged": ("tools", "listChanged", "notifications/tools/list_changed"),
    "promptsListChanged": ("prompts", "listChanged", "notifications/prompts/list_changed"),
    "resourcesListChanged": ("resources", "listChanged", "notifications/resources/list_changed"),
    "resourceSubscriptions": ("resources", "subscribe", "notifications/resources/updated"),
}
"""By member of a filter, the capability behind it and the notification it asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One subscription.

    Attributes:
        id: Id of its request.
        requested: The filter that was asked for.
        ended: How the server ended it, None while it was open.
    """

    id: RequestId
    requested: JsonObject
    ended: Exchange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What came of subscriptions; empty when the server has nothing to subscribe to.

    Attributes:
        supported: Members of a filter that the server declares.
        streams: The subscriptions: one of a single kind under a textual id, one of every kind under a numeric one.
        messages: What the server sent on its own.
        cancelled_at: When a request behind the cancellation of the first subscription had been answered.
        log: What was seen on the connection.
    """

    supported: tuple[str, ...] = ()
    streams: tuple[Stream, ...] = ()
    messages: tuple[ServerMessage, ...] = field(default=())
    cancelled_at: float = 0.0
    log: WireLog | None = None


async def listening(server: ServerUnderTest) -> Listening:
    """Return what came of subscriptions, opened once.

    Raises:
        UnavailableError: No second instance can be used.
    """
    return await remembered(server, Listening, _listened)


def subscription_of(message: JsonObject) -> Json:
    """Return the subscription that a message names, or null."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return meta.get(META_SUBSCRIPTION) if isinstance(meta, dict) else None


def same(left: Json, right: Json) -> bool:
    """Return whether two ids are equal in value and type."""
    return type(left) is type(right) and left == right


async def _listened(server: ServerUnderTest) -> Listening:
    """Open subscriptions, call a harmless tool meanwhile, cancel one, and return all that was heard.

    Raises:
        UnavailableError: The live session is down.
        ConnectError: No second instance can be started.
    """
    live = await server.session()
    supported = tuple(name for name, (one, detail, _) in FILTERS.items() if _declares(live, one, detail))
    if not supported:
        return Listening()
    async with server.fresh_session(protocol=live.agreement.version) as session:
        asked = _filters(server, supported)
        tasks = {identity: await _open(session, identity, wanted) for identity, wanted in asked.items()}
        await _talk(server, session)
        first = next(iter(asked))
        session.channel.cancel(first, "no longer needed")
        cancelled_at = (await heartbeat(session)).ended_at
        await asyncio.sleep(QUIET_S)
        messages = session.log.server_messages
        streams = [Stream(id=one, requested=asked[one], ended=await _settled(task)) for one, task in tasks.items()]
    return Listening(
        supported=supported, streams=tuple(streams), messages=messages, cancelled_at=cancelled_at, log=session.log
    )


def _filters(server: ServerUnderTest, supported: tuple[str, ...]) -> dict[RequestId, JsonObject]:
    """Return what to ask for, by the id of the request: one kind only, and everything there is."""
    uris = [uri for one in server.inventory.objects("resources") if isinstance(uri := one.get("uri"), str)]
    whole: JsonObject = {name: True for name in FILTERS if name != "resourceSubscriptions"}
    whole["resourceSubscriptions"] = list(uris[:1])
    return {"listen-x": {supported[0]: whole[supported[0]]}, 7_000_201: whole}


async def _open(session: ServerSession, identity: RequestId, wanted: JsonObject) -> asyncio.Task[Exchange]:
    """Open a subscription and wait for its first word, or its end."""
    before = len(session.log.server_messages)
    params: Mapping[str, Json] = {"notifications": wanted}
    task = asyncio.ensure_future(
        session.request("subscriptions/listen", params, request_id=identity, timeout_s=_FOREVER_S, background=True)
    )
    for _ in range(int(session.limits.probe_s / _POLL_S)):
        if task.done() or len(session.log.server_messages) > before:
            break
        await asyncio.sleep(_POLL_S)
    return task


async def _talk(server: ServerUnderTest, session: ServerSession) -> None:
    """Do what makes a server speak: ask for every log message and call a tool that reports progress."""
    call = harmless_call(server.tools)
    if session.offers("logging"):
        await session.set_log_level("debug")
    if call is not None:
        await session.call_tool(*call, timeout_s=session.limits.list_s, progress_token=_TOKEN)
    await asyncio.sleep(QUIET_S)


async def _settled(task: asyncio.Task[Exchange]) -> Exchange | None:
    """Return how the server ended a subscription; one that is open is given up."""
    if task.done():
        return task.result()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return None


def _declares(session: ServerSession, name: str, detail: str) -> bool:
    """Return whether a capability was declared with a detail."""
    found = session.agreement.capabilities.get(name)
    return isinstance(found, dict) and found.get(detail) is True
