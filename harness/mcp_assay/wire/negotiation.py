"""Opens the conversation: finds a revision that both sides speak.

``initialize`` is asked first, because every handshake and dual-era server answers it at once, while many handshake
servers stay silent on a ``server/discover`` that comes before it. A server that refuses it is asked to discover. One
that never answers it is at fault, and is asked as well, so that its finding can say what it does answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.eras import (
    CLIENT_INFO,
    ERA_STATUSES,
    HANDSHAKE_VERSIONS,
    KNOWN_VERSIONS,
    META_SERVER,
    STATELESS_VERSIONS,
    Agreement,
    Era,
    envelope,
    era_of,
)

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.callbacks import Callbacks
    from mcp_assay.wire.channel import Channel
    from mcp_assay.wire.exchange import Exchange


_LAST_TRY = 0.1
"""Share of the time for ``initialize`` that a server which never answered it has for ``server/discover``."""


async def negotiate(
    channel: Channel, *, timeout_s: float, pinned: str | None = None, callbacks: Callbacks | None = None
) -> Agreement:
    """Open the conversation and return what was agreed.

    Args:
        channel: A fresh channel.
        timeout_s: Seconds for each step.
        pinned: The only revision that will do, or None for the newest of the handshake era, then the stateless one.
        callbacks: What we offer the server, by default nothing.

    Raises:
        ConnectError: The server ended, stayed silent, or speaks no revision that will do.
    """
    if pinned is not None and era_of(pinned) is Era.STATELESS:
        return await _discover(channel, pinned, timeout_s, callbacks)
    asked = pinned or HANDSHAKE_VERSIONS[-1]
    exchange = await initialize(channel, asked, timeout_s, callbacks)
    if exchange.fault is not None and not (pinned is None and _is_era_answer(exchange)):
        raise ConnectError(await _with_what_is_answered(channel, exchange.fault, timeout_s))
    if exchange.error is not None or exchange.fault is not None:
        if pinned is None:
            return await _discover(channel, STATELESS_VERSIONS[-1], timeout_s, callbacks, refused=exchange)
        raise ConnectError(_refusal(exchange, pinned))
    agreement = _read_initialize(exchange)
    if pinned is not None and agreement.version != pinned:
        raise ConnectError(
            Fault(
                kind=FaultKind.OTHER_ERA,
                message=f"the server offers revision {agreement.version}, not the pinned {pinned}",
                hint=f"run with --mcp-protocol {agreement.version}",
            )
        )
    channel.notify("notifications/initialized")
    return agreement


async def initialize(channel: Channel, version: str, timeout_s: float, callbacks: Callbacks | None = None) -> Exchange:
    """Send ``initialize`` for a revision and return the exchange; nothing is judged."""
    capabilities = {} if callbacks is None else callbacks.capabilities(version)
    params: JsonObject = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": dict(CLIENT_INFO)}
    exchange = await channel.request("initialize", params, timeout_s=timeout_s, cancellable=False)
    agreed = (exchange.result or {}).get("protocolVersion")
    if isinstance(agreed, str) and agreed in HANDSHAKE_VERSIONS:
        channel.use_version(agreed)
    return exchange


async def discover(channel: Channel, version: str, timeout_s: float, callbacks: Callbacks | None = None) -> Exchange:
    """Send ``server/discover`` in a stateless revision and return the exchange; nothing is judged."""
    capabilities = {} if callbacks is None else callbacks.capabilities(version)
    channel.use_version(version)
    return await channel.request("server/discover", {"_meta": envelope(version, capabilities)}, timeout_s=timeout_s)


async def _discover(
    channel: Channel,
    version: str,
    timeout_s: float,
    callbacks: Callbacks | None = None,
    refused: Exchange | None = None,
) -> Agreement:
    """Agree on a stateless revision.

    Raises:
        ConnectError: See `negotiate`.
    """
    exchange = await discover(channel, version, timeout_s, callbacks)
    if exchange.fault is not None:
        raise ConnectError(exchange.fault if refused is None or refused.fault is None else refused.fault)
    result = exchange.result
    if result is None:
        raise ConnectError(_refusal(refused or exchange, version))
    supported = strings(result.get("supportedVersions"))
    if version not in supported:
        raise ConnectError(
            Fault(
                kind=FaultKind.OTHER_ERA,
                message=f"server/discover names {', '.join(supported) or 'no revision'}, not {version}",
            )
        )
    meta = _object(result.get("_meta"))
    return Agreement(
        version=version,
        era=Era.STATELESS,
        capabilities=_object(result.get("capabilities")),
        server_info=_object(meta.get(META_SERVER)),
        instructions=_text(result.get("instructions")),
        offered=supported,
    )


async def _with_what_is_answered(channel: Channel, fault: Fault, timeout_s: float) -> Fault:
    """Return the fault of a server that never answered ``initialize``, with a hint when it answers another opening."""
    if fault.kind is not FaultKind.TIMEOUT or channel.log.anomalies:
        return fault
    version = STATELESS_VERSIONS[-1]
    exchange = await discover(channel, version, timeout_s * _LAST_TRY)
    if version not in strings((exchange.result or {}).get("supportedVersions")):
        return fault
    return replace(
        fault,
        hint=f"it answers server/discover in {version}: answer initialize with an error, or run with --mcp-protocol "
        f"{version} to judge that revision",
    )


def _is_era_answer(exchange: Exchange) -> bool:
    """Return whether a failed ``initialize`` may mean that only another era or transport is spoken."""
    return exchange.http is not None and exchange.http.status in ERA_STATUSES


def _read_initialize(exchange: Exchange) -> Agreement:
    """Return what an ``initialize`` result says.

    Raises:
        ConnectError: It is no object, or names a revision that was never released.
    """
    result = exchange.result
    if result is None:
        raise ConnectError(Fault(kind=FaultKind.PROTOCOL, message=f"initialize was answered by {exchange.describe()}"))
    version = result.get("protocolVersion")
    if not isinstance(version, str) or version not in HANDSHAKE_VERSIONS:
        raise ConnectError(
            Fault(
                kind=FaultKind.OTHER_ERA,
                message=f"initialize offers protocol version {version!r}, which is no released handshake revision",
                hint=f"released revisions are {', '.join(KNOWN_VERSIONS)}",
            )
        )
    return Agreement(
        version=version,
        era=Era.HANDSHAKE,
        capabilities=_object(result.get("capabilities")),
        server_info=_object(result.get("serverInfo")),
        instructions=_text(result.get("instructions")),
        offered=(version,),
    )


def _refusal(exchange: Exchange, version: str) -> Fault:
    """Return the fault of a server that refuses to talk."""
    data = _object((exchange.error or {}).get("data"))
    supported = strings(data.get("supported"))
    if supported:
        return Fault(
            kind=FaultKind.OTHER_ERA,
            message=f"the server speaks {', '.join(supported)}, not {version}",
            hint=f"run with --mcp-protocol {supported[-1]}",
        )
    return Fault(kind=FaultKind.PROTOCOL, message=f"{exchange.method} was answered by {exchange.describe()}")


def strings(value: Json) -> tuple[str, ...]:
    """Return the strings of a JSON array, or nothing."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _object(value: Json) -> JsonObject:
    """Return a JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str | None:
    """Return a string, or None."""
    return value if isinstance(value, str) else None
