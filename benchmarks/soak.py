"""Does the runtime lose or leak anything while servers are killed, held and cut off at random?

    python benchmarks/soak.py [--minutes 1] [--servers 6] [--rate 120] [--seed 0]

Calls and workflows run over servers that write down what they do (`ledger_server.py`), while faults are injected at
the wire and into the processes. Some callers give up, some workflows crash and are resumed. Then every call is
accounted for against the ledgers, which no message ever passed through:

- each call ended exactly once, as one of the five outcomes or as given up by its caller;
- a result came from the server that was asked, for the call that was made, and its work is in the ledger;
- a call that was never sent did nothing; ``put``, which is not safe to repeat, was done at most once;
- a workflow that succeeded did every ``put`` once and took none back; one that failed took back what it did, except
  where its report says that this failed.

Memory, file descriptors, tasks, threads and processes are counted after the first tenth of the time and at the end. The
last line is one JSON object of ratios; the exit status is 1 when something was lost or leaked.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import random
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from goals import conclude
from tabulate import tabulate

from mcp_assay.config.spec import ServerSpec, Template, TransportKind
from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.breaker import BreakerPolicy
from mcp_assay.runtime.executor import ExecutionPolicy, MultiServerExecutor
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.runtime.outcome import OutcomeKind
from mcp_assay.runtime.registry import DynamicToolRegistry
from mcp_assay.runtime.states import ServerState
from mcp_assay.runtime.supervision import WatchPolicy
from mcp_assay.runtime.workflow.builder import CrossServerWorkflowBuilder
from mcp_assay.runtime.workflow.engine import ServerCoordinationEngine
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.injection import Disturbance, WireFaults
from mcp_assay.wire.limits import MIB, Limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from mcp_assay.runtime.outcome import ToolOutcome
    from mcp_assay.runtime.workflow.results import WorkflowReport
    from mcp_assay.runtime.workflow.values import Plan

SERVER = Path(__file__).resolve().parent / "ledger_server.py"
TOOLS = ("put", "look", "look", "refuse", "slow")
CALLERS, WORKFLOWS = 12, 3
FAULT_EVERY_S = 1.5
WATCH = WatchPolicy(interval_s=1.0, answer_s=0.7, restart_after=2, backoff=Backoff(base_s=0.1, cap_s=2.0, attempts=8))
POLICY = ExecutionPolicy(
    timeout_s=1.0, reconnect_s=2.0, backoff=Backoff(base_s=0.05, cap_s=0.5), breaker=BreakerPolicy(open_s=1.0)
)
LIMITS = Limits(start_s=15.0, list_s=5.0, exit_s=0.3, terminate_s=0.3, log_bytes=MIB // 16)
DRAIN_S, OUTER_EXTRA_S = 60.0, 120.0
MOST_GROWN_BYTES, MOST_GROWN_FDS = 24 * MIB, 12
TARGETS = {"problems_per_call": ("<=", 0.0)}

WORKFLOW = """
inputs:
  run: {{type: string}}
steps:
  first:
    tool: {0}.put
    arguments: {{key: "${{inputs.run}}-first"}}
    compensate: {{tool: {0}.take_back, arguments: {{key: "${{inputs.run}}-first"}}}}
  each:
    tool: {1}.put
    needs: [first]
    foreach: "['x', 'y', 'z']"
    arguments: {{key: "${{inputs.run}}-${{item}}"}}
    compensate: {{tool: {1}.take_back, arguments: {{key: "${{inputs.run}}-${{item}}"}}}}
  check:
    tool: {2}.look
    arguments: {{key: "${{steps.first.structured.key}}-check"}}
  last:
    tool: {2}.put
    needs: [each, check]
    arguments: {{key: "${{inputs.run}}-last"}}
    compensate: {{tool: {2}.take_back, arguments: {{key: "${{inputs.run}}-last"}}}}
"""
PARTS = ("first", "x", "y", "z", "last")


@dataclass(slots=True, kw_only=True)
class Resources:
    """What the process holds, counted now."""

    rss: int = field(default_factory=lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4096)
    fds: int = field(default_factory=lambda: len(os.listdir("/proc/self/fd")))  # noqa: PTH208  (names are enough)
    tasks: int = field(default_factory=lambda: len(asyncio.all_tasks()))
    threads: int = field(default_factory=threading.active_count)
    children: int = field(
        default_factory=lambda: len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
    )


@dataclass(slots=True, kw_only=True)
class Accounts:
    """What callers were told, written to files so that keeping it costs no memory that is measured."""

    folder: Path
    submitted: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    workflows: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    recovered: int = 0
    problems: list[str] = field(default_factory=list)

    def note(self, file: str, *words: object) -> None:
        """Append a line to a file of the account."""
        with (self.folder / file).open("a", encoding="utf-8") as stream:
            stream.write(" ".join(map(str, words)) + "\n")

    def lines(self, file: str) -> Iterable[list[str]]:
        """Yield the words of each line of a file."""
        path = self.folder / file
        if path.exists():
            with path.open(encoding="utf-8") as stream:
                yield from (line.split() for line in stream)

    def ledger(self, server: str) -> dict[str, Counter[str]]:
        """Return how often a server did what, by key and tool."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for tool, key in self.lines(f"{server}.ledger"):
            found[key][tool] += 1
        return found


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller was told of one call: a line of the account, so that every attribute is text."""

    key: str
    tool: str
    server: str
    word: str
    by: str
    attempts: str

    def problems(self, done: Counter[str], where: set[str]) -> Iterable[str]:
        """Yield how it differs from what was done for the key, by tool, and where."""
        times, attempts = done[self.tool], int(self.attempts)
        call = f"{self.tool} {self.key} on {self.server} ({self.word}, {self.attempts} attempts)"
        if set(done) - {self.tool}:
            yield f"{call}: another tool did something for it"
        if self.tool == "put" and times > 1:
            yield f"{call}: done {times} times"
        if self.word == OutcomeKind.RESULT and (self.tool == "refuse" or self.by not in where):
            yield f"{call}: {self.by} did not do it"
        if self.word == OutcomeKind.TOOL_ERROR and (self.tool != "refuse" or self.by not in where):
            yield f"{call}: {self.by} did not refuse it"
        if attempts >= 0 and times > attempts:
            yield f"{call}: done {times} times"


class Soak:
    """One run.

    Args:
        given: The options.
        folder: Where ledgers, accounts and traces are kept.
    """

    def __init__(self, given: argparse.Namespace, folder: Path) -> None:
        self.names = [f"s{number}" for number in range(given.servers)]
        self.random = random.Random(given.seed)
        self.seconds, self.rate = given.minutes * 60, given.rate
        self.accounts = Accounts(folder=folder)
        self.faults = {name: WireFaults() for name in self.names}
        self.over, self._ends = False, 0.0
        self.seen: list[tuple[float, Resources]] = []

    async def run(self) -> dict[str, object]:
        """Run everything and return the figures."""
        connector = Connector(limits=LIMITS)
        manager = MCPClientManager(
            [self._spec(name) for name in self.names],
            connector=connector,
            opening=lambda inner, spec: replace(inner, faults=self.faults[spec.name]),
            watch=WATCH,
        )
        async with manager:
            await manager.connect_all()
            registry = DynamicToolRegistry.build_from_servers(manager.servers)
            executor = MultiServerExecutor(manager, registry, policy=POLICY, replicas={"any": self.names})
            async with registry.update_registry_real_time(manager):
                figures = await self._load(manager, executor)
        await asyncio.to_thread(connector.reaper.close)
        tasks = len(asyncio.all_tasks())
        if tasks > 1:
            self.accounts.problems.append(f"{tasks - 1} tasks are left after closing")
        return figures

    async def _load(self, manager: MCPClientManager, executor: MultiServerExecutor) -> dict[str, object]:
        """Keep the servers busy and disturbed for the time that was asked for."""
        plans, self._ends = self._plans(executor.registry), monotonic() + self.seconds
        tasks = [asyncio.create_task(self._caller(executor, number)) for number in range(CALLERS)]
        tasks += [asyncio.create_task(self._workflows(executor, plans, number)) for number in range(WORKFLOWS)]
        tasks += [asyncio.create_task(self._chaos(manager, executor)), asyncio.create_task(self._watch())]
        await asyncio.sleep(self.seconds)
        self.over = True
        for faults in self.faults.values():
            faults.heal()
        async with asyncio.timeout(DRAIN_S):
            await asyncio.gather(*tasks)
        await self._recovered(manager, executor)
        gc.collect()
        before, after = self.seen[0][1], Resources()
        self._leaks(before, after)
        return {
            "before": {name: getattr(before, name) for name in Resources.__slots__},
            "after": {name: getattr(after, name) for name in Resources.__slots__},
            "restarts": sum(server.restarts for server in manager.servers),
            "rss_by_minute_mib": [round(seen.rss / MIB, 1) for _, seen in self.seen],
        }

    async def _recovered(self, manager: MCPClientManager, executor: MultiServerExecutor) -> None:
        """Wait until every server is back and answers."""
        async with asyncio.timeout(DRAIN_S):
            for server in manager.servers:
                while True:
                    await executor.handle_server_failures()
                    key = self._key()
                    outcome = await executor.route_tool_call(f"{server.spec.name}.look", {"key": key})
                    self._take(server.spec.name, "look", key, outcome)
                    if outcome.succeeded and server.state is ServerState.READY:
                        break
                    await asyncio.sleep(0.2)

    def _leaks(self, before: Resources, after: Resources) -> None:
        """Complain about what grew."""
        problems = self.accounts.problems
        if after.rss - before.rss > MOST_GROWN_BYTES:
            problems.append(f"memory grew from {before.rss / MIB:.1f} to {after.rss / MIB:.1f} MiB")
        if after.fds - before.fds > MOST_GROWN_FDS:
            problems.append(f"file descriptors grew from {before.fds} to {after.fds}")
        # The reaper is the one process that is no server; a supervisor and a follower belong to each server.
        if after.children > len(self.names) + 1:
            problems.append(f"{after.children} child processes for {len(self.names)} servers")
        if after.tasks > 1 + 2 * len(self.names):
            problems.append(f"{after.tasks} tasks are left")

    def left_over(self, start: Resources, end: Resources) -> None:
        """Complain about what is still held when everything is closed."""
        for what in ("fds", "threads", "children"):
            before, after = getattr(start, what), getattr(end, what)
            if after > before:
                self.accounts.problems.append(f"{after} {what} after closing, {before} before connecting")

    def _spec(self, name: str) -> ServerSpec:
        command = (sys.executable, "-S", "-E", str(SERVER), name, str(self.accounts.folder / f"{name}.ledger"))
        parts = tuple(Template.literal(part) for part in command)
        return ServerSpec(name=name, config="soak", path=None, line=0, transport=TransportKind.STDIO, command=parts)

    def _plans(self, registry: DynamicToolRegistry) -> list[tuple[tuple[str, ...], Plan]]:
        """Return a workflow over each three neighbouring servers, with their names."""
        places = range(len(self.names))
        triples = [tuple(self.names[(place + step) % len(self.names)] for step in range(3)) for place in places]
        return [
            (three, CrossServerWorkflowBuilder.from_yaml(WORKFLOW.format(*three), registry).build())
            for three in triples
        ]

    def _key(self) -> str:
        """Return a key that no other call has."""
        self.accounts.submitted += 1
        return f"k{self.accounts.submitted}"

    def _take(self, server: str, tool: str, key: str, outcome: ToolOutcome | None) -> None:
        """Write down what a caller was told; None when it gave up."""
        word = "given-up" if outcome is None else outcome.kind.value
        by = outcome.server.rpartition("::")[2] if outcome is not None else ""
        if outcome is not None and outcome.succeeded and outcome.structured != {"key": key, "by": by}:
            self.accounts.problems.append(f"{tool} {key} on {server} got the answer of another call")
        self.accounts.ended[word] += 1
        attempts = outcome.attempts if outcome is not None else -1
        self.accounts.note("calls", key, tool, server, word, by or "-", attempts)

    async def _caller(self, executor: MultiServerExecutor, number: int) -> None:
        """Make calls, one after another."""
        chance = random.Random(f"{number} caller")
        pause = CALLERS / self.rate
        while not self.over:
            started = monotonic()
            tool, key = chance.choice(TOOLS), self._key()
            server = "any" if chance.random() < 0.2 else chance.choice(self.names)
            call = executor.route_tool_call(f"{server}.{tool}", {"key": key, "ms": chance.uniform(5, 120)})
            outcome: ToolOutcome | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05 if chance.random() < 0.03 else None):
                    outcome = await call
            self._take(server, tool, key, outcome)
            await asyncio.sleep(max(0.0, pause - (monotonic() - started)))

    async def _workflows(
        self, executor: MultiServerExecutor, plans: list[tuple[tuple[str, ...], Plan]], number: int
    ) -> None:
        """Run workflows, some of which crash on the way and are resumed."""
        chance = random.Random(f"{number} workflow")
        count = 0
        while not self.over:
            count += 1
            servers, plan = chance.choice(plans)
            name = f"w{number}.{count}"
            trace = self.accounts.folder / f"{name}.jsonl"
            engine = ServerCoordinationEngine(executor)
            report: WorkflowReport | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout(chance.uniform(0.0, 0.05) if chance.random() < 0.3 else None):
                    report = await engine.run(plan, {"run": name}, trace=trace)
            resumed = report is None
            if report is None:
                report = await self._resumed(executor, plan, trace, name)
            self._judge(name, servers, report, resumed=resumed)
            trace.unlink(missing_ok=True)
            await asyncio.sleep(chance.uniform(0.1, 0.6))

    async def _resumed(self, executor: MultiServerExecutor, plan: Plan, trace: Path, name: str) -> WorkflowReport:
        """Go on with a run that ended early, or run it when it had not begun."""
        engine = ServerCoordinationEngine(executor)
        begun = bool(await asyncio.to_thread(lambda: trace.exists() and trace.stat().st_size))
        return await (engine.resume(plan, trace) if begun else engine.run(plan, {"run": name}, trace=trace))

    def _judge(self, name: str, servers: tuple[str, ...], report: WorkflowReport, *, resumed: bool) -> None:
        """Write down what a workflow told."""
        self.accounts.workflows[("ok" if report.ok else "failed") + (", resumed" if resumed else "")] += 1
        kept = []
        for undone in report.compensations:
            if not undone.call.ok:
                place = undone.step if undone.index is None else "xyz"[undone.index]
                kept.append(place)
        self.accounts.note("workflows", name, int(report.ok), ",".join(servers), ",".join(kept) or "-")

    async def _chaos(self, manager: MCPClientManager, executor: MultiServerExecutor) -> None:
        """Disturb one server after another."""
        acts: dict[str, Callable[[WireFaults], Awaitable[None]]] = {
            "kill": self._kill,
            "hold": self._hold,
            "delay": self._delay,
            "drop": self._drop,
            "corrupt answers": self._corrupt_answers,
            "corrupt requests": self._corrupt_requests,
            "cut": self._cut,
        }
        running: set[asyncio.Task[None]] = set()
        while not self.over:
            word = self.random.choice(("kill", "kill", *acts))
            self.accounts.faults[word] += 1
            task = asyncio.ensure_future(acts[word](self.faults[self.random.choice(self.names)]))
            running.add(task)
            task.add_done_callback(running.discard)
            if any(server.state is ServerState.FAILED for server in manager.servers):
                self.accounts.recovered += sum((await executor.handle_server_failures()).values())
            await asyncio.sleep(self.random.expovariate(1 / FAULT_EVERY_S))
        await asyncio.gather(*running)

    async def _kill(self, faults: WireFaults) -> None:
        faults.kill()

    async def _cut(self, faults: WireFaults) -> None:
        faults.cut()

    async def _hold(self, faults: WireFaults) -> None:
        faults.hold()
        await asyncio.sleep(self.random.uniform(0.2, 5.0))
        faults.resume()

    async def _delay(self, faults: WireFaults) -> None:
        await self._answers(faults, Disturbance(delay_s=self.random.uniform(0.05, 1.2)), 2.0)

    async def _drop(self, faults: WireFaults) -> None:
        await self._answers(faults, Disturbance(drop=True), 1.5)

    async def _corrupt_answers(self, faults: WireFaults) -> None:
        await self._answers(faults, Disturbance(corrupt=True), 1.0)

    async def _corrupt_requests(self, faults: WireFaults) -> None:
        faults.requests = Disturbance(corrupt=True)
        await asyncio.sleep(self.random.uniform(0.1, 0.5))
        faults.requests = Disturbance()

    async def _answers(self, faults: WireFaults, disturbance: Disturbance, most_s: float) -> None:
        faults.answers = disturbance
        await asyncio.sleep(self.random.uniform(0.2, most_s))
        faults.answers = Disturbance()

    async def _watch(self) -> None:
        """Count what is held after a tenth of the time, and then every minute."""
        await asyncio.sleep(self.seconds / 10)
        while not self.over:
            gc.collect()
            self.seen.append((monotonic(), Resources()))
            await asyncio.sleep(min(60.0, max(0.0, self._ends - monotonic())) + 0.1)

    def reconcile(self) -> None:
        """Compare what callers were told with what the servers did."""
        ledgers = {name: self.accounts.ledger(name) for name in self.names}
        done: dict[str, Counter[str]] = defaultdict(Counter)
        where: dict[str, set[str]] = defaultdict(set)
        for name, ledger in ledgers.items():
            for key, tools in ledger.items():
                done[key] += tools
                where[key].add(name)
        seen: Counter[str] = Counter()
        for words in self.accounts.lines("calls"):
            call = Told(*words)
            seen[call.key] += 1
            self.accounts.problems += call.problems(done[call.key], where[call.key])
        if len(seen) != self.accounts.submitted or any(times != 1 for times in seen.values()):
            self.accounts.problems.append(f"{self.accounts.submitted} calls were made and {len(seen)} ended")
        for name, ok, servers, kept in self.accounts.lines("workflows"):
            places = servers.split(",")
            on = {"first": places[0], "x": places[1], "y": places[1], "z": places[1], "last": places[2]}
            for part in PARTS:
                entry = ledgers[on[part]].get(f"{name}-{part}", Counter())
                self.accounts.problems += _part_problems(f"{name}-{part}", ok == "1", part in kept.split(","), entry)


def _part_problems(key: str, ok: bool, kept: bool, entry: Counter[str]) -> Iterable[str]:
    """Yield how what a workflow told of one ``put`` differs from what was done."""
    if entry["put"] > 1:
        yield f"{key}: done {entry['put']} times"
    if ok and (entry["put"] != 1 or entry["take_back"]):
        yield f"{key}: the workflow succeeded, but it was done {entry['put']} and undone {entry['take_back']} times"
    if not ok and entry["put"] and not entry["take_back"] and not kept:
        yield f"{key}: the workflow failed and it was not undone"


def report(soak: Soak, figures: dict[str, object]) -> bool:
    """Print the tables and the JSON line; return whether all is well."""
    accounts = soak.accounts
    before, after = figures["before"], figures["after"]
    print(tabulate([[name, before[name], after[name]] for name in before], headers=["held", "warm", "end"]))
    print()
    rows = [["calls", accounts.submitted], *accounts.ended.most_common()]
    rows += [[f"workflows {word}", count] for word, count in accounts.workflows.most_common()]
    rows += [[f"injected: {word}", count] for word, count in accounts.faults.most_common()]
    print(tabulate([*rows, ["restarts", figures["restarts"]]], headers=["what", "count"]))
    for problem in accounts.problems[:20]:
        print("PROBLEM", problem)
    print(f"\nmemory by the minute: {', '.join(f'{mib:g}' for mib in figures['rss_by_minute_mib'])} MiB\n")
    ratios: dict[str, float | None] = {
        "problems_per_call": len(accounts.problems) / max(1, accounts.submitted),
        "answered_of_calls": accounts.ended["result"] / max(1, accounts.submitted),
        "workflows_ok_of_all": accounts.workflows["ok"] / max(1, accounts.workflows.total()),
    }
    held = ("rss", "fds", "tasks", "threads", "children")
    ratios |= {f"{name}_end_vs_warm": after[name] / max(1, before[name]) for name in held}
    return conclude(ratios, TARGETS) and not accounts.problems


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--servers", type=int, default=6)
    parser.add_argument("--rate", type=float, default=120.0, help="calls a second, beside the workflows")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.disable(logging.WARNING)

    async def bounded(soak: Soak) -> dict[str, object]:
        async with asyncio.timeout(soak.seconds + DRAIN_S + OUTER_EXTRA_S):
            return await soak.run()

    with tempfile.TemporaryDirectory() as folder:
        soak, start = Soak(given, Path(folder)), Resources(tasks=0)
        figures = asyncio.run(bounded(soak))
        soak.left_over(start, Resources(tasks=0))
        soak.reconcile()
        return 0 if report(soak, figures) else 1


if __name__ == "__main__":
    sys.exit(main())
