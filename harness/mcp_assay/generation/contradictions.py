"""Saying why nothing conforms to a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jsonschema_rs import canonical

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.wire.schemas.dialects import Dialect

_LONGEST = 120


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
    if not conflicts:
        return None
    pointer = max(conflicts, key=lambda each: each.count("/"))
    keywords = sorted({keyword for cause in conflicts[pointer] for keyword in cause.keywords} - {"type"})
    named = " and ".join(keywords) if keywords else "its types"
    return f"{named} contradict each other at {pointer or 'the root'}"[:_LONGEST]
