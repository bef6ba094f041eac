"""What a call costs: this project's wire beside a bare pipe or socket loop, the official client and FastMCP's.

    python benchmarks/wire.py [--rounds 3] [--scale 1.0] [--uvloop]

The server is benchmarks/echo.c, compiled by ``cc``, so that the clients are what is measured, and
``@modelcontextprotocol/server-everything`` where tests/real/install.py has installed it. The bare loop does the least
that any client must: ``json.dumps`` and ``write`` per call, ``readline`` and ``json.loads`` per answer, blocking, with
nothing awaited in between. Clients take turns in each round; medians over the rounds. With server-everything, which is
noisier than the clients, the ratio is the median over pairs of short turns, and over pairs of servers.
Processor time is that of the client's process only. FastMCP is left out when it is not installed. The last line is one
JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import importlib.util
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from goals import conclude
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from tabulate import tabulate

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.limits import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

HERE = Path(__file__).resolve().parent
EVERYTHING = HERE.parent / ".mcp-assay/real/npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
WINDOW = 64
WARM_UP = 64
PAIRS, TURNS, CALLS_A_TURN = 7, 24, 100
LINE_BYTES = 10_000_000
TARGETS = {
    "stdio_p50_vs_raw": ("<=", 4.0),
    "stdio_rate64_vs_raw": (">=", 0.4),
    "stdio_rate64_vs_sdk": (">=", 8.0),
    "stdio_cpu64_vs_raw": ("<=", 3.0),
    "everything_p50_vs_raw": ("<=", 1.3),
    "http_rate64_vs_raw": (">=", 0.4),
    "http_rate64_vs_sdk": (">=", 4.0),
    "line_10mb_vs_json": ("<=", 2.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server to call: a command, or a command that prints the port it serves HTTP on."""

    command: tuple[str, ...]
    tool: str
    arguments: dict[str, Any]
    http: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement: calls a second, median seconds of a call, processor seconds a call."""

    rate: float
    p50: float
    cpu: float


def request_line(number: int, server: Server) -> bytes:
    params = {"name": server.tool, "arguments": server.arguments}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode() + b"\n"


INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bare", "version": "1"}}


class BarePipe:
    """A bare loop over pipes."""

    def __init__(self, server: Server, _: str) -> None:
        self.server = server
        self.process = subprocess.Popen(
            server.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.fd = self.process.stdin.fileno()
        hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": INITIALIZE}
        os.write(self.fd, json.dumps(hello).encode() + b"\n")
        self.process.stdout.readline()
        os.write(self.fd, b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def run(self, calls: int, window: int) -> list[float]:
        """Make calls with ``window`` in flight and return how long each took."""
        sent, took, readline = {}, [], self.process.stdout.readline
        for number in range(calls + window):
            if number >= window:
                answer = json.loads(readline())
                while "method" in answer:
                    answer = json.loads(readline())
                took.append(perf_counter() - sent.pop(answer["id"]))
            if number < calls:
                sent[number] = perf_counter()
                os.write(self.fd, request_line(number, self.server))
        return took

    def close(self) -> None:
        """End the server."""
        self.process.communicate(timeout=10)


class BareSockets:
    """A bare loop over as many keep-alive connections as calls are in flight."""

    def __init__(self, _: Server, address: str) -> None:
        self.host, _, port = address.removeprefix("http://").partition("/")[0].partition(":")
        self.port = int(port)
        self.sockets: list[socket.socket] = []

    def run(self, calls: int, window: int) -> list[float]:
        """Make calls with ``window`` in flight and return how long each took."""
        while len(self.sockets) < window:
            self.sockets.append(socket.create_connection((self.host, self.port)))
            self.sockets[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poller, by_fd, sent, took = select.poll(), {}, {}, []
        for number, connection in enumerate(self.sockets[:window]):
            poller.register(connection, select.POLLIN)
            by_fd[connection.fileno()] = connection
            sent[connection.fileno()] = self.send(connection, number)
        started = window
        while len(took) < calls:
            for fd, _ in poller.poll():
                self.receive(by_fd[fd])
                took.append(perf_counter() - sent[fd])
                if started < calls:
                    sent[fd] = self.send(by_fd[fd], started)
                    started += 1
        return took

    def send(self, connection: socket.socket, number: int) -> float:
        """Send one call and return when."""
        body = request_line(number, Server(command=(), tool="echo", arguments={"text": "hello"}))[:-1]
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        now = perf_counter()
        connection.sendall(head.encode() + body)
        return now

    def receive(self, connection: socket.socket) -> Any:
        """Return the parsed answer to a call."""
        data = connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        return json.loads(body)

    def close(self) -> None:
        """Close every connection."""
        for connection in self.sockets:
            connection.close()


@contextlib.asynccontextmanager
async def ours(server: Server, address: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    kind = TransportKind.HTTP if server.http else TransportKind.STDIO
    launch = Launch(name="echo", transport=kind, command=server.command, url=address or None)
    connector = Connector()
    session = await connector.open_session(launch)
    session.log.recording = False

    async def call() -> object:
        exchange = await session.call_tool(server.tool, server.arguments)
        if exchange.fault is not None:
            raise RuntimeError(exchange.describe())
        return exchange

    yield call
    await session.close()
    connector.reaper.close()


@contextlib.asynccontextmanager
async def sdk(server: Server, address: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    # A pipe would have to be drained, and the SDK offers nothing but a text file.
    null = Path(os.devnull).open("w", encoding="utf-8")  # noqa: ASYNC230, SIM115  (it blocks nobody, and is closed below)
    parameters = StdioServerParameters(command=server.command[0], args=list(server.command[1:]))
    transport: Any = address if server.http else stdio_client(parameters, errlog=null)
    async with Client(transport) as client:
        yield lambda: client.call_tool(server.tool, server.arguments)
    null.close()


@contextlib.asynccontextmanager
async def fastmcp(server: Server, address: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    library = importlib.import_module("fastmcp.client")
    pipes = importlib.import_module("fastmcp.client.transports").StdioTransport
    async with library.Client(address if server.http else pipes(server.command[0], list(server.command[1:]))) as client:
        yield lambda: client.call_tool(server.tool, server.arguments)


async def drive(call: Callable[[], Awaitable[object]], calls: int, window: int) -> list[float]:
    """Make calls with ``window`` in flight and return how long each took."""
    took: list[float] = []

    async def worker() -> None:
        while len(took) < calls:
            started = perf_counter()
            await call()
            took.append(perf_counter() - started)

    await asyncio.gather(*(worker() for _ in range(window)))
    return took


def sampled(run: Callable[[], list[float]]) -> Sample:
    wall, cpu = perf_counter(), process_time()
    took = run()
    wall, cpu = perf_counter() - wall, process_time() - cpu
    return Sample(rate=len(took) / wall, p50=statistics.median(took), cpu=cpu / len(took))


def measure_bare(server: Server, address: str, calls: int, window: int) -> Sample:
    loop = (BareSockets if server.http else BarePipe)(server, address)
    loop.run(WARM_UP, 1)
    sample = sampled(lambda: loop.run(calls, window))
    loop.close()
    return sample


def measure_client(client: Any, server: Server, address: str, *, calls: int, window: int, factory: Any) -> Sample:
    async def run() -> Sample:
        async with client(server, address) as call:
            await drive(call, WARM_UP, 1)
            wall, cpu = perf_counter(), process_time()
            took = await drive(call, calls, window)
            wall, cpu = perf_counter() - wall, process_time() - cpu
            return Sample(rate=len(took) / wall, p50=statistics.median(took), cpu=cpu / len(took))

    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(run())


def paired(server: Server, *, turns: int, factory: Any) -> float:
    """Return the median ratio of our p50 to that of the bare loop, one call in flight.

    A server on Node.js is noisier than both clients. Each has a server of its own and they take turns of a few calls,
    so that what disturbs the machine disturbs both. Where the scheduler has put a server it mostly stays, so a pair of
    servers is ended and started anew before it can decide the figure.
    """

    async def run() -> float:
        bare, ratios = BarePipe(server, ""), []
        async with ours(server, "") as call:
            for _ in range(turns):
                mine = statistics.median(await drive(call, CALLS_A_TURN, 1))
                ratios.append(mine / statistics.median(bare.run(CALLS_A_TURN, 1)))
        bare.close()
        return statistics.median(ratios[turns // 4 :])  # before that, Node.js still compiles

    with asyncio.Runner(loop_factory=factory) as runner:
        return statistics.median(runner.run(run()) for _ in range(PAIRS))


@contextlib.contextmanager
def serving(server: Server) -> Iterator[str]:
    """Yield the address of an HTTP server while it runs, nothing for one over pipes."""
    if not server.http:
        yield ""
        return
    process = subprocess.Popen(server.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
    process.communicate(timeout=10)


def compare(server: Server, window: int, calls: dict[str, int], rounds: int, factory: Any) -> dict[str, Sample]:
    """Return the median sample of every client."""
    clients: dict[str, Any] = {"raw": None, "ours": ours, "mcp.Client": sdk}
    if importlib.util.find_spec("fastmcp") is not None:
        clients["fastmcp.Client"] = fastmcp
    samples: dict[str, list[Sample]] = defaultdict(list)
    for _ in range(rounds):
        for name, client in clients.items():
            with serving(server) as address:
                count = calls.get(name, calls["mcp.Client"])
                if client is None:
                    samples[name].append(measure_bare(server, address, count, window))
                else:
                    samples[name].append(
                        measure_client(client, server, address, calls=count, window=window, factory=factory)
                    )
    return {name: middle(taken) for name, taken in samples.items()}


def middle(samples: list[Sample]) -> Sample:
    return Sample(
        rate=statistics.median(sample.rate for sample in samples),
        p50=statistics.median(sample.p50 for sample in samples),
        cpu=statistics.median(sample.cpu for sample in samples),
    )


LONG_LINE = """
import json, sys
block = {"type": "text", "text": "x" * 200, "annotations": {"audience": ["user"], "priority": 0.5}}
line = json.dumps({"content": [block] * (%d // len(json.dumps(block)))})
for request in map(json.loads, sys.stdin):
    if "id" not in request: continue
    ready = '{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"l","version":"1"}}'
    result = ready if request["method"] == "initialize" else line
    sys.stdout.write('{"jsonrpc":"2.0","id":%%d,"result":%%s}\\n' %% (request["id"], result)); sys.stdout.flush()
"""


async def long_line(rounds: int) -> tuple[float, float]:
    """Return the median seconds from request to parsed answer of 10 MB, and those of ``json.loads`` of it."""
    connector = Connector(limits=replace(Limits(), line_bytes=2 * LINE_BYTES))
    command = (sys.executable, "-c", LONG_LINE % LINE_BYTES)
    session = await connector.open_session(Launch(name="long", transport=TransportKind.STDIO, command=command))
    ours_took, json_took = [], []
    for _ in range(rounds + 1):
        exchange = await session.call_tool("any")
        ours_took.append(exchange.duration_s)
        started = perf_counter()
        json.loads(exchange.raw)
        json_took.append(perf_counter() - started)
    await session.close()
    connector.reaper.close()
    return statistics.median(ours_took[1:]), statistics.median(json_took[1:])


def rows_of(title: str, window: int, results: dict[str, Sample]) -> list[list[object]]:
    raw = results["raw"]
    return [
        [
            title, window, name, round(sample.p50 * 1e6), f"{sample.p50 / raw.p50:.2f}", round(sample.rate),
            f"{sample.rate / raw.rate:.2f}", round(sample.cpu * 1e6), f"{sample.cpu / raw.cpu:.2f}",
        ]
        for name, sample in results.items()
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="turns of every client")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of calls")
    parser.add_argument("--uvloop", action="store_true", help="run the asynchronous clients on uvloop")
    options = parser.parse_args()
    factory = None
    if options.uvloop:
        factory = importlib.import_module("uvloop").new_event_loop
    with tempfile.TemporaryDirectory(prefix="mcp-assay-bench-") as folder:
        report(Path(folder) / "echo", options, factory)


def report(program: Path, options: argparse.Namespace, factory: Any) -> None:
    """Compile the server, measure, and print the tables and the last line."""
    subprocess.run(["cc", "-O2", "-o", str(program), str(HERE / "echo.c")], check=True)
    scaled = {
        key: int(value * options.scale) for key, value in {"raw": 12_000, "ours": 6_000, "mcp.Client": 1_200}.items()
    }
    few = {key: max(count // 6, 200) for key, count in scaled.items()}
    echo = Server(command=(str(program),), tool="echo", arguments={"text": "hello"})
    web = Server(command=(str(program), "--http"), tool="echo", arguments={"text": "hello"}, http=True)
    ratios: dict[str, float | None] = dict.fromkeys(TARGETS)
    rows: list[list[object]] = []

    single = compare(echo, 1, few, options.rounds, factory)
    rows += rows_of("stdio echo (C)", 1, single)
    ratios["stdio_p50_vs_raw"] = single["ours"].p50 / single["raw"].p50
    many = compare(echo, WINDOW, scaled, options.rounds, factory)
    rows += rows_of("stdio echo (C)", WINDOW, many)
    ratios["stdio_rate64_vs_raw"] = many["ours"].rate / many["raw"].rate
    ratios["stdio_rate64_vs_sdk"] = many["ours"].rate / many["mcp.Client"].rate
    ratios["stdio_cpu64_vs_raw"] = many["ours"].cpu / many["raw"].cpu
    if EVERYTHING.is_file():
        everything = Server(command=("node", str(EVERYTHING)), tool="echo", arguments={"message": "hello"})
        node = compare(everything, 1, {key: min(count, 800) for key, count in few.items()}, options.rounds, factory)
        rows += rows_of("server-everything", 1, node)
        ratios["everything_p50_vs_raw"] = paired(everything, turns=max(4, int(TURNS * options.scale)), factory=factory)
    over_http = compare(web, WINDOW, {key: count // 2 for key, count in scaled.items()}, options.rounds, factory)
    rows += rows_of("HTTP echo (C)", WINDOW, over_http)
    ratios["http_rate64_vs_raw"] = over_http["ours"].rate / over_http["raw"].rate
    ratios["http_rate64_vs_sdk"] = over_http["ours"].rate / over_http["mcp.Client"].rate
    long, parsed = asyncio.run(long_line(options.rounds))
    ratios["line_10mb_vs_json"] = long / parsed

    headers = ["server", "in flight", "client", "p50 µs", "x raw", "calls/s", "x raw", "CPU µs", "x raw"]
    print(tabulate(rows, headers=headers, disable_numparse=True))
    print(f"\none 10 MB line: {long * 1e3:.0f} ms, json.loads of it {parsed * 1e3:.0f} ms\n")
    conclude(ratios, TARGETS)


if __name__ == "__main__":
    main()
