"""Reading reports back: only what conforms to the published schema becomes a document."""

from __future__ import annotations

import json
import stat
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

import jsonschema_rs

from mcp_assay.core.contract import SCHEMA_VERSION
from mcp_assay.core.errors import UsageError
from mcp_assay_reports.texts import line

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_assay.core.contract import Document

_HINT = "give a file written by --mcp-report json=PATH"


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


def parse_document(text: str, *, name: str = "the report") -> Document:
    """Return the document that ``text`` holds.

    Args:
        text: The content of a JSON report.
        name: What messages call it, usually its path.

    Raises:
        UsageError: It is no JSON, no report, a report of another schema version, or does not conform to the schema.
    """
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{name} is not JSON", hint=_HINT) from problem
    if not isinstance(value, dict) or "schema_version" not in value:
        raise UsageError(f"{name} is not a report", hint=_HINT)
    document = cast("dict[str, Any]", value)
    if document["schema_version"] != SCHEMA_VERSION:
        found = line(str(document["schema_version"]), 40)
        raise UsageError(f"{name} has schema version {found}, this program reads version {SCHEMA_VERSION}")
    wrong = next(_schema().iter_errors(document), None)
    if wrong is not None:
        place = "/".join(str(part) for part in wrong.instance_path) or "its top level"
        raise UsageError(f"{name} does not conform to the report schema at {line(place)}: {line(wrong.message)}")
    return cast("Document", value)


@cache
def _schema() -> jsonschema_rs.Validator:
    """Return the published schema, compiled."""
    text = files("mcp_assay_reports").joinpath("report.schema.json").read_text("utf-8")
    return jsonschema_rs.validator_for(json.loads(text))
