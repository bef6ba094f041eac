"""Failures that a tool tells where a client looks for results, so that it takes them for success."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject

THROTTLED = re.compile(
    r"rate.?limit|too many (requests|calls)|\b429\b|(daily|hourly|monthly|free).{0,20} (limit|quota)|quota exceeded"
    r"|\blimit \d+ ?(/|per|a) ?(second|minute|hour|day)|\d+ (requests|calls) per (second|minute|hour|day)",
    re.IGNORECASE,
)
"""How servers say that they were called too often."""

_BESIDE = frozenset(
    {
        "code",
        "detail",
        "details",
        "error",
        "errors",
        "error_code",
        "error_type",
        "errorcode",
        "hint",
        "message",
        "ok",
        "reason",
        "request_id",
        "status",
        "status_code",
        "success",
        "suggestion",
        "timestamp",
        "tool",
        "traceback",
        "type",
    }
)
"""What stands beside an error and is no result."""

_FINDS_ERRORS = re.compile(r"(?:^|[^a-z])(?:check|diagnos|error|health|lint|parse|ping|probe|test|valid|verif)")
"""Tools whose very answer may be an error that they found."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Where a name in camel case has a new word."""


def hidden_error(result: JsonObject, *, tool: str, arguments: Mapping[str, Json]) -> str | None:
    """Return the error that a result without ``isError`` consists of, or None.

    It is one when the value is an object with an ``error`` and else nothing but what goes with an error and what the
    tool was called with; never of tools that look for errors.
    """
    if _FINDS_ERRORS.search(_HUMP.sub("_", tool).lower()):
        return None
    value = _value(result)
    if value is None:
        return None
    told = _told(value)
    given = [*arguments.values()]
    rest = (part for name, part in value.items() if name.lower() not in _BESIDE)
    return told if told is not None and all(part is None or part in given for part in rest) else None


def _told(value: JsonObject) -> str | None:
    """Return what an object says under ``error``, or beside an ``error`` that is true, as text."""
    error = value.get("error")
    inner = error.get("message") if isinstance(error, dict) else value.get("message") if error is True else error
    if not isinstance(inner, str) or not inner.strip():
        return None
    more = next((part for name in ("details", "detail") if isinstance(part := value.get(name), str) and part), None)
    return inner if more is None else f"{inner}: {more}"


def _value(result: JsonObject) -> JsonObject | None:
    """Return the object that a result consists of: its structured content, or its one text when that is JSON."""
    structured = result.get("structuredContent")
    if isinstance(structured, dict) and set(structured) != {"result"}:
        return structured
    content = result.get("content")
    block = content[0] if isinstance(content, list) and len(content) == 1 else None
    text = block.get("text") if isinstance(block, dict) else None
    if not isinstance(text, str) or not text.lstrip().startswith("{"):
        return None
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
