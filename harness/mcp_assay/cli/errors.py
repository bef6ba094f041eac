"""A user's mistake ends with exit code 4, one message and the next step, never a traceback."""

from __future__ import annotations

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
    """A command group with the project's exit codes."""

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
