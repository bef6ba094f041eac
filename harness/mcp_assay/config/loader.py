"""From a file to the servers in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.config import dialects
from mcp_assay.config.dialects import Dialect, Syntax
from mcp_assay.config.entries import Entry
from mcp_assay.config.files import read_document
from mcp_assay.config.json_reader import parse_json
from mcp_assay.config.view import View, closest

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_assay.config.spec import ServerSpec
    from mcp_assay.config.tree import Document


def load(path: Path, *, config_id: str, dialect: str | None = None) -> tuple[ServerSpec, ...]:
    """Return the servers of a configuration file in its order; empty when it lists none.

    Args:
        path: The file, as the user wrote it; errors name it so.
        config_id: Id of the document in node ids, for example ``servers.json``.
        dialect: Name of the dialect, or None to find it out.

    Raises:
        ConfigError: The file cannot be read or is wrong somewhere; says where and what to do.
    """
    document = parse_json(read_document(path), path)
    row = _named(dialect, document) if dialect else detect(document)
    if row.syntax is Syntax.JSON and document.extension:
        mark, what = document.extension
        raise document.error(f"{what} is not allowed in JSON", mark, hint=f"{row.title} reads plain JSON; remove it")
    servers = _servers(document, row)
    entries = (Entry.read(name, view, row, {}) for name, view in servers.fields().items())
    return tuple(entry.spec(config_id, path, path.parent) for entry in entries)


def detect(document: Document) -> Dialect:
    """Return the dialect of a document by its path, or by its root key.

    Raises:
        ConfigError: It is none that is known.
    """
    place = document.path.absolute().as_posix()
    for row in dialects.DIALECTS:
        if any(place.endswith(f"/{end}") for end in row.files):
            return row
    return dialects.GENERIC


def _named(name: str, document: Document) -> Dialect:
    """Return the dialect called ``name``."""
    rows = {row.name: row for row in dialects.DIALECTS}
    if name not in rows:
        near = closest(name, rows)
        hint = f"did you mean {near}?" if near else f"known dialects: {', '.join(rows)}"
        raise document.error(f"there is no dialect {name!r}", hint=hint)
    return rows[name]


def _servers(document: Document, row: Dialect) -> View:
    """Return the object that holds the servers."""
    view = View.of(document)
    for key in row.root:
        fields = view.fields()
        if key not in fields:
            near = closest(key, fields)
            hint = (
                f"{near!r} on line {fields[near].mark.line} looks like it"
                if near
                else f"{row.title} keeps servers there"
            )
            raise view.error(f"{key!r} is missing", hint=hint)
        view = fields[key]
    return view
