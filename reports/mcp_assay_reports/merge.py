"""Joining the reports of several runs, such as the shards of a CI job, into one.

Nothing is invented: servers and results are taken over as they are, totals are counted anew, and the verdict is the
worst. The same server may not be reported twice, because its score cannot be had without judging all of it at once.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from mcp_assay.core.contract import SCHEMA_VERSION
from mcp_assay.core.errors import UsageError
from mcp_assay_reports.changes import merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_assay.core.contract import Counts, Document, Phases, ReadinessWord, RunEntry, ServerEntry, Summary

_WORST_FIRST: tuple[ReadinessWord, ...] = ("UNREACHABLE", "NOT READY", "UNPROVEN", "READY")


def merge(documents: Sequence[Document]) -> Document:
    """Return one document over all servers of ``documents``, in their order.

    A server that one shard skipped and another tried is taken from the latter.

    Raises:
        UsageError: There are no documents, or two of them tried the same server.
    """
    if not documents:
        raise UsageError("there is no report to merge")
    servers = _servers(documents)
    whole: Document = {
        "schema_version": SCHEMA_VERSION,
        "tool": documents[0]["tool"],
        "run": _run([document["run"] for document in documents]),
        "summary": _summary(documents, servers),
        "servers": servers,
        "results": [result for document in documents for result in document["results"]],
        "benchmarks": [entry for document in documents for entry in document["benchmarks"]],
        "workflows": [workflow for document in documents for workflow in document["workflows"]],
        "figures": [figure for document in documents for figure in document.get("figures", [])],
        "budgets": [budget for document in documents for budget in document.get("budgets", [])],
    }
    trends = [trend for document in documents for trend in document.get("trends", [])]
    if trends:
        whole["trends"] = trends
    changes = merged(documents)
    if changes is not None:
        whole["changes"] = changes
    return whole


def _servers(documents: Iterable[Document]) -> list[ServerEntry]:
    """Return every server once.

    Raises:
        UsageError: Two documents tried the same server.
    """
    chosen: dict[tuple[str, str], ServerEntry] = {}
    for document in documents:
        for server in document["servers"]:
            key = (server["config"], server["name"])
            known = chosen.get(key)
            if known is not None and _tried(known) and _tried(server):
                place = f"{server['name']} of {server['config']}"
                raise UsageError(f"two reports have results on {place}", hint="split a run by server, not within one")
            if known is None or _known_better(server, known):
                chosen[key] = server
    return list(chosen.values())


def _known_better(server: ServerEntry, than: ServerEntry) -> bool:
    """Return whether an entry says more of a server than another: tried, then interrupted, disabled and skipped."""
    order = ("skipped", "disabled", "interrupted")
    return not _tried(than) and (_tried(server) or order.index(server["status"]) > order.index(than["status"]))


def _tried(server: ServerEntry) -> bool:
    """Return whether a run used the server, or tried to."""
    return server["status"] in {"connected", "failed"}


def _is_counted(server: ServerEntry) -> bool:
    """Return whether a run was meant to use the server, so that it counts in the summary."""
    return _tried(server) or server["status"] == "interrupted"


def _run(runs: Sequence[RunEntry]) -> RunEntry:
    """Return the run that spans ``runs``: times of shards that ran side by side are those of the longest."""
    first = min(runs, key=lambda run: run["started_at"])
    longest: Phases = {
        "discovery_s": max(run["phases"]["discovery_s"] for run in runs),
        "registry_s": max(run["phases"]["registry_s"] for run in runs),
        "checks_s": max(run["phases"]["checks_s"] for run in runs),
        "performance_s": max(run["phases"]["performance_s"] for run in runs),
    }
    whole: RunEntry = {
        **first,
        "id": "+".join(run["id"] for run in runs),
        "duration_s": max(run["duration_s"] for run in runs),
        "configs": list(dict.fromkeys(config for run in runs for config in run["configs"])),
        "exit_status": max((run["exit_status"] for run in runs), key=abs),
        "phases": longest,
        "problems": list(dict.fromkeys(problem for run in runs for problem in run.get("problems", []))),
    }
    whole.pop("planned", None)
    planned = [run["planned"] for run in runs if "planned" in run]
    return {**whole, "planned": sum(planned)} if len(planned) == len(runs) else whole


def _summary(documents: Sequence[Document], servers: Sequence[ServerEntry]) -> Summary:
    """Return the totals, counted anew."""
    counted = [server["readiness"] for server in servers if _is_counted(server)]
    return {
        "servers": len(servers),
        "connected": sum(server["status"] == "connected" for server in servers),
        "tools": sum(len(server["tools"]) for server in servers),
        "checks": _counts([document["summary"]["checks"] for document in documents]),
        "verdict": _worst({readiness["verdict"] for readiness in counted}),
        "score": round(fmean(readiness["score"] for readiness in counted), 4) if counted else 0.0,
        "evidence": round(fmean(readiness["evidence"] for readiness in counted), 4) if counted else 0.0,
    }


def _worst(words: set[ReadinessWord]) -> ReadinessWord:
    """Return the worst verdict, ``UNPROVEN`` without any."""
    for word in _WORST_FIRST:
        if word in words:
            return word
    return "UNPROVEN"


def _counts(all_counts: Iterable[Counts]) -> Counts:
    """Return the sums of the numbers of verdicts."""
    total: Counts = {"pass": 0, "fail": 0, "warn": 0, "skip": 0, "error": 0}
    for counts in all_counts:
        total["pass"] += counts["pass"]
        total["fail"] += counts["fail"]
        total["warn"] += counts["warn"]
        total["skip"] += counts["skip"]
        total["error"] += counts["error"]
    return total
