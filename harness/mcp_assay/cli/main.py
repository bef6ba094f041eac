"""Entry point of ``mcp-assay``."""

from __future__ import annotations

import click

from mcp_assay._version import __version__
from mcp_assay.cli.errors import AssayGroup


@click.group(cls=AssayGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mcp-assay")
def main() -> None:
    """Look at MCP client configurations without starting a server."""
