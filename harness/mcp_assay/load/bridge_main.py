"""The process of `mcp_assay.load.bridge`: keeps the connections and makes the calls, in an event loop of its own.

Takes one JSON object a line on stdin and answers each on stdout, in the order in which the answers come. It ends, and
its servers with it, when stdin does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from mcp_assay.config.loader import load
from mcp_assay.config.variables import EnvironmentVariables
from mcp_assay.core.errors import AssayError, UsageError
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.redaction import Redactor
from mcp_assay.wire.connect import Connector

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.config.spec import Launch
    from mcp_assay.wire.session import ServerSession

_LONGEST_ERROR = 200
_Answer = dict[str, object]


class Sessions:
    """The connections, by the name that the other side gave them."""

    def __init__(self) -> None:
        self._connector = Connector()
        self._opening: dict[str, asyncio.Task[ServerSession]] = {}
        self._secrets: dict[str, str] = {}

    async def answer(self, question: dict[str, Any]) -> _Answer:
        """Do what is asked and return the answer; never raises for what a server or the user does."""
        try:
            if question["do"] == "open":
                await self._open(question["session"], question["config"], question["server"])
                return {}
            if question["do"] == "close":
                await self._close(question["session"])
                return {}
            return await self._call(question)
        except AssayError as problem:
            return {"refused": self._presented(problem.message), "hint": problem.hint}

    async def close(self) -> None:
        """End every connection."""
        await asyncio.gather(*(self._close(name) for name in list(self._opening)), return_exceptions=True)
        await asyncio.to_thread(self._connector.reaper.close)

    async def _open(self, name: str, config: str, server: str) -> None:
        """Open a connection unless it is open; those who ask meanwhile wait for the same one.

        Raises:
            AssayError: The document cannot be used, or the server cannot be reached.
        """
        if name not in self._opening:
            launch = launch_of(config, server)
            self._secrets |= launch.secrets
            self._opening[name] = asyncio.create_task(self._connector.open_session(launch))
        try:
            session = await self._opening[name]
        except AssayError:
            self._opening.pop(name, None)
            raise
        session.log.recording = False

    async def _close(self, name: str) -> None:
        """Close a connection if there is one."""
        opening = self._opening.pop(name, None)
        if opening is not None:
            await (await opening).close()

    async def _call(self, question: dict[str, Any]) -> _Answer:
        """Call a tool.

        Raises:
            AssayError: The connection was never opened.
        """
        opening = self._opening.get(question["session"])
        if opening is None:
            raise UsageError("the connection is not open", hint="a user's own on_start must call super().on_start()")
        session = await opening
        exchange = await session.call_tool(question["tool"], question["arguments"], timeout_s=question["timeout_s"])
        failed = None if exchange.succeeded else self._presented(exchange.describe())
        return {
            "seconds": exchange.duration_s,
            "bytes": len(exchange.raw),
            "error": failed,
            "result": exchange.result if failed is None else None,
        }

    def _presented(self, text: str) -> str:
        """Return a text without secrets, for Locust's tables."""
        return Presenter(Redactor(self._secrets)).line(text, _LONGEST_ERROR)


def launch_of(config: str, server: str) -> Launch:
    """Return how to start or reach a server of a configuration document.

    Raises:
        UsageError: There is no such document or server, or a variable is unset.
    """
    if not config or not server:
        missing = "mcp_config" if not config else "mcp_server"
        raise UsageError(f"{missing} is not set", hint=f"set it on the user class, or {missing.upper()} outside")
    specs = load(Path(config), config_id=config)
    found = next((spec for spec in specs if spec.name == server), None)
    if found is None:
        known = ", ".join(spec.name for spec in specs)
        raise UsageError(f"{config} has no server {server!r}", hint=f"it has {known or 'none'}")
    environ = {"MCP_ASSAY_PYTHON": sys.executable, **os.environ}
    return found.resolve(EnvironmentVariables.from_options((), environ))


async def serve(write: Callable[[bytes], object]) -> None:
    """Answer questions from stdin until it ends."""
    sessions, reader = Sessions(), asyncio.StreamReader(limit=64 * 1024 * 1024)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    open_calls: set[asyncio.Task[None]] = set()

    async def reply(question: dict[str, Any]) -> None:
        answer = await sessions.answer(question)
        write(orjson.dumps({"id": question["id"], **answer}, option=orjson.OPT_APPEND_NEWLINE))

    while line := await reader.readline():
        task = asyncio.create_task(reply(orjson.loads(line)))
        open_calls.add(task)
        task.add_done_callback(open_calls.discard)
    for task in open_calls:
        task.cancel()
    await sessions.close()


def main() -> None:
    """Serve stdin and stdout; stdout is ours alone."""
    gc.freeze()
    out = os.dup(1)
    os.dup2(2, 1)
    with open(out, "wb", buffering=0) as pipe:  # noqa: PTH123  (a descriptor)
        asyncio.run(serve(pipe.write))


if __name__ == "__main__":
    main()
