"""Which handshake revisions a server answers in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.faults import FaultKind
from mcp_assay.wire.eras import HANDSHAKE_VERSIONS, KNOWN_VERSIONS, STATELESS_VERSIONS
from mcp_assay.wire.negotiation import discover, initialize, strings
from mcp_assay.wire.versions import answer_patience_s
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.memory import remembered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay.wire.exchange import Exchange

UNKNOWN_VERSION = "1999-01-01"
"""A revision that was never released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionAnswers:
    """How a server answers ``initialize``.

    Attributes:
        exchanges: The exchange by the revision that was asked for: every handshake revision, and the unknown one.
        discovered: The answer to ``server/discover`` as the first message.
    """

    exchanges: Mapping[str, Exchange]
    discovered: Exchange

    def offered(self, asked: str) -> str | None:
        """Return the revision that the server answered with, or None when it did not name one."""
        exchange = self.exchanges.get(asked)
        version = ((exchange.result if exchange is not None else None) or {}).get("protocolVersion")
        return version if isinstance(version, str) else None


async def version_answers(server: ServerUnderTest) -> VersionAnswers:
    """Return how the server answers ``initialize``, asked once.

    Raises:
        UnavailableError: No further instance can be used.
    """
    return await remembered(server, VersionAnswers, _asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """The answer to ``server/discover`` as the first message, with nothing else going on."""

    exchange: Exchange


async def discovered_alone(server: ServerUnderTest) -> Discovery:
    """Return the answer to ``server/discover`` as the first message, waited for as long as for a list, asked once.

    Raises:
        UnavailableError: No further instance can be used.
    """

    async def asked(server: ServerUnderTest) -> Discovery:
        live = await server.session()
        async with server.fresh_channel() as channel:
            patience = live.limits.list_s + 2 * live.started_s
            return Discovery(exchange=await discover(channel, STATELESS_VERSIONS[-1], patience))

    return await remembered(server, Discovery, asked)


async def _asked(server: ServerUnderTest) -> VersionAnswers:
    """Ask for every released revision and an unknown one, each on an instance of its own, side by side.

    What the server turns out to speak is noted for the report, the stateless revisions too.

    Raises:
        UnavailableError: The live session is down, or no second instance can be used.
        ConnectError: No further instance can be started.
    """
    live = await server.session()
    agreed = live.agreement.version
    others = [version for version in (*HANDSHAKE_VERSIONS, UNKNOWN_VERSION) if version != agreed]
    first = (await interview(server)).opening.first
    *asked, stateless = await asyncio.gather(
        *(initialized(server, version) for version in others), _discovered(server, STATELESS_VERSIONS[-1])
    )
    answers = VersionAnswers(exchanges={agreed: first, **dict(zip(others, asked, strict=True))}, discovered=stateless)
    spoken = {version for version in HANDSHAKE_VERSIONS if answers.offered(version) == version}
    spoken |= set(strings((stateless.result or {}).get("supportedVersions"))) & set(STATELESS_VERSIONS)
    server.note_spoken(tuple(version for version in KNOWN_VERSIONS if version in spoken))
    return answers


async def _discovered(server: ServerUnderTest, version: str) -> Exchange:
    """Return the answer to ``server/discover`` as the first message to a fresh instance; silence is an answer too.

    Raises:
        ConnectError: No further instance can be started.
    """
    live = await server.session()
    async with server.fresh_channel() as channel:
        return await discover(channel, version, live.limits.probe_s + 2 * live.started_s)


async def initialized(server: ServerUnderTest, version: str) -> Exchange:
    """Return the answer to ``initialize`` for a revision as the first message to a fresh instance.

    Silence is believed the second time, and no sooner than another instance would have answered by now: a machine on
    which many are started at once is busy.

    Raises:
        ConnectError: No further instance can be started.
    """
    live = await server.session()
    patience_s = answer_patience_s(live)
    exchange = await _initialized(server, version, patience_s)
    if exchange.fault is not None and exchange.fault.kind is FaultKind.TIMEOUT:
        async with server.fresh_session(protocol=live.agreement.version) as control:
            patience_s = max(patience_s, answer_patience_s(control))
        return await _initialized(server, version, patience_s)
    return exchange


async def _initialized(server: ServerUnderTest, version: str, patience_s: float) -> Exchange:
    """Return the answer to ``initialize`` as the first message to a fresh instance, or its fault after some seconds."""
    async with server.fresh_channel() as channel:
        return await initialize(channel, version, patience_s)
