"""What a report says first: findings gathered so that one cause is told once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay_reports.texts import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_assay.core.contract import BenchmarkEntry, Document, ResultEntry, ServerEntry, VerdictWord

_SEVERITY: tuple[VerdictWord, ...] = ("fail", "error", "warn")
_LEVELS = ("MUST", "SHOULD", "DESC", "ADV")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """All findings of one check.

    Attributes:
        results: The results that did not pass, gravest first; at least one.
        points: What they cost all their servers together, out of 100 for each server.
    """

    results: tuple[ResultEntry, ...]
    points: float

    @property
    def first(self) -> ResultEntry:
        """Return the gravest result, which stands for the others."""
        return self.results[0]

    @property
    def title(self) -> str:
        """Return the check's id and short name."""
        return line(f"{self.first['check']} {self.first.get('slug', '')}", 80)

    @property
    def servers(self) -> list[str]:
        """Return the names of the servers concerned, in order of appearance."""
        return list(dict.fromkeys(result["server"] for result in self.results))

    @property
    def tools(self) -> list[str]:
        """Return the names of the tools concerned, in order of appearance."""
        return list(dict.fromkeys(result["tool"] for result in self.results if result["tool"] is not None))

    @property
    def tool_count(self) -> int:
        """Return the number of tools concerned; tools of one name on two servers are two."""
        return len({(r.get("config"), r["server"], r["tool"]) for r in self.results if r["tool"] is not None})


def clusters(document: Document) -> list[Cluster]:
    """Return the findings of a run, one cluster for each check: costliest first, then by gravity and level."""
    return _sorted(_clustered(document["results"], document["servers"]))


def server_clusters(document: Document, server: ServerEntry) -> list[Cluster]:
    """Return the findings on one server, one cluster for each check, in the order of `clusters`."""
    return _sorted(_clustered(results_of(document, server), [server]))


def findings_in_order(document: Document) -> list[ResultEntry]:
    """Return every result that did not pass, in the order of `clusters`."""
    return [result for cluster in clusters(document) for result in cluster.results]


def results_of(document: Document, server: ServerEntry) -> list[ResultEntry]:
    """Return the results on one server in their order; a result without a configuration id belongs by name."""
    return [
        result
        for result in document["results"]
        if result["server"] == server["name"] and result.get("config", server["config"]) == server["config"]
    ]


def slowest(document: Document, server: ServerEntry) -> BenchmarkEntry | None:
    """Return the server's slowest tool by p95 when called one call at a time, or None."""
    mine = [
        entry
        for entry in document["benchmarks"]
        if entry["server"] == server["name"] and entry.get("config", server["config"]) in {"", server["config"]}
    ]
    alone = [entry for entry in mine if entry["mode"] == "closed" and entry["concurrency"] == 1]
    return max(alone, key=lambda entry: entry["latency_s"]["p95"], default=None)


def _clustered(results: Iterable[ResultEntry], servers: Sequence[ServerEntry]) -> list[Cluster]:
    """Return the clusters of ``results`` with what they cost ``servers``."""
    groups: dict[str, list[ResultEntry]] = {}
    for result in results:
        if result["verdict"] in _SEVERITY:
            groups.setdefault(result["check"], []).append(result)
    costs: dict[str, float] = {}
    for server in servers:
        for costly in server["readiness"]["costliest"]:
            costs[costly["check"]] = costs.get(costly["check"], 0.0) + costly["points"]
    return [
        Cluster(results=tuple(sorted(found, key=_gravity)), points=costs.get(check, 0.0))
        for check, found in groups.items()
    ]


def _sorted(found: list[Cluster]) -> list[Cluster]:
    """Return clusters in the order in which they are told."""
    return sorted(found, key=lambda cluster: (-cluster.points, *_gravity(cluster.first), cluster.first["check"]))


def _gravity(result: ResultEntry) -> tuple[int, int]:
    """Return the sort key of one finding: outcome, then level."""
    return _SEVERITY.index(result["verdict"]), _LEVELS.index(result["level"])
