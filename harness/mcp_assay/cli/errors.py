"""How the command line starts and ends.

A command is loaded when it is called. A user's mistake ends with exit code 4, one message and the next step, never a
traceback.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mcp_assay.core.errors import AssayError
from mcp_assay.core.presentation import Presenter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

USAGE_ERROR = 4
"""Exit code for what the user has to change first; the one pytest uses for it."""
INTERRUPTED = 130
"""Exit code after Ctrl-C (128 + SIGINT)."""


def show_errors(errors: Iterable[AssayError]) -> None:
    """Write errors to stderr, fit to be shown."""
    for error in errors:
        click.echo(f"error: {Presenter().text(str(error))}", err=True)


class AssayGroup(click.Group):
    """A command group with the project's exit codes, which imports a command when it is asked for.

    Args:
        commands_in: Names of the commands; each is the object of that name in the module ``mcp_assay.cli.NAME``.
        extra: As for `click.Group`.
    """

    def __init__(self, *, commands_in: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(**extra)
        self._commands_in = tuple(commands_in)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """Return the names of the commands, in their order."""
        return list(self._commands_in)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  (as above)
        """Return a command, or None when there is none of that name."""
        if cmd_name not in self._commands_in:
            return None
        command: click.Command = getattr(importlib.import_module(f"mcp_assay.cli.{cmd_name}"), cmd_name)
        return command

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> NoReturn:
        """Run the command line and exit with its code.

        Args:
            args: Arguments, or None for those of the process.
            extra: As for `click.Group.main`.
        """
        extra["standalone_mode"] = False
        try:
            code: int | None = super().main(args, **extra)
        except click.exceptions.Exit as stop:
            code = stop.exit_code
        except click.Abort:
            code = INTERRUPTED
        except click.ClickException as error:
            error.show()
            code = USAGE_ERROR
        except AssayError as error:
            show_errors([error])
            code = USAGE_ERROR
        sys.exit(code)
