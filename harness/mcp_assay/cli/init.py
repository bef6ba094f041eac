"""``mcp-assay init``: settings and a CI workflow for the configurations of a project."""

from __future__ import annotations

from pathlib import Path

import click

from mcp_assay._version import __version__
from mcp_assay.cli.starter import settings, workflow
from mcp_assay.config.discovery import find_well_known
from mcp_assay.config.loader import load
from mcp_assay.config.overlay import FILE_NAME
from mcp_assay.config.search import find_in
from mcp_assay.core.errors import UsageError
from mcp_assay.core.files import write_atomically
from mcp_assay.core.presentation import Presenter

_WORKFLOW_PATH = Path(".github/workflows/mcp-assay.yml")


@click.command()
@click.argument("files", nargs=-1, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--print", "only_print", is_flag=True, help="Show the files instead of writing them.")
@click.option("--force", is_flag=True, help="Write over files that exist.")
def init(files: tuple[Path, ...], *, only_print: bool, force: bool) -> None:
    """Write mcp-assay.toml and a GitHub workflow for the configurations of this folder.

    FILE names configuration files; without one, those of the working directory are taken.
    """
    paths = tuple(files) or _found()
    specs = [spec for path in paths for spec in load(path, config_id=str(path))]
    texts = {Path(FILE_NAME): settings(specs), _WORKFLOW_PATH: workflow(paths, specs, __version__)}
    if only_print:
        for path, text in texts.items():
            click.echo(f"# ---- {path} ----\n{Presenter().text(text, len(text) + 1)}")
        return
    _write(texts, force=force)


def _found() -> tuple[Path, ...]:
    """Return the configurations of the working directory.

    Raises:
        UsageError: There are none.
    """
    here = Path()
    found = find_in(here)
    if found:
        return found
    elsewhere = find_well_known()
    hint = f"there is {elsewhere[0].path}; name it, or keep a file in the project" if elsewhere else "name one"
    raise UsageError("no file in this folder configures MCP servers", hint=hint)


def _write(texts: dict[Path, str], *, force: bool) -> None:
    """Write the files, all or none of them when one exists.

    Raises:
        UsageError: A file exists or cannot be written.
    """
    there = [path for path in texts if path.exists()]
    if there and not force:
        raise UsageError(f"{there[0]} exists", hint="--force writes over it, --print only shows the text")
    for path, text in texts.items():
        try:
            write_atomically(path, text)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
        click.echo(f"wrote {path}")
