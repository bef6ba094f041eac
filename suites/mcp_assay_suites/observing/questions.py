"""Questions to the client: requests of the handshake era's servers, and results of the stateless era that ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.wire.exchange import Exchange

NEEDS: Mapping[str, str] = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}
"""The client capability behind each method that a server may ask for."""


def is_question(exchange: Exchange) -> bool:
    """Return whether a request was answered by asking for input (2026-07-28, multi round-trip requests)."""
    return (exchange.result or {}).get("resultType") == "input_required"


def requests_in(exchange: Exchange) -> Mapping[str, JsonObject]:
    """Return the requests inside a question that are objects, by key."""
    asked = (exchange.result or {}).get("inputRequests") if is_question(exchange) else None
    return {key: one for key, one in asked.items() if isinstance(one, dict)} if isinstance(asked, dict) else {}


def asked_of(exchange: Exchange) -> Mapping[str, str]:
    """Return the method of each request inside a question, by key."""
    return {key: str(one.get("method")) for key, one in requests_in(exchange).items()}


def needed_capabilities(exchange: Exchange) -> list[str]:
    """Return the client capabilities that a question needs."""
    return sorted({NEEDS[method] for method in asked_of(exchange).values() if method in NEEDS})
