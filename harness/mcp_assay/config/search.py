"""Configuration documents in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.config import dialects
from mcp_assay.config.detection import has_servers, matched_end, syntax_of
from mcp_assay.config.dialect import Syntax
from mcp_assay.config.files import is_file
from mcp_assay.config.loader import read
from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES = frozenset({".json", ".jsonc", ".toml", ".yaml", ".yml", ".mcpb", ".dxt"})
_MOST = 2_000


def find_in(folder: Path) -> tuple[Path, ...]:
    """Return the documents in a folder that configure servers, sorted.

    Its files are looked at, and the well-known places below it such as ``.vscode/mcp.json``. A file that cannot be
    parsed counts when its name says what it is, so that its error is seen.

    Raises:
        ConfigError: The folder cannot be read.
    """
    try:
        entries = sorted(folder.iterdir())[:_MOST]
    except OSError as error:
        raise ConfigError(f"folder cannot be read: {error.strerror}", path=folder) from None
    files = [entry for entry in entries if entry.suffix in _SUFFIXES]
    known = {folder / end for row in dialects.DIALECTS for end in row.files if end.startswith(".") and "/" in end}
    return tuple(path for path in (*files, *sorted(known)) if is_file(path) and is_config(path))


def is_config(path: Path) -> bool:
    """Return whether a file configures servers in some dialect; what cannot be parsed goes by its name."""
    if path.name in {"package.json", "tsconfig.json"}:
        return False
    try:
        document = read(path)
    except ConfigError:
        return any(matched_end(row, path) for row in dialects.DIALECTS)
    syntax = syntax_of(path)
    rows = [row for row in dialects.DIALECTS if (syntax is Syntax.JSONC) == (row.syntax in {Syntax.JSON, Syntax.JSONC})]
    return any(has_servers(row, document) for row in (*rows, dialects.GENERIC))
