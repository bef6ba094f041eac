"""Saying why nothing conforms to a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jsonschema_rs import canonical

from mcp_assay.generation.hints import resolved

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.wire.schemas.dialects import Dialect

_LONGEST = 120
_LISTING = frozenset({"const", "enum"})
_SAYING_NOTHING = frozenset({"$comment", "default", "deprecated", "description", "examples", "readOnly", "title"})


def contradiction(root: JsonObject, dialect: Dialect) -> str | None:
    """Return which keywords of ``root`` contradict each other, innermost place first, or None when it is unknown."""
    try:
        reasons = canonical.find_unsatisfiable(root, draft=dialect.draft, validate_formats=True, offline=True)
    except ValueError:
        return None
    # A place written as ``false`` is forbidden on purpose; what demands it nevertheless is the contradiction.
    conflicts = {
        pointer: reason.causes
        for pointer, reason in reasons.items()
        if isinstance(reason, canonical.UnsatisfiableReason.Conflict)
    }
    listed = [_listed(root, pointer) for pointer in sorted(reasons, key=lambda each: -each.count("/"))]
    emptied = next((told for told in listed if told is not None), None)
    if emptied is not None or not conflicts:
        return emptied
    pointer = max(conflicts, key=lambda each: each.count("/"))
    keywords = sorted({keyword for cause in conflicts[pointer] for keyword in cause.keywords} - {"type"})
    named = " and ".join(keywords) if keywords else "its types"
    return f"{named} contradict each other at {pointer or 'the root'}"[:_LONGEST]


def _listed(root: JsonObject, pointer: str) -> str | None:
    """Return that the values listed in a place are none or not allowed there, or None where no value is listed."""
    place = resolved(root, f"#{pointer}")
    if not isinstance(place, dict) or not _LISTING & place.keys():
        return None
    keywords = sorted(place.keys() - _SAYING_NOTHING)
    if len(keywords) == 1:
        return f"{keywords[0]} admits no value at {pointer or 'the root'}"[:_LONGEST]
    return f"{' and '.join(keywords)} contradict each other at {pointer or 'the root'}"[:_LONGEST]
