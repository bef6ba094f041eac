"""Protocol revisions and what each asks of a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from mcp_assay._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Revisions that start with ``initialize``, oldest first."""

STATELESS_VERSIONS = ("2026-07-28",)
"""Revisions in which every request carries its own envelope, oldest first."""

KNOWN_VERSIONS = (*HANDSHAKE_VERSIONS, *STATELESS_VERSIONS)
"""Every released revision, oldest first."""

ERA_STATUSES = frozenset({400, 404, 405})
"""HTTP statuses by which a server may say that it does not speak the asked era or transport."""

UNSUPPORTED_VERSION = -32022
"""JSON-RPC code by which a server names the revisions it speaks."""

META_VERSION = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
META_CLIENT = "io.modelcontextprotocol/clientInfo"
META_LOG_LEVEL = "io.modelcontextprotocol/logLevel"
META_SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
META_SERVER = "io.modelcontextprotocol/serverInfo"

CLIENT_INFO: Mapping[str, Json] = {"name": "pytest-mcp-assay", "version": __version__}
"""How we introduce ourselves."""


class Era(StrEnum):
    """The two ways MCP conversations begin."""

    HANDSHAKE = "handshake"
    STATELESS = "stateless"


def era_of(version: str) -> Era:
    """Return the era of a released revision.

    Raises:
        ValueError: The revision is not a released one.
    """
    if version not in KNOWN_VERSIONS:
        raise ValueError(f"{version!r} is not a released MCP revision; those are {', '.join(KNOWN_VERSIONS)}")
    return Era.STATELESS if version in STATELESS_VERSIONS else Era.HANDSHAKE


def envelope(version: str, capabilities: Mapping[str, Json] | None = None) -> JsonObject:
    """Return the ``_meta`` object that each request of a stateless revision carries (2026-07-28, basic, _meta)."""
    return {
        META_VERSION: version,
        META_CAPABILITIES: dict(capabilities or {}),
        META_CLIENT: dict(CLIENT_INFO),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What the opening of a conversation settled.

    Attributes:
        version: The revision in use.
        era: Its era.
        capabilities: What the server offers.
        server_info: Its name and version as it gave them.
        instructions: Its advice to the model, or None.
        offered: Revisions the server named or answered in.
    """

    version: str
    era: Era
    capabilities: JsonObject = field(default_factory=dict[str, "Json"])
    server_info: JsonObject = field(default_factory=dict[str, "Json"])
    instructions: str | None = None
    offered: tuple[str, ...] = ()
