"""Writing reports for commands that need no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.errors import UsageError
from mcp_assay.core.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def write_report(path: Path, text: str, what: str) -> None:
    """Write a report whole or not at all.

    Raises:
        UsageError: It cannot be written; the message says which report is missing.
    """
    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"the {what} {path} is missing: {error.strerror or error}") from None
