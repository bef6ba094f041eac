"""``mcp-assay gate``: may this be deployed?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from mcp_assay.core.clock import SystemClock
from mcp_assay.core.presentation import Presenter
from mcp_assay.readiness.gate import Reason, reasons_against
from mcp_assay.readiness.gate_policy import GatePolicy
from mcp_assay_reports.reading import read_report

CLOSED = 1
"""Exit code when the report does not pass."""


@click.command()
@click.argument("file", metavar="RUN.JSON", type=click.Path(path_type=Path))
@click.option(
    "--policy", metavar="FILE", type=click.Path(path_type=Path), help="What is asked; by default every server READY."
)
@click.option("--json", "as_json", is_flag=True, help='Write {"passed": …, "reasons": [...]} instead of text.')
def gate(file: Path, policy: Path | None, *, as_json: bool) -> int:
    """Compare the JSON report of a run with a policy.

    Ends with 0 when it passes, with 1 and the reasons when it does not, with 4 when the policy or the report cannot be
    used.
    """
    asked = GatePolicy() if policy is None else GatePolicy.load(policy)
    document = read_report(file)
    reasons = reasons_against(document, asked, now=SystemClock().now())
    if as_json:
        click.echo(json.dumps({"passed": not reasons, "reasons": [_json(reason) for reason in reasons]}, indent=2))
    else:
        for reason in reasons:
            click.echo(Presenter().text(str(reason)))
        count = len(document["servers"])
        judged = f"{file}: {count} server{'' if count == 1 else 's'}"
        against = f"{len(reasons)} reason{'' if len(reasons) == 1 else 's'} against it"
        click.echo(f"{judged}, {against if reasons else 'passed'}")
    return CLOSED if reasons else 0


def _json(reason: Reason) -> dict[str, str | None]:
    """Return a reason as JSON."""
    present = Presenter()
    return {
        "rule": reason.rule,
        "server": present.optional(reason.server),
        "message": present.text(reason.message),
        "hint": present.optional(reason.hint),
    }
