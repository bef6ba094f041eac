"""The one sink that text from outside goes through before anyone sees it.

Order matters: redact first (a cut could leave half a secret), then make control characters visible, then cut.
Presenting twice changes nothing, so that a value may pass the sink on its way in and on its way out.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mcp_assay.core.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Controls, bidirectional and invisible characters, surrogates, non-characters and the tags that can smuggle text.
# A zero-width space is left alone where `neutralise` itself puts it.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U0001d173-\U0001d17a"
    "\U0001fffe\U0001ffff\U000e0000-\U0010ffff]"
    "|(?<![:#])\u200b|\u200b(?![:#\\[])"
)
# Not at the start of a line only: whoever wraps the text later could put it there.
_CI_COMMAND = re.compile(r"(?<!\S)::")
_ZERO_WIDTH = "\u200b"
_LONGEST_TEXT = 4_000
_MOST_ITEMS = 200
_MOST_NODES = 5_000
_MOST_CHARACTERS = 200_000
_DEEPEST = 24


_PLAIN = str.maketrans({"…": "...", "→": "->", "±": "+-", "µ": "u", _ZERO_WIDTH: ""})
"""Characters of ours that have a form in ASCII."""


def encodable(text: str, encoding: str) -> str:
    """Return ``text`` in characters that an encoding has; what has no plain form is shown as an escape."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text


def neutralise(text: str) -> str:
    """Return ``text`` with control, bidirectional and invisible characters shown as escapes.

    Newline and tab stay. ``::`` at the start of a word and ``##[`` are broken by a zero-width space, because CI
    runners read them as commands.
    """
    # Nearly every text is plain, and to see that takes less time than to search it.
    plain = text.isascii() and text.isprintable()
    visible = text if plain else _CONTROLS.sub(lambda match: _escape(match.group()), text)
    if "::" in visible:
        visible = _CI_COMMAND.sub(":\u200b:", visible)
    return visible.replace("##[", "#\u200b#[")


def _escape(character: str) -> str:
    """Return the Python escape of one character."""
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def cut(text: str, limit: int) -> str:
    """Return ``text`` in at most ``limit`` characters, its middle replaced by a count of what is missing."""
    return text if len(text) <= limit else _spliced(text, text, len(text), limit)


def inert(text: str, limit: int) -> str:
    """Return ``text`` neutralised and cut to ``limit`` characters, at a cost that does not grow with its length."""
    if len(text) <= 2 * limit:
        return cut(neutralise(text), limit)
    # Neutralising never shortens, so nothing beyond `limit` characters from either end can be shown.
    head, tail = neutralise(text[:limit]), neutralise(text[len(text) - limit :])
    return _spliced(head, tail, len(head) + len(text) - 2 * limit + len(tail), limit)


def _spliced(start: str, end: str, length: int, limit: int) -> str:
    """Return the first characters of ``start`` and the last of ``end``, two ends of a text of ``length`` characters."""
    room = limit - len(f" … [{length} characters cut] … ")
    if room < 3:
        return start[: max(0, limit - 1)].rstrip(_ZERO_WIDTH) + "…"[:limit]
    head, tail = room - room // 3, room // 3
    mark = f" … [{length - head - tail} characters cut] … "
    # A zero-width space without its neighbours would be taken for the server's when presented again.
    return start[:head].rstrip(_ZERO_WIDTH) + mark + end[-tail:].lstrip(_ZERO_WIDTH)


@dataclass(frozen=True, slots=True)
class Presenter:
    """Makes text and JSON from servers fit to leave the process.

    Attributes:
        redactor: Knows the secrets of this run.
    """

    redactor: Redactor = field(default_factory=Redactor)

    def text(self, value: str, limit: int = _LONGEST_TEXT) -> str:
        """Return ``value`` redacted, neutralised and cut to ``limit`` characters."""
        return inert(self.redactor.redact(value), limit)

    def line(self, value: str, limit: int = 300) -> str:
        """Return ``value`` as `text` does, on a single line."""
        return " ".join(self.text(value, limit).split())

    def optional(self, value: str | None) -> str | None:
        """Return ``value`` as `text` does, or None."""
        return None if value is None else self.text(value)

    def json(self, value: object) -> Any:
        """Return a JSON value with every string presented and the whole of it bounded.

        Numbers that JSON cannot hold become strings. Containers beyond 200 entries or 24 levels say how much was cut,
        and so does a value beyond 5,000 entries or 200,000 characters in all.
        """
        return _JsonPresenter(self).shown(value, 0)


@dataclass(slots=True)
class _JsonPresenter:
    """Presents one JSON value and counts what it has let through."""

    presenter: Presenter
    nodes: int = 0
    characters: int = 0

    def shown(self, value: object, depth: int) -> Any:
        """Return ``value`` presented, or a note where a bound is met."""
        self.nodes += 1
        if self.nodes > _MOST_NODES or self.characters > _MOST_CHARACTERS:
            return "… [the rest was cut]"
        if isinstance(value, dict | list | tuple):
            return self._container(cast("dict[object, object] | Sequence[object]", value), depth)
        return self._scalar(value)

    def _scalar(self, value: object) -> str | int | float | None:
        """Return a string, number, boolean or null; anything else as the text of it."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            # Beyond this many bits Python refuses to print, and so to write, an integer.
            return value if value.bit_length() <= 1_024 else "… [an integer of more than 1,024 bits]"
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        text = self.presenter.text(value if isinstance(value, str) else str(value))
        self.characters += len(text)
        return text

    def _container(self, value: Mapping[object, object] | Sequence[object], depth: int) -> Any:
        """Return an object or array with its first entries."""
        if depth >= _DEEPEST:
            return "… [deeper levels cut]"
        return self._object(value, depth) if isinstance(value, dict) else self._array(list(value), depth)

    def _object(self, value: Mapping[object, object], depth: int) -> dict[str, Any]:
        """Return an object; keys that look alike once presented are told apart by a number."""
        kept = _kept(len(value))
        shown: dict[str, Any] = {}
        for key, item in list(value.items())[:kept]:
            name = self.presenter.text(str(key), 200)
            self.characters += len(name)
            if name in shown:
                name = f"{name} ({len(shown)})"
            shown[name] = self.shown(item, depth + 1)
        if kept < len(value):
            shown["…"] = f"[{len(value) - kept} entries cut]"
        return shown

    def _array(self, value: Sequence[object], depth: int) -> list[Any]:
        """Return an array."""
        kept = _kept(len(value))
        shown = [self.shown(item, depth + 1) for item in value[:kept]]
        if kept < len(value):
            shown.append(f"… [{len(value) - kept} entries cut]")
        return shown


def _kept(length: int) -> int:
    """Return how many entries of a container are shown; the note on the others counts as an entry."""
    return length if length <= _MOST_ITEMS else _MOST_ITEMS - 1
