"""Reading definitions as a server sent them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_assay_suites.observing.judging import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.session import Listing

LONGEST_NAME = 128
NAME_CHARACTERS = re.compile(r"[A-Za-z0-9_.-]")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
"""A tool's name as the specification wants it (server/tools, tool names)."""
NAMES_RULED_SINCE = "2025-11-25"
"""The first revision that says so."""

TYPES: Mapping[str, type[Any] | tuple[type[Any], ...]] = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "number": (int, float),
}
"""Python types by the name of the JSON type."""


def wrong_members(definition: JsonObject, optional: Mapping[str, str]) -> list[str]:
    """Return for each optional member that has another type what it is instead.

    Args:
        definition: The definition.
        optional: JSON types by member; a member that is null is wrong, one that is absent is not.
    """
    return [
        f"{key} is {kind_of(definition[key])} instead of {_with_article(kind)}"
        for key, kind in optional.items()
        if key in definition and not is_a(definition[key], kind)
    ]


def is_a(value: Json, kind: str) -> bool:
    """Return whether a value is of a JSON type."""
    if kind != "boolean" and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[kind])


def definition_evidence(definition: Json, method: str) -> dict[str, Any]:
    """Return a definition as evidence, cut by the sink that takes it."""
    return {"method": method, "definition": definition}


def page_of(listing: Listing, definition: JsonObject) -> int:
    """Return the number of the page, counted from 1, that holds a definition."""
    for number, page in enumerate(listing.pages, 1):
        entries = (page.result or {}).get(listing.key)
        if isinstance(entries, list) and any(entry is definition for entry in entries):
            return number
    return 1


def names(entries: Json) -> list[str]:
    """Return the names in an array of objects that have one."""
    found = entries if isinstance(entries, list) else []
    return [name for entry in found if isinstance(entry, dict) and isinstance(name := entry.get("name"), str)]


def tool_evidence(subject: Subject) -> dict[str, Any]:
    """Return the definition of the tool under test as evidence."""
    return definition_evidence(subject.the_tool.definition.raw, "tools/list")


def _with_article(kind: str) -> str:
    """Return ``an object`` or ``a string``."""
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
