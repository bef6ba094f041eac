"""``mcp-assay report``: a report of a past run in other formats."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from mcp_assay.cli.documents import write_report
from mcp_assay.cli.errors import USAGE_ERROR, show_errors
from mcp_assay.core.errors import UsageError
from mcp_assay.core.presentation import Presenter
from mcp_assay_reports import find_writer
from mcp_assay_reports.changes import compared
from mcp_assay_reports.reading import read_report
from mcp_assay_reports.terminal import render_summary

_STDOUT = Path("-")


@click.command()
@click.argument("file", metavar="RUN.JSON", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "formats",
    metavar="FORMAT,…",
    help="Formats to write: html, markdown, junit, sarif, github, json, prometheus, github-benchmark, otlp.",
)
@click.option(
    "--against", metavar="BEFORE.JSON", type=click.Path(path_type=Path), help="Say what changed since this report."
)
@click.option("--out", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Where to; - is standard output.")
def report(file: Path, formats: str | None, against: Path | None, folder: Path | None) -> int:
    """Render the JSON report of a run again, without a run.

    Each format becomes a file named as RUN.JSON, beside it or in DIR. Without --to the summary is shown that the run
    ended with. Ends with 0, or with 4 when the report cannot be read or a file cannot be written.
    """
    document = read_report(file)
    if against is not None:
        document["changes"] = compared(document, read_report(against), since=against.name)
    if formats is None:
        width = shutil.get_terminal_size().columns
        click.echo(render_summary(document, width=width, encoding=sys.stdout.encoding or "ascii"))
        for problem in document["run"].get("problems", []):
            click.echo(Presenter().line(problem))
        return 0
    writers = [find_writer(name.strip()) for name in formats.split(",")]
    if folder == _STDOUT:
        if len(writers) > 1:
            raise UsageError("only one format fits on standard output", hint="name a folder: --out DIR")
        click.echo(writers[0].render(document), nl=False)
        return 0
    problems: list[UsageError] = []
    for writer in writers:
        target = (folder or file.parent) / f"{file.stem}{writer.suffix}"
        try:
            write_report(target, writer.render(document), f"{writer.name} report")
        except UsageError as problem:
            problems.append(problem)
        else:
            click.echo(f"wrote {target}")
    show_errors(problems)
    return USAGE_ERROR if problems else 0
