"""From the command line to the servers of a run."""

from __future__ import annotations

import fnmatch
import os
import sys
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_assay.config.adhoc import COMMAND_LINE, server_from_command, server_from_url
from mcp_assay.config.discovery import find_well_known
from mcp_assay.config.loader import load
from mcp_assay.config.variables import EnvironmentVariables
from mcp_assay.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_assay.config.overlay import Overlay
    from mcp_assay.config.spec import ServerSpec

DEMO = "demo"
AUTO = "auto"
PYTHON_VARIABLE = "MCP_ASSAY_PYTHON"
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDocument:
    """A configuration document of the run.

    Attributes:
        given: What stood after ``--mcp-config``.
        path: The document, absolute.
        id: Its id in node ids.
        specs: The servers in it that were asked for.
    """

    given: str
    path: Path
    id: str
    specs: tuple[ServerSpec, ...]

    def signing_in(self, overlay: Overlay) -> ConfigDocument:
        """Return the document with the grants that the user's own settings name.

        Raises:
            ConfigError: A grant cannot be used.
        """
        return replace(self, specs=tuple(overlay.signing_in(spec) for spec in self.specs))


def demo_path() -> Path:
    """Return the document of the reference servers."""
    return Path(__file__).parent.parent / "demo" / "servers.json"


def variables_of(inputs: Sequence[str]) -> EnvironmentVariables:
    """Return where references are looked up, with the interpreter for the reference servers.

    Raises:
        UsageError: An input is malformed.
    """
    return EnvironmentVariables.from_options(inputs, {PYTHON_VARIABLE: sys.executable, **os.environ})


def read_documents(given: Iterable[str], *, root: Path, invoked_in: Path, only: Sequence[str]) -> list[ConfigDocument]:
    """Return the documents named on the command line, ``auto`` replaced by what is found.

    Args:
        given: The values of ``--mcp-config``.
        root: pytest's root folder, from which ids are seen.
        invoked_in: The folder pytest was called in.
        only: Shell patterns of server names, or empty for all servers.

    Raises:
        UsageError: A document cannot be used, or no server has a name that was asked for.
    """
    documents: list[ConfigDocument] = []
    known: list[str] = []
    for name, path, dialect in _files(given):
        absolute = Path(os.path.abspath(invoked_in / path))  # noqa: PTH100  (symbolic links keep their name)
        if any(document.path == absolute for document in documents):
            continue
        identity = DEMO if name == DEMO else _id(absolute, root, documents)
        shown = path if name != DEMO else Path(DEMO)
        specs = load(absolute if name == DEMO else shown, config_id=identity, dialect=dialect)
        known += [spec.name for spec in specs]
        documents.append(ConfigDocument(given=name, path=absolute, id=identity, specs=tuple(_asked_for(specs, only))))
    if only and not any(document.specs for document in documents):
        raise UsageError(f"no configured server is called {' or '.join(map(repr, only))}", hint=_meant(only, known))
    return documents


def command_line_document(commands: Sequence[str], urls: Sequence[str]) -> ConfigDocument | None:
    """Return the servers given without a file as a document of their own, or None when there are none.

    Its path is an empty document that comes with the plugin, because pytest collects files.

    Raises:
        UsageError: A command or address cannot be read.
    """
    specs: list[ServerSpec] = []
    for command in commands:
        specs.append(server_from_command(command, taken={spec.name for spec in specs}))
    for url in urls:
        specs.append(server_from_url(url, taken={spec.name for spec in specs}))
    if not specs:
        return None
    path = Path(__file__).with_name("command_line.json")
    return ConfigDocument(given=COMMAND_LINE, path=path, id=COMMAND_LINE, specs=tuple(specs))


def _files(given: Iterable[str]) -> Iterator[tuple[str, Path, str | None]]:
    """Yield name, path and dialect (None: find out) of each document."""
    for name in given:
        if name == DEMO:
            yield name, demo_path(), None
        elif name == AUTO:
            yield from ((AUTO, found.path, found.dialect) for found in find_well_known())
        else:
            yield name, Path(name).expanduser(), None


def _id(path: Path, root: Path, documents: Sequence[ConfigDocument]) -> str:
    """Return the path seen from the root folder, or a name that no other document has."""
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    taken = {document.id for document in documents}
    names = (Path(*path.parts[-depth:]).as_posix() for depth in range(1, len(path.parts)))
    return next((name for name in names if name not in taken), path.as_posix())


def _meant(only: Sequence[str], known: Sequence[str]) -> str:
    """Return a hint with the name that was probably meant, or those that there are."""
    near = next((name for asked in only for name in get_close_matches(asked, known, n=1)), None)
    if near is not None:
        return f"did you mean {near}?"
    return f"there are {', '.join(known[:_MOST_NAMED])}" if known else "there is no server in it"


def _asked_for(specs: Iterable[ServerSpec], only: Sequence[str]) -> Iterator[ServerSpec]:
    """Yield the servers that any of the patterns names, or all without patterns."""
    for spec in specs:
        if not only or any(fnmatch.fnmatchcase(spec.name, pattern) for pattern in only):
            yield spec
