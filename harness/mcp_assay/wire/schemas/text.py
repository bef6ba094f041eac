"""Short, bounded text about JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_assay.core.json_types import Json

_SURROGATE = re.compile("[\ud800-\udfff]")
LONGEST_MESSAGE = 300
LONGEST_POINTER = 300


def pointer_part(name: str) -> str:
    """Return one member name as a JSON Pointer token (RFC 6901 §3)."""
    return name.replace("~", "~0").replace("/", "~1")


def pointer_of(parts: Iterable[str | int]) -> str:
    """Return a JSON Pointer, cut to a bounded length."""
    return shortened("".join(f"/{pointer_part(str(part))}" for part in parts), LONGEST_POINTER)


def shortened(text: str, limit: int = LONGEST_MESSAGE) -> str:
    """Return ``text`` with its middle cut out when it is longer than ``limit`` characters."""
    if len(text) <= limit:
        return text
    half = (limit - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def quoted(value: object, limit: int = 80) -> str:
    """Return ``value`` as short JSON text."""
    return shortened(json.dumps(value[: limit * 2] if isinstance(value, str) else value, default=str), limit)


def compact(value: Json) -> str:
    """Return compact ASCII JSON text."""
    return json.dumps(value, separators=(",", ":"))


def scrubbed(value: Json) -> Json:
    """Return ``value`` with each lone surrogate replaced by U+FFFD: the validator takes Unicode text only."""
    text = compact(value)
    if "\\ud" not in text:
        return value
    plain = _SURROGATE.sub("\ufffd", json.dumps(json.loads(text), ensure_ascii=False))
    return cast("Json", json.loads(plain))
