"""Arguments that have shown a fault before, kept in files and tried first in later runs.

One file holds the arguments of one call as JSON, so that it can be read, edited, deleted, added by hand, and given to
``--mcp-args FILE``. Its name comes from its content: two runs at once write different files, or the same content.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mcp_assay.core.files import write_atomically
from mcp_assay.core.identifiers import slug

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.core.redaction import Redactor

MOST_PER_TOOL = 20
"""Files kept of one tool; of more, those go that showed a fault longest ago."""

LONGEST = 64 * 1024
"""Characters of the longest arguments that are kept."""


class Examples(Protocol):
    """Keeps arguments that showed a fault, and hands them out."""

    def of_tool(self, server: str, tool: str) -> Sequence[JsonObject]:
        """Return the arguments kept of a tool, those that showed a fault last first."""
        ...

    def keep(self, server: str, tool: str, check: str, arguments: Mapping[str, Json]) -> str | None:
        """Keep arguments with which a check found something; return what ``--mcp-args`` takes for them, if kept."""
        ...


class NoExamples:
    """Keeps nothing and has nothing."""

    def of_tool(self, server: str, tool: str) -> Sequence[JsonObject]:  # noqa: ARG002  (the Examples protocol)
        """Return nothing."""
        return ()

    def keep(self, server: str, tool: str, check: str, arguments: Mapping[str, Json]) -> None:
        """Keep nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamplesPlace:
    """Where examples are kept.

    Attributes:
        folder: Their folder.
        seen_from: Folder in which the user works: files below it are named from there.
    """

    folder: Path
    seen_from: Path

    def name(self, path: Path) -> str:
        """Return the name of a file for a command line of the user."""
        return str(path.relative_to(self.seen_from) if path.is_relative_to(self.seen_from) else path)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleFolder:
    """Keeps arguments as ``FOLDER/server/tool/CHECK-hash.json``.

    What cannot be written is not kept and what cannot be read is not tried: neither may cost a run its verdicts.

    Attributes:
        place: Where.
        redactor: Knows the secrets of the run; arguments that hold one are not kept.
    """

    place: ExamplesPlace
    redactor: Redactor

    def of_tool(self, server: str, tool: str) -> Sequence[JsonObject]:
        """Return the arguments kept of a tool, those that showed a fault last first."""
        read = (_read(path) for path in self._files(server, tool)[:MOST_PER_TOOL])
        return [arguments for arguments in read if arguments is not None]

    def keep(self, server: str, tool: str, check: str, arguments: Mapping[str, Json]) -> str | None:
        """Keep arguments with which a check found something, unless they are huge or hold a secret.

        Returns:
            The name of their file for ``--mcp-args``, or None when they are not kept.
        """
        text = json.dumps(dict(arguments), sort_keys=True, indent=1) + "\n"
        if len(text) > LONGEST or self.redactor.redact(text) != text:
            return None
        digest = hashlib.sha256(text.encode()).hexdigest()
        path = self._of(server, tool) / f"{slug(check)}-{digest[:16]}.json"
        try:
            if path.is_file():
                os.utime(path)
            else:
                self._ignored_by_git()
                write_atomically(path, text)
            for old in self._files(server, tool)[MOST_PER_TOOL:]:
                old.unlink(missing_ok=True)
        except OSError:
            return None
        return self.place.name(path)

    def _of(self, server: str, tool: str) -> Path:
        """Return the folder of a tool; a name that holds a secret gets one that does not."""
        return self.place.folder / slug(self.redactor.redact(server)) / slug(self.redactor.redact(tool))

    def _files(self, server: str, tool: str) -> list[Path]:
        """Return the files of a tool, the newest first."""
        dated = [(_changed(path), path) for path in self._of(server, tool).glob("*.json")]
        return [path for _, path in sorted(dated, reverse=True)]

    def _ignored_by_git(self) -> None:
        """Keep the folder out of the user's repository, as pytest does with its cache."""
        mark = self.place.folder / ".gitignore"
        if not mark.exists():
            write_atomically(mark, "*\n")


def examples_in(place: ExamplesPlace | None, redactor: Redactor, *, taped: bool) -> Examples:
    """Return what keeps examples in a place; nothing is kept without one.

    Nor is it in a run that is recorded or replayed, for a recording must show the same wherever it is judged.
    """
    return NoExamples() if place is None or taped else ExampleFolder(place=place, redactor=redactor)


def _changed(path: Path) -> float:
    """Return when a file was changed last; long ago for one that another run has just removed."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _read(path: Path) -> JsonObject | None:
    """Return the arguments in a file, or None when it holds none."""
    try:
        if path.stat().st_size > 2 * LONGEST:
            return None
        value: Json = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
