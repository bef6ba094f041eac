"""What each library under the wire buys, measured against what stands beside it: JSON, the HTTP client, the event loop.

    python benchmarks/choices.py [--rounds 5] [--scale 1.0]

JSON: orjson and msgspec against the standard library, on the message of a call, its answer and a list of 200 tools.
HTTP: a minimal client on aiohttp against this project's, which is httptools under a driver of its own, on the same
server with 64 calls in flight. Loop: the same calls on uvloop and on asyncio's loop. Pairs are measured one right after
the other; medians of their ratios. Needs `uvloop`, `msgspec` and `aiohttp` (group `benchmark`). The last line is one
JSON object: how many times faster than the alternative; 1 is no gain.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import orjson
import uvloop
from goals import conclude

from wire import HERE, INITIALIZE, WINDOW, Server, measure_client, ours, request_line, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

TOOL = {
    "name": "create_entities",
    "description": "Create several entities in the knowledge graph, each with observations",
    "inputSchema": {"type": "object", "properties": {"entities": {"type": "array"}}, "required": ["entities"]},
    "annotations": {"readOnlyHint": False, "idempotentHint": True},
}
CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "hello"}}}
ANSWER = {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "hello"}], "isError": False}}
LISTING = {"jsonrpc": "2.0", "id": 7, "result": {"tools": [TOOL] * 200}}


def seconds(work: Callable[[], object], times: int) -> float:
    started = perf_counter()
    for _ in range(times):
        work()
    return perf_counter() - started


def ratio(slow: Callable[[], object], quick: Callable[[], object], times: int, rounds: int) -> float:
    """Return how many times faster ``quick`` is, the median over pairs."""
    return statistics.median(seconds(slow, times) / seconds(quick, times) for _ in range(rounds))


def measure_json(rounds: int, scale: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value, times in (("call", CALL, 20_000), ("answer", ANSWER, 20_000), ("list", LISTING, 200)):
        count, data = int(times * scale), json.dumps(value).encode()
        found[f"orjson_loads_{name}"] = ratio(
            lambda d=data: json.loads(d), lambda d=data: orjson.loads(d), count, rounds
        )
        found[f"msgspec_loads_{name}"] = ratio(
            lambda d=data: json.loads(d), lambda d=data: msgspec.json.decode(d), count, rounds
        )
        found[f"orjson_dumps_{name}"] = ratio(
            lambda v=value: json.dumps(v).encode(), lambda v=value: orjson.dumps(v), count, rounds
        )
    return found


@contextlib.asynccontextmanager
async def on_aiohttp(server: Server, address: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """The least client on aiohttp: one POST a call, the body parsed by orjson."""
    connector = aiohttp.TCPConnector(limit=WINDOW)
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def post(body: bytes) -> object:
            async with session.post(address, data=body) as reply:
                return orjson.loads(await reply.read())

        await post(json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": INITIALIZE}).encode())
        number = 0

        async def call() -> object:
            nonlocal number
            number += 1
            return await post(request_line(number, server)[:-1])

        yield call


def rate(client: Any, server: Server, calls: int, factory: Any = None) -> float:
    with serving(server) as address:
        return measure_client(client, server, address, calls=calls, window=WINDOW, factory=factory).rate


def measure_clients(program: Path, rounds: int, scale: float) -> dict[str, float]:
    pipes = Server(command=(str(program),), tool="echo", arguments={"text": "hello"})
    web = Server(command=(str(program), "--http"), tool="echo", arguments={"text": "hello"}, http=True)
    calls = int(3_000 * scale)
    pairs = {
        "ours_vs_aiohttp": lambda: rate(ours, web, calls) / rate(on_aiohttp, web, calls),
        "uvloop_stdio": lambda: rate(ours, pipes, calls, uvloop.new_event_loop) / rate(ours, pipes, calls),
        "uvloop_http": lambda: rate(ours, web, calls, uvloop.new_event_loop) / rate(ours, web, calls),
    }
    return {name: statistics.median(pair() for _ in range(rounds)) for name, pair in pairs.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="pairs of each comparison")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of calls")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mcp-assay-bench-") as folder:
        program = Path(folder) / "echo"
        subprocess.run(["cc", "-O2", "-o", str(program), str(HERE / "echo.c")], check=True)
        found = {
            **measure_json(options.rounds, options.scale),
            **measure_clients(program, options.rounds, options.scale),
        }
    conclude(found, {})


if __name__ == "__main__":
    main()
