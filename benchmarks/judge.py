"""What judging costs: a run over 100 tools is recorded once and judged again, without a server.

    python benchmarks/judge.py [--tools 100] [--rounds 3] [--profile]

The server offers the input schemas of published servers (``corpus_server.py``). Judging is turning recorded exchanges
into verdicts: reading the recording, walking the lists, finding the answer to each request, holding what came back
against schemas and rules. The recording keeps which arguments the run had chosen for its calls, as the other half of
what was sent, so that a replay makes none.

What counts: CPU seconds of this process, all threads, and of the worker that judges schemas with its start and its
imports. What does not: imports of this process and pytest's own part, which a run pays for once whatever it judges, and
a first replay that fills the caches of regular expressions. A line of its own has the threads that find out whether
arguments can be made for a schema at all (EXEC-005). The performance category measures and does not judge; it is left
out. Medians. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import json
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from time import process_time, thread_time
from typing import TYPE_CHECKING, Any

from goals import conclude
from tabulate import tabulate

from mcp_assay.config.loader import load
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.verdicts import Category
from mcp_assay.readiness.engine import Engine
from mcp_assay.readiness.observations import ReplayedObservations
from mcp_assay.readiness.opening import open_run
from mcp_assay.readiness.plan import plan_server
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.replay import ReplayConnector
from mcp_assay_suites import all_checks

if TYPE_CHECKING:
    from mcp_assay.readiness.plan import PlannedCheck

HERE = Path(__file__).resolve().parent
NAME = "corpus"
MOST_CPU_S = 1.0
SHOWN = 12
"""Checks in the table."""


def record(folder: Path, tools: int) -> Path:
    """Judge the server once for real, record it, and return the configuration."""
    config = folder / "servers.json"
    arguments = [str(HERE / "corpus_server.py"), "--tools", str(tools)]
    config.write_text(json.dumps({"mcpServers": {NAME: {"command": sys.executable, "args": arguments}}}))
    flags = ["-q", "-p", "no:cacheprovider", "-m", "not mcp_performance", "--mcp-config", config.name]
    command = [sys.executable, "-m", "pytest", *flags, "--mcp-record", "tape"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if not (folder / "tape").is_dir():
        sys.exit(done.stdout + done.stderr)
    print(done.stdout.strip().splitlines()[-1])
    return config


def cpu_s() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + ended.ru_utime + ended.ru_stime


class Judged:
    """What one replay cost.

    Attributes:
        parts: CPU seconds by part.
        checks: CPU seconds by check.
        outcomes: Verdicts by outcome.
    """

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self.checks: defaultdict[str, float] = defaultdict(float)
        self.outcomes: Counter[str] = Counter()

    async def run(self, config: Path, tape: Path) -> None:
        """Replay and judge."""
        begun = cpu_s()
        replay = ReplayConnector(directory=tape)
        connector = Connector()
        try:
            specs = load(config, config_id=config.name)
            observations = ReplayedObservations(replay)
            opened = await open_run(specs, connector=connector, opening=lambda *_: replay, observations=observations)
            walked = cpu_s()
            self.parts["reading the recording and the lists"] = walked - begun
            checks = [check for check in all_checks() if check.category is not Category.PERFORMANCE]
            servers = opened.run.servers.values()
            planned = [item for one in servers for item in plan_server(one, checks, config_id=config.name)]
            engine, own = Engine(opened.run, Presenter()), thread_time()
            for item in planned:
                await self.judge(engine, item)
            judged, own = cpu_s(), thread_time() - own
            self.parts["judging"] = own
            self.parts["whether schemas can be met"] = judged - walked - own
            await opened.close()
            self.parts["the worker that judges schemas"] = cpu_s() - judged
        finally:
            connector.reaper.close()

    async def judge(self, engine: Engine, item: PlannedCheck) -> None:
        """Judge one check."""
        begun = process_time()
        verdict = await engine.judge(item)
        self.checks[item.check.id] += process_time() - begun
        self.outcomes[verdict.outcome.value] += 1

    @property
    def total(self) -> float:
        """CPU seconds of everything."""
        return sum(self.parts.values())


def judged(config: Path, tape: Path) -> Judged:
    """Return what a replay costs, with a clean heap before it."""
    gc.collect()
    one = Judged()
    asyncio.run(one.run(config, tape))
    return one


def main() -> None:
    """Record, judge, print a table, and as the last line one JSON object."""
    parser = argparse.ArgumentParser(description="Measure what judging a recorded run costs.")
    parser.add_argument("--tools", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = record(folder, options.tools)
        judged(config, folder / "tape")  # pays for the imports
        if options.profile:
            profile(config, folder / "tape")
        rounds = sorted((judged(config, folder / "tape") for _ in range(options.rounds)), key=lambda one: one.total)
    report(rounds, options.tools)


def profile(config: Path, tape: Path) -> None:
    """Print the functions that cost most."""
    profiler = cProfile.Profile()
    profiler.runcall(judged, config, tape)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(40)


def report(rounds: list[Judged], tools: int) -> None:
    """Print what was measured; the middle round stands for all."""
    middle = rounds[len(rounds) // 2]
    rows: list[list[Any]] = [[part, f"{seconds:.3f}"] for part, seconds in middle.parts.items()]
    dearest = sorted(middle.checks.items(), key=lambda pair: -pair[1])[:SHOWN]
    rows += [[f"  {identity}", f"{seconds:.3f}"] for identity, seconds in dearest]
    rows.append(["all", f"{middle.total:.3f}"])
    print(
        tabulate(rows, headers=[f"{tools} tools, {middle.outcomes.total()} verdicts", "CPU s"], disable_numparse=True)
    )
    total = statistics.median(one.total for one in rounds)
    spread = f"{rounds[0].total:.3f} to {rounds[-1].total:.3f} s over the rounds"
    print(f"{', '.join(f'{count} {verdict}' for verdict, count in middle.outcomes.items())}; {spread}\n")
    ratios = {f"{part} of all": seconds / middle.total for part, seconds in middle.parts.items()}
    conclude({"cpu_vs_goal": total / MOST_CPU_S, **ratios}, {"cpu_vs_goal": ("<=", 1.0)})


if __name__ == "__main__":
    main()
