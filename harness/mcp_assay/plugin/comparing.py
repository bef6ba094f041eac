"""What changed: since the report of ``--mcp-against``, or without one since the findings of ``--mcp-baseline``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.readiness.acceptance import ACCEPTED
from mcp_assay_reports.changes import compared, told
from mcp_assay_reports.findings import remarks
from mcp_assay_reports.reading import read_report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcp_assay.core.contract import ChangedFinding, ChangesEntry, Document, ResultEntry
    from mcp_assay.plugin.accepted import Accepted
    from mcp_assay.plugin.options import Options
    from mcp_assay.readiness.baseline import Baseline, BaselineEntry


# Compared by identity: pytest keeps plugins in a set.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparing:
    """Adds the changes to a report.

    Attributes:
        before: The earlier report, or None.
        since: Its name.
        accepted: What was accepted before this run.
    """

    before: Document | None
    since: str
    accepted: Accepted

    @classmethod
    def of(cls, options: Options, accepted: Accepted, invoked_in: Path) -> Comparing:
        """Return what the options name.

        Raises:
            UsageError: The earlier report cannot be read.
        """
        given = options.mcp_against
        before = None if given is None else read_report(invoked_in / given)
        return cls(before=before, since=given or "", accepted=accepted)

    def pytest_mcp_document(self, document: Document) -> Sequence[str]:
        """Add what changed, when there is anything to compare with."""
        if self.before is not None:
            document["changes"] = compared(document, self.before, since=self.since)
        elif self.accepted.baselines and not self.accepted.updates_baseline:
            document["changes"] = since_baselines(document, self.accepted.baselines)
        return []


def since_baselines(document: Document, baselines: Sequence[Baseline]) -> ChangesEntry:
    """Return what differs from the accepted findings: failures that are not accepted, entries that nothing needs.

    A run that left checks out tells nothing as gone.
    """
    results = document["results"]
    open_ones = [result for result in results if _may_be_found(result)]
    entries = [entry for baseline in baselines for entry in baseline.entries]
    unneeded = [entry for entry in entries if not any(_is_about(entry, result) for result in open_ones)]
    return {
        "since": ", ".join(baseline.path.name for baseline in baselines),
        "new": [told(result) for result in results if result["verdict"] == "fail"],
        "gone": [_entry_told(entry) for entry in unneeded if not remarks(document)],
        "known": sum(result["verdict"] == "warn" and _is_accepted(result) for result in results),
    }


def _may_be_found(result: ResultEntry) -> bool:
    """Return whether a result is a finding, or leaves open what would have been found."""
    skipped = result["verdict"] == "skip" and result.get("applicable", True)
    return skipped or result["verdict"] in {"fail", "warn", "error"}


def _is_about(entry: BaselineEntry, result: ResultEntry) -> bool:
    """Return whether an entry accepts a result."""
    return entry.concerns(result["server"]) and entry.covers(result["check"], result["tool"])


def _is_accepted(result: ResultEntry) -> bool:
    """Return whether a warning is a finding that somebody accepted."""
    return (result["reason"] or "").split(":")[0] == ACCEPTED


def _entry_told(entry: BaselineEntry) -> ChangedFinding:
    """Return an entry that nothing needs as a finding that went."""
    return {
        "check": entry.check,
        "server": entry.server,
        "tool": None if entry.tool == "*" else entry.tool,
        "verdict": "fail",
    }
