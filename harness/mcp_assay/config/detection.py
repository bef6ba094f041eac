"""Which dialect a document is written in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.config import dialects
from mcp_assay.config.dialect import Dialect, Layout, Syntax
from mcp_assay.config.tree import Array, Table
from mcp_assay.config.view import closest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcp_assay.config.tree import Document, Node

_TEXTS = frozenset({"env", "headers", "environment", "envs"})
_SUFFIXES = {".toml": Syntax.TOML, ".yaml": Syntax.YAML, ".yml": Syntax.YAML}


def syntax_of(path: Path) -> Syntax:
    """Return what a file is written in by its name; JSONC stands for everything JSON-like."""
    return _SUFFIXES.get(path.suffix.lower(), Syntax.JSONC)


def find_dialect(document: Document) -> Dialect:
    """Return the dialect of a document: by its path, by keys that tell, or by where its servers are.

    Returns:
        The row; `dialects.GENERIC` when nothing fits.
    """
    rows = [row for row in dialects.DIALECTS if _readable(row, document.path)]
    named = [row for row in rows if matched_end(row, document.path) is not None]
    fitting = [row for row in rows if has_servers(row, document)]
    told = [row for row in fitting if row.telling & _told_keys(row, document)]
    shared = dialects.GENERIC.roots[0]
    plain = [row for row in fitting if shared not in row.roots or row.layout is Layout.LIST or row is dialects.GENERIC]
    for choice in ([row for row in named if row in fitting], told, plain, named):
        if choice:
            return choice[0]
    return dialects.GENERIC


def named_dialect(name: str, document: Document) -> Dialect:
    """Return the dialect called ``name``.

    Raises:
        ConfigError: There is none.
    """
    rows = {row.name: row for row in dialects.DIALECTS}
    if name not in rows:
        near = closest(name, rows)
        hint = f"did you mean {near}?" if near else f"known dialects: {', '.join(rows)}"
        raise document.error(f"there is no dialect {name!r}", hint=hint)
    return rows[name]


def matched_end(row: Dialect, path: Path) -> str | None:
    """Return the end of the path that means the dialect, or None."""
    place = path.absolute().as_posix()
    return next((end for end in row.files if place.endswith(end if _is_suffix(end) else f"/{end}")), None)


def folder_of(row: Dialect, path: Path) -> Path:
    """Return the folder that a document belongs to: a project's, not the hidden one in it."""
    end = matched_end(row, path)
    levels = end.count("/") if end and end.startswith(".") else 0
    return path.absolute().parents[levels]


def has_servers(row: Dialect, document: Document) -> bool:
    """Return whether the document has something where the dialect keeps its servers."""
    if row.layout is Layout.REGISTRY:
        return bool(row.telling & set(_keys(document.root, 1))) and node_at(document.root, ("name",)) is not None
    wanted = Array if row.layout is Layout.LIST else Table
    return any(isinstance(node_at(document.root, root), wanted) for root in row.roots)


def node_at(node: Node, keys: tuple[str, ...]) -> Node | None:
    """Return the value that keys lead to, or None."""
    for key in keys:
        member = node.get(key) if isinstance(node, Table) else None
        if member is None:
            return None
        node = member.value
    return node


def _readable(row: Dialect, path: Path) -> bool:
    """Return whether the dialect may be written in the file's syntax; plain ``mcpServers`` may be in any."""
    syntax = syntax_of(path)
    json_like = row.syntax in {Syntax.JSON, Syntax.JSONC}
    return row is dialects.GENERIC or (json_like if syntax is Syntax.JSONC else row.syntax is syntax)


def _is_suffix(end: str) -> bool:
    """Return whether an end is that of a file name, such as ``.mcp.json``, rather than whole parts of a path."""
    return end.startswith(".") and "/" not in end


def _told_keys(row: Dialect, document: Document) -> set[str]:
    """Return the keys of the document and of its servers' entries, one level of objects in them included."""
    found = set(_keys(document.root, 1))
    for root in row.roots:
        servers = node_at(document.root, root)
        for member in servers.members if isinstance(servers, Table) else ():
            found |= set(_keys(member.value, 2))
    return found


def _keys(node: Node, depth: int) -> Iterator[str]:
    """Yield the keys down to a depth, but not the names of variables and headers."""
    if not isinstance(node, Table) or depth == 0:
        return
    for member in node.members:
        yield member.key
        if member.key not in _TEXTS:
            yield from _keys(member.value, depth - 1)
