"""What a user's own tests hold in their hands: a server, a tool, a result."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.errors import AssayError
from mcp_assay.readiness.made_calls import read_calls
from mcp_assay.wire.exchange import first_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.plugin.judging import Judging
    from mcp_assay.readiness.subject import ServerUnderTest, ToolUnderTest
    from mcp_assay.runtime.background import BackgroundLoop
    from mcp_assay.wire.exchange import Exchange

_SLACK_S = 30.0


class CallFailedError(AssayError):
    """A request was answered by a JSON-RPC error, or not at all.

    Attributes:
        exchange: The exchange that shows it.
    """

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(f"{exchange.method}: {exchange.describe()}")
        self.exchange = exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool returned.

    Attributes:
        content: The content blocks.
        structured: The structured content, or None.
        is_error: Whether the tool reports an error of its own.
        exchange: The exchange on the wire.
    """

    content: tuple[Json, ...]
    structured: Json
    is_error: bool
    exchange: Exchange

    @property
    def text(self) -> str:
        """The first text block, or an empty string."""
        return first_text(self.exchange.result or {})


class ServerClient:
    """A connected server. Every method has an ``a…`` twin for ``async def`` tests."""

    def __init__(self, server: ServerUnderTest, loop: BackgroundLoop, call_s: float, judging: Judging) -> None:
        self._server = server
        self._loop = loop
        self._call_s = call_s
        self._judging = judging

    def __repr__(self) -> str:
        """Return the name only: reprs end up in test ids and tracebacks."""
        return f"ServerClient({self.name!r})"

    @property
    def name(self) -> str:
        """The server's configured name."""
        return self._server.name

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of its tools."""
        return tuple(tool.name for tool in self._server.tools)

    def request(self, method: str, params: Mapping[str, Json] | None = None) -> JsonObject:
        """Send any request and return its result.

        Raises:
            CallFailedError: It was answered by an error, or not at all.
            UnavailableError: The server is down.
        """
        deadline = self._call_s + _SLACK_S
        return _result(self._loop.run(lambda: self._server.request(method, params), deadline_s=deadline))

    def call_tool(self, name: str, arguments: Mapping[str, Json] | None = None) -> ToolResult:
        """Call a tool and return what it returned; the test's author decides what may be called.

        Raises:
            CallFailedError: It was answered by a JSON-RPC error, or not at all.
            UnavailableError: The server is down.
        """
        deadline = self._call_s + _SLACK_S
        return _tool_result(self._loop.run(lambda: self._server.call_tool(name, arguments or {}), deadline_s=deadline))

    def judge(
        self, check: str, tool: str, arguments: Mapping[str, Json], *, before: Sequence[JsonObject] = ()
    ) -> Verdict:
        """Judge a tool by one generated check, called with these arguments only, and return the verdict.

        The test's author decides what may be called; an outcome other than ``fail`` and ``warn`` is no violation.

        Args:
            check: Id of the check.
            tool: Name of the tool.
            arguments: What it is called with.
            before: Calls to make first, each with its ``tool`` and ``arguments``.

        Raises:
            UsageError: There is no such check of tools, or the server has no such tool.
            UnreadableError: ``before`` holds something else than calls.
        """
        return self._judging(self._server, check, tool, arguments, read_calls(list(before)))

    @property
    def contained(self) -> bool:
        """Whether the server runs in the sandbox of ``--mcp-sandbox``."""
        launch = self._server.managed.launch
        return launch is not None and launch.contained

    async def arequest(self, method: str, params: Mapping[str, Json] | None = None) -> JsonObject:
        """Do what `request` does without blocking the caller's event loop."""
        future = self._loop.start(lambda: self._server.request(method, params))
        return _result(await asyncio.wrap_future(future))

    async def acall_tool(self, name: str, arguments: Mapping[str, Json] | None = None) -> ToolResult:
        """Do what `call_tool` does without blocking the caller's event loop."""
        future = self._loop.start(lambda: self._server.call_tool(name, arguments or {}))
        return _tool_result(await asyncio.wrap_future(future))


@dataclass(frozen=True, slots=True, repr=False)
class ToolClient:
    """One tool of a connected server; call it with its arguments.

    Attributes:
        server: The server.
        tool: The tool in the run.
    """

    server: ServerClient
    tool: ToolUnderTest

    def __repr__(self) -> str:
        """Return the names of server and tool as they stand in node ids, where no secret does."""
        return f"ToolClient({self.server.name!r}, {self.tool.slug!r})"

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.tool.name

    @property
    def definition(self) -> JsonObject:
        """The tool as the server listed it."""
        return self.tool.definition.raw

    @property
    def may_be_called(self) -> bool:
        """Whether the run's policy calls this tool by itself."""
        return self.tool.decision.allowed

    def __call__(self, arguments: Mapping[str, Json] | None = None) -> ToolResult:
        """Call the tool; see `ServerClient.call_tool`."""
        return self.server.call_tool(self.name, arguments)

    async def acall(self, arguments: Mapping[str, Json] | None = None) -> ToolResult:
        """Call the tool without blocking the caller's event loop."""
        return await self.server.acall_tool(self.name, arguments)


def _result(exchange: Exchange) -> JsonObject:
    """Return the result of an answered request.

    Raises:
        CallFailedError: There is none.
    """
    if exchange.result is None:
        raise CallFailedError(exchange)
    return exchange.result


def _tool_result(exchange: Exchange) -> ToolResult:
    """Return a tool call's result as a value.

    Raises:
        CallFailedError: There is none.
    """
    result = _result(exchange)
    content = result.get("content")
    return ToolResult(
        content=tuple(content) if isinstance(content, list) else (),
        structured=result.get("structuredContent"),
        is_error=exchange.is_tool_error,
        exchange=exchange,
    )
