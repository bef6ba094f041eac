"""From a file to the servers in it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.config.bundle import is_archive, read_bundle, read_manifest
from mcp_assay.config.detection import find_dialect, folder_of, named_dialect, node_at, syntax_of
from mcp_assay.config.dialect import Dialect, Layout, Syntax
from mcp_assay.config.entries import Entry
from mcp_assay.config.files import read_servers
from mcp_assay.config.json_reader import parse_json
from mcp_assay.config.registry import read_registry
from mcp_assay.config.scope import Input, Scope, places
from mcp_assay.config.toml_reader import parse_toml
from mcp_assay.config.view import View, closest
from mcp_assay.config.yaml_reader import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcp_assay.config.spec import ServerSpec
    from mcp_assay.config.tree import Document

_READERS = {Syntax.TOML: parse_toml, Syntax.YAML: parse_yaml}


def load(
    path: Path, *, config_id: str, dialect: str | None = None, platform: str = sys.platform
) -> tuple[ServerSpec, ...]:
    """Return the servers of a configuration file in its order; empty when it lists none.

    Args:
        path: The file, as the user wrote it; errors name it so.
        config_id: Id of the document in node ids, for example ``servers.json``.
        dialect: Name of the dialect, or None to find it out.
        platform: As in `sys.platform`, for documents that differ by platform.

    Raises:
        ConfigError: The file cannot be read or is wrong somewhere; says where and what to do.
    """
    document = read(path)
    row = named_dialect(dialect, document) if dialect else find_dialect(document)
    if row.syntax is Syntax.JSON and document.extension:
        mark, what = document.extension
        raise document.error(f"{what} is not allowed in JSON", mark, hint=f"{row.title} reads plain JSON; remove it")
    scope = _scope(document, row)
    root = View.of(document)
    if row.layout is Layout.REGISTRY:
        return read_registry(root, scope, config_id, path)
    if row.layout is Layout.BUNDLE:
        return read_bundle(root, row, scope, config_id, platform)
    entries = (Entry.read(name, view, row, scope) for name, view in _entries(document, row))
    specs = (entry.spec(config_id, path) for entry in entries if not entry.is_foreign)
    return tuple(_switched(specs, document, row))


def read(path: Path) -> Document:
    """Return the parsed file.

    Raises:
        ConfigError: The file cannot be read or is broken.
    """
    text = read_manifest(path) if is_archive(path) else read_servers(path)
    return _READERS.get(syntax_of(path), parse_json)(text, path)


def _scope(document: Document, row: Dialect) -> Scope:
    """Return what the document's texts may refer to."""
    folder = folder_of(row, document.path)
    fixed = {name: text for name, text in places(folder).items() if name in row.fixed}
    inputs = _declared(document) if "input" in row.grammar.sources and node_at(document.root, ("inputs",)) else None
    return Scope(grammar=row.grammar, folder=folder, fixed=fixed, inputs=inputs)


def _declared(document: Document) -> dict[str, Input]:
    """Return the inputs that a VS Code document declares."""
    found: dict[str, Input] = {}
    for view in View.of(document).fields()["inputs"].items():
        fields = view.fields()
        if "id" not in fields:
            raise view.error(f"{view.name} has no id", hint='an input is written {"type": "promptString", "id": "…"}')
        name = fields["id"].text()
        if name in found:
            raise fields["id"].error(f"input {name!r} is declared twice", hint="rename or remove one")
        found[name] = Input(defaults=(fields["default"],) if "default" in fields else ())
    return found


def _entries(document: Document, row: Dialect) -> Iterator[tuple[str, View]]:
    """Yield the servers' names and entries."""
    servers = _servers(document, row)
    if servers is None:
        return
    if row.layout is Layout.TABLE:
        yield from servers.fields().items()
        return
    taken: dict[str, int] = {}
    for view in servers.items():
        name = view.fields().get("name") or view.fields().get("uses")
        if name is None:
            raise view.error(f"{view.name} has no name", hint="every server needs one")
        if name.text() in taken:
            hint = f"the first one is on line {taken[name.text()]}; rename or remove one"
            raise name.error(f"{name.text()!r} is there twice in {servers.name}", hint=hint)
        taken[name.text()] = name.mark.line
        yield name.text(), view


def _servers(document: Document, row: Dialect) -> View | None:
    """Return what holds the servers, or None when a file of many settings has none."""
    keys = next((root for root in row.roots if node_at(document.root, root) is not None), None)
    if keys is None and row.settings:
        View.of(document).fields()
        return None
    view = View.of(document)
    for key in keys or row.roots[0]:
        fields = view.fields()
        if key not in fields:
            near = closest(key, fields)
            hint = (
                f"{near!r} on line {fields[near].mark.line} looks like it"
                if near
                else f"{row.title} has its servers there"
            )
            raise view.error(f"{key!r} is missing", hint=hint)
        view = fields[key]
    return view


def _switched(specs: Iterator[ServerSpec], document: Document, row: Dialect) -> Iterator[ServerSpec]:
    """Yield the servers, those switched off elsewhere in the document disabled."""
    allowed, excluded = _names(document, row.allowed), _names(document, row.excluded)
    for spec in specs:
        off = spec.name in (excluded or ()) or (allowed is not None and spec.name not in allowed)
        yield replace(spec, disabled=True) if off else spec


def _names(document: Document, keys: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return a list of server names elsewhere in the document, or None when there is none."""
    if not keys or node_at(document.root, keys) is None:
        return None
    view = View.of(document)
    for key in keys:
        view = view.fields()[key]
    return view.texts()
