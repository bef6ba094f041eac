"""A report of two good servers, and ways to spoil it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcp_assay.core.verdicts import Category, Level, Outcome, Verdict
from mcp_assay.readiness.document import RunFacts, ServerFacts, ServerStatus, ToolFacts, build_document

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 2, 10, tzinfo=UTC)
STARTED = datetime(2026, 1, 2, 9, tzinfo=UTC)
CHECKS = (
    ("CONN-001", Category.CONNECTIVITY, Level.MUST),
    ("TOOL-002", Category.SCHEMA, Level.MUST),
    ("TOOL-011", Category.SCHEMA, Level.SHOULD),
    ("EXEC-001", Category.EXECUTION, Level.MUST),
    ("ADV-011", Category.PERFORMANCE, Level.ADV),
)


def verdict(server: str, check: str, category: Category, level: Level, **more: Any) -> Verdict:
    values: dict[str, Any] = {
        "check": check,
        "slug": "a-check",
        "category": category,
        "level": level,
        "server": server,
        "config": "servers.json",
        "tool": None,
        "outcome": Outcome.PASS,
        "nodeid": f"servers.json::{server}::{category.value}::{check}",
        "duration_s": 0.1,
        "requirement": "something",
    }
    return Verdict(**(values | more))


def facts(name: str, **more: Any) -> ServerFacts:
    values: dict[str, Any] = {
        "name": name,
        "config": "servers.json",
        "line": 3,
        "status": ServerStatus.CONNECTED,
        "transport": "stdio",
        "connect_s": 0.4,
        "tools": (ToolFacts(name="read", hash="sha256:0", executed=True),),
    }
    return ServerFacts(**(values | more))


def measurement(server: str, **more: Any) -> dict[str, Any]:
    latency = dict.fromkeys(("min", "p50", "p90", "p95", "p99", "max", "mean", "stddev"), 0.02)
    values = {"server": server, "tool": "read", "mode": "closed", "concurrency": 1, "calls": 50, "errors": 0}
    return {**values, "latency_s": latency, "config": "servers.json", **more}


def report(
    *,
    outcomes: dict[tuple[str, str], dict[str, Any]] | None = None,
    servers: tuple[ServerFacts, ...] = (facts("memory"), facts("time")),
    benchmarks: tuple[dict[str, Any], ...] | None = None,
    **run: Any,
) -> dict[str, Any]:
    """Build a report; ``outcomes`` says what verdicts are not a pass, ``run`` what is special of the run."""
    made = [
        verdict(server.name, *check, **(outcomes or {}).get((server.name, check[0]), {}))
        for server in servers
        if server.status is ServerStatus.CONNECTED
        for check in CHECKS
    ]
    values: dict[str, Any] = {
        "id": "r",
        "started_at": STARTED,
        "duration_s": 60.0,
        "configs": ("servers.json",),
        "python": "3.11.7",
        "platform": "Linux",
        "exit_status": 0,
        "planned": len(made),
    }
    measured = (measurement("memory"), measurement("time")) if benchmarks is None else benchmarks
    document: Any = build_document(RunFacts(**(values | run)), servers, made, benchmarks=measured)
    return document


def write(folder: Path, document: object, name: str = "run.json") -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path
