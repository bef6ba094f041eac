"""Hooks for third parties; ours come in by the same door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.contract import Document
    from mcp_assay.readiness.check import Check
    from mcp_assay_reports import Writer


@pytest.hookspec
def pytest_mcp_checks(config: pytest.Config) -> Sequence[Check]:
    """Return checks to judge servers by."""
    raise NotImplementedError


@pytest.hookspec
def pytest_mcp_report_writers(config: pytest.Config) -> Sequence[Writer]:
    """Return report writers for ``--mcp-report``."""
    raise NotImplementedError


@pytest.hookspec
def pytest_mcp_document(config: pytest.Config, document: Document) -> Sequence[str]:
    """See the finished report document, or add fields to it, before it is written.

    What is returned are sentences about what could not be done; each of them fails the run.
    """
    raise NotImplementedError
