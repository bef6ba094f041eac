"""Whether a report is good enough to deploy by.

The gate trusts nothing that it can count itself, and takes nothing for granted: a server that was left out, a run that
stopped early, a budget that nobody measured and a report that is too old are reasons to stay closed, as is any bar that
was missed. It never opens because something is absent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mcp_assay.config.rules import matches
from mcp_assay.core.errors import UsageError
from mcp_assay.core.verdicts import Level
from mcp_assay.readiness.acceptance import ACCEPTED
from mcp_assay.readiness.ending import broken_off
from mcp_assay.readiness.gate_policy import ERROR_RATE, SECONDS
from mcp_assay.readiness.scoring import Fitness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.core.contract import BenchmarkEntry, Document, ResultEntry, ServerEntry
    from mcp_assay.readiness.gate_policy import Bars, GatePolicy

_JUDGED = frozenset({0, 1})
_FUTURE = timedelta(minutes=5)
_MODES = {"cold_start_s": "cold-start", "p95_s": "closed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a gate stays closed.

    Attributes:
        rule: The setting of the policy that is missed, such as ``score``, or ``run`` for the run as a whole.
        message: What is missed, in one sentence.
        server: The server it is about, or None.
        hint: The next step, or None.
    """

    rule: str
    message: str
    server: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        """Return the reason in one line, with the hint on a second."""
        place = f"{self.server}: " if self.server is not None else ""
        return f"{place}{self.message}" + (f"\nhint: {self.hint}" if self.hint else "")


def reasons_against(document: Document, policy: GatePolicy, *, now: datetime) -> tuple[Reason, ...]:
    """Return every reason for which a report does not pass; none means that the gate is open.

    Args:
        document: The report.
        policy: What is asked of it.
        now: The time by which its age is told, with a time zone.

    Raises:
        UsageError: The report contradicts itself, so that nothing in it can be relied on.
    """
    _refuse_contradictions(document)
    judged = [server for server in document["servers"] if server["status"] in {"connected", "failed"}]
    of_servers = (reason for server in judged for reason in _against_server(document, server, policy))
    return (*_against_run(document, policy, now), *_against_absence(document, policy), *of_servers)


def _refuse_contradictions(document: Document) -> None:
    """Compare what a report says of itself with what is in it.

    Raises:
        UsageError: They differ: a part was lost, or somebody edited it.
    """
    summary, servers, results = document["summary"], document["servers"], document["results"]
    counted = Counter(str(result["verdict"]) for result in results)
    if any(counted[word] != number for word, number in summary["checks"].items()):
        raise UsageError("the report contradicts itself: its summary counts other verdicts than it holds")
    if (summary["servers"], summary["connected"]) != (len(servers), _connected(servers)):
        raise UsageError("the report contradicts itself: its summary counts other servers than it holds")
    known = {server["name"] for server in servers}
    stray = next((result for result in results if result["server"] not in known), None)
    if stray is not None:
        raise UsageError(f"the report contradicts itself: it has results on {stray['server']!r}, but no such server")


def _connected(servers: Sequence[ServerEntry]) -> int:
    return sum(server["status"] == "connected" for server in servers)


def _against_run(document: Document, policy: GatePolicy, now: datetime) -> Iterator[Reason]:
    """Yield what speaks against the run as a whole."""
    run = document["run"]
    if not any(result["verdict"] != "skip" for result in document["results"]):
        yield Reason(rule="run", message="nothing was judged")
    status = run["exit_status"]
    how = broken_off(status)
    if how is not None:
        message = f"the run did not come to its end: it {how}, exit status {status}"
        yield Reason(rule="run", message=message, hint="judge the servers again")
    elif status not in _JUDGED:
        yield Reason(rule="run", message=f"the run had nothing to judge: exit status {status}")
    problems = run.get("problems", [])
    yield from (Reason(rule="run", message=problem) for problem in problems)
    told = problems or any(result["verdict"] in {"fail", "error"} for result in document["results"])
    if run["exit_status"] == 1 and not told and _connected(document["servers"]) == len(document["servers"]):
        yield Reason(rule="run", message="the run failed for a reason that its report does not hold: exit status 1")
    for workflow in document["workflows"]:
        if workflow["verdict"] in {"fail", "error"}:
            yield Reason(rule="run", message=f"the workflow {workflow['name']} ended with {workflow['verdict']}")
    yield from _against_age(document, policy, now)
    yield from () if policy.partial else _against_parts(document)


def _against_age(document: Document, policy: GatePolicy, now: datetime) -> Iterator[Reason]:
    """Yield why a report is too old, or from the future."""
    if policy.max_age_s is None:
        return
    text = document["run"]["started_at"]
    try:
        ended = datetime.fromisoformat(text) + timedelta(seconds=document["run"]["duration_s"])
        age = now - ended
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"the report does not say when its run was: {text!r}") from None
    if age > timedelta(seconds=policy.max_age_s):
        hours = age.total_seconds() / 3600
        message = f"the run ended {hours:.1f} h ago, which is more than {policy.max_age_s / 3600:g} h"
        yield Reason(rule="max_age_h", message=message, hint="judge the servers again")
    if age < -_FUTURE:
        yield Reason(rule="max_age_h", message=f"the run ended in the future, at {ended.isoformat()}")


def _against_parts(document: Document) -> Iterator[Reason]:
    """Yield why a run is not whole."""
    planned = document["run"].get("planned")
    # A check that was repeated is still one.
    made = len({result["nodeid"] for result in document["results"]})
    hint = "`partial = true` in the policy lets it through"
    if planned is None:
        yield Reason(rule="partial", message="the report does not say how many checks were planned", hint=hint)
    elif made < planned:
        message = f"only {made} of {planned} planned checks have a verdict"
        yield Reason(rule="partial", message=message, hint=hint)


def _against_absence(document: Document, policy: GatePolicy) -> Iterator[Reason]:
    """Yield which servers are missing although they count."""
    servers = document["servers"]
    connected = [server["name"] for server in servers if server["status"] == "connected"]
    for pattern in policy.required:
        if not any(matches(pattern, name) for name in connected):
            yield Reason(rule="required", message=f"required, but {_absence(servers, pattern)}", server=pattern)
    for server in servers:
        required = any(matches(pattern, server["name"]) for pattern in policy.required)
        optional = any(matches(pattern, server["name"]) for pattern in policy.optional)
        if server["status"] == "skipped" and (required or not optional):
            hint = None if required else f'`optional = ["{server["name"]}"]` in the policy lets it be skipped'
            message = "it was skipped, so that nothing is known of it"
            yield Reason(rule="optional", message=message, server=server["name"], hint=hint)
        if server["status"] == "interrupted":
            message = "the run ended before it was judged, so that nothing is known of it"
            yield Reason(rule="run", message=message, server=server["name"])
    for pattern in policy.servers:
        if not any(matches(pattern, server["name"]) for server in servers):
            yield Reason(
                rule="servers", message="the policy has a table for it, the report has no such server", server=pattern
            )


def _absence(servers: Sequence[ServerEntry], pattern: str) -> str:
    """Return what became of a server that was not connected."""
    found = next((server["status"] for server in servers if matches(pattern, server["name"])), None)
    return "not in the report" if found is None else f"its status is {found}"


def _against_server(document: Document, server: ServerEntry, policy: GatePolicy) -> Iterator[Reason]:
    """Yield what speaks against one server that the run tried."""
    bars = policy.bars_for(server["name"])
    results = [result for result in document["results"] if _is_about(result["server"], result.get("config"), server)]
    measured = [entry for entry in document["benchmarks"] if _is_about(entry["server"], entry.get("config"), server)]
    for reasons in (
        _against_verdict(server, bars),
        _against_scores(server, bars),
        _against_findings(results, bars),
        _against_times(server, measured, bars),
        _against_trends(document, server, bars),
    ):
        for rule, message, hint in reasons:
            yield Reason(rule=rule, message=message, server=server["name"], hint=hint)


def _against_trends(document: Document, server: ServerEntry, bars: Bars) -> Iterator[tuple[str, str, str | None]]:
    """Yield which figures are worse than earlier runs explain, or that they were not compared."""
    if bars.regressions is None:
        return
    trends = document.get("trends")
    if trends is None:
        yield "regressions", "its figures were not compared with earlier runs", "run pytest with --mcp-history"
        return
    about = [trend for trend in trends if _is_about(trend["server"], trend.get("config"), server)]
    worse = [trend for trend in about if trend.get("course") == "worse"]
    if len(worse) > bars.regressions:
        named = ", ".join(".".join(filter(None, (trend["tool"], trend["metric"]))) for trend in worse[:5])
        yield (
            "regressions",
            f"worse than earlier runs explain: {len(worse)} ({named}), at most {bars.regressions}",
            None,
        )


def _is_about(name: str, config: str | None, server: ServerEntry) -> bool:
    """Return whether an entry is about the server; one without a document's id belongs by name."""
    return name == server["name"] and (config or server["config"]) == server["config"]


def _against_verdict(server: ServerEntry, bars: Bars) -> Iterator[tuple[str, str, str | None]]:
    """Yield why the verdict is too bad."""
    worst = bars.verdict or Fitness.READY
    found = Fitness(server["readiness"]["verdict"])
    order = list(Fitness)
    if order.index(found) > order.index(worst):
        hint = '`verdict = "UNPROVEN"` in the policy lets thin evidence pass' if found is Fitness.UNPROVEN else None
        yield "verdict", f"its verdict is {found}, {worst} is asked for", hint
    judged = sum(
        sum(entry[word] for word in ("pass", "fail", "warn")) for entry in server["readiness"]["categories"].values()
    )
    if found is not Fitness.UNREACHABLE and not judged:
        yield "run", "nothing was judged on it", None


def _against_scores(server: ServerEntry, bars: Bars) -> Iterator[tuple[str, str, str | None]]:
    """Yield which scores and shares of evidence are too low."""
    readiness = server["readiness"]
    yield from _below("score", "its score", readiness["score"], bars.score)
    yield from _below("evidence", "its evidence", readiness["evidence"], bars.evidence)
    for category, asked in bars.categories.items():
        entry = readiness["categories"].get(category.value)
        if entry is None:
            yield "categories", f"it has no verdict in {category}", None
        elif entry.get("applicable", True):
            yield from _below("categories", f"its score in {category}", entry["score"], asked.score)
            yield from _below("categories", f"its evidence in {category}", entry["evidence"], asked.evidence)


def _below(rule: str, what: str, found: float, least: float | None) -> Iterator[tuple[str, str, str | None]]:
    """Yield a reason unless ``found`` reaches the bar; what is no number does not."""
    if least is not None and not found >= least:
        yield rule, f"{what} is {found:g}, at least {least:g} is asked for", None


def _against_findings(results: Sequence[ResultEntry], bars: Bars) -> Iterator[tuple[str, str, str | None]]:
    """Yield which levels have too many violations, and whether the harness failed."""
    errors = sum(result["verdict"] == "error" for result in results)
    if errors > (bars.errors or 0):
        yield "errors", f"errors of the harness: {errors}, at most {bars.errors or 0} accepted", None
    for level in Level:
        most = bars.levels.get(level)
        words = {"fail"} if most is None else {"fail", "warn"}
        found = [r for r in results if r["level"] == level and r["verdict"] in words and not _is_accepted(r)]
        if len(found) > (most or 0):
            checks = ", ".join(sorted({result["check"] for result in found})[:5])
            yield "levels", f"violations of {level}: {len(found)} ({checks}), at most {most or 0} accepted", None


def _is_accepted(result: ResultEntry) -> bool:
    """Return whether the user accepted this violation in the run's own settings."""
    return result["verdict"] == "warn" and (result["reason"] or "").split(":")[0] == ACCEPTED


def _against_times(
    server: ServerEntry, measured: Sequence[BenchmarkEntry], bars: Bars
) -> Iterator[tuple[str, str, str | None]]:
    """Yield which budgets are exceeded, or were never measured."""
    for name in SECONDS:
        if name in bars.budgets:
            yield from _over(name, _seconds(name, server, measured), bars.budgets[name])
    if ERROR_RATE in bars.budgets:
        rates = [(entry["tool"], entry["errors"] / entry["calls"]) for entry in measured if entry["calls"]]
        yield from _over(ERROR_RATE, rates, bars.budgets[ERROR_RATE])


def _seconds(name: str, server: ServerEntry, measured: Sequence[BenchmarkEntry]) -> list[tuple[str, float]]:
    """Return what was measured for a budget in seconds, by tool; an empty name for the server itself."""
    if name == "connect_s":
        return [] if server["connect_s"] is None else [("", server["connect_s"])]
    alone = [entry for entry in measured if entry["mode"] == _MODES[name] and entry["concurrency"] == 1]
    starts = name == "cold_start_s"
    return [
        (entry["tool"], entry["latency_s"]["p50"] if starts else entry["latency_s"]["p95"])
        for entry in alone
        if entry["calls"]
    ]


def _over(name: str, found: Sequence[tuple[str, float]], most: float) -> Iterator[tuple[str, str, str | None]]:
    """Yield why a budget is not kept."""
    if not found:
        yield "budgets", f"{name} was not measured, at most {most:g} is asked for", None
    for tool, value in found:
        if not value <= most:
            yield (
                "budgets",
                f"{name}{f' of {tool}' if tool else ''} is {value:.3g}, at most {most:g} is asked for",
                None,
            )
