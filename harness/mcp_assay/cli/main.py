"""Entry point of ``mcp-assay``."""

from __future__ import annotations

import click

from mcp_assay._version import __version__
from mcp_assay.cli.completion import completion
from mcp_assay.cli.errors import AssayGroup
from mcp_assay.cli.init import init
from mcp_assay.cli.lint import lint
from mcp_assay.cli.servers import servers


@click.group(cls=AssayGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mcp-assay")
def main() -> None:
    """Look at MCP client configurations without starting a server."""


for _command in (servers, lint, init, completion):
    main.add_command(_command)
