"""What a report says first: findings gathered so that one cause is told once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.readiness.ending import broken_off
from mcp_assay_reports.texts import line, listing, plural, score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mcp_assay.core.contract import BenchmarkEntry, Document, ResultEntry, ServerEntry, VerdictWord

_SEVERITY: tuple[VerdictWord, ...] = ("fail", "error", "warn")
_MOST_CAUSES = 4
_LEVELS = ("MUST", "SHOULD", "DESC", "ADV")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Results that are told as one: all findings of one check, or all skips for one reason.

    Attributes:
        results: The results, gravest first; at least one.
        points: What they cost of the score that the servers have on average, 0…100.
    """

    results: tuple[ResultEntry, ...]
    points: float = 0.0

    @property
    def first(self) -> ResultEntry:
        """Return the gravest result, which stands for the others."""
        return self.results[0]

    @property
    def title(self) -> str:
        """Return the check's id and short name."""
        return line(f"{self.first['check']} {self.first.get('slug', '')}", 80)

    @property
    def blocks(self) -> bool:
        """Return whether a failed MUST is among the results."""
        return self.first["verdict"] == "fail" and self.first["level"] == "MUST"

    @property
    def weight(self) -> str:
        """Return how much the finding matters: level, verdict, whether it blocks, what it costs."""
        words = [f"{self.first['level']} {self.first['verdict']}", *(["blocker"] if self.blocks else [])]
        return ", ".join([*words, *([f"-{score(self.points)} points"] if self.points >= 0.1 else [])])

    @property
    def servers(self) -> list[str]:
        """Return the names of the servers concerned, in order of appearance."""
        return list(dict.fromkeys(result["server"] for result in self.results))

    @property
    def tools(self) -> list[str]:
        """Return the names of the tools concerned, in order of appearance."""
        return list(dict.fromkeys(result["tool"] for result in self.results if result["tool"] is not None))

    @property
    def causes(self) -> list[str]:
        """Return what is wrong with how many tools, the most frequent cause first; nothing when it is one tool only."""
        tools: dict[str, set[tuple[str | None, str, str | None]]] = {}
        for result in self.results:
            for cause in result.get("causes", []):
                tools.setdefault(cause, set()).add((result.get("config"), result["server"], result["tool"]))
        counted = sorted(tools.items(), key=lambda entry: -len(entry[1]))
        return [f"{len(found)} tools: {line(cause, 120)}" for cause, found in counted if len(found) > 1][:_MOST_CAUSES]

    @property
    def tool_count(self) -> int:
        """Return the number of tools concerned; tools of one name on two servers are two."""
        return len({(r.get("config"), r["server"], r["tool"]) for r in self.results if r["tool"] is not None})


def clusters(document: Document) -> list[Cluster]:
    """Return the findings of a run, one cluster for each check.

    Failed MUST checks come first, because each of them alone keeps a server from being ready; then what costs most.
    """
    return _sorted(_clustered(document["results"], document["servers"]))


def server_clusters(document: Document, server: ServerEntry) -> list[Cluster]:
    """Return the findings on one server, one cluster for each check, in the order of `clusters`."""
    return _sorted(_clustered(results_of(document, server), [server]))


def gaps(document: Document) -> list[Cluster]:
    """Return what was not exercised although it applies, one cluster for each reason, the most frequent first.

    Servers that were never reached are left out: their cause is told elsewhere.
    """
    reached = {(server["config"], server["name"]) for server in document["servers"] if server["error"] is None}
    groups: dict[str, list[ResultEntry]] = {}
    for result in document["results"]:
        skipped = result["verdict"] == "skip" and result.get("applicable", True)
        if skipped and (result.get("config"), result["server"]) in reached:
            groups.setdefault(_reason_of_any(result), []).append(result)
    return sorted((Cluster(results=tuple(found)) for found in groups.values()), key=lambda gap: -len(gap.results))


def _reason_of_any(result: ResultEntry) -> str:
    """Return a skip's reason without the names of server and tool, so that like reasons are one."""
    reason = result["reason"] or ""
    for name in (result["tool"], result["server"]):
        reason = reason.replace(name, "*") if name else reason
    return reason


def place_of(cluster: Cluster, shown: Callable[[str, int], str]) -> str:
    """Return where a finding was made: servers, or tools and their server.

    Args:
        cluster: The finding.
        shown: Returns a name, cut to so many characters, as the format shows it.
    """
    servers = [shown(name, 60) for name in cluster.servers]
    if not cluster.tools:
        return listing(servers)
    where = servers[0] if len(servers) == 1 else plural(len(servers), "server")
    return f"{plural(cluster.tool_count, 'tool')} on {where}: {listing([shown(tool, 60) for tool in cluster.tools])}"


def remarks(document: Document) -> list[str]:
    """Return what limits the words of a report, a sentence each: that the run broke off, and that it was a part."""
    return [told for told in (_broken_off(document), left_out(document)) if told is not None]


def _broken_off(document: Document) -> str | None:
    """Return how the run ended before its end, and how many servers it had not come to by then."""
    how = broken_off(document["run"]["exit_status"])
    if how is None:
        return None
    waiting = sum(server["status"] == "interrupted" for server in document["servers"])
    unjudged = f", {plural(waiting, 'server')} had not been judged" if waiting else ""
    return f"the run {how}{unjudged}: it shows no server to be ready"


def left_out(document: Document) -> str | None:
    """Return a sentence on the checks that were planned and have no verdict, or None when the run was whole."""
    planned = document["run"].get("planned", 0)
    made = len({result["nodeid"] for result in document["results"]})
    return f"only {made} of {planned} planned checks have a verdict" if made < planned else None


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
    costs = _costs(servers)
    return [
        Cluster(results=tuple(sorted(found, key=_gravity)), points=costs.get(check, 0.0))
        for check, found in groups.items()
    ]


def _costs(servers: Sequence[ServerEntry]) -> dict[str, float]:
    """Return what each check costs of the mean score over the servers that the run was meant to use."""
    tried = [server for server in servers if server["status"] in {"connected", "failed"}]
    costs: dict[str, float] = {}
    for server in tried:
        for costly in server["readiness"]["costliest"]:
            costs[costly["check"]] = costs.get(costly["check"], 0.0) + costly["points"] / len(tried)
    return costs


def _sorted(found: list[Cluster]) -> list[Cluster]:
    """Return clusters in the order in which they are told."""
    return sorted(found, key=_order)


def _order(cluster: Cluster) -> tuple[bool, float, int, int, str]:
    """Return the sort key of a cluster: blockers, then cost, then gravity and level."""
    first = cluster.first
    return (not cluster.blocks, -cluster.points, *_gravity(first), first["check"])


def _gravity(result: ResultEntry) -> tuple[int, int]:
    """Return the sort key of one finding: outcome, then level."""
    return _SEVERITY.index(result["verdict"]), _LEVELS.index(result["level"])
