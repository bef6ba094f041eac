"""How long it takes to find out what nineteen published servers offer, all side by side.

    python tests/real/install.py
    python benchmarks/discovery.py [--rounds 3]

Each round starts every server of ``examples/nineteen`` alone, then all of them at once, then the four that the replaced
system was timed with. "discovery" is the time from the first spawn to the last list; the CPU of the servers is read
from the operating system at that moment, with all their child processes. Medians over the rounds.

A run with many servers cannot be faster than its slowest server, nor than the servers' own work divided by the cores.
The ratio says how close to that bound discovery comes. The bound assumes that nothing else runs, so the share of the
machine that other programs took meanwhile is printed, and a second ratio against the bound with their CPU added. The
last line is one JSON object of ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import psutil
from goals import conclude
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
MOST_REGISTRY_S = 0.1
TARGETS = {"wall_vs_bound": ("<=", 1.2), "registry_vs_goal": ("<=", 1.0), "four_vs_replaced": ("<=", 1.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One discovery.

    Attributes:
        seconds: From the first spawn to the last list.
        server_cpu_s: CPU seconds of the servers up to then.
        own_cpu_s: CPU seconds of this process in the same time.
        other_cpu_s: CPU seconds that the rest of the machine used in the same time.
        registry_s: Seconds the registry took after the last list.
        connected: Servers that were reached.
        tools: Tools they listed.
    """

    seconds: float
    server_cpu_s: float
    own_cpu_s: float
    other_cpu_s: float
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


def cpu_of_machine() -> float:
    """Return the CPU seconds that all processes of the machine have used."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait - times.guest - times.guest_nice


def own_cpu() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def discover(specs: Sequence[ServerSpec]) -> Sample:
    """Connect to servers, list everything, build the registry, close."""
    async with MCPClientManager(specs) as manager:
        machine, children, own, started = cpu_of_machine(), cpu_of_children(), own_cpu(), perf_counter()
        await manager.connect_all()
        listed, own_s = perf_counter(), own_cpu() - own
        registry = DynamicToolRegistry.build_from_servers(manager.servers)
        built = perf_counter()
        server_cpu_s = cpu_of_children() - children
        return Sample(
            seconds=listed - started,
            server_cpu_s=server_cpu_s,
            own_cpu_s=own_s,
            other_cpu_s=max(0.0, cpu_of_machine() - machine - server_cpu_s - own_s),
            registry_s=built - listed,
            connected=sum(server.connected for server in manager.servers),
            tools=len(registry),
        )


def middle(samples: Sequence[Sample]) -> Sample:
    """Return the sample with the median time."""
    return sorted(samples, key=lambda sample: sample.seconds)[(len(samples) - 1) // 2]


def rows(name: str, sample: Sample) -> list[object]:
    """Return a row of the table."""
    times = [sample.seconds, sample.server_cpu_s, sample.own_cpu_s, sample.other_cpu_s]
    return [name, *times, sample.connected, sample.tools]


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
    work = together.server_cpu_s + together.own_cpu_s + together.other_cpu_s
    loaded = max(slowest, work / cores)
    headers = ["servers", "discovery s", "server CPU s", "own CPU s", "others' CPU s", "connected", "tools"]
    print(tabulate([rows(*pair) for pair in found.items()], headers=headers, floatfmt=".3f"))
    print(f"\nbound: max(slowest {slowest:.2f} s, {together.server_cpu_s:.2f} s CPU / {cores} cores) = {bound:.2f} s")
    alone = sum(found[spec.name].seconds for spec in specs)
    busy = together.other_cpu_s / (together.seconds * cores)
    print(f"registry ready {together.registry_s * 1e3:.1f} ms after the last list; other programs took {busy:.0%}\n")
    ratios = {
        "wall_vs_bound": together.seconds / bound,
        "wall_vs_bound_with_other_programs": together.seconds / loaded,
        "wall_vs_sum_of_singles": together.seconds / alone,
        "registry_vs_goal": together.registry_s / MOST_REGISTRY_S,
        "four_vs_replaced": four.seconds / REPLACED_S,
        "connected_of_all": together.connected / len(specs),
    }
    conclude(ratios, TARGETS)


if __name__ == "__main__":
    main()
