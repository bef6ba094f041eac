"""The official client in a process of its own; see `mcp_assay.wire.official`.

Reads one JSON line with the order from stdin and writes one JSON line per phase to stdout. It runs apart because the
SDK validates results against the server's schemas on its event loop without a bound: a hostile schema freezes it for
good, signals included (mcp 2.3.0).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any, cast

from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from mcp_assay.wire.reaper_main import MARK_VARIABLE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_MOST_LEAVES = 3
_LONGEST_MESSAGE = 2_000


def tell(phase: str, **facts: object) -> None:
    """Write the phase that begins now, with what is known."""
    sys.stdout.write(json.dumps({"phase": phase, **facts}) + "\n")
    sys.stdout.flush()


@contextlib.asynccontextmanager
async def transport_of(order: dict[str, Any]) -> AsyncGenerator[Any]:
    """Yield the SDK's own transport for the ordered server."""
    if order["transport"] == "stdio":
        program, *arguments = order["command"]
        # The mark lets the parent find the server again: the SDK starts it in a session of its own.
        env = {**order["env"], MARK_VARIABLE: os.environ.get(MARK_VARIABLE, "")}
        yield stdio_client(
            StdioServerParameters(command=program, args=arguments, env=env, cwd=order["cwd"]), errlog=sys.stderr
        )
    elif order["transport"] == "sse":
        yield sse_client(order["url"], headers=order["headers"])
    else:
        async with create_mcp_http_client(headers=order["headers"]) as http_client:
            yield streamable_http_client(order["url"], http_client=http_client)


async def visit(order: dict[str, Any]) -> dict[str, object]:
    """Connect, list, and call the ordered tool; return what was found."""
    facts: dict[str, object] = {}
    tell("connect")
    async with transport_of(order) as transport, Client(transport) as client:
        facts["protocol"] = client.protocol_version
        tell("list", **facts)
        names, cursor = list[str](), None
        while True:
            page = await client.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                break
        facts["tools"] = names
        if order["call"] is not None:
            tell("call", **facts)
            result = await client.call_tool(*order["call"])
            facts["call_is_error"] = result.is_error
        tell("close", **facts)
    return facts


def leaves(problem: BaseException) -> list[BaseException]:
    """Return the exceptions inside nested groups."""
    if isinstance(problem, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", problem)
        return [leaf for member in group.exceptions for leaf in leaves(member)]
    return [problem]


def described(problem: BaseException) -> str:
    """Return an exception as one sentence; the SDK raises some with an empty message."""
    shown = [f"{type(leaf).__name__}: {leaf}".removesuffix(": ") for leaf in leaves(problem)[:_MOST_LEAVES]]
    return "; ".join(shown)[:_LONGEST_MESSAGE]


def main() -> None:
    """Carry one order out and tell how it went."""
    order = json.loads(sys.stdin.readline())
    try:
        facts = asyncio.run(visit(order))
    except Exception as problem:  # noqa: BLE001  (whatever the SDK raises is the observation)
        tell("failed", error=described(problem))
        return
    tell("done", **facts)


if __name__ == "__main__":
    main()
