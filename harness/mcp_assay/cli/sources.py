"""From the files named on the command line to the servers in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.config.discovery import find_well_known
from mcp_assay.config.loader import load
from mcp_assay.config.search import find_in
from mcp_assay.core.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mcp_assay.config.spec import ServerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the named files hold.

    Attributes:
        specs: Their servers.
        errors: What is wrong with the files that could not be read.
    """

    specs: tuple[ServerSpec, ...]
    errors: tuple[ConfigError, ...]


def load_all(files: Sequence[Path], dialect: str | None) -> Loaded:
    """Return the servers of files and folders, or of this machine's well-known files when none is named.

    Args:
        files: Documents, and folders to look for documents in.
        dialect: Name of the dialect of every document, or None to find it out.

    Raises:
        UsageError: There is nothing to read.
    """
    specs: list[ServerSpec] = []
    errors: list[ConfigError] = []
    for path, known in list(_documents(files)):
        try:
            specs += load(path, config_id=str(path), dialect=dialect or known)
        except ConfigError as error:
            errors.append(error)
    return Loaded(specs=tuple(specs), errors=tuple(errors))


def _documents(files: Sequence[Path]) -> Iterator[tuple[Path, str | None]]:
    """Yield documents and their dialects, None where it is to be found out."""
    for path in files:
        found = find_in(path) if path.is_dir() else (path,)
        if not found:
            raise UsageError(f"no file in {path} configures MCP servers", hint="name the file itself")
        yield from ((document, None) for document in found)
    if files:
        return
    known = find_well_known()
    if not known:
        raise UsageError("no client configuration found on this machine", hint="name a file: mcp-assay servers FILE")
    for document in known:
        yield document.path, document.dialect
