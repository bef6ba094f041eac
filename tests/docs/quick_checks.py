"""A pytest plugin for runs of documented commands: a few of the built-in checks, so that each takes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import mcp_assay_reports
import mcp_assay_suites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.readiness.check import Check

QUICK = frozenset({"CONN-001", "TOOL-002", "TOOL-003", "TOOL-005", "EXEC-001", "ADV-001"})


class QuickChecks:
    """Takes the place of the built-in checks."""

    def pytest_mcp_checks(self, config: pytest.Config) -> Sequence[Check]:
        # A history without a measured call has no answer to most questions.
        quick = QUICK | {"ADV-011"} if config.getoption("mcp_history") is not None else QUICK
        return [check for check in mcp_assay_suites.all_checks() if check.id in quick or check.id.startswith("BUDG-")]

    def pytest_mcp_report_writers(self, config: pytest.Config) -> Sequence[mcp_assay_reports.Writer]:
        return mcp_assay_reports.WRITERS


@pytest.hookimpl(tryfirst=True)
def pytest_plugin_registered(plugin: object, manager: Any) -> None:
    if manager.get_name(plugin) == "mcp_assay_builtin":
        manager.unregister(plugin)
        manager.register(QuickChecks())
