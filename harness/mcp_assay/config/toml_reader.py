"""TOML with the place of every value.

`tomllib` reads the values but forgets where they stood, and no TOML library for Python keeps that; the syntax tree of
tree-sitter's TOML grammar has the places. Long dotted keys are refused first: one of 100 000 parts makes `tomllib`
use up a machine's memory.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, TypeAlias, cast

import tree_sitter
import tree_sitter_toml

from mcp_assay.config.tree import Array, Document, Mark, Member, Node, Scalar, Table
from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MOST_PARTS = 32
"""Parts a dotted key may have."""

_LONG_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{MOST_PARTS}}}""")
_KEYS = frozenset({"bare_key", "quoted_key", "dotted_key"})
_HEADERS = frozenset({"table", "table_array_element"})
_PLACE = re.compile(r" ?\((?:at line (?P<line>\d+), column (?P<column>\d+)|at end of document)\)$")

_Path: TypeAlias = "tuple[str | int, ...]"


def parse_toml(text: str, path: Path) -> Document:
    """Return ``text`` as a document.

    Raises:
        ConfigError: The text is no TOML, or nested too deeply.
    """
    long_key = _LONG_KEY.search(text)
    if long_key:
        line = text.count("\n", 0, long_key.start()) + 1
        raise ConfigError(f"key of more than {MOST_PARTS} parts", path=path, line=line)
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise ConfigError("nested too deeply", path=path, hint="is this a client configuration?") from None
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(error, text, path) from None
    source = text.encode()
    tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language())).parse(source)
    root = _node(values, (), _Places(source).of(tree.root_node), Mark(1, 1))
    return Document(path=path, root=root)


def _syntax_error(error: tomllib.TOMLDecodeError, text: str, path: Path) -> ConfigError:
    """Return our error for one of `tomllib`, whose place is in its message."""
    message = str(error)
    match = _PLACE.search(message)
    line = int(match["line"]) if match and match["line"] else text.count("\n") + 1
    column = int(match["column"]) if match and match["column"] else None
    sentence = _PLACE.sub("", message)
    twice = "overwrite" in sentence.lower() or "twice" in sentence.lower()
    hint = "a name is there twice; rename or remove one" if twice else None
    return ConfigError(f"TOML: {sentence}", path=path, line=line, column=column, hint=hint)


class _Places:
    """Collects the places of keys and values by their path of keys and indices."""

    __slots__ = ("_found", "_last", "_lines")

    def __init__(self, source: bytes) -> None:
        self._lines = source.split(b"\n")
        self._found: dict[_Path, Mark] = {}
        self._last: dict[_Path, int] = {}

    def of(self, root: tree_sitter.Node) -> Mapping[_Path, Mark]:
        """Return the places; a key's path ends in ``""`` where its value's path would end."""
        for child in root.named_children:
            if child.type in _HEADERS:
                self._section(child)
            elif child.type == "pair":
                self._pair(child, ())
        return self._found

    def _mark(self, node: tree_sitter.Node) -> Mark:
        """Return where a node starts; tree-sitter counts columns in bytes."""
        row, column = node.start_point
        return Mark(row + 1, len(self._lines[row][:column].decode("utf-8", "replace")) + 1)

    def _section(self, section: tree_sitter.Node) -> None:
        """Take a ``[table]`` or ``[[table]]`` with its pairs."""
        key, *rest = section.named_children
        path = self._enter((), key)
        if section.type == "table_array_element":
            self._last[path] = self._last.get(path, -1) + 1
            path = (*path, self._last[path])
            self._found[path] = self._mark(section)
        for child in rest:
            if child.type == "pair":
                self._pair(child, path)

    def _enter(self, path: _Path, key: tree_sitter.Node) -> _Path:
        """Return the path after a key, and remember where its parts are first named."""
        for part in _parts(key):
            path = (*path, self._last[path]) if path in self._last else path
            path = (*path, _name(part))
            mark = self._mark(part)
            self._found.setdefault((*path, ""), mark)
            self._found.setdefault(path, mark)
        return path

    def _pair(self, pair: tree_sitter.Node, path: _Path) -> None:
        children = [child for child in pair.named_children if child.type != "comment"]
        if len(children) == 2:
            self._value(children[1], self._enter(path, children[0]))

    def _value(self, value: tree_sitter.Node, path: _Path) -> None:
        self._found[path] = self._mark(value)
        children = [child for child in value.named_children if child.type != "comment"]
        for index, child in enumerate(children):
            if value.type == "array":
                self._value(child, (*path, index))
            elif child.type == "pair":
                self._pair(child, path)


def _parts(key: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Yield the parts of a dotted key from left to right."""
    if key.type != "dotted_key":
        yield key
        return
    for child in key.named_children:
        if child.type in _KEYS:
            yield from _parts(child)


def _name(key: tree_sitter.Node) -> str:
    """Return a bare or quoted key's text."""
    text = (key.text or b"").decode()
    return next(iter(tomllib.loads(f"{text} = 0"))) if key.type == "quoted_key" else text


def _node(value: object, path: _Path, places: Mapping[_Path, Mark], near: Mark) -> Node:
    """Return a value with its place; where there is none, with that of what holds it."""
    mark = places.get(path, near)
    if isinstance(value, dict):
        table = cast("dict[str, object]", value)
        return Table(members=tuple(_member(key, item, path, places, mark) for key, item in table.items()), mark=mark)
    if isinstance(value, list):
        items = enumerate(cast("list[object]", value))
        return Array(items=tuple(_node(item, (*path, index), places, mark) for index, item in items), mark=mark)
    plain = value if isinstance(value, str | int | float | bool) else str(value)
    return Scalar(value=plain, mark=mark)


def _member(key: str, value: object, path: _Path, places: Mapping[_Path, Mark], near: Mark) -> Member:
    """Return one key of a table."""
    here = (*path, key)
    return Member(key=key, value=_node(value, here, places, near), mark=places.get((*here, ""), near))
