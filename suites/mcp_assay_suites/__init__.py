"""The five generated categories of checks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_assay.readiness.check import Check

CATEGORY_MODULES = ("connectivity", "schema", "execution", "cross_server", "performance")
"""Modules of this package that hold a category's ``CHECKS``."""


def all_checks() -> tuple[Check, ...]:
    """Return every check of ours. The categories are imported now, so that importing this package costs nothing."""
    return tuple(check for name in CATEGORY_MODULES for check in import_module(f"mcp_assay_suites.{name}").CHECKS)
