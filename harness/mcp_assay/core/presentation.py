"""The one sink that text from outside goes through before anyone sees it.

Order matters: redact first (a cut could leave half a secret), then make control characters visible, then cut.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mcp_assay.core.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff\ud800-\udfff]"
)
_LONGEST_TEXT = 4_000
_MOST_ITEMS = 200
_DEEPEST = 24


def neutralise(text: str) -> str:
    """Return ``text`` with control, bidirectional and invisible characters shown as escapes.

    Newline and tab stay. ``::`` at the start of a line and ``##[`` are broken by a zero-width space, because CI
    runners read them as commands wherever they appear.
    """
    visible = _CONTROLS.sub(lambda match: _escape(match.group()), text)
    visible = re.sub(r"(?m)^(\s*)::", "\\1:\u200b:", visible)
    return visible.replace("##[", "#\u200b#[")


def _escape(character: str) -> str:
    """Return the Python escape of one character."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def cut(text: str, limit: int) -> str:
    """Return ``text``, shortened in the middle to about ``limit`` characters with a count of what is missing."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]} … [{len(text) - head - tail} characters cut] … {text[-tail:]}"


@dataclass(frozen=True, slots=True)
class Presenter:
    """Makes text and JSON from servers fit to leave the process.

    Attributes:
        redactor: Knows the secrets of this run.
    """

    redactor: Redactor = field(default_factory=Redactor)

    def text(self, value: str, limit: int = _LONGEST_TEXT) -> str:
        """Return ``value`` redacted, neutralised and cut to about ``limit`` characters."""
        return cut(neutralise(self.redactor.redact(value)), limit)

    def line(self, value: str, limit: int = 300) -> str:
        """Return ``value`` as `text` does, on a single line."""
        return " ".join(self.text(value, limit).split())

    def optional(self, value: str | None) -> str | None:
        """Return ``value`` as `text` does, or None."""
        return None if value is None else self.text(value)

    def json(self, value: object, depth: int = 0) -> Any:
        """Return a JSON value with every string presented and every container bounded.

        Numbers that JSON cannot hold become strings, containers beyond 200 entries or 24 levels say how much was cut.
        """
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if depth >= _DEEPEST:
            return "… [deeper levels cut]"
        if isinstance(value, dict):
            return self._object(cast("Mapping[str, object]", value), depth)
        if isinstance(value, list | tuple):
            return self._array(cast("list[object]", list(cast("Any", value))), depth)
        return self.text(str(value))

    def _object(self, value: Mapping[str, object], depth: int) -> dict[str, Any]:
        """Return a bounded, presented JSON object."""
        shown = {
            self.text(str(key), 200): self.json(item, depth + 1) for key, item in list(value.items())[:_MOST_ITEMS]
        }
        if len(value) > _MOST_ITEMS:
            shown["…"] = f"[{len(value) - _MOST_ITEMS} entries cut]"
        return shown

    def _array(self, value: list[object], depth: int) -> list[Any]:
        """Return a bounded, presented JSON array."""
        shown = [self.json(item, depth + 1) for item in value[:_MOST_ITEMS]]
        if len(value) > _MOST_ITEMS:
            shown.append(f"… [{len(value) - _MOST_ITEMS} entries cut]")
        return shown
