"""YAML with the place of every value.

PyYAML composes nodes that know their marks; nothing is constructed, so no tag can run code. Plain scalars follow the
core schema of YAML 1.2, which the clients' own parsers use: ``no`` and ``on`` are texts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from mcp_assay.config.tree import Array, Document, Mark, Member, Node, Scalar, Table
from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

DEEPEST = 64
"""Levels of nesting."""
MOST_NODES = 100_000
"""Values in a document with its aliases written out; a bomb of aliases ends here."""

_TOO_DEEP = f"nested deeper than {DEEPEST} levels"
_PARSERS_OWN_DEPTH = "maximum nesting depth"
"""What libyaml says from 0.2.6 on of a thousand levels, which its scanner sees before any event comes out."""

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,40}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def parse_yaml(text: str, path: Path) -> Document:
    """Return ``text`` as a document.

    Raises:
        ConfigError: The text is not one YAML document, nested too deeply, or too large with its aliases written out.
    """
    try:
        _refuse_depth(text, path)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, path) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"YAML: {str(error).splitlines()[0]}", path=path) from None
    if root is None:
        raise ConfigError("document holds nothing but comments", path=path)
    return Document(path=path, root=_Converter(path).node(root, 0))


def _refuse_depth(text: str, path: Path) -> None:
    """Raise `ConfigError` for deep nesting, before the C composer, which crashes the interpreter on it, sees it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ConfigError(_TOO_DEEP, path=path, line=_line(event))


def _line(event: yaml.Event) -> int | None:
    """Return the line an event starts on, counted from 1."""
    return event.start_mark.line + 1 if event.start_mark else None


def _syntax_error(error: yaml.MarkedYAMLError, path: Path) -> ConfigError:
    """Return our error for one of PyYAML."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    if error.problem and _PARSERS_OWN_DEPTH in error.problem:
        return ConfigError(_TOO_DEEP, path=path, line=line, column=column)
    return ConfigError(
        f"YAML: {error.problem or error.context or 'cannot be parsed'}",
        path=path,
        line=line,
        column=column,
        hint="check indentation and quotes; tabs must not indent",
    )


class _Converter:
    """Turns PyYAML's nodes into ours and counts them."""

    __slots__ = ("_count", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0

    def node(self, node: yaml.Node, depth: int) -> Node:
        """Return a node of our own."""
        mark = Mark(node.start_mark.line + 1, node.start_mark.column + 1)
        self._count += 1
        if depth > DEEPEST:
            raise self._error(_TOO_DEEP, mark)
        if self._count > MOST_NODES:
            raise self._error(f"more than {MOST_NODES} values with aliases written out", mark)
        if isinstance(node, yaml.MappingNode):
            members = tuple(self._member(key, value, depth) for key, value in node.value)
            return Table(members=members, mark=mark)
        if isinstance(node, yaml.SequenceNode):
            return Array(items=tuple(self.node(item, depth + 1) for item in node.value), mark=mark)
        return Scalar(value=_scalar(str(node.value), plain=not getattr(node, "style", None)), mark=mark)

    def _member(self, key: yaml.Node, value: yaml.Node, depth: int) -> Member:
        mark = Mark(key.start_mark.line + 1, key.start_mark.column + 1)
        if not isinstance(key, yaml.ScalarNode):
            raise self._error("a key must be a text", mark)
        return Member(key=str(key.value), value=self.node(value, depth + 1), mark=mark)

    def _error(self, message: str, mark: Mark) -> ConfigError:
        return ConfigError(message, path=self._path, line=mark.line, column=mark.column)


def _scalar(text: str, *, plain: bool) -> str | int | float | bool | None:
    """Return a scalar's value by the core schema (YAML 1.2, chapter 10.3); quoted ones are texts."""
    if not plain:
        return text
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
