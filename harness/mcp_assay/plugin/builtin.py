"""Our own checks and writers, registered by the hooks that third parties use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mcp_assay_reports
import mcp_assay_suites

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from mcp_assay.readiness.check import Check


class BuiltinChecksAndWriters:
    """The five categories and the report formats that come with the package."""

    def pytest_mcp_checks(self, config: pytest.Config) -> Sequence[Check]:  # noqa: ARG002  (the hook's signature)
        """Return the generated categories."""
        return mcp_assay_suites.all_checks()

    def pytest_mcp_report_writers(
        self,
        config: pytest.Config,  # noqa: ARG002  (the hook's signature)
    ) -> Sequence[mcp_assay_reports.Writer]:
        """Return the built-in formats."""
        return mcp_assay_reports.WRITERS
