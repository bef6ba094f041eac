"""Entry point of ``mcp-assay``."""

from __future__ import annotations

import click

from mcp_assay._version import __version__
from mcp_assay.cli.errors import AssayGroup

COMMANDS = (
    "servers",
    "lint",
    "init",
    "plan",
    "login",
    "checks",
    "report",
    "repro",
    "merge",
    "gate",
    "history",
    "completion",
)
"""Names of the commands, each the function of that name in the module of that name."""


@click.group(cls=AssayGroup, commands_in=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mcp-assay")
def main() -> None:
    """Look at MCP client configurations, and at the reports of runs.

    Servers are judged by pytest: pytest --mcp-config FILE
    """
