"""A parsed document in which every value knows its place.

The readers for JSON, TOML and YAML all return this tree, so that everything above them is written once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a document; line and column are counted from 1, 0 means unknown."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text, number, boolean or null."""

    value: str | int | float | bool | None
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """A list of values."""

    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One key of a table with its value; ``mark`` is the key's place."""

    key: str
    value: Node
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Members in the order of the document, duplicates included."""

    members: tuple[Member, ...]
    mark: Mark

    def get(self, key: str) -> Member | None:
        """Return the first member called ``key``, or None."""
        return next((member for member in self.members if member.key == key), None)


Node: TypeAlias = Scalar | Array | Table
"""Any value of a document."""


def kind_of(node: Node) -> str:
    """Return what a user would call the value's type, with its article."""
    if isinstance(node, Table):
        return "an object"
    if isinstance(node, Array):
        return "a list"
    if node.value is None:
        return "null"
    if isinstance(node.value, bool):
        return "a boolean"
    return "a string" if isinstance(node.value, str) else "a number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed file.

    Attributes:
        path: Where it was read from, as the user wrote it.
        root: Its outermost value.
        extension: The first place that is JSONC but not JSON, with what it is, or None.
    """

    path: Path
    root: Node
    extension: tuple[Mark, str] | None = None

    def error(self, message: str, mark: Mark | None = None, *, hint: str | None = None) -> ConfigError:
        """Return the error to raise for the place ``mark``."""
        line, column = (mark.line or None, mark.column or None) if mark else (None, None)
        return ConfigError(message, path=self.path, line=line, column=column, hint=hint)
