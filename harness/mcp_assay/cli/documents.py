"""Reading and writing reports for commands that need no server."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from mcp_assay.core.errors import UsageError
from mcp_assay.core.files import write_atomically
from mcp_assay_reports.reading import parse_document

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_assay.core.contract import Document

LARGEST = 512 * 1024 * 1024
"""Bytes of the largest report that is read; 10,000 results have about 8 MB."""


def read_report(path: Path) -> Document:
    """Return the report in a file.

    Raises:
        UsageError: The file cannot be read or is no report.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"{path} is not a regular file", hint="name the file written by --mcp-report json=PATH")
        if found.st_size > LARGEST:
            raise UsageError(f"{path} is larger than {LARGEST // 1024 // 1024} MiB")
        text = path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text") from None
    return parse_document(text, name=str(path))


def write_report(path: Path, text: str, what: str) -> None:
    """Write a report whole or not at all.

    Raises:
        UsageError: It cannot be written; the message says which report is missing.
    """
    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"the {what} {path} is missing: {error.strerror or error}") from None
