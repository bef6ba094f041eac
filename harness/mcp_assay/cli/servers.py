"""``mcp-assay servers``: what would run, and from where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from mcp_assay.cli.errors import USAGE_ERROR, show_errors
from mcp_assay.cli.sources import load_all
from mcp_assay.config.describe import presenter_of, public_form

if TYPE_CHECKING:
    from mcp_assay.config.spec import ServerSpec

_WIDEST = 76


@click.command()
@click.argument("files", nargs=-1, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help='Write {"servers": [...]} instead of a table.')
@click.option("--dialect", metavar="NAME", help="Dialect of the files; found out by default.")
def servers(files: tuple[Path, ...], *, as_json: bool, dialect: str | None) -> int:
    """List the servers of configuration files; starts nothing.

    FILE is a configuration file or a folder with some. Without one, the well-known files of this machine are read.
    Secrets written into the files are not shown.
    """
    loaded = load_all(files, dialect)
    if as_json:
        click.echo(json.dumps({"servers": [public_form(spec) for spec in loaded.specs]}, indent=2))
    else:
        rows = [_row(spec) for spec in loaded.specs]
        headers = ("server", "transport", "starts or reaches", "from")
        click.echo(tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True))
        click.echo(f"\n{len(rows)} server{'' if len(rows) == 1 else 's'}; nothing was started")
    show_errors(loaded.errors)
    return USAGE_ERROR if loaded.errors else 0


def _row(spec: ServerSpec) -> tuple[str, str, str, str]:
    """Return one line of the table, fit to be shown."""
    present = presenter_of(spec)
    target = str(spec.url) if spec.url is not None else " ".join(str(part) for part in spec.command)
    off = f" (disabled: {spec.disabled_because})" if spec.disabled_because else " (disabled)" if spec.disabled else ""
    place = f"{spec.path}:{spec.line}" if spec.line else str(spec.path)
    return present.line(spec.name, 60), spec.transport.value, present.line(target, _WIDEST) + off, present.line(place)
