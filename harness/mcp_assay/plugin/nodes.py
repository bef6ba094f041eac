"""What all nodes of ours share."""

from __future__ import annotations

from typing import Any, cast

import pytest

from mcp_assay.core.errors import AssayError
from mcp_assay.plugin.text import for_terminal


class CheckViolatedError(AssayError):
    """A check or a step of a workflow failed; the message says how."""


class CheckBrokenError(AssayError):
    """A check could not be made, through a fault of ours."""


def make_node(kind: type[pytest.Item | pytest.Collector], parent: pytest.Collector, **fields: Any) -> Any:
    """Return a node; pytest leaves the constructor's further arguments untyped."""
    return cast("Any", kind).from_parent(parent, **fields)


class AssayItem(pytest.Item):
    """An item whose failure is a verdict, not an exception of a test."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the verdict in words; a traceback through this plugin would tell nobody anything."""
        if isinstance(excinfo.value, AssayError):
            return for_terminal(str(excinfo.value))
        return super().repr_failure(excinfo, style)
