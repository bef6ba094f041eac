"""From the files named on the command line to the servers in them, and to what is said of these elsewhere."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_assay.config.describe import literal_secrets
from mcp_assay.config.discovery import find_well_known
from mcp_assay.config.loader import load
from mcp_assay.config.overlay import Overlay
from mcp_assay.config.search import find_in
from mcp_assay.core.errors import ConfigError, UsageError
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.config.spec import ServerSpec, Variables

_ROOT_MARKS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


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


def asked_for(files: Sequence[Path], names: Sequence[str]) -> list[ServerSpec]:
    """Return the servers that may be started or reached.

    Args:
        files: Documents, and folders to look for documents in.
        names: Shell patterns of server names, or empty for all servers.

    Raises:
        ConfigError: A document cannot be used.
        UsageError: No server has a name that was asked for.
    """
    loaded = load_all(files, None)
    if loaded.errors:
        raise loaded.errors[0]
    wanted = [spec for spec in loaded.specs if not names or any(fnmatch.fnmatchcase(spec.name, n) for n in names)]
    if not wanted:
        raise UsageError(f"no configured server is called {' or '.join(map(repr, names))}")
    return [spec for spec in wanted if not spec.disabled]


def settings_here() -> Overlay:
    """Return the user's own settings, which a run of pytest in this folder would find.

    Raises:
        ConfigError: They are wrong somewhere.
    """
    here = Path.cwd()
    marked = (folder for folder in (here, *here.parents) if any((folder / mark).is_file() for mark in _ROOT_MARKS))
    return Overlay.find(here, root=next(marked, here))


def presenter_for(specs: Sequence[ServerSpec], overlay: Overlay, variables: Variables) -> Presenter:
    """Return what makes text fit to be shown; looks every variable up once, so that a missing one stops everything.

    Raises:
        ConfigError: A variable is unset.
    """
    secrets: dict[str, str] = {}
    for spec in specs:
        launch = spec.resolve(overlay.variables(spec.name, variables))
        found = {**literal_secrets(spec), **launch.secrets}
        secrets |= {f"{spec.name} {label}": value for label, value in found.items()}
    return Presenter(Redactor(secrets))


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
