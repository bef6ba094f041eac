"""Report writers: each turns the report document into text, none talks to a server.

Importing this package is cheap: a writer's module is loaded when it first renders.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

from mcp_assay.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.contract import Document

__all__ = ["WRITERS", "Writer", "find_writer"]


class Writer(Protocol):
    """Renders a report document; third parties add theirs by the hook ``pytest_mcp_report_writers``."""

    @property
    def name(self) -> str:
        """Return the word that selects the writer, as in ``--mcp-report json=PATH``."""
        ...

    @property
    def suffix(self) -> str:
        """Return the usual ending of its files, with the dot."""
        ...

    def render(self, document: Document) -> str:
        """Return the whole report; whatever the document's texts hold is shown as data."""
        ...


@dataclass(frozen=True, slots=True)
class BuiltinWriter:
    """A writer of ours: the function ``render`` of one module of this package.

    Attributes:
        name: See `Writer`.
        suffix: See `Writer`.
        module: Name of the module inside this package.
    """

    name: str
    suffix: str
    module: str

    def render(self, document: Document) -> str:
        """Return what the module's ``render`` makes of ``document``."""
        text: str = importlib.import_module(f"{__name__}.{self.module}").render(document)
        return text


WRITERS: tuple[Writer, ...] = (
    BuiltinWriter("json", ".json", "json_report"),
    BuiltinWriter("markdown", ".md", "markdown"),
    BuiltinWriter("junit", ".xml", "junit"),
    BuiltinWriter("html", ".html", "html_report"),
    BuiltinWriter("sarif", ".sarif", "sarif"),
    BuiltinWriter("github", ".txt", "github"),
    BuiltinWriter("prometheus", ".prom", "prometheus"),
    BuiltinWriter("github-benchmark", ".benchmark.json", "github_benchmark"),
    BuiltinWriter("otlp", ".otlp.json", "otlp"),
)
"""The writers that come with the package."""


def find_writer(name: str, writers: Sequence[Writer] = WRITERS) -> Writer:
    """Return the writer called ``name``.

    Raises:
        UsageError: There is none; the hint names the closest one.
    """
    for writer in writers:
        if writer.name == name:
            return writer
    known = [writer.name for writer in writers]
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known formats: {', '.join(known)}"
    raise UsageError(f"there is no report format {name!r}", hint=hint)
