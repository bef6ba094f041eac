"""Simplified readings of a schema that combines too many cases to be taken as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from mcp_assay.wire.schemas.dialects import Dialect, places

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject

_READINGS = 8
_DROPPED = (
    "contentMediaType", "dependencies", "dependentRequired", "dependentSchemas", "else", "if", "not", "then",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip


def relaxed(root: JsonObject, dialect: Dialect) -> list[JsonObject]:
    """Return readings of ``root`` without conditions and with one branch of each alternative.

    Their values conform to ``root`` or not: whoever uses them asks a validator.
    """
    return [_reading(root, dialect, turn) for turn in range(_READINGS)]


def _reading(root: JsonObject, dialect: Dialect, turn: int) -> JsonObject:
    """Return the reading that takes the branch number ``turn`` of each alternative, counted round and round."""
    copied = cast("JsonObject", json.loads(json.dumps(root)))
    for place in places(copied, dialect):
        for keyword in _DROPPED:
            place.schema.pop(keyword, None)
        for keyword in ("anyOf", "oneOf"):
            branches = place.schema.pop(keyword, None)
            if isinstance(branches, list) and branches:
                others = place.schema.get("allOf")
                place.schema["allOf"] = [*(others if isinstance(others, list) else ()), branches[turn % len(branches)]]
    return copied
