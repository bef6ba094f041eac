"""The JSON report as types: what every writer reads and the outside world builds on.

A report is one `Document`. Within a ``schema_version`` fields keep their meaning; new ones are `NotRequired`, so that
an older report still renders. Texts are presented (`mcp_assay.core.presentation`), times are finite seconds.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypeAlias, TypedDict

SCHEMA_VERSION: Final = 1
"""Raised when a field of the contract changes its name or meaning."""

VerdictWord: TypeAlias = Literal["pass", "fail", "warn", "skip", "error"]
LevelWord: TypeAlias = Literal["MUST", "SHOULD", "DESC", "ADV"]
CategoryWord: TypeAlias = Literal["connectivity", "schema", "execution", "cross_server", "performance"]
ReadinessWord: TypeAlias = Literal["READY", "UNPROVEN", "NOT READY", "UNREACHABLE"]
StatusWord: TypeAlias = Literal["connected", "failed", "disabled", "skipped", "interrupted"]
CourseWord: TypeAlias = Literal["few", "noisy", "steady", "better", "suspect", "worse"]


class ToolStamp(TypedDict):
    """Who wrote the report."""

    name: str
    version: str


class Phases(TypedDict):
    """Seconds spent in each phase of a run."""

    discovery_s: float
    registry_s: float
    checks_s: float
    performance_s: float


class RunEntry(TypedDict):
    """The run as a whole; ``started_at`` is RFC 3339.

    ``planned`` is the number of checks that a whole run of these servers makes; fewer results mean that checks were
    left out. ``problems`` are reasons for a failed run that are no verdicts.
    """

    id: str
    started_at: str
    duration_s: float
    configs: list[str]
    python: str
    platform: str
    exit_status: int
    phases: Phases
    planned: NotRequired[int]
    problems: NotRequired[list[str]]


# "pass" is a keyword of Python, so this one cannot be written as a class.
Counts = TypedDict("Counts", {"pass": int, "fail": int, "warn": int, "skip": int, "error": int})
"""Number of verdicts by outcome."""


class Summary(TypedDict):
    """The run in one row; the verdict is the worst and the score the mean over the servers that were asked for."""

    servers: int
    connected: int
    tools: int
    checks: Counts
    verdict: ReadinessWord
    score: float
    evidence: NotRequired[float]


class ErrorEntry(TypedDict):
    """Why a server could not be used."""

    kind: str
    message: str
    hint: str | None
    exit_code: int | None
    stderr_tail: str


class ServerInfo(TypedDict):
    """What a server calls itself."""

    name: str
    version: str


ToolStatusWord: TypeAlias = Literal["exercised", "never successful", "not called", "closed"]


class ToolEntry(TypedDict):
    """One tool of a server; ``hash`` is that of its definition, ``executed`` says whether it was called with success.

    A tool of status ``never successful`` answered every one of its ``calls`` with an error or not at all. ``why`` says
    what decided whether it might be called.
    """

    name: str
    hash: str
    executed: bool
    calls: NotRequired[int]
    status: NotRequired[ToolStatusWord]
    why: NotRequired[str]


class LinkEntry(TypedDict):
    """A value that one tool returned or was called with, and another was called with after that."""

    source: str
    member: str
    target: str
    parameter: str
    calls: int
    worked: int


class CategoryEntry(Counts):
    """A server in one category; the score means nothing (and is 0) while ``evidence`` is 0."""

    score: float
    evidence: float
    applicable: NotRequired[bool]


class CostlyFinding(TypedDict):
    """A check that cost a server points; ``tool`` is None when it is about the server or about several tools."""

    check: str
    tool: str | None
    points: float
    count: NotRequired[int]
    tools: NotRequired[list[str]]


class ReadinessEntry(TypedDict):
    """A server's fitness: score 0…100, evidence 0…1, ``rate_low`` the Wilson 95 % lower bound of ``rate``."""

    score: float
    verdict: ReadinessWord
    evidence: float
    categories: dict[str, CategoryEntry]
    costliest: list[CostlyFinding]
    blockers: NotRequired[int]
    rate: NotRequired[float]
    rate_low: NotRequired[float]


class ServerEntry(TypedDict):
    """One configured server."""

    name: str
    config: str
    line: int
    status: StatusWord
    error: ErrorEntry | None
    transport: str
    era: str | None
    protocol_versions: list[str]
    server_info: ServerInfo | None
    connect_s: float | None
    tools: list[ToolEntry]
    resources: int
    prompts: int
    readiness: ReadinessEntry
    links: NotRequired[list[LinkEntry]]


class ResultEntry(TypedDict):
    """One verdict; ``tool`` is None for a server-level check, ``causes`` are words that are the same for every tool."""

    check: str
    category: CategoryWord
    level: LevelWord
    server: str
    tool: str | None
    verdict: VerdictWord
    nodeid: str
    duration_s: float
    reason: str | None
    requirement: str
    expected: str | None
    observed: str | None
    spec: str
    reproduce: str
    exchange: dict[str, Any] | None
    slug: NotRequired[str]
    config: NotRequired[str]
    applicable: NotRequired[bool]
    fix: NotRequired[str]
    arguments: NotRequired[str | None]  # JSON text of what shows the finding again
    before: NotRequired[str | None]  # JSON text of the calls that must come first
    causes: NotRequired[list[str]]


class Latency(TypedDict):
    """Distribution of one tool's answer times in seconds."""

    min: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float
    mean: float
    stddev: float


class MachineEntry(TypedDict):
    """The machine during a measurement; ``noise`` is half the middle 80 % of a fixed loop's times over their median."""

    cpu_s: float
    pipe_s: float
    noise: float


class BenchmarkEntry(TypedDict):
    """One measurement; ``mode`` is the load model, ``overhead_s`` the harness's own share of one call.

    ``budget_p95_s`` is the longest 95th percentile that is no finding. ``histogram`` lists pairs of a bucket's upper
    bound in seconds and its count, bounds ascending. ``arguments`` is the call that was repeated, as JSON.
    ``intervals_s`` holds the 95 % confidence interval of each quantile that has one. ``first_byte_s`` is the
    distribution of the time until the first sign of an answer, where answers came as a stream.
    """

    server: str
    tool: str
    mode: str
    concurrency: int
    calls: int
    errors: int
    rate_per_s: float
    latency_s: Latency
    overhead_s: float
    config: NotRequired[str]
    budget_p95_s: NotRequired[float]
    histogram: NotRequired[list[list[float]]]
    arguments: NotRequired[str]
    intervals_s: NotRequired[dict[str, list[float]]]
    first_byte_s: NotRequired[Latency]
    warm_up: NotRequired[int]
    stopped: NotRequired[str]
    offered_per_s: NotRequired[float]
    late_s: NotRequired[float]
    machine: NotRequired[MachineEntry]


class FigureEntry(TypedDict):
    """One measured value that is no distribution of answer times; ``tool`` is empty when it is about the server."""

    server: str
    tool: str
    metric: str
    value: float
    unit: str
    config: NotRequired[str]


class BudgetEntry(TypedDict):
    """A limit that the user set, and what was measured; ``value`` is None when that was not possible.

    ``limit`` and ``value`` are in ``unit``; ``threshold`` is the limit as it was written.
    """

    server: str
    tool: str
    metric: str
    threshold: str
    limit: float
    value: float | None
    unit: str
    verdict: VerdictWord
    nodeid: str
    config: NotRequired[str]


class StepEntry(TypedDict):
    """One step: ``started_s`` from the workflow's start, ``needs`` other steps, ``observed`` why it is not well.

    ``fallback`` is called instead, ``stood_in`` was; ``undo`` takes it back when a later step fails, ``undone`` if so.
    """

    id: str
    server: str
    tool: str
    outcome: str
    duration_s: float
    started_s: NotRequired[float]
    needs: NotRequired[list[str]]
    observed: NotRequired[str]
    fallback: NotRequired[list[str]]
    stood_in: NotRequired[list[str]]
    undo: NotRequired[str]
    undone: NotRequired[bool]


class WorkflowEntry(TypedDict):
    """One workflow, written in ``file``; ``observed`` says how it went, or why it failed or did not run."""

    name: str
    servers: list[str]
    verdict: VerdictWord
    steps: list[StepEntry]
    observed: NotRequired[str]
    file: NotRequired[str]


class TrendPoint(TypedDict):
    """One run of the past: when it was (RFC 3339), at which commit, and what was measured.

    A ``noisy`` figure is only indicative; ``version`` is what the server called its own.
    """

    at: str
    commit: str | None
    value: float
    noisy: NotRequired[bool]
    version: NotRequired[str]


class TrendEntry(TypedDict):
    """One metric of a server or tool over past runs, oldest first.

    ``unit`` is ``s`` for seconds, ``points`` for scores, ``share`` for 0…1, or any word. ``change_points`` are the
    indices of points from which on the level differs from before.

    ``better`` says which way is good. ``usual`` is the median of the runs before and ``limit`` the worst value that
    their noise explains; both are missing while there are too few runs. ``course`` is what the newest point says:
    ``worse`` when it and the runs just before lie beyond the limit, ``suspect`` when it does. ``machine`` measured all
    of the points.
    """

    server: str
    tool: str | None
    metric: str
    unit: str
    points: list[TrendPoint]
    change_points: list[int]
    config: NotRequired[str]
    machine: NotRequired[str]
    better: NotRequired[Literal["lower", "higher"]]
    course: NotRequired[CourseWord]
    usual: NotRequired[float]
    limit: NotRequired[float]


class ChangedFinding(TypedDict):
    """A finding that is there now and was not before, or the other way round."""

    check: str
    server: str
    tool: str | None
    verdict: VerdictWord


class ChangedScore(TypedDict):
    """A server's score and verdict before and now; None where it was not judged."""

    server: str
    before: float | None
    now: float | None
    verdict_before: ReadinessWord | None
    verdict_now: ReadinessWord | None


class ChangesEntry(TypedDict):
    """What is different from an earlier state, which ``since`` names: a run, or a file of accepted findings.

    ``known`` counts the findings that were there before and still are.
    """

    since: str
    new: list[ChangedFinding]
    gone: list[ChangedFinding]
    known: int
    scores: NotRequired[list[ChangedScore]]
    tools_added: NotRequired[list[str]]
    tools_removed: NotRequired[list[str]]


class Document(TypedDict):
    """A whole report."""

    schema_version: int
    tool: ToolStamp
    run: RunEntry
    summary: Summary
    servers: list[ServerEntry]
    results: list[ResultEntry]
    benchmarks: list[BenchmarkEntry]
    workflows: list[WorkflowEntry]
    trends: NotRequired[list[TrendEntry]]
    changes: NotRequired[ChangesEntry]
    figures: NotRequired[list[FigureEntry]]
    budgets: NotRequired[list[BudgetEntry]]
