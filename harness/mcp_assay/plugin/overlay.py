"""The user's own rules, from ``mcp-assay.toml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.readiness.policy import NoRules

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_assay.readiness.policy import ToolRules


def rules_for(root: Path) -> ToolRules:  # noqa: ARG001
    """Return the rules that apply below ``root``."""
    return NoRules()
