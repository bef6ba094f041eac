"""From the facts of a run and its verdicts to the one document that every writer reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean
from typing import TYPE_CHECKING, Any

from mcp_assay._version import __version__
from mcp_assay.core import contract
from mcp_assay.core.clock import rfc3339
from mcp_assay.core.presentation import Presenter
from mcp_assay.readiness.ending import broken_off
from mcp_assay.readiness.measured_entries import (
    benchmark_entries,
    budget_entries,
    figure_entries,
    finite,
    trend_entry,
    workflow_entry,
)
from mcp_assay.readiness.readiness_entries import counts, readiness_entry, rounded
from mcp_assay.readiness.scoring import Readiness, ScoringPolicy, assess, count_outcomes, unproven_at_best, worst

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mcp_assay.core.faults import Fault
    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.readiness.links import Link


class ServerStatus(StrEnum):
    """What became of a configured server; the run ended before it came to judge one that was interrupted."""

    CONNECTED = "connected"
    FAILED = "failed"
    DISABLED = "disabled"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"

    @property
    def asked_for(self) -> bool:
        """Whether the run was meant to use the server, so that it counts in the summary."""
        return self not in {ServerStatus.DISABLED, ServerStatus.SKIPPED}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseFacts:
    """Seconds spent in each phase of the run."""

    discovery_s: float = 0.0
    registry_s: float = 0.0
    checks_s: float = 0.0
    performance_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The run as a whole.

    Attributes:
        id: Unique name of the run.
        started_at: When it started, with a time zone.
        duration_s: Seconds it took.
        configs: Ids of the configuration documents, in order.
        python: Version of the interpreter.
        platform: Name of the operating system.
        exit_status: Exit status of the process.
        phases: Where the time went.
        planned: Number of checks that a whole run makes, or None when unknown.
        problems: Why the run failed, apart from verdicts; already presented.
    """

    id: str
    started_at: datetime
    duration_s: float
    configs: tuple[str, ...]
    python: str
    platform: str
    exit_status: int
    phases: PhaseFacts = field(default_factory=PhaseFacts)
    planned: int | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFacts:
    """One tool of a server.

    Attributes:
        name: Its name.
        hash: Hash of its definition, ``sha256:…``.
        executed: Whether the run called it with success.
        calls: How often the run called it.
        opened: Whether the run might call it.
        why: What decided that.
    """

    name: str
    hash: str
    executed: bool = False
    calls: int = 0
    opened: bool = True
    why: str = ""

    @property
    def status(self) -> contract.ToolStatusWord:
        """What became of the tool in the run."""
        if self.executed:
            return "exercised"
        if self.calls:
            return "never successful"
        return "not called" if self.opened else "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """One configured server as the run found it; texts may be raw.

    Attributes:
        name: Its name in the configuration.
        config: Id of the configuration document.
        line: Line of its entry, 0 when unknown.
        status: What became of it.
        transport: How it is reached.
        error: Why it could not be used, or None.
        era: ``handshake`` or ``stateless``, or None when unknown.
        revision: The revision in which it was judged, or None when unknown.
        protocol_versions: Revisions it speaks.
        server_info: What it calls itself (``name``, ``version``), or None.
        connect_s: Seconds until it was ready, or None.
        tools: Its tools.
        resources: Number of its resources.
        prompts: Number of its prompts.
        links: Values that went from one tool to another.
    """

    name: str
    config: str
    line: int
    status: ServerStatus
    transport: str
    error: Fault | None = None
    era: str | None = None
    revision: str | None = None
    protocol_versions: tuple[str, ...] = ()
    server_info: Mapping[str, object] | None = None
    connect_s: float | None = None
    tools: tuple[ToolFacts, ...] = ()
    resources: int = 0
    prompts: int = 0
    links: tuple[Link, ...] = ()


def build_document(
    run: RunFacts,
    servers: Sequence[ServerFacts],
    verdicts: Sequence[Verdict],
    *,
    benchmarks: Sequence[Mapping[str, Any]] = (),
    workflows: Sequence[contract.WorkflowEntry] = (),
    trends: Sequence[contract.TrendEntry] = (),
    presenter: Presenter | None = None,
    policy: ScoringPolicy | None = None,
) -> contract.Document:
    """Return the report of one run.

    Args:
        run: The run as a whole.
        servers: Every configured server, in the order of the configuration.
        verdicts: Every verdict, in the order in which it is to be listed; texts are already presented.
        benchmarks: Measurements beside those that verdicts carry, in the shape of the contract.
        workflows: Workflows that ran, in the shape of the contract.
        trends: Metrics over past runs, in the shape of the contract.
        presenter: Makes the texts of ``servers`` and the exchanges fit to be shown.
        policy: Weights and bars of the score.
    """
    presenter = presenter or Presenter()
    readiness = _assess_servers(servers, verdicts, presenter, policy)
    if broken_off(run.exit_status) is not None:
        readiness = [unproven_at_best(entry) for entry in readiness]
    document: contract.Document = {
        "schema_version": contract.SCHEMA_VERSION,
        "tool": {"name": "pytest-mcp-assay", "version": __version__},
        "run": _run_entry(run, presenter),
        "summary": _summary(servers, verdicts, readiness),
        "servers": [_server_entry(s, r, presenter) for s, r in zip(servers, readiness, strict=True)],
        "results": [_result_entry(verdict, presenter) for verdict in verdicts],
        "benchmarks": benchmark_entries(verdicts, benchmarks, presenter),
        "workflows": [workflow_entry(workflow, presenter) for workflow in workflows],
        "figures": figure_entries(verdicts),
        "budgets": budget_entries(verdicts),
    }
    if trends:
        document["trends"] = [trend_entry(trend, presenter) for trend in trends]
    return document


def _assess_servers(
    servers: Sequence[ServerFacts], verdicts: Sequence[Verdict], presenter: Presenter, policy: ScoringPolicy | None
) -> list[Readiness]:
    """Return the readiness of each server, in order; verdicts name servers as presented or as configured."""
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.config, verdict.server), []).append(verdict)
    return [
        assess(
            groups.get((server.config, server.name)) or groups.get((server.config, presenter.line(server.name)), []),
            reachable=server.status is not ServerStatus.FAILED,
            policy=policy,
        )
        for server in servers
    ]


def _run_entry(run: RunFacts, presenter: Presenter) -> contract.RunEntry:
    """Return the contract's ``run``."""
    phases = run.phases
    entry: contract.RunEntry = {
        "id": run.id,
        "started_at": rfc3339(run.started_at),
        "duration_s": finite(run.duration_s),
        "configs": [presenter.line(config) for config in run.configs],
        "python": run.python,
        "platform": run.platform,
        "exit_status": run.exit_status,
        "phases": {
            "discovery_s": finite(phases.discovery_s),
            "registry_s": finite(phases.registry_s),
            "checks_s": finite(phases.checks_s),
            "performance_s": finite(phases.performance_s),
        },
        "problems": list(run.problems),
    }
    return entry if run.planned is None else {**entry, "planned": run.planned}


def _summary(
    servers: Sequence[ServerFacts], verdicts: Sequence[Verdict], readiness: Sequence[Readiness]
) -> contract.Summary:
    """Return the contract's ``summary``; servers that were not asked for count in no mean and no verdict."""
    counted = [r for s, r in zip(servers, readiness, strict=True) if s.status.asked_for]
    return {
        "servers": len(servers),
        "connected": sum(server.status is ServerStatus.CONNECTED for server in servers),
        "tools": sum(len(server.tools) for server in servers),
        "checks": counts(count_outcomes(verdicts)),
        "verdict": worst(r.verdict for r in counted).value,
        "score": rounded(fmean(r.score for r in counted)) if counted else 0.0,
        "evidence": rounded(fmean(r.evidence for r in counted)) if counted else 0.0,
    }


def _server_entry(server: ServerFacts, readiness: Readiness, presenter: Presenter) -> contract.ServerEntry:
    """Return one entry of the contract's ``servers``."""
    return {
        "name": presenter.line(server.name),
        "config": presenter.line(server.config),
        "line": max(0, server.line),
        "status": server.status.value,
        "error": None if server.error is None else _error_entry(server.error, presenter),
        "transport": server.transport,
        "era": server.era,
        "protocol_versions": [presenter.line(version, 40) for version in server.protocol_versions],
        "server_info": None if server.server_info is None else _server_info(server.server_info, presenter),
        "connect_s": None if server.connect_s is None else finite(server.connect_s),
        "tools": [_tool_entry(tool, presenter) for tool in server.tools],
        "resources": server.resources,
        "prompts": server.prompts,
        "readiness": readiness_entry(readiness, asked_for=server.status.asked_for),
        "links": [_link_entry(link, presenter) for link in server.links],
    }


def _tool_entry(tool: ToolFacts, presenter: Presenter) -> contract.ToolEntry:
    """Return a tool in the shape of the contract."""
    return {
        "name": presenter.line(tool.name),
        "hash": tool.hash,
        "executed": tool.executed,
        "calls": tool.calls,
        "status": tool.status,
        "why": presenter.line(tool.why),
    }


def _link_entry(link: Link, presenter: Presenter) -> contract.LinkEntry:
    """Return a link in the shape of the contract."""
    return {
        "source": presenter.line(link.source),
        "member": presenter.line(link.member, 100),
        "target": presenter.line(link.target),
        "parameter": presenter.line(link.parameter, 100),
        "calls": link.calls,
        "worked": link.worked,
    }


def _error_entry(fault: Fault, presenter: Presenter) -> contract.ErrorEntry:
    """Return a fault in the shape of the contract."""
    return {
        "kind": fault.kind.value,
        "message": presenter.text(fault.message),
        "hint": presenter.optional(fault.hint),
        "exit_code": fault.exit_code,
        "stderr_tail": presenter.text(fault.stderr_tail),
    }


def _server_info(info: Mapping[str, object], presenter: Presenter) -> contract.ServerInfo:
    """Return what a server calls itself; a field it does not send is empty."""
    name, version = (presenter.line(str(info.get(key) or "")) for key in ("name", "version"))
    return {"name": name, "version": version}


def _result_entry(verdict: Verdict, presenter: Presenter) -> contract.ResultEntry:
    """Return one verdict in the shape of the contract."""
    return {
        "check": verdict.check,
        "slug": verdict.slug,
        "category": verdict.category.value,
        "level": verdict.level.value,
        "config": verdict.config,
        "server": verdict.server,
        "tool": verdict.tool,
        "verdict": verdict.outcome.value,
        "applicable": verdict.applicable,
        "nodeid": verdict.nodeid,
        "duration_s": finite(verdict.duration_s),
        "reason": verdict.reason,
        "requirement": verdict.requirement,
        "expected": verdict.expected,
        "observed": verdict.observed,
        "spec": verdict.spec,
        "reproduce": verdict.reproduce,
        "fix": verdict.fix,
        "exchange": None if verdict.exchange is None else presenter.json(dict(verdict.exchange)),
        "arguments": verdict.arguments,
        "before": verdict.before,
        "causes": list(verdict.causes),
    }
