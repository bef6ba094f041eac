"""What exercising tools costs and finds: the harness's CPU beside the server's, and how soon planted faults are found.

    python benchmarks/exercising.py

The execution checks run against ``server-everything`` with every tool opened, and the CPU time of this process and of
its helpers (schema worker, reaper) is put beside that of the server, from the moment it is connected to the last
verdict. Then connectivity, schema and execution checks run against ``tests/servers/planted.py`` with default settings
and limits, with its 25 faults and without, and against ``tests/servers/subtle.py``, with 20 that most calls do not show
and without. The secret in one of each is configured, as a user would.

``server-everything`` is taken from ``MCP_ASSAY_REAL``, by default ``.mcp-assay/real``, where tests/real/install.py puts
it; without it that figure is missing. Seconds are wall time and depend on the machine.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psutil
from goals import conclude
from tabulate import tabulate

from mcp_assay.config.spec import Reference, ServerSpec, Template, TransportKind
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.verdicts import Category
from mcp_assay.readiness.engine import Engine
from mcp_assay.readiness.plan import plan_server
from mcp_assay.readiness.settings import Settings
from mcp_assay.readiness.subject import Run, add_server
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.schemas import SchemaJudge
from mcp_assay_suites import all_checks

ROOT = Path(__file__).resolve().parent.parent
REAL = Path(os.environ.get("MCP_ASSAY_REAL", ROOT / ".mcp-assay" / "real"))
EVERYTHING = REAL / "npm" / "node_modules" / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
PLANTED = (sys.executable, "-S", "-E", str(ROOT / "tests" / "servers" / "planted.py"))
SUBTLE = (sys.executable, "-S", "-E", str(ROOT / "tests" / "servers" / "subtle.py"))
SECRET = {"MCP_TEST_SECRET": "s3cr3t-of-the-benchmark"}
TARGETS = {
    "harness_cpu_of_server": ("<=", 1.0),
    "planted_found": (">=", 25.0),
    "planted_s": ("<=", 60.0),
    "healthy_findings": ("<=", 0.0),
    "subtle_found": (">=", 20.0),
    "subtle_s": ("<=", 60.0),
    "subtle_healthy_findings": ("<=", 0.0),
}
BEFORE_PERFORMANCE = frozenset({Category.CONNECTIVITY, Category.SCHEMA, Category.EXECUTION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What judging one server took and found; seconds."""

    server_cpu_s: float
    harness_cpu_s: float
    wall_s: float
    calls: int
    found: frozenset[str]
    findings: int

    @property
    def cpu_ratio(self) -> float:
        """The harness's CPU time beside the server's."""
        return self.harness_cpu_s / max(self.server_cpu_s, 1e-9)


def everything() -> Judged | None:
    """Return what exercising every tool of ``server-everything`` took, or None where it is not installed."""
    if not EVERYTHING.is_file():
        return None
    command = ("node", str(EVERYTHING))
    return asyncio.run(judge(command, frozenset({Category.EXECUTION}), Settings(allow_writes=True)))


async def judge(command: tuple[str, ...], categories: frozenset[Category], settings: Settings) -> Judged:
    """Judge a server by the checks of some categories."""
    os.environ.update(SECRET)
    env = {name: Template((Reference(source="env", name=name),)) for name in SECRET}
    parts = tuple(map(Template.literal, command))
    spec = ServerSpec(name="it", config="c", path=None, line=0, transport=TransportKind.STDIO, command=parts, env=env)
    connector, checks = Connector(), [check for check in all_checks() if check.category in categories]
    try:
        async with MCPClientManager([spec], connector=connector) as manager, SchemaJudge() as schemas:
            await manager.connect_all()
            run = Run(manager=manager, schemas=schemas, settings=settings)
            server = add_server(manager.servers[0], run)
            process = psutil.Process(await server_pid(command))
            before, ours, started = cpu(process), helpers_cpu(process), monotonic()
            planned = plan_server(server, checks, config_id="c")
            engine = Engine(run, Presenter())
            await engine.run_lanes(planned)
            verdicts = [engine.future(item).result(0) for item in planned]
            found = [v for v in verdicts if v.outcome.value in {"fail", "warn", "error"}]
            return Judged(
                server_cpu_s=(cpu(process) - before) if process.is_running() else 0.0,
                harness_cpu_s=helpers_cpu(process) - ours,
                wall_s=monotonic() - started,
                calls=sum(server.calls.values()),
                found=frozenset(v.tool or v.check for v in found),
                findings=len(found),
            )
    finally:
        connector.reaper.close()


async def server_pid(command: tuple[str, ...]) -> int:
    """Return the id of the server's process."""
    children = psutil.Process().children(recursive=True)
    return next(child.pid for child in children if command[-1] in child.cmdline() or command[1] in child.cmdline())


def cpu(process: psutil.Process) -> float:
    """Return the CPU seconds of a process."""
    times = process.cpu_times()
    return times.user + times.system


def helpers_cpu(server: psutil.Process) -> float:
    """Return the CPU seconds of this process and of those it started, the server left out."""
    mine = psutil.Process()
    return sum(cpu(each) for each in (mine, *mine.children(recursive=True)) if each.pid != server.pid)


def main() -> None:
    """Measure, print the tables, and as the last line one JSON object."""
    rows: list[list[object]] = []
    seen = everything()
    if seen is not None:
        rows.append(["server-everything", seen.calls, round(seen.server_cpu_s, 2), round(seen.harness_cpu_s, 2)])
    planted = asyncio.run(judge(PLANTED, BEFORE_PERFORMANCE, Settings()))
    healthy = asyncio.run(judge((*PLANTED, "--healthy"), BEFORE_PERFORMANCE, Settings()))
    subtle = asyncio.run(judge(SUBTLE, BEFORE_PERFORMANCE, Settings()))
    fine = asyncio.run(judge((*SUBTLE, "--healthy"), BEFORE_PERFORMANCE, Settings()))
    judged = {"planted": planted, "healthy": healthy, "subtle": subtle, "subtle, healthy": fine}
    rows += [[name, seen.calls, "", round(seen.harness_cpu_s, 2)] for name, seen in judged.items()]
    print(tabulate(rows, headers=["server", "calls", "server CPU s", "harness CPU s"]))
    ratios = {
        "harness_cpu_of_server": None if seen is None else seen.cpu_ratio,
        "planted_found": len(planted.found),
        "planted_s": planted.wall_s,
        "healthy_findings": healthy.findings,
        "healthy_s": healthy.wall_s,
        "subtle_found": len(subtle.found),
        "subtle_s": subtle.wall_s,
        "subtle_healthy_findings": fine.findings,
    }
    conclude(ratios, TARGETS)


if __name__ == "__main__":
    main()
