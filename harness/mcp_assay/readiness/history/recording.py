"""Keeping a run in the history, and putting what earlier runs say of it into its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.readiness.history.database import History, RunRecord
from mcp_assay.readiness.history.points import figures_of
from mcp_assay.readiness.history.trends import WINDOW, Course, tails_of, trends_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.contract import Document, TrendEntry, TrendPoint
    from mcp_assay.readiness.history.address import Address
    from mcp_assay.readiness.history.origin import Origin
    from mcp_assay.readiness.history.trends import Point, Trend

KEPT = 2 * WINDOW
"""Runs that are looked at: enough for a lasting change to show on both sides."""

_SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A run that was kept.

    Attributes:
        figures: How many of its figures were.
        runs: Runs of this machine in the history, as far as they are looked at.
        trends: Every series it has a figure of.
        drawn: Series that are shown and not judged.
    """

    figures: int
    runs: int
    trends: Sequence[Trend]
    drawn: Sequence[Trend] = ()

    @property
    def entries(self) -> list[TrendEntry]:
        """The series in the shape of the report contract's ``trends``."""
        return [*map(trend_entry, self.trends), *map(unjudged_entry, self.drawn)]

    @property
    def worse(self) -> list[Trend]:
        """The series that are worse than their noise explains."""
        return [trend for trend in self.trends if trend.course is Course.WORSE]


def record(document: Document, address: Address, origin: Origin) -> Recorded:
    """Keep the figures of a run and return what they say beside those of earlier runs on the same machine.

    Raises:
        UsageError: Another version wrote the history.
        HistoryError: The database cannot be reached, written or read.
    """
    run = document["run"]
    kept = RunRecord(
        id=run["id"],
        started_at=run["started_at"],
        commit=origin.commit,
        dirty=origin.dirty,
        machine=origin.machine,
        tool_version=document["tool"]["version"],
        exit_status=run["exit_status"],
    )
    figures = figures_of(document)
    with History(address) as history:
        history.add(kept, figures)
        runs = history.runs(machine=origin.machine, last=KEPT)
    return Recorded(figures=len(figures), runs=len(runs), trends=trends_of(runs), drawn=tails_of(runs))


def trend_entry(trend: Trend) -> TrendEntry:
    """Return one series in the shape of the report contract's ``trends``."""
    metric = trend.metric
    entry: TrendEntry = {
        "config": metric.config,
        "server": metric.server,
        "tool": metric.tool or None,
        "metric": metric.name,
        "unit": metric.unit,
        "points": [_point_entry(point) for point in trend.points],
        "change_points": [trend.points.index(turn.point) for turn in trend.turns],
        "machine": trend.points[-1].run.machine,
        "better": "higher" if metric.more_is_better else "lower",
        "course": trend.course.value,
    }
    if trend.usual is not None and trend.limit is not None:
        entry["usual"], entry["limit"] = trend.usual, trend.limit
    return entry


def unjudged_entry(trend: Trend) -> TrendEntry:
    """Return one series in the shape of the contract, without what its newest figure says."""
    entry = trend_entry(trend)
    entry.pop("course", None)
    entry.pop("usual", None)
    entry.pop("limit", None)
    return entry


def commit_of(point: Point) -> str | None:
    """Return a point's commit as people write it, with a ``+`` when files differed from it; None when unknown."""
    run = point.run
    return f"{run.commit[:_SHORT]}{'+' if run.dirty else ''}" if run.commit else None


def _point_entry(point: Point) -> TrendPoint:
    """Return one point in the shape of the report contract."""
    return {
        "at": point.run.started_at,
        "commit": commit_of(point),
        "value": point.figure.value,
        "noisy": point.is_noisy,
        "version": point.figure.server_version,
    }
