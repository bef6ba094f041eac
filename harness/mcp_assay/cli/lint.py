"""``mcp-assay lint``: what can be judged without starting a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_assay.cli.errors import USAGE_ERROR, show_errors
from mcp_assay.cli.sources import load_all
from mcp_assay.config.advice import Advice, advise
from mcp_assay.core.presentation import Presenter

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject

FINDINGS = 1
"""Exit code when a rule found something."""


@click.command()
@click.argument("files", nargs=-1, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help='Write {"findings": [...]} instead of text.')
@click.option("--dialect", metavar="NAME", help="Dialect of the files; found out by default.")
def lint(files: tuple[Path, ...], *, as_json: bool, dialect: str | None) -> int:
    """Check configuration files; starts nothing and opens no connection.

    Reports broken files, launches without a fixed version (ADV-017), secrets in plain text (ADV-018) and
    unencrypted addresses (ADV-019). Ends with 0 when all is well, 1 when there are findings, 4 when a file is broken.
    """
    loaded = load_all(files, dialect)
    findings = [finding for spec in loaded.specs for finding in advise(spec)]
    if as_json:
        click.echo(json.dumps({"findings": [_json(finding) for finding in findings]}, indent=2))
    else:
        for finding in findings:
            click.echo(_text(finding))
        click.echo(f"{len(loaded.specs)} server(s), {len(findings)} finding(s); nothing was started")
    show_errors(loaded.errors)
    return USAGE_ERROR if loaded.errors else FINDINGS if findings else 0


def _text(finding: Advice) -> str:
    """Return a finding as two lines, the first in the form that editors and CI services understand."""
    present = Presenter()
    return f"{present.line(finding.place)}: {finding.check} {present.line(finding.observed)}\nhint: {finding.hint}"


def _json(finding: Advice) -> JsonObject:
    """Return a finding as JSON."""
    shown: JsonObject = Presenter().json(
        {
            "check": finding.check,
            "server": finding.server,
            "path": str(finding.path),
            "line": finding.line,
            "column": finding.column,
            "expected": finding.expected,
            "observed": finding.observed,
            "hint": finding.hint,
        }
    )
    return shown
