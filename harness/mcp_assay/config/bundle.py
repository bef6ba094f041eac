"""An MCP bundle: the ``manifest.json`` of an unpacked one, or the ``.mcpb`` archive that holds it."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.config.entries import Entry
from mcp_assay.config.files import LARGEST
from mcp_assay.config.scope import Input
from mcp_assay.config.tree import Array, Member, Table
from mcp_assay.config.view import View
from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_assay.config.dialect import Dialect
    from mcp_assay.config.scope import Scope
    from mcp_assay.config.spec import ServerSpec

ARCHIVES = (".mcpb", ".dxt")
"""Ends of the names of bundle archives."""
_MANIFEST = "manifest.json"


def is_archive(path: Path) -> bool:
    """Return whether the path is a bundle archive."""
    return path.suffix in ARCHIVES


def read_manifest(path: Path) -> str:
    """Return the manifest in a bundle archive; nothing is unpacked.

    Raises:
        ConfigError: The file is no archive, has no manifest, or one that is too large or not UTF-8.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_MANIFEST) as stream:
            data = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError("file does not exist", path=path) from None
    except KeyError:
        raise ConfigError(f"bundle has no {_MANIFEST}", path=path) from None
    except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise ConfigError(f"bundle cannot be read: {error}", path=path, hint="bundles are ZIP archives") from None
    if len(data) > LARGEST:
        raise ConfigError(f"{_MANIFEST} is larger than {LARGEST // 1024 // 1024} MiB", path=path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{_MANIFEST} is not UTF-8 text", path=path) from None


def read_bundle(root: View, row: Dialect, scope: Scope, config: str, platform: str) -> tuple[ServerSpec, ...]:
    """Return the one server of a bundle.

    Raises:
        ConfigError: The manifest lacks something, has a wrong type, or an input that refers to itself.
    """
    fields = root.fields()
    for key in ("name", "server"):
        if key not in fields:
            raise root.error(f"{key!r} is missing", hint="a bundle's manifest has a name and a server")
    server = fields["server"].fields()
    if "mcp_config" not in server:
        raise fields["server"].error("server has no mcp_config", hint="it says how the server is started")
    inputs = (
        {name: _input(view) for name, view in fields["user_config"].fields().items()} if "user_config" in fields else {}
    )
    entry = Entry.read(
        fields["name"].text(), _for_platform(server["mcp_config"], platform), row, replace(scope, inputs=inputs)
    )
    spec = entry.spec(config, root.document.path)
    if not is_archive(root.document.path):
        return (spec,)
    return (replace(spec, disabled=True, disabled_because="unpack the bundle and name its manifest.json instead"),)


def _input(view: View) -> Input:
    """Return one entry of ``user_config``."""
    default = view.fields().get("default")
    if default is None:
        return Input()
    return Input(defaults=tuple(default.items()) if isinstance(default.node, Array) else (default,))


def _for_platform(view: View, platform: str) -> View:
    """Return the start instructions with what holds on ``platform`` (as in `sys.platform`) alone."""
    overrides = view.fields().get("platform_overrides")
    own = overrides.fields().get(platform) if overrides else None
    if own is None or not isinstance(view.node, Table) or not isinstance(own.node, Table):
        return view
    own.fields()
    replaced = {member.key for member in own.node.members}
    kept: tuple[Member, ...] = tuple(member for member in view.node.members if member.key not in replaced)
    node = Table(members=(*kept, *own.node.members), mark=view.node.mark)
    return View(document=view.document, node=node, name=view.name, mark=view.mark)
