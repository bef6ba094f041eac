"""Report documents, built as a run builds them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.core.verdicts import Category, Level, Outcome, Verdict
from mcp_assay.readiness.document import PhaseFacts, RunFacts, ServerFacts, ServerStatus, ToolFacts, build_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.contract import Document
    from mcp_assay.core.presentation import Presenter

HOSTILE = (
    "\x1b[31mred\x1b[0m | a cell\nsecond line\r\n::error::owned\n  ::set-output name=x::y ##[error]z ]]> "
    "<script>alert(1)</script> <img src=x onerror=alert(1)> \u202egnp.exe \u2066x\u2069 =cmd|'/c calc'!A1 `tick` ``` "
    "@octocat #1 &amp; \x00 \x85 \ufffe \uffff \ud800 \u2028 \U000e0041 </details> --> %0A"
)
"""Every trick in one text."""

EXCHANGE: dict[str, Any] = {
    "request": {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "create_entities"}},
    "response": {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "done"}]}},
    "duration_s": 0.012,
}

RUN = RunFacts(
    id="20261123T090000Z-3f2a",
    started_at=datetime(2026, 11, 23, 9, tzinfo=UTC),
    duration_s=12.345,
    configs=("servers.json",),
    python="3.11.7",
    platform="Linux-6.1-x86_64",
    exit_status=1,
    phases=PhaseFacts(discovery_s=1.4, registry_s=0.02, checks_s=8.1, performance_s=2.7),
)

CHECKS = (
    ("CONN-001", "handshake", Category.CONNECTIVITY, Level.MUST, False),
    ("CONN-002", "ping", Category.CONNECTIVITY, Level.SHOULD, False),
    ("TOOL-003", "tool-shape", Category.SCHEMA, Level.MUST, True),
    ("TOOL-008", "described", Category.SCHEMA, Level.ADV, True),
    ("CALL-001", "valid-arguments", Category.EXECUTION, Level.MUST, True),
    ("CALL-004", "unknown-tool", Category.EXECUTION, Level.SHOULD, False),
    ("CROSS-001", "isolation", Category.CROSS_SERVER, Level.ADV, False),
    ("PERF-001", "latency", Category.PERFORMANCE, Level.ADV, True),
)


def server(name: str, tools: int, **more: Any) -> ServerFacts:
    values: dict[str, Any] = {
        "name": name,
        "config": "servers.json",
        "line": 3,
        "status": ServerStatus.CONNECTED,
        "transport": "stdio",
        "era": "handshake",
        "protocol_versions": ("2025-06-18", "2025-11-25"),
        "server_info": {"name": f"{name}-server", "version": "1.2.0"},
        "connect_s": 0.412,
        "tools": tuple(ToolFacts(name=f"tool_{n}", hash=f"sha256:{n:064x}", executed=n % 2 == 0) for n in range(tools)),
        "resources": 2,
        "prompts": 1,
    }
    return ServerFacts(**(values | more))


def verdict(server_name: str, check: tuple[str, str, Category, Level, bool], tool: str | None, **more: Any) -> Verdict:
    ident, slug, category, level, _ = check
    nodeid = f"servers.json::{server_name}::{category}::{ident}" + (f".{tool}" if tool else "")
    values: dict[str, Any] = {
        "check": ident,
        "slug": slug,
        "category": category,
        "level": level,
        "server": server_name,
        "config": "servers.json",
        "tool": tool,
        "outcome": Outcome.PASS,
        "nodeid": nodeid,
        "duration_s": 0.0123,
        "requirement": "Every tool has a name, and a schema that is an object.",
        "spec": "https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool",
        "reproduce": f'pytest --mcp-config servers.json "{nodeid}"',
    }
    return Verdict(**(values | more))


def latency(server_name: str, tool: str, p50: float) -> dict[str, Any]:
    shape = {"min": 0.8, "p50": 1, "p90": 1.3, "p95": 1.6, "p99": 3, "max": 4, "mean": 1.1, "stddev": 0.4}
    return {
        "server": server_name,
        "tool": tool,
        "mode": "closed",
        "concurrency": 1,
        "calls": 200,
        "errors": 0,
        "rate_per_s": 1 / p50,
        "latency_s": {name: factor * p50 for name, factor in shape.items()},
        "overhead_s": 0.00004,
        "budget_p95_s": 0.05,
        "histogram": [[p50 * 0.8, 4], [p50, 90], [p50 * 1.3, 70], [p50 * 1.6, 20], [p50 * 3, 12], [p50 * 4, 4]],
    }


def outcome_of(server_name: str, check: str, tool: int) -> dict[str, Any]:
    """What the sample servers do wrong."""
    if check == "CALL-001" and tool % 2:
        return {"outcome": Outcome.SKIP, "reason": f"tool_{tool} has no readOnlyHint; open it in mcp-assay.toml"}
    if server_name == "everything" and check == "TOOL-003" and tool >= 10:
        seen = {"expected": "inputSchema.type is object", "observed": "inputSchema has no type", "exchange": EXCHANGE}
        return {"outcome": Outcome.FAIL, **seen}
    if server_name == "everything" and check == "CALL-004":
        return {
            "outcome": Outcome.WARN,
            "expected": "error -32602",
            "observed": "a result with isError",
            "exchange": EXCHANGE,
        }
    if check == "CROSS-001" and server_name == "memory":
        return {"outcome": Outcome.SKIP, "reason": "one server cannot disturb itself", "applicable": False}
    return {}


def verdicts_of(facts: ServerFacts) -> list[Verdict]:
    made: list[Verdict] = []
    for check in CHECKS:
        ident, *_, per_tool = check
        for number, tool in enumerate(facts.tools if per_tool else (None,)):
            more = outcome_of(facts.name, ident, number)
            if ident == "PERF-001" and tool is not None:
                more = {"benchmark": latency(facts.name, tool.name, 0.002 * (number + 1))}
            made.append(verdict(facts.name, check, tool.name if tool else None, **more))
    return made


@pytest.fixture(scope="session")
def document() -> Document:
    """A run over five servers: one ready, one with findings, one broken, one switched off, one with a long name."""
    fault = Fault(
        kind=FaultKind.EXITED,
        message="it exited with status 1 before it answered",
        hint="run `npx -y portainer-mcp` by hand and read its output",
        exit_code=1,
        stderr_tail="Traceback:\nError: PORTAINER_URL is not set",
    )
    servers = [
        server("memory", 9),
        server("everything", 24),
        server("portainer", 0, line=17, status=ServerStatus.FAILED, error=fault, connect_s=None, server_info=None),
        server("trello", 0, status=ServerStatus.DISABLED, connect_s=None, server_info=None, protocol_versions=()),
        server("a-server-with-quite-a-long-name-in-its-file", 2),
    ]
    verdicts = [made for facts in servers if facts.status is ServerStatus.CONNECTED for made in verdicts_of(facts)]
    reach = {"outcome": Outcome.FAIL, "expected": "the server answers", "observed": fault.message}
    verdicts.append(verdict("portainer", CHECKS[0], None, **reach))
    return build_document(RUN, servers, verdicts, workflows=[workflow()], trends=trends())


def workflow() -> Any:
    """A workflow of two steps."""
    create = {"id": "create", "server": "memory", "tool": "tool_0", "outcome": "result", "duration_s": 0.02}
    read = {"id": "read", "server": "memory", "tool": "tool_2", "outcome": "result", "duration_s": 0.03}
    steps = [{**create, "started_s": 0.0}, {**read, "started_s": 0.02, "needs": ["create"]}]
    return {"name": "remember", "servers": ["memory"], "verdict": "pass", "steps": steps}


def trends() -> list[Any]:
    """Scores that stay, and a 95th percentile that doubles with the sixth run."""
    runs = [{"at": f"2026-11-{day:02}T03:00:00Z", "commit": f"{day:040x}"} for day in range(1, 11)]
    scores = [{**run, "value": 95.0 + at % 2} for at, run in enumerate(runs)]
    slower = [{**run, "value": (0.02 if at < 5 else 0.04) + at % 2 * 0.001} for at, run in enumerate(runs)]
    about = {"server": "memory", "config": "servers.json"}
    return [
        {**about, "tool": None, "metric": "score", "unit": "points", "points": scores, "change_points": []},
        {**about, "tool": "tool_0", "metric": "p95", "unit": "s", "points": slower, "change_points": [5]},
    ]


@pytest.fixture(scope="session")
def hostile_document() -> Document:
    """A document whose every free text is hostile and was never presented."""
    facts = server(HOSTILE, 3, config=HOSTILE, transport=HOSTILE, protocol_versions=(HOSTILE,))
    error = Fault(kind=FaultKind.EXITED, message=HOSTILE, hint=HOSTILE, stderr_tail=HOSTILE)
    failed = server("failed" + HOSTILE, 0, status=ServerStatus.FAILED, error=error)
    texts = ("slug", "nodeid", "requirement", "expected", "observed", "reason", "spec", "reproduce", "config")
    free = dict.fromkeys(texts, HOSTILE) | {"exchange": {HOSTILE: [HOSTILE, float("nan")]}}
    made = [verdict(HOSTILE, check, HOSTILE, **(free | {"outcome": out})) for check in CHECKS for out in Outcome]
    document = build_document(RUN, [facts, failed], made, benchmarks=[latency(HOSTILE, HOSTILE, 0.01)])
    raw: Any = document
    for entry, name in zip(raw["servers"], (HOSTILE, "failed" + HOSTILE), strict=True):
        entry |= {
            "name": name,
            "config": HOSTILE,
            "protocol_versions": [HOSTILE],
            "server_info": {"name": HOSTILE, "version": HOSTILE},
        }
        entry["tools"] = [{"name": HOSTILE, "hash": HOSTILE, "executed": True}]
        if entry["error"]:
            entry["error"] |= {"message": HOSTILE, "hint": HOSTILE, "stderr_tail": HOSTILE}
    raw["results"][1]["exchange"] = {HOSTILE: [HOSTILE]}
    raw["trends"] = [{**trend, "server": HOSTILE, "tool": HOSTILE, "metric": HOSTILE} for trend in trends()]
    for trend, unit in zip(raw["trends"], ("s", HOSTILE), strict=True):
        stamps = {"at": "2026-11-01T03:00:00Z", "commit": HOSTILE}
        trend |= {"unit": unit, "points": [{**point, **stamps} for point in trend["points"]]}
    step = {"id": HOSTILE, "server": HOSTILE, "tool": HOSTILE, "outcome": HOSTILE, "duration_s": 0.1}
    asides = {"needs": [HOSTILE], "observed": HOSTILE, "fallback": [HOSTILE], "undo": HOSTILE, "undone": True}
    asides |= {"stood_in": [HOSTILE, "other"]}
    steps = [{**step, **asides}, {**step, **asides, "id": HOSTILE + "2"}]
    raw["workflows"] = [{"name": HOSTILE, "servers": [HOSTILE], "verdict": "fail", "steps": steps, "observed": HOSTILE}]
    limit = {"config": HOSTILE, "server": HOSTILE, "tool": HOSTILE, "threshold": HOSTILE, "nodeid": HOSTILE}
    limits = [{**limit, "metric": name, "unit": unit} for name, unit in (("p95", "s"), (HOSTILE, HOSTILE))]
    raw["budgets"] = [{**entry, "limit": 1.0, "value": None, "verdict": "fail"} for entry in limits]
    raw["run"]["problems"] = [HOSTILE]
    came: Any = {"check": HOSTILE, "server": HOSTILE, "tool": HOSTILE, "verdict": "fail"}
    score = {"before": 90.0, "now": None, "verdict_before": "READY", "verdict_now": None}
    raw["changes"] = {
        "since": HOSTILE,
        "new": [came],
        "gone": [{**came, "tool": None}],
        "known": 1,
        "scores": [{"server": HOSTILE, **score}],
        "tools_added": [HOSTILE],
        "tools_removed": [],
    }
    return document


@pytest.fixture(scope="session")
def big_document() -> Document:
    """134 tools and about 10,000 results on 19 servers."""
    servers = [server(f"server-{number:02}", 8 if number == 0 else 7) for number in range(19)]
    checks = [
        (f"TOOL-{number:03}", f"rule-{number}", list(Category)[number % 5], list(Level)[number % 4], True)
        for number in range(75)
    ]
    made = [
        verdict(facts.name, check, tool.name, **broken(number, index))
        for facts in servers
        for number, check in enumerate(checks)
        for index, tool in enumerate(facts.tools)
    ]
    speed = [latency(facts.name, tool.name, 0.001 * (n + 1)) for facts in servers for n, tool in enumerate(facts.tools)]
    return build_document(RUN, servers, made, benchmarks=speed)


def broken(check: int, tool: int) -> dict[str, Any]:
    """Every eighth check is violated by two of three tools."""
    if check % 8 or tool % 3 == 0:
        return {}
    return {"outcome": Outcome.FAIL, "expected": "a thing", "observed": f"another thing {tool}", "exchange": EXCHANGE}


@pytest.fixture(scope="session")
def with_long_texts(document: Document) -> Document:
    """The sample with a text of ten megabytes in a finding."""
    results = [
        dict(result, observed="A" * 10_000_000) if result["verdict"] == "fail" else result
        for result in document["results"]
    ]
    long: Any = {**document, "results": results}
    return long


@pytest.fixture
def only() -> Callable[[Document, str], Document]:
    """Cut a document down to one server."""

    def cut_down(document: Document, name: str) -> Document:
        servers = [entry for entry in document["servers"] if entry["name"] == name]
        results = [entry for entry in document["results"] if entry["server"] == name]
        return {**document, "servers": servers, "results": results}

    return cut_down


@pytest.fixture
def run_of() -> Callable[..., Document]:
    """Build the report of one server that failed; its texts are presented as a run presents them."""

    def built(presenter: Presenter, *, error: Fault, tool: str, **more: Any) -> Document:
        facts = server(f"s {tool}", 1, status=ServerStatus.FAILED, error=error, **more)
        facts = replace(facts, tools=(ToolFacts(name=tool, hash="sha256:0"),))
        texts = dict.fromkeys(
            ("requirement", "expected", "observed", "reason", "nodeid", "reproduce"), presenter.text(tool)
        )
        seen = {**texts, "outcome": Outcome.FAIL, "exchange": {"request": [tool], tool: {"deep": tool}}}
        made = verdict(presenter.line(f"s {tool}"), CHECKS[2], presenter.line(tool), **seen)
        speed = latency(f"s {tool}", tool, 0.01)
        return build_document(RUN, [facts], [made], benchmarks=[speed], presenter=presenter)

    return built
