"""How long it takes to find out what nineteen published servers offer, all side by side.

    python tests/real/install.py
    python benchmarks/discovery.py [--rounds 3]

Each round starts every server of ``examples/nineteen`` alone, then all of them at once, then the four that the replaced
system was timed with. "discovery" is the time from the first spawn to the last list; the CPU of the servers is read
from the operating system at that moment, with all their child processes. Medians over the rounds.

A run with many servers cannot be faster than its slowest server, nor than the servers' own work divided by the cores.
The ratio says how close to that bound discovery comes. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import psutil
from tabulate import tabulate

from mcp_assay.config.loader import load
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.runtime.registry import DynamicToolRegistry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.config.spec import ServerSpec

ROOT = Path(__file__).resolve().parent.parent
NINETEEN = ROOT / "examples" / "nineteen" / "servers.json"
FOUR = ("github", "memory", "postman", "trello")
REPLACED_S = 2.08
"""What the replaced system took for the four, by its own report."""
MOST_RATIO = 1.2
MOST_REGISTRY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One discovery.

    Attributes:
        seconds: From the first spawn to the last list.
        server_cpu_s: CPU seconds of the servers up to then.
        own_cpu_s: CPU seconds of this process in the same time.
        registry_s: Seconds the registry took after the last list.
        connected: Servers that were reached.
        tools: Tools they listed.
    """

    seconds: float
    server_cpu_s: float
    own_cpu_s: float
    registry_s: float
    connected: int
    tools: int


def cpu_of_children() -> float:
    """Return the CPU seconds of all child processes, those that run and those that ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = ended.ru_utime + ended.ru_stime
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


async def discover(specs: Sequence[ServerSpec]) -> Sample:
    """Connect to servers, list everything, build the registry, close."""
    async with MCPClientManager(specs) as manager:
        cpu, own, started = cpu_of_children(), os.times(), perf_counter()
        await manager.connect_all()
        listed, own_now = perf_counter(), os.times()
        registry = DynamicToolRegistry.build_from_servers(manager.servers)
        built = perf_counter()
        return Sample(
            seconds=listed - started,
            server_cpu_s=cpu_of_children() - cpu,
            own_cpu_s=own_now.user + own_now.system - own.user - own.system,
            registry_s=built - listed,
            connected=sum(server.connected for server in manager.servers),
            tools=len(registry),
        )


def middle(samples: Sequence[Sample]) -> Sample:
    """Return the sample with the median time."""
    return sorted(samples, key=lambda sample: sample.seconds)[(len(samples) - 1) // 2]


def rows(name: str, sample: Sample) -> list[object]:
    """Return a row of the table."""
    return [name, sample.seconds, sample.server_cpu_s, sample.own_cpu_s, sample.connected, sample.tools]


def main() -> None:
    """Measure, print the table, and as the last line one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    os.chdir(ROOT)
    os.environ.setdefault("MCP_ASSAY_PYTHON", sys.executable)
    specs = load(NINETEEN, config_id=NINETEEN.name)
    groups: dict[str, list[ServerSpec]] = {spec.name: [spec] for spec in specs}
    groups["all side by side"] = list(specs)
    groups["github+memory+postman+trello"] = [spec for spec in specs if spec.name in FOUR]
    samples: dict[str, list[Sample]] = {name: [] for name in groups}
    for _ in range(rounds):
        for name, group in groups.items():
            samples[name].append(asyncio.run(discover(group)))
    found = {name: middle(many) for name, many in samples.items()}
    together, four = found["all side by side"], found["github+memory+postman+trello"]
    slowest = max(statistics.median(sample.seconds for sample in samples[spec.name]) for spec in specs)
    cores = len(os.sched_getaffinity(0))
    bound = max(slowest, together.server_cpu_s / cores)
    headers = ["servers", "discovery s", "server CPU s", "own CPU s", "connected", "tools"]
    print(tabulate([rows(*pair) for pair in found.items()], headers=headers, floatfmt=".3f"))
    print(f"\nbound: max(slowest {slowest:.2f} s, {together.server_cpu_s:.2f} s CPU / {cores} cores) = {bound:.2f} s")
    result = {
        "benchmark": "discovery",
        "rounds": rounds,
        "cores": cores,
        "servers": len(specs),
        "connected": together.connected,
        "tools": together.tools,
        "wall_s": round(together.seconds, 3),
        "sum_of_singles_s": round(sum(found[spec.name].seconds for spec in specs), 3),
        "bound_s": round(bound, 3),
        "ratio_to_bound": round(together.seconds / bound, 3),
        "ratio_goal": MOST_RATIO,
        "registry_s": round(together.registry_s, 6),
        "registry_goal_s": MOST_REGISTRY_S,
        "four_s": round(four.seconds, 3),
        "four_goal_s": REPLACED_S,
        "met": {
            "ratio": together.seconds <= MOST_RATIO * bound,
            "registry": together.registry_s < MOST_REGISTRY_S,
            "four": four.seconds < REPLACED_S,
        },
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
