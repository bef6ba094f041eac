"""``mcp-assay merge``: the reports of several shards as one."""

from __future__ import annotations

from pathlib import Path

import click

from mcp_assay.cli.documents import write_report
from mcp_assay_reports import find_writer
from mcp_assay_reports.merge import merge as merge_documents
from mcp_assay_reports.reading import read_report

_STDOUT = Path("-")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="RUN.JSON…", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=_STDOUT,
    help="Standard output by default.",
)
def merge(files: tuple[Path, ...], output: Path) -> int:
    """Join the JSON reports of runs that judged different servers into one.

    The verdict is the worst, totals are counted anew. Ends with 4 when two reports judged the same server.
    """
    text = find_writer("json").render(merge_documents([read_report(file) for file in files]))
    if output == _STDOUT:
        click.echo(text, nl=False)
    else:
        write_report(output, text, "merged report")
        click.echo(f"wrote {output}")
    return 0
