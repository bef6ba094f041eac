"""How far the load generator's figures can be trusted.

    python tests/real/install.py
    python benchmarks/load.py [--quick]

1. What the harness adds to a call: a tool that takes 1 ms, called by the harness and by the barest client there is,
   which writes a line and blocks until it has read one, in turns.
2. A tool that takes 5 ms: the median reported for it.
3. One call in a thousand takes a second: the 99th percentile of the open loop and of the closed one.
4. 64 calls in flight on ``server-everything``: processor time of the generator and of the server.
5. Twenty runs of an unchanged server, then one that is 15 % slower: alarms. A server that keeps 10 KiB a call: growth.
6. Eight users of Locust, one worker, beside eight calls in flight here, on the same tool of 5 ms: answer time and rate;
   needs `pip install pytest-mcp-assay[locust]`.

The last line is one JSON object of ratios. Run it on a machine that does nothing else, at normal priority (not under
`nice`); how noisy the machine was is part of the result.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psutil
from goals import conclude
from tabulate import tabulate

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.core.clock import SystemClock
from mcp_assay.core.statistics import quantile
from mcp_assay.load import ClosedPlan, OpenPlan, closed_loop, open_loop, own_cost, tool_call
from mcp_assay.load.growth import growth_run
from mcp_assay.load.machine import machine_speed
from mcp_assay.load.regression import change
from mcp_assay.wire.connect import Connector

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from mcp_assay.load import Measurement
    from mcp_assay.load.regression import Change
    from mcp_assay.wire.session import ServerSession

HERE = Path(__file__).resolve().parent
EVERYTHING = HERE.parent / ".mcp-assay/real/npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
CLOCK = SystemClock()
MOST_ADDED_S = 0.0001
STALL_S = 1.0
IN_FLIGHT = 64
SLOWER = 1.15
PLANTED_KIB = 10
TARGETS = {
    "p50_1ms_vs_barest_client": ("<=", 1.15),
    "added_vs_100_us": ("<=", 1.0),
    "p50_of_5ms_off_by": ("<=", 0.02),
    "open_p99_vs_stall": (">=", 0.5),
    "server_cpu_vs_generator_at_64": (">=", 1.0),
    "false_alarms_per_run": ("<=", 0.0),
    "slowdown_of_15_percent_found": (">=", 1.0),
    "leak_said_vs_planted": (">=", 0.5),
    "leak_said_without_one_vs_planted": ("<=", 0.5),
    "locust_mean_off_by": ("<=", 0.1),
    "locust_rate_off_by": ("<=", 0.1),
}


def delayed(*, delay_ms: float = 0.0, stall_at: int = 0, leak_kib: int = 0) -> tuple[str, ...]:
    """Return the command of the server with a known delay."""
    options = ("--delay-ms", str(delay_ms), "--stall-at", str(stall_at), "--leak-kib", str(leak_kib))
    return (sys.executable, "-S", "-E", str(HERE / "delay_server.py"), *options)


@asynccontextmanager
async def served(command: Sequence[str]) -> AsyncGenerator[ServerSession]:
    """Start a server and end it afterwards."""
    connector = Connector()
    session = await connector.open_session(Launch(name="it", transport=TransportKind.STDIO, command=tuple(command)))
    session.log.recording = False
    try:
        yield session
    finally:
        await session.close()
        connector.reaper.close()


async def p50(session: ServerSession, *, calls: int) -> float:
    """Return the median of a closed loop, one in flight."""
    measured = await closed_loop(tool_call(session, "work", {}), ClosedPlan(calls=calls, budget_s=60), CLOCK)
    return _of(measured, "p50")


def barest_p50(command: Sequence[str], *, calls: int) -> float:
    """Return the median that a client sees which does nothing but write a line and read one."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "b", "version": "1"}}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(_line(1, "initialize", hello))
        server.stdout.readline()
        seconds: list[float] = []
        for number in range(calls + 10):
            line = _line(number + 2, "tools/call", {"name": "work", "arguments": {}})
            started = time.perf_counter()
            server.stdin.write(line)
            answer = server.stdout.readline()
            json.loads(answer)
            seconds.append(time.perf_counter() - started)
        server.stdin.close()
    return median(seconds[10:])


def _line(identity: int, method: str, params: dict[str, object]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": identity, "method": method, "params": params}).encode() + b"\n"


def _of(measured: Measurement, name: str) -> float:
    found = measured.distribution
    if found is None:
        raise RuntimeError(f"nothing was answered: {measured.first_error}")
    value: float = getattr(found, name)
    return value


async def added(rounds: int, calls: int) -> dict[str, float]:
    """Return what the harness adds to a tool of 1 ms, and what it says that it adds."""
    command = delayed(delay_ms=1.0)
    ours: list[float] = []
    barest: list[float] = []
    for _ in range(rounds):
        async with served(command) as session:
            ours.append(await p50(session, calls=calls))
        barest.append(await asyncio.to_thread(barest_p50, command, calls=calls))
    async with served(command) as session:
        exchange = await session.call_tool("work", {})
    said = _of(await own_cost(exchange, CLOCK), "p50")
    return {"harness_p50_s": min(ours), "barest_p50_s": min(barest), "added_s": min(ours) - min(barest), "said_s": said}


async def constant(rounds: int, calls: int) -> float:
    """Return the median that is reported for a tool of 5 ms."""
    found: list[float] = []
    for _ in range(rounds):
        async with served(delayed(delay_ms=5.0)) as session:
            found.append(await p50(session, calls=calls))
    return min(found)


async def stalled() -> dict[str, float]:
    """Return the 99th percentiles under a stall of a second: open loop at 100 calls a second, closed loop."""
    async with served(delayed(delay_ms=0.5, stall_at=300)) as session:
        whole = await open_loop(tool_call(session, "work", {}), OpenPlan(rate_per_s=100, duration_s=10), CLOCK)
    async with served(delayed(delay_ms=0.5, stall_at=300)) as session:
        hidden = await closed_loop(tool_call(session, "work", {}), ClosedPlan(calls=1000, budget_s=60), CLOCK)
    return {"open_p99_s": _of(whole, "p99"), "closed_p99_s": _of(hidden, "p99"), "late_s": whole.late_s or 0.0}


async def saturated(seconds: float) -> dict[str, float]:
    """Return processor shares of generator and server with 64 calls in flight, and both their rates."""
    async with served(("node", str(EVERYTHING))) as session:
        server = psutil.Process(session.channel.transport.pid)
        call = tool_call(session, "echo", {"message": "hello"})
        await closed_loop(call, ClosedPlan(calls=2000, in_flight=IN_FLIGHT, budget_s=seconds), CLOCK)
        before, own_before, started = server.cpu_times(), time.process_time(), time.perf_counter()
        plan = ClosedPlan(calls=10**9, in_flight=IN_FLIGHT, warm_up=0, budget_s=seconds)
        measured = await closed_loop(call, plan, CLOCK)
        elapsed, own, after = time.perf_counter() - started, time.process_time() - own_before, server.cpu_times()
    used = after.user + after.system - before.user - before.system
    return {
        "rate_per_s": measured.rate_per_s,
        "server_cpu_share": used / elapsed,
        "generator_cpu_share": own / elapsed,
        "generator_cpu_per_call_s": own / max(1, measured.calls),
        "p99_s": _of(measured, "p99"),
    }


async def figure(delay_ms: float, earlier: Sequence[float], calls: int) -> tuple[float, Change | None]:
    """Return the median of a fresh server, measured up to twice again while it seems to be slower than before.

    A machine is busy for a moment now and then; a server that has become slower stays so.
    """
    seconds = float("inf")
    for _ in range(3):
        async with served(delayed(delay_ms=delay_ms)) as session:
            seconds = min(seconds, await p50(session, calls=calls))
        found = change(seconds, earlier)
        if found is None or not found.is_worse:
            break
    return seconds, found


async def alarms(runs: int, calls: int) -> dict[str, float | bool]:
    """Return false alarms over runs of an unchanged server, and whether a slower one is noticed."""
    earlier: list[float] = []
    false_alarms = 0
    for _ in range(runs):
        seconds, found = await figure(2.0, earlier, calls)
        false_alarms += found is not None and found.is_worse
        earlier.append(seconds)
    _, slower = await figure(2.0 * SLOWER, earlier, calls)
    spread = (quantile(sorted(earlier), 0.9) - quantile(sorted(earlier), 0.1)) / median(earlier)
    return {
        "runs": runs,
        "false_alarms": false_alarms,
        "slower_found": slower is not None and slower.is_worse,
        "slower_by": 0.0 if slower is None else slower.share,
        "spread": spread,
    }


async def leaking(leak_kib: int) -> float:
    """Return the growth in KiB a call that is found for a server that keeps so much."""
    async with served(delayed(leak_kib=leak_kib)) as session:
        pid = session.channel.transport.pid or 0
        run = await growth_run(tool_call(session, "work", {}), pid, calls=20_000, budget_s=20, clock=CLOCK, batches=60)
    return run.trend("rss_bytes").per_call / 1024


LOCUSTFILE = """
from locust import constant, task
from mcp_assay.locust import McpUser

class Worker(McpUser):
    mcp_config = "servers.json"
    mcp_server = "it"
    wait_time = constant(0)

    @task
    def work(self):
        self.call_tool("work")
"""


async def beside_locust(seconds: float) -> dict[str, float] | None:
    """Return mean answer time and rate of Locust and of the closed loop, or None where Locust is not installed."""
    if find_spec("locust") is None:
        return None
    command, users = delayed(delay_ms=5.0), 8
    async with served(command) as session:
        call = tool_call(session, "work", {})
        plan = ClosedPlan(calls=10**9, in_flight=users, budget_s=seconds)
        ours = await closed_loop(call, plan, CLOCK)
    theirs = await asyncio.to_thread(locust_stats, command, users, seconds)
    rates = sorted(theirs["num_reqs_per_sec"].values())
    return {
        "our_mean_s": _of(ours, "mean"),
        "our_rate_per_s": ours.rate_per_s,
        "locust_mean_s": theirs["total_response_time"] / theirs["num_requests"] / 1000,
        "locust_rate_per_s": median(rates),
    }


def locust_stats(command: Sequence[str], users: int, seconds: float) -> dict[str, Any]:
    """Return what Locust counted over some seconds of load by some users, in a process of its own."""
    with TemporaryDirectory() as folder:
        server = {"command": command[0], "args": list(command[1:])}
        (Path(folder) / "servers.json").write_text(json.dumps({"mcpServers": {"it": server}}), "utf-8")
        (Path(folder) / "locustfile.py").write_text(LOCUSTFILE, "utf-8")
        asked = ("-u", str(users), "-r", str(users), "-t", f"{seconds + 3:g}s")
        run = [sys.executable, "-m", "locust", "--headless", *asked, "--json"]
        done = subprocess.run(
            run, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, check=True
        )
    stats: list[dict[str, Any]] = json.loads(done.stdout)
    return stats[0]


async def measured(*, quick: bool) -> dict[str, Any]:
    """Return all figures."""
    rounds, calls = (2, 100) if quick else (5, 400)
    machine = machine_speed(CLOCK)
    return {
        "machine": machine.to_entry(),
        "added": await added(rounds, calls),
        "constant_p50_s": await constant(rounds, calls // 2),
        "stall": await stalled(),
        "saturation": await saturated(2.0 if quick else 5.0) if EVERYTHING.exists() else None,
        "alarms": await alarms(8 if quick else 20, calls // 2),
        "beside_locust": await beside_locust(3.0 if quick else 6.0),
        "leak_kib": await leaking(PLANTED_KIB),
        "no_leak_kib": await leaking(0),
    }


def ratios_of(found: dict[str, Any]) -> dict[str, float | None]:
    """Return each goal's ratio; None where its part could not be run here."""
    cost, stall, watch = found["added"], found["stall"], found["alarms"]
    load, side = found["saturation"], found["beside_locust"]
    return {
        "p50_1ms_vs_barest_client": cost["harness_p50_s"] / cost["barest_p50_s"],
        "added_vs_100_us": cost["added_s"] / MOST_ADDED_S,
        "overhead_said_vs_100_us": cost["said_s"] / MOST_ADDED_S,
        "p50_of_5ms_off_by": abs(found["constant_p50_s"] / 0.005 - 1),
        "open_p99_vs_stall": stall["open_p99_s"] / STALL_S,
        "closed_p99_vs_stall": stall["closed_p99_s"] / STALL_S,
        "server_cpu_vs_generator_at_64": load and load["server_cpu_share"] / load["generator_cpu_share"],
        "false_alarms_per_run": watch["false_alarms"] / watch["runs"],
        "slowdown_of_15_percent_found": float(watch["slower_found"]),
        "slowdown_said_vs_planted": watch["slower_by"] / (SLOWER - 1),
        "leak_said_vs_planted": found["leak_kib"] / PLANTED_KIB,
        "leak_said_without_one_vs_planted": found["no_leak_kib"] / PLANTED_KIB,
        "locust_mean_off_by": side and abs(side["locust_mean_s"] / side["our_mean_s"] - 1),
        "locust_rate_off_by": side and abs(side["locust_rate_per_s"] / side["our_rate_per_s"] - 1),
    }


def figures_of(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the ratios are made of, as it is shown."""
    cost, stall, watch, machine = found["added"], found["stall"], found["alarms"], found["machine"]
    load, side = found["saturation"], found["beside_locust"]
    rows = [
        ("the machine's noise", f"±{machine['noise']:.0%}"),
        ("p50 of a 1 ms tool, here and by the barest client", _micro(cost["harness_p50_s"], cost["barest_p50_s"])),
        ("added to it, and overhead_s as reported", _micro(cost["added_s"], cost["said_s"])),
        ("p50 of a 5 ms tool", _micro(found["constant_p50_s"])),
        ("p99 under a stall, open and closed loop", _micro(stall["open_p99_s"], stall["closed_p99_s"])),
        ("sent late by the open loop at most", _micro(stall["late_s"])),
        ("alarms over runs of the same server", f"{watch['false_alarms']} of {watch['runs']}"),
        ("their figures lie within", f"±{watch['spread'] / 2:.1%}"),
        ("15 % slower is said to be", f"{watch['slower_by']:+.1%}"),
        ("growth of a server that keeps 10 KiB a call", f"{found['leak_kib']:.2f} KiB"),
        ("growth of one that keeps nothing", f"{found['no_leak_kib']:.2f} KiB"),
    ]
    if load is not None:
        busy = f"server {load['server_cpu_share']:.0%}, generator {load['generator_cpu_share']:.0%} of a core"
        rows += [(f"{IN_FLIGHT} in flight on server-everything", f"{busy}, {load['rate_per_s']:.0f} calls/s")]
    if side is not None:
        rows += [
            ("mean of a 5 ms tool, here and by Locust", _micro(side["our_mean_s"], side["locust_mean_s"])),
            ("calls a second, here and by Locust", f"{side['our_rate_per_s']:.0f}, {side['locust_rate_per_s']:.0f}"),
        ]
    return rows


def _micro(*seconds: float) -> str:
    """Return times in microseconds."""
    return ", ".join(f"{each * 1e6:,.0f} µs" for each in seconds)


def main() -> None:
    """Measure, print the table and the JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    found = asyncio.run(measured(quick=options.quick))
    print(tabulate(figures_of(found), headers=("what", "found"), disable_numparse=True))
    print()
    conclude(ratios_of(found), TARGETS)


if __name__ == "__main__":
    main()
