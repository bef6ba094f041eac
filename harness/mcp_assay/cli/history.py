"""``mcp-assay history``: how the figures of servers move from run to run."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from mcp_assay.cli.sparkline import sparkline
from mcp_assay.core.errors import UsageError
from mcp_assay.core.presentation import Presenter
from mcp_assay.readiness.history.address import DEFAULT, VARIABLE, Address
from mcp_assay.readiness.history.database import History
from mcp_assay.readiness.history.points import PER_SECOND
from mcp_assay.readiness.history.recording import commit_of, trend_entry, unjudged_entry
from mcp_assay.readiness.history.trends import CONFIRMED_BY, WINDOW, Course, tails_of, trends_of, vanished
from mcp_assay_reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.readiness.history.points import Metric
    from mcp_assay.readiness.history.trends import Trend, Turn

WORSE = 1
"""Exit code of ``--fail-on-regression`` when there is one."""

_DRAWN = 20
_LONGEST_SUBJECT = 36
_MOST_REASONS = 50
_HEADERS = ("server.tool", "metric", "runs", "usual", "newest", "change", "trend", "course")


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What is looked at.

    Attributes:
        machine: Whose runs.
        others: Runs of other machines, by machine.
        runs: How many runs of this one are looked at.
        trends: The series that were asked for.
        tails: Series that are shown beside them and not judged.
        gone: What the run before had a figure of, and the newest has not.
    """

    machine: str
    others: dict[str, int]
    runs: int
    trends: list[Trend]
    tails: list[Trend]
    gone: list[Metric]


@click.command()
@click.argument("place", metavar="[PATH|URL]", required=False)
@click.option("--server", "servers", metavar="PATTERN", multiple=True, help="Only servers of this name; repeatable.")
@click.option("--tool", "tools", metavar="PATTERN", multiple=True, help="Only tools of this name; repeatable.")
@click.option(
    "--metric",
    "metrics",
    metavar="PATTERN",
    multiple=True,
    help="Metrics to judge; by default all but *.p95 and *.p99.",
)
@click.option("--machine", metavar="NAME", help="Whose runs; by default those of the machine of the newest run.")
@click.option("--last", metavar="N", type=click.IntRange(1, 10_000), default=3 * WINDOW, help="Runs to look at.")
@click.option(
    "--window", metavar="N", type=click.IntRange(5, 1_000), default=WINDOW, help="Earlier runs that say what is usual."
)
@click.option(
    "--confirm",
    metavar="N",
    type=click.IntRange(1, 20),
    default=CONFIRMED_BY,
    help="Runs in a row that make a regression.",
)
@click.option("--fail-on-regression", is_flag=True, help="End with 1 when a series is worse than its noise explains.")
@click.option("--json", "as_json", is_flag=True, help='Write {"machine": …, "runs": …, "series": [...]} instead.')
def history(
    *,
    place: str | None,
    servers: Sequence[str],
    tools: Sequence[str],
    metrics: Sequence[str],
    machine: str | None,
    last: int,
    window: int,
    confirm: int,
    fail_on_regression: bool,
    as_json: bool,
) -> int:
    """Show how figures moved over the runs that pytest --mcp-history kept.

    Without PATH or URL the history is the one in $MCP_ASSAY_HISTORY, or .mcp-assay/history.db. A figure is worse when
    it and the runs just before lie outside the noise of the runs before those, on the same machine. Ends with 0, with 1
    as --fail-on-regression says, with 4 when the history cannot be used or has nothing of what was asked for.
    """
    address = Address.of(place or os.environ.get(VARIABLE) or DEFAULT, Path.cwd())
    with History(address) as opened:
        counted = opened.machines()
        chosen = machine or next(iter(counted), "")
        if chosen not in counted:
            hint = f"there are {', '.join(map(repr, counted))}" if counted else "run pytest with --mcp-history first"
            raise UsageError(f"the history has no run of {chosen!r}", hint=hint)
        runs = opened.runs(machine=chosen, last=last)
    found = trends_of(runs, metrics=metrics, window=window, confirmed_by=confirm)
    view = _View(
        machine=chosen,
        others={name: number for name, number in counted.items() if name != chosen},
        runs=len(runs),
        trends=[trend for trend in found if _is_shown(trend.metric, servers, tools)],
        tails=[] if metrics else [trend for trend in tails_of(runs) if _is_shown(trend.metric, servers, tools)],
        gone=[metric for metric in vanished(runs, metrics=metrics) if _is_shown(metric, servers, tools)],
    )
    if not view.trends and (servers or tools or metrics):
        asked = ", ".join([*servers, *tools, *metrics])
        raise UsageError(f"the newest run has no figure of {asked}", hint="mcp-assay history lists those it has")
    if as_json:
        entries = [*map(trend_entry, view.trends), *map(unjudged_entry, view.tails)]
        click.echo(json.dumps({"machine": view.machine, "runs": view.runs, "series": entries}, indent=2))
    else:
        for line in _told(view, sys.stdout.encoding or "ascii"):
            click.echo(Presenter(address.redactor).text(line, 100_000))
    return WORSE if fail_on_regression and any(trend.course is Course.WORSE for trend in view.trends) else 0


def _is_shown(metric: Metric, servers: Sequence[str], tools: Sequence[str]) -> bool:
    """Return whether a series was asked for."""
    wanted = ((metric.server, servers), (metric.tool, tools))
    return all(not patterns or any(fnmatchcase(name, pattern) for pattern in patterns) for name, patterns in wanted)


def _told(view: _View, encoding: str) -> Iterator[str]:
    """Yield the lines for a terminal."""
    yield f"{view.machine}: {view.runs} run{'' if view.runs == 1 else 's'}"
    for name, number in view.others.items():
        yield f"also kept: {number} of {name!r} (--machine)"
    if not view.trends:
        yield "the newest run has no such figure"
        return
    rows = [(trend.metric, _row(trend, encoding)) for trend in view.trends if not _is_empty(trend)]
    rows += [(trend.metric, [*_row(trend, encoding)[:-1], "not judged"]) for trend in view.tails]
    yield tabulate(
        [row for _, row in sorted(rows)],
        headers=_HEADERS,
        disable_numparse=True,
        colalign=("left", "left", *["right"] * 4),
    )
    turned = [line for trend in view.trends for line in _turns(trend)]
    if turned:
        yield from ("", "Lasting changes:", *turned)
    worse = [trend for trend in view.trends if trend.course is Course.WORSE]
    if worse:
        yield from ("", "Worse than the noise explains:", *(f"  {trend}" for trend in worse[:_MOST_REASONS]))
    if view.gone:
        yield from ("", "Not measured by the newest run:", *map(_named, view.gone[:_MOST_REASONS]))
    if len(view.gone) > _MOST_REASONS:
        yield f"  and {len(view.gone) - _MOST_REASONS} more"
    yield _summary(view.trends)


def _named(metric: Metric) -> str:
    """Return a line with what a figure is of."""
    return f"  {'.'.join(part for part in (metric.server, metric.tool) if part)}: {metric.name}"


def _is_empty(trend: Trend) -> bool:
    """Return whether nothing ever failed, which takes no row."""
    return trend.metric.unit == "share" and not any(point.figure.value for point in trend.points)


def _summary(trends: Sequence[Trend]) -> str:
    """Return how many series there are of each kind."""
    explained = {
        Course.WORSE: "worse",
        Course.SUSPECT: "suspected",
        Course.BETTER: "better",
        Course.STEADY: "steady",
        Course.FEW: "with too few runs to say",
        Course.NOISY: "not judged on a noisy machine",
    }
    counts = [(sum(trend.course is course for trend in trends), words) for course, words in explained.items()]
    return f"{len(trends)} series: " + ", ".join(f"{number} {words}" for number, words in counts if number)


def _row(trend: Trend, encoding: str) -> list[str]:
    """Return a series as a row of the table."""
    metric = trend.metric
    subject = ".".join(part for part in (metric.server, metric.tool) if part)
    shown = subject if len(subject) <= _LONGEST_SUBJECT else f"{subject[: _LONGEST_SUBJECT - 1]}~"
    return [
        Presenter().line(shown),
        metric.name,
        str(len(trend.points)),
        "" if trend.usual is None else _in_unit(trend.usual, metric.unit),
        _in_unit(trend.value, metric.unit),
        "" if trend.share is None else f"{trend.share:+.0%}",
        sparkline([point.figure.value for point in trend.points[-_DRAWN:]], encoding),
        "" if trend.course in {Course.STEADY, Course.FEW} else trend.course.value,
    ]


def _in_unit(value: float, unit: str) -> str:
    """Return a figure as people read it."""
    if unit == "s":
        return seconds(value)
    if unit == "share":
        return f"{value:.1%}"
    if unit == "B":
        return f"{value / 1_000_000:.4g} MB"
    return f"{value:.4g}/s" if unit == PER_SECOND else f"{value:.4g} {'' if unit == 'number' else unit}".rstrip()


def _turns(trend: Trend) -> Iterator[str]:
    """Yield a line for each lasting change of a series."""
    for turn in trend.turns:
        unit, shift = trend.metric.unit, turn.shift
        subject = ".".join(part for part in (trend.metric.server, trend.metric.tool) if part)
        yield (
            f"  {subject}: {trend.metric.name} {_in_unit(shift.before, unit)} -> {_in_unit(shift.after, unit)} "
            f"({shift.share:+.0%}) since {turn.point.run.started_at[:16]}{_occasion(trend, turn)}"
        )


def _occasion(trend: Trend, turn: Turn) -> str:
    """Return what is known of the run with which a level changed: its commit, and a new version of the server."""
    commit = commit_of(turn.point)
    before = trend.points[max(0, trend.points.index(turn.point) - 1)].figure.server_version
    after = turn.point.figure.server_version
    versions = f", version {before or '?'} -> {after or '?'}" if before != after else ""
    return f"{f' at {commit}' if commit else ''}{versions}"
