"""JSON and JSONC with the place of every value.

No library reads JSONC and keeps positions, so this one reader is ours: strings are decoded by the standard library,
the grammar is RFC 8259, and comments and trailing commas are accepted and reported, because only the dialect
(often known after parsing alone) decides whether they are allowed.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from mcp_assay.config.tree import Array, Document, Mark, Member, Node, Scalar, Table
from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

DEEPEST = 64
"""Levels of nesting; no client's format needs more than a dozen."""

_SPACE = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[^\s,:\[\]{}\"/]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_LONGEST_NUMBER = 40


def parse_json(text: str, path: Path) -> Document:
    """Return ``text`` as a document.

    Raises:
        ConfigError: The text is neither JSON nor JSONC, or nested deeper than `DEEPEST`.
    """
    return _Parser(text, path).document()


class _Parser:
    """Recursive descent over one text; the depth is bounded, so recursion is safe."""

    __slots__ = ("_extension", "_path", "_position", "_starts", "_text")

    def __init__(self, text: str, path: Path) -> None:
        self._text = text
        self._path = path
        self._position = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._extension: tuple[Mark, str] | None = None

    def document(self) -> Document:
        self._skip()
        root = self._value(0)
        self._skip()
        if self._position < len(self._text):
            raise self._error("more text after the end of the document", hint="a file holds one JSON value")
        return Document(path=self._path, root=root, extension=self._extension)

    def _mark(self) -> Mark:
        line = bisect_right(self._starts, self._position)
        return Mark(line, self._position - self._starts[line - 1] + 1)

    def _error(self, message: str, *, hint: str | None = None) -> ConfigError:
        mark = self._mark()
        return ConfigError(message, path=self._path, line=mark.line, column=mark.column, hint=hint)

    def _note(self, what: str) -> None:
        self._extension = self._extension or (self._mark(), what)

    def _skip(self) -> None:
        """Move over white space and comments."""
        while True:
            space = _SPACE.match(self._text, self._position)
            self._position = space.end() if space else self._position
            comment = _COMMENT.match(self._text, self._position)
            if comment is None:
                return
            self._note("a comment")
            self._position = comment.end()

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def _value(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self._error(f"nested deeper than {DEEPEST} levels", hint="is this a client configuration?")
        first = self._peek()
        if first == "{":
            return self._table(depth)
        if first == "[":
            return self._array(depth)
        mark = self._mark()
        if first == '"':
            return Scalar(value=self._string(), mark=mark)
        return Scalar(value=self._plain(), mark=mark)

    def _table(self, depth: int) -> Table:
        mark, members = self._mark(), list[Member]()
        self._position += 1
        while self._more("}", members):
            key_mark = self._mark()
            if self._peek() != '"':
                raise self._error("expected a key in double quotes", hint='keys are written like "name"')
            key = self._string()
            self._skip()
            if self._peek() != ":":
                raise self._error(f"expected ':' after the key {key!r}")
            self._position += 1
            self._skip()
            members.append(Member(key=key, value=self._value(depth + 1), mark=key_mark))
        return Table(members=tuple(members), mark=mark)

    def _array(self, depth: int) -> Array:
        mark, items = self._mark(), list[Node]()
        self._position += 1
        while self._more("]", items):
            items.append(self._value(depth + 1))
        return Array(items=tuple(items), mark=mark)

    def _more(self, end: str, so_far: list[Member] | list[Node]) -> bool:
        """Move to the next element and return True, or over ``end`` and return False."""
        self._skip()
        if so_far and self._peek() == ",":
            self._position += 1
            self._skip()
            if self._peek() == end:
                self._note("a trailing comma")
        elif so_far and self._peek() != end:
            raise self._error(f"expected ',' or '{end}'{self._found()}", hint=self._after_element(end))
        if self._peek() != end:
            return True
        self._position += 1
        return False

    def _after_element(self, end: str) -> str:
        """Return the likely cause of a missing separator."""
        return f"is a '{end}' missing?" if not self._peek() else "is a comma missing before this?"

    def _found(self) -> str:
        return f", found {self._peek()!r}" if self._peek() else ", found the end of the file"

    def _string(self) -> str:
        match = _STRING.match(self._text, self._position)
        if match is None:
            raise self._error("string is not closed on its line", hint='close it with "')
        try:
            value: str = json.loads(match.group())
        except json.JSONDecodeError as error:
            self._position += error.pos
            raise self._error("unknown escape in a string", hint=r"write a backslash as \\") from None
        if _SURROGATE.search(value):
            raise self._error("string holds half of a surrogate pair")
        self._position = match.end()
        return value

    def _plain(self) -> int | float | bool | None:
        match = _WORD.match(self._text, self._position)
        word = match.group() if match else ""
        if word not in _CONSTANTS and not (_NUMBER.fullmatch(word) and len(word) <= _LONGEST_NUMBER):
            found = f"{word[:40]!r} is not a JSON value" if word else f"expected a value{self._found()}"
            raise self._error(found, hint="texts need double quotes" if word else None)
        self._position += len(word)
        if word in _CONSTANTS:
            return _CONSTANTS[word]
        return int(word) if word.lstrip("-").isdigit() else float(word)
