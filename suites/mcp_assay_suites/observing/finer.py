"""Requests for finer points, sent in sessions of their own, once, only when a run asks for the second tier."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from mcp_assay.wire.eras import CLIENT_INFO, META_CAPABILITIES, Era
from mcp_assay.wire.messages import AnomalyKind
from mcp_assay_suites.observing.memory import remembered
from mcp_assay_suites.observing.probing import Reaction, enveloped, heartbeat_method, react

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

UNKNOWN_CAPABILITIES: Mapping[str, Json] = {"x-probe": {}, "experimental": {"x-probe/none": {}}}
TASKS = "io.modelcontextprotocol/tasks"
"""The extension for answers that are given later."""
NO_TASK = "x-probe-no-such-task"
BATCH_ID = 7_000_501


@dataclass(frozen=True, slots=True, kw_only=True)
class FinerTalk:
    """What came of finer points.

    Attributes:
        batch: How an array of one request was taken.
        arrays: Raw arrays that came back.
        capability: The answer to a client that declares a capability nobody knows.
        tasks: Answers to requests about tasks, by what was asked; empty without the extension.
    """

    batch: Reaction
    arrays: tuple[bytes, ...]
    capability: Exchange
    tasks: Mapping[str, Exchange] = field(default_factory=dict[str, "Exchange"])


async def finer_talk(server: ServerUnderTest) -> FinerTalk:
    """Return what came of finer points, asked once.

    Raises:
        UnavailableError: No further instance can be used.
    """
    return await remembered(server, FinerTalk, _asked)


def declares_tasks(session: ServerSession) -> bool:
    """Return whether the server declared the extension for tasks."""
    extensions = session.agreement.capabilities.get("extensions")
    return isinstance(extensions, dict) and TASKS in extensions


async def _asked(server: ServerUnderTest) -> FinerTalk:
    """Ask in a session and, in the handshake era, on a channel of its own.

    Raises:
        UnavailableError: The live session is down.
        ConnectError: No further instance can be started.
    """
    live = await server.session()
    async with server.fresh_session(protocol=live.agreement.version) as session:
        tasks = await _about_tasks(session)
        stateless = session.agreement.era is Era.STATELESS
        capability = await _with_capability(session) if stateless else await _opened_with_capability(server, session)
        batch = await react(session, _batch(session), label="an array of one request")
        odd = [found.raw for found in session.log.anomalies if found.kind is AnomalyKind.NOT_AN_OBJECT]
    return FinerTalk(batch=batch, arrays=tuple(odd), capability=capability, tasks=tasks)


def _batch(session: ServerSession) -> bytes:
    """Return an array of one proper request as a line."""
    request: JsonObject = {"jsonrpc": "2.0", "id": BATCH_ID, "method": heartbeat_method(session)}
    return orjson.dumps([{**request, "params": dict(enveloped(session))}], option=orjson.OPT_APPEND_NEWLINE)


async def _with_capability(session: ServerSession) -> Exchange:
    """Return the answer to a request whose envelope declares a capability that nobody knows."""
    params: JsonObject = {"_meta": {META_CAPABILITIES: dict(UNKNOWN_CAPABILITIES)}}
    return await session.request(heartbeat_method(session), params, timeout_s=session.limits.probe_s)


async def _opened_with_capability(server: ServerUnderTest, session: ServerSession) -> Exchange:
    """Return the answer to ``initialize`` with a capability that nobody knows."""
    version = session.agreement.version
    params: JsonObject = {
        "protocolVersion": version,
        "capabilities": dict(UNKNOWN_CAPABILITIES),
        "clientInfo": dict(CLIENT_INFO),
    }
    async with server.fresh_channel() as channel:
        return await channel.request("initialize", params, timeout_s=session.limits.start_s, cancellable=False)


async def _about_tasks(session: ServerSession) -> Mapping[str, Exchange]:
    """Return the answers to requests about a task that does not exist, with and without the extension declared."""
    if not declares_tasks(session):
        return {}
    declared: JsonObject = {META_CAPABILITIES: {"extensions": {TASKS: {}}}}
    undeclared: JsonObject = {META_CAPABILITIES: {}}
    asked = {
        "unknown task": ("tasks/get", declared),
        "removed method": ("tasks/result", declared),
        "undeclared": ("tasks/get", undeclared),
    }
    return {
        what: await session.request(method, {"taskId": NO_TASK, "_meta": meta}, timeout_s=session.limits.probe_s)
        for what, (method, meta) in asked.items()
    }
