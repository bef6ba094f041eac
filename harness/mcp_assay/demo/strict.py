"""What the SDK's server leaves to its author: strict inputs and the error codes that the specification asks for.

`MCPServer` reads ``"5"`` as an integer, drops unknown arguments, ignores cursors and reports an unknown tool as a tool
failure. A server that is meant as a reference does none of that, so everything a client sends is judged by the very
schema that was published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jsonschema_rs import validator_for
from mcp.server import CacheHint, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, ToolAnnotations
from pydantic import BaseModel, ConfigDict

from mcp_assay._version import __version__
from mcp_assay.demo.answered_stdio import answered_stdio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jsonschema_rs import Validator
    from mcp.server import ServerRequestContext
    from mcp.server.context import CallNext, HandlerResult
    from mcp.server.lowlevel.helper_types import ReadResourceContents
    from mcp.server.mcpserver import Context
    from mcp_types import CallToolResult, GetPromptResult, InputRequiredResult
    from pydantic import AnyUrl

RESOURCE_NOT_FOUND = -32002
"""The code for an unknown resource up to revision 2025-11-25; 2026-07-28 retired it for -32602."""

_STATELESS_SINCE = "2026-07-28"
_MOST_PROBLEMS = 5
_LONGEST_PROBLEM = 200
_PUBLIC = CacheHint(ttl_ms=60_000, scope="public")

READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
"""A tool that changes nothing and talks to nobody."""


class Strict(BaseModel):
    """Base of all structured values: unknown members are errors, and the published schema says so."""

    model_config = ConfigDict(extra="forbid")


def tool(
    function: Callable[..., Any], *, title: str, description: str, annotations: ToolAnnotations = READ_ONLY
) -> Tool:
    """Return ``function`` as a tool whose published schema refuses arguments it does not name."""
    made = Tool.from_function(function, title=title, description=description, annotations=annotations)
    return made.model_copy(update={"parameters": {**made.parameters, "additionalProperties": False}})


class StrictServer(MCPServer[dict[str, Any]]):
    """A server over stdio that accepts what its schemas allow, and nothing else.

    Args:
        name: The server's name.
        title: Its name for people.
        description: What it is for, in one sentence.
        instructions: How a model should use it.
        tools: Its tools, made by `tool`.
    """

    def __init__(self, name: str, *, title: str, description: str, instructions: str, tools: Sequence[Tool]) -> None:
        super().__init__(
            name,
            title=title,
            description=description,
            instructions=instructions,
            version=__version__,
            tools=list(tools),
            log_level="WARNING",
            cache_hints={
                "server/discover": _PUBLIC,
                "tools/list": _PUBLIC,
                "prompts/list": _PUBLIC,
                "resources/list": _PUBLIC,
                "resources/templates/list": _PUBLIC,
            },
            middleware=[_refuse_cursors],
        )
        self._validators: dict[str, Validator] = {made.name: validator_for(made.parameters) for made in tools}

    async def run_stdio_async(self) -> None:
        """Serve stdin and stdout until stdin ends."""
        core = self._lowlevel_server
        async with answered_stdio() as (incoming, outgoing):
            await core.run(incoming, outgoing, core.create_initialization_options())

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[dict[str, Any], Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Return the tool's result once its arguments match its published schema.

        Raises:
            MCPError: There is no such tool.
            ToolError: The arguments do not match, or the tool itself reports a failure.
        """
        validator = self._validators.get(name)
        if validator is None:
            raise MCPError(code=INVALID_PARAMS, message=f"Unknown tool: {name[:_LONGEST_PROBLEM]}")
        problems = [_problem(error.instance_path, error.message) for error in validator.iter_errors(arguments)]
        if problems:
            raise ToolError("Invalid arguments: " + "; ".join(problems[:_MOST_PROBLEMS]))
        return await super().call_tool(name, arguments, context)

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[dict[str, Any], Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Return the rendered prompt.

        Raises:
            MCPError: There is no such prompt, or its arguments do not fit.
        """
        declared = {prompt.name: prompt.arguments or [] for prompt in await self.list_prompts()}
        if name not in declared:
            raise MCPError(code=INVALID_PARAMS, message=f"Unknown prompt: {name[:_LONGEST_PROBLEM]}")
        given = arguments or {}
        missing = [argument.name for argument in declared[name] if argument.required and argument.name not in given]
        unknown = sorted(set(given) - {argument.name for argument in declared[name]})
        if missing or unknown:
            problem = f"missing {', '.join(missing)}" if missing else f"unknown {', '.join(unknown)[:_LONGEST_PROBLEM]}"
            raise MCPError(code=INVALID_PARAMS, message=f"Invalid prompt arguments: {problem}")
        return await super().get_prompt(name, arguments, context)

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[dict[str, Any], Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Return the resource's contents.

        Raises:
            MCPError: There is no such resource; the code is the one of the revision in use.
        """
        try:
            return await super().read_resource(uri, context)
        except ResourceNotFoundError as missing:
            revision = context.protocol_version if context is not None else None
            code = INVALID_PARAMS if (revision or _STATELESS_SINCE) >= _STATELESS_SINCE else RESOURCE_NOT_FOUND
            raise MCPError(code=code, message=str(missing), data={"uri": str(uri)}) from missing


async def _refuse_cursors(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Refuse every cursor: these servers answer with one page and hand none out."""
    if ctx.method.endswith("/list") and "cursor" in (ctx.params or {}):
        raise MCPError(code=INVALID_PARAMS, message="Invalid cursor")
    return await call_next(ctx)


def _problem(path: Iterable[str | int], message: str) -> str:
    """Return one violated rule as ``place: message``."""
    place = "/".join(str(part) for part in path)
    return f"{place}: {message}"[:_LONGEST_PROBLEM] if place else message[:_LONGEST_PROBLEM]
