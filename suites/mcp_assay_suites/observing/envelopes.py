"""Requests of the stateless era whose envelope is not quite right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.wire.eras import META_CAPABILITIES, META_CLIENT, META_VERSION, envelope
from mcp_assay.wire.http_headers import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject

UNSUPPORTED = "1900-01-01"
"""A revision that nobody speaks."""

WRONG_VERSION = "unsupported revision"
NO_META = "no _meta"
NO_VERSION = "no protocolVersion"
NO_CAPABILITIES = "no clientCapabilities"
NO_CLIENT = "no clientInfo"
REMOVED_METHODS: Mapping[str, Mapping[str, Json]] = {
    "ping": {},
    "logging/setLevel": {"level": "error"},
    "resources/subscribe": {"uri": "x-probe:none"},
    "resources/unsubscribe": {"uri": "x-probe:none"},
}
"""Methods of the handshake era that the stateless era does not have, with parameters that were right for them."""


def odd_envelopes(version: str) -> Mapping[str, tuple[str, JsonObject]]:
    """Return methods and parameters by what is wrong with them."""
    whole = envelope(version)
    odd: dict[str, tuple[str, JsonObject]] = {
        WRONG_VERSION: ("server/discover", {"_meta": {**whole, META_VERSION: UNSUPPORTED}}),
        NO_META: ("server/discover", {}),
        NO_VERSION: ("server/discover", {"_meta": _without(whole, META_VERSION)}),
        NO_CAPABILITIES: ("server/discover", {"_meta": _without(whole, META_CAPABILITIES)}),
        NO_CLIENT: ("server/discover", {"_meta": _without(whole, META_CLIENT)}),
    }
    for method, params in REMOVED_METHODS.items():
        odd[method] = (method, {**params, "_meta": dict(whole)})
    return odd


def mirrored(params: JsonObject) -> tuple[tuple[str, str], ...]:
    """Return the HTTP header that mirrors the revision of an envelope, so that only the envelope is wrong."""
    meta = params.get("_meta")
    version = meta.get(META_VERSION) if isinstance(meta, dict) else None
    return ((VERSION, version),) if isinstance(version, str) else ()


def _without(whole: JsonObject, key: str) -> JsonObject:
    """Return the envelope without one of its members."""
    return {name: value for name, value in whole.items() if name != key}
