"""pytest's positional arguments once configuration documents are among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from mcp_assay.plugin.selection import ConfigDocument


def arguments_for(
    args: Iterable[str],
    documents: Sequence[ConfigDocument],
    *,
    given_by_user: bool,
    with_suites: bool,
    invoked_in: Path,
) -> list[str]:
    """Return what pytest shall collect.

    Without arguments of the user it is the documents. With some, the documents are added only when asked for; an
    argument that starts with a document's id is led to the document wherever it lies.
    """
    paths = [str(document.path) for document in documents]
    if not given_by_user:
        return paths
    wanted = [_resolved(argument, documents, invoked_in) for argument in args]
    named = any(argument.partition("::")[0] in paths for argument in wanted)
    return [*wanted, *paths] if with_suites and not named else wanted


def _resolved(argument: str, documents: Sequence[ConfigDocument], invoked_in: Path) -> str:
    """Return an argument with a document's id replaced by its path."""
    name, separator, rest = argument.partition("::")
    for document in documents:
        if name in {document.id, document.given} or invoked_in / name == document.path:
            return f"{document.path}{separator}{rest}"
    return argument
