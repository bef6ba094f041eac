"""``mcp-assay completion``: the script that a shell needs to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    For bash: eval "$(mcp-assay completion bash)" in ~/.bashrc.
    """
    chosen = get_completion_class(shell)
    if chosen is None:
        raise click.UsageError(f"no completion for {shell}")
    root = context.find_root()
    click.echo(chosen(root.command, {}, "mcp-assay", "_MCP_ASSAY_COMPLETE").source())
