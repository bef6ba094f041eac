"""What a server listed in this run."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.wire.session import Listing, ServerSession

LISTS_BY_CAPABILITY: Mapping[str, tuple[str, ...]] = {
    "tools": ("tools",),
    "resources": ("resources", "resourceTemplates"),
    "prompts": ("prompts",),
}
"""Which lists a declared capability promises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDefinition:
    """A tool as a server defined it.

    Attributes:
        name: Its name.
        raw: The definition as the server sent it.
    """

    name: str
    raw: JsonObject

    @property
    def annotations(self) -> JsonObject:
        """The annotations, empty when there are none."""
        return self._object("annotations") or {}

    @property
    def input_schema(self) -> JsonObject | None:
        """The input schema when it is an object."""
        return self._object("inputSchema")

    @property
    def output_schema(self) -> JsonObject | None:
        """The output schema when it is an object."""
        return self._object("outputSchema")

    @property
    def digest(self) -> str:
        """``sha256:`` and the hash of the canonical definition (keys sorted, UTF-8, no spaces)."""
        canonical = orjson.dumps(self.raw, option=orjson.OPT_SORT_KEYS)
        return f"sha256:{hashlib.sha256(canonical).hexdigest()}"

    def _object(self, key: str) -> JsonObject | None:
        value = self.raw.get(key)
        return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All lists of a server.

    Attributes:
        listings: The walked lists by result key; lists the server does not offer are missing.
    """

    listings: Mapping[str, Listing] = field(default_factory=dict[str, "Listing"])

    @property
    def tools(self) -> tuple[ToolDefinition, ...]:
        """The listed tools that have a name; others are for the checks of the raw list."""
        return tuple(
            ToolDefinition(name=name, raw=entry)
            for entry in self.objects("tools")
            if isinstance(name := entry.get("name"), str)
        )

    def objects(self, key: str) -> tuple[JsonObject, ...]:
        """Return the entries of a list that are objects; empty when it was not offered."""
        listing = self.listings.get(key)
        return () if listing is None else listing.objects


async def take_inventory(session: ServerSession) -> Inventory:
    """Walk every list that the server's capabilities promise, side by side."""
    keys = [key for capability, keys in LISTS_BY_CAPABILITY.items() if session.offers(capability) for key in keys]
    listings = await asyncio.gather(*(session.list_all(key) for key in keys))
    return Inventory(listings=dict(zip(keys, listings, strict=True)))
