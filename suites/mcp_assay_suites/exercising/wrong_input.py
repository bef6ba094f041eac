"""Answers to a server's questions: plain ones that give nothing away, and wrong ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject

_NONSENSE: JsonObject = {"x-probe": ["neither a text", "nor a number"]}


def plain_answers(requests: Mapping[str, JsonObject], action: str) -> JsonObject:
    """Return proper answers to ``inputRequests``: forms get an action, sampling a word, roots an empty list."""
    return {key: _plain(str(one.get("method")), action) for key, one in requests.items()}


def invalid_answers(requests: Mapping[str, JsonObject]) -> JsonObject:
    """Return answers to ``inputRequests`` none of which has the shape that was asked for."""
    return {key: _invalid(one) for key, one in requests.items()}


def tampered(state: Json) -> str | None:
    """Return a ``requestState`` with one character changed in its middle, or None when there is nothing to change."""
    if not isinstance(state, str) or not state:
        return None
    middle = len(state) // 2
    return f"{state[:middle]}{'A' if state[middle] != 'A' else 'B'}{state[middle + 1 :]}"


def _plain(method: str, action: str) -> JsonObject:
    """Return a proper answer to one request."""
    match method:
        case "sampling/createMessage":
            said: JsonObject = {"type": "text", "text": "No comment"}
            return {"role": "assistant", "content": said, "model": "pytest-mcp-assay", "stopReason": "endTurn"}
        case "roots/list":
            return {"roots": []}
        case _:
            return {"action": str(action)}


def _invalid(request: JsonObject) -> JsonObject:
    """Return an answer to one request that does not have its shape."""
    match request.get("method"):
        case "sampling/createMessage":
            return dict(_NONSENSE)
        case "roots/list":
            return {"roots": "x-probe"}
        case _:
            return _invalid_form(request)


def _invalid_form(request: JsonObject) -> JsonObject:
    """Return a form whose every field is of no type that a form can have; without fields, an action there is not."""
    params = request.get("params")
    schema = params.get("requestedSchema") if isinstance(params, dict) else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not properties:
        return {"action": "x-probe"}
    return {"action": "accept", "content": {name: dict(_NONSENSE) for name in properties}}
