"""Hides the secrets of a run in what pytest itself shows of a test: traceback, locals, captured output.

A user's own tests hold what servers really sent, and pytest prints the values of their variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from mcp_assay.core.redaction import Redactor


def redact_report(report: pytest.TestReport, redactor: Redactor) -> None:
    """Replace every secret in a report; one with a secret in its traceback loses the traceback's colours."""
    report.sections = [(title, redactor.redact(text)) for title, text in report.sections]
    if report.longrepr is None or isinstance(report.longrepr, tuple):
        return
    text = str(report.longrepr)
    redacted = redactor.redact(text)
    if redacted != text:
        report.longrepr = redacted
