"""What the orchestration runtime costs, against a bare wire call, FastMCP and the SDK's session group.

    python benchmarks/runtime.py [--rounds 3]

- registry: 20 servers with 134 tools, time to build it after the lists arrived; after ``list_changed``, time from the
  notification to the change in the registry;
- executor: processor time of a routed call against a bare wire call, in turns;
- fan-out: a workflow of 200 independent steps over 8 servers, 5 at a time each, against the time the calls need;
- against others: the same servers and calls with FastMCP's multi-server client and the SDK's ``ClientSessionGroup``,
  each in a process of its own, in turns; medians.

The last line is one JSON object of ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from goals import conclude
from tabulate import tabulate

from mcp_assay.config.spec import ServerSpec, Template, TransportKind
from mcp_assay.runtime.executor import MultiServerExecutor
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.runtime.registry import DynamicToolRegistry
from mcp_assay.runtime.workflow.builder import CrossServerWorkflowBuilder
from mcp_assay.runtime.workflow.engine import ServerCoordinationEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

SERVER = Path(__file__).resolve().parent / "fleet_server.py"
DELAY_S = 0.2
STEPS, FAN_SERVERS, FAN_LIMIT = 200, 8, 5
CONTENDERS = ("mcp-assay", "fastmcp", "session-group")
RIVAL_SERVERS, CALLS, LISTS = 6, 1_000, 9
OUTER_S = 240
TARGETS = {
    "registry_build_vs_goal": ("<=", 1.0),
    "change_visible_vs_goal": ("<=", 1.0),
    "executor_cpu_vs_bare": ("<=", 1.2),
    "fan_out_vs_ideal": ("<=", 1.2),
}


def command(tools: int) -> list[str]:
    """Return the command of a server."""
    return [sys.executable, "-S", "-E", str(SERVER), "--tools", str(tools), "--delay-ms", str(DELAY_S * 1000)]


def spec(number: int, tools: int) -> ServerSpec:
    """Return the specification of a server."""
    parts = tuple(Template.literal(part) for part in command(tools))
    return ServerSpec(name=f"s{number}", config="b", path=None, line=0, transport=TransportKind.STDIO, command=parts)


@asynccontextmanager
async def fleet(tools: list[int]) -> AsyncIterator[MCPClientManager]:
    """Connect to as many servers as there are numbers of tools."""
    async with MCPClientManager(spec(number, count) for number, count in enumerate(tools)) as manager:
        await manager.connect_all()
        yield manager


async def registry_figures() -> dict[str, float]:
    """Return the seconds for building the registry and for seeing a change in it."""
    async with fleet([7] * 14 + [6] * 6) as manager:
        built = []
        for _ in range(20):
            started = perf_counter()
            registry = DynamicToolRegistry.build_from_servers(manager.servers)
            registry.search("number")
            built.append(perf_counter() - started)
        registry = DynamicToolRegistry.build_from_servers(manager.servers)
        count = len(registry)
        session = manager.server("s0").session
        heard: list[float] = []
        seen: list[float] = []
        session.channel.on_notification(lambda _: heard.append(perf_counter()))
        async with registry.update_registry_real_time(manager):
            with registry.changes.subscribe() as changes:
                for _ in range(8):
                    await session.call_tool("grow", {"n": 0})
                    await anext(changes)
                    seen.append(perf_counter())
        waits = [after - before for before, after in zip(heard, seen, strict=True)]
        return {
            "tools": count,
            "build_s": statistics.median(built),
            "change_s": statistics.median(waits),
            "change_most_s": max(waits),
        }


async def executor_figures(rounds: int, blocks: int = 150, calls: int = 20) -> dict[str, float]:
    """Return the processor time of a bare wire call and of a routed call, in microseconds.

    Blocks of few calls take turns, so that whatever else the machine does meets both alike.
    """
    async with fleet([7]) as manager:
        registry = DynamicToolRegistry.build_from_servers(manager.servers)
        executor, session = MultiServerExecutor(manager, registry), manager.server("s0").session

        async def bare() -> object:
            return await session.call_tool("tool_1", {"n": 1})

        async def routed() -> object:
            return await executor.route_tool_call("s0.tool_1", {"n": 1})

        used: dict[str, list[float]] = {"bare": [], "routed": []}
        for turn in range(rounds * blocks):
            for name, call in (("bare", bare), ("routed", routed))[:: -1 if turn % 2 else 1]:
                started = process_time()
                for _ in range(calls):
                    await call()
                used[name].append((process_time() - started) / calls * 1e6)
        bare_us, routed_us = (statistics.median(used[name][blocks // 10 :]) for name in ("bare", "routed"))
        return {"bare_us": bare_us, "routed_us": routed_us, "overhead": routed_us / bare_us - 1}


async def fan_out_figures(rounds: int) -> dict[str, float]:
    """Return the seconds of the fan-out, and what the calls alone need."""
    async with fleet([7] * FAN_SERVERS) as manager:
        registry = DynamicToolRegistry.build_from_servers(manager.servers)
        builder = CrossServerWorkflowBuilder(registry)
        for number in range(STEPS):
            builder.step(f"step_{number}", f"s{number % FAN_SERVERS}.slow", {"n": number})
        plan = builder.build()
        limits = {f"s{number}": FAN_LIMIT for number in range(FAN_SERVERS)}
        engine = ServerCoordinationEngine(MultiServerExecutor(manager, registry), limits=limits)
        taken = []
        for _ in range(rounds):
            report = await engine.run(plan)
            if not report.ok:
                sys.exit(f"the fan-out failed: {report.problem}")
            taken.append(report.duration_s)
        ideal = STEPS / FAN_SERVERS / FAN_LIMIT * DELAY_S
        return {"ideal_s": ideal, "taken_s": statistics.median(taken), "ratio": statistics.median(taken) / ideal}


async def timed(figures: dict[str, float], name: str, work: Coroutine[None, None, object]) -> None:
    """Note the seconds that work takes."""
    started = perf_counter()
    await work
    figures[name] = perf_counter() - started


async def timed_often(figures: dict[str, float], name: str, work: Callable[[], Coroutine[None, None, object]]) -> None:
    """Note the median of the seconds that some quick work takes."""
    seconds = dict[str, float]()
    for turn in range(LISTS):
        await timed(seconds, str(turn), work())
    figures[name] = statistics.median(seconds.values())


async def one_by_one(call: Callable[[int], Coroutine[None, None, object]]) -> None:
    """Make the calls one after another."""
    for number in range(CALLS):
        await call(number)


async def with_mcp_assay() -> dict[str, float]:
    """Connect, list and call with this project."""
    figures: dict[str, float] = {}
    async with MCPClientManager(spec(number, 7) for number in range(RIVAL_SERVERS)) as manager:
        await timed(figures, "connect_s", manager.connect_all())
        sessions = [server.session for server in manager.servers]

        async def list_all() -> None:
            await asyncio.gather(*(session.list_all("tools") for session in sessions))

        await timed_often(figures, "list_s", list_all)
        executor = MultiServerExecutor(manager, DynamicToolRegistry.build_from_servers(manager.servers))

        async def call(number: int) -> None:
            outcome = await executor.route_tool_call(f"s{number % RIVAL_SERVERS}.tool_1", {"n": number})
            if outcome.structured != {"n": number}:
                sys.exit(f"wrong answer: {outcome}")

        await timed(figures, "calls_s", one_by_one(call))
    return figures


async def with_fastmcp() -> dict[str, float]:
    """Connect, list and call with FastMCP's client over a configuration of several servers."""
    from fastmcp import Client  # noqa: PLC0415  (only one contender is in a process)

    servers = {}
    for number in range(RIVAL_SERVERS):
        program, *arguments = command(7)
        servers[f"s{number}"] = {"command": program, "args": arguments}
    figures: dict[str, float] = {}
    client = Client({"mcpServers": servers})
    await timed(figures, "connect_s", client.__aenter__())
    try:
        await timed_often(figures, "list_s", client.list_tools)

        async def call(number: int) -> None:
            answer = await client.call_tool(f"s{number % RIVAL_SERVERS}_tool_1", {"n": number})
            if answer.structured_content != {"n": number}:
                sys.exit(f"wrong answer: {answer}")

        await timed(figures, "calls_s", one_by_one(call))
    finally:
        await client.__aexit__(None, None, None)
    return figures


async def with_session_group() -> dict[str, float]:
    """Connect, list and call with the SDK's session group, which connects to one server after another."""
    from mcp import ClientSessionGroup, StdioServerParameters  # noqa: PLC0415  (only one contender is in a process)

    figures: dict[str, float] = {}
    names = iter(range(RIVAL_SERVERS * 100))
    prefix = {"number": 0}
    async with ClientSessionGroup(component_name_hook=lambda name, _: f"s{prefix['number']}.{name}") as group:
        sessions = []

        async def connect() -> None:
            for _ in range(RIVAL_SERVERS):
                prefix["number"] = next(names)
                program, *arguments = command(7)
                sessions.append(await group.connect_to_server(StdioServerParameters(command=program, args=arguments)))

        await timed(figures, "connect_s", connect())

        async def list_all() -> None:
            await asyncio.gather(*(session.list_tools() for session in sessions))

        await timed_often(figures, "list_s", list_all)

        async def call(number: int) -> None:
            answer = await group.call_tool(f"s{number % RIVAL_SERVERS}.tool_1", {"n": number})
            if answer.structured_content != {"n": number}:
                sys.exit(f"wrong answer: {answer}")

        await timed(figures, "calls_s", one_by_one(call))
    return figures


def contend(rounds: int) -> dict[str, dict[str, float]]:
    """Return the median figures of each contender, each run in a process of its own, in turns."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name in CONTENDERS:
            run = [sys.executable, __file__, "--contender", name]
            done = subprocess.run(run, capture_output=True, text=True, timeout=OUTER_S, check=False)
            if done.returncode:
                sys.exit(f"{name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    return {name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in found.items()}


def report(figures: dict[str, dict[str, float]], rivals: dict[str, dict[str, float]]) -> None:
    """Print the tables and, as the last line, one JSON object."""
    registry, executor, fan = figures["registry"], figures["executor"], figures["fan_out"]
    rows = [
        ["registry of 20 servers, 134 tools, built", f"{registry['build_s'] * 1000:.1f} ms", "< 100 ms"],
        ["change visible after list_changed (most)", f"{registry['change_most_s'] * 1000:.1f} ms", "< 50 ms"],
        ["CPU of a call, bare and routed", f"{executor['bare_us']:.0f} and {executor['routed_us']:.0f} µs", "+20 %"],
        ["200 steps over 8 servers", f"{fan['taken_s']:.2f} s", f"1.2 x {fan['ideal_s']:.2f} s"],
    ]
    print(tabulate(rows, headers=["figure", "measured", "wanted"]))
    print()
    keys = ("connect_s", "list_s", "calls_s")
    table = [[name, *(f"{run[key]:.3f}" for key in keys)] for name, run in rivals.items()]
    print(tabulate(table, headers=[f"{RIVAL_SERVERS} servers", "connect s", "list s", f"{CALLS} calls s"]))
    ours = rivals["mcp-assay"]
    print()
    ratios = {
        "registry_build_vs_goal": registry["build_s"] / 0.1,
        "change_visible_vs_goal": registry["change_most_s"] / 0.05,
        "executor_cpu_vs_bare": executor["routed_us"] / executor["bare_us"],
        "fan_out_vs_ideal": fan["ratio"],
    }
    others = [(name, run) for name, run in rivals.items() if run is not ours]
    against = {f"{key[:-2]}_vs_{name}": ours[key] / run[key] for name, run in others for key in keys}
    conclude(ratios | against, TARGETS | dict.fromkeys(against, ("<=", 1.0)))


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    if given.contender:
        runs = {"mcp-assay": with_mcp_assay, "fastmcp": with_fastmcp, "session-group": with_session_group}
        print(json.dumps(asyncio.run(runs[given.contender]())))
        return
    figures = {
        "registry": asyncio.run(registry_figures()),
        "executor": asyncio.run(executor_figures(given.rounds)),
        "fan_out": asyncio.run(fan_out_figures(given.rounds)),
    }
    report(figures, contend(given.rounds))


if __name__ == "__main__":
    main()
