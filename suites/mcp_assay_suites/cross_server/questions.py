"""Harmless questions whose answers can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from mcp_assay.readiness.subject import Subject
from mcp_assay.wire.eras import Era
from mcp_assay.wire.session import LIST_METHODS
from mcp_assay_suites.exercising.arguments import valid_arguments
from mcp_assay_suites.exercising.limits import is_open_world

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Run, ServerUnderTest, ToolUnderTest
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

MOST_TOOLS = 3
"""Tools of a server that are asked, apart from one of its lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request that changes nothing.

    Attributes:
        server: Who is asked.
        method: The method.
        params: Its parameters.
    """

    server: ServerUnderTest
    method: str
    params: JsonObject

    @property
    def text(self) -> str:
        """The question in a few words."""
        return f"{self.method} {self.params['name']}" if "name" in self.params else self.method

    async def ask(self) -> Exchange:
        """Ask and return the exchange.

        Raises:
            UnavailableError: The server is down.
        """
        if self.method == "tools/call":
            arguments = self.params.get("arguments")
            return await self.server.call_tool(
                str(self.params["name"]), arguments if isinstance(arguments, dict) else {}
            )
        return await self.server.request(self.method, self.params)


async def ask_on(session: ServerSession, question: Question) -> Exchange:
    """Ask on a connection of one's own."""
    if question.method == "tools/call":
        arguments = question.params.get("arguments")
        return await session.call_tool(str(question.params["name"]), arguments if isinstance(arguments, dict) else {})
    return await session.request(question.method, question.params)


def answer(exchange: Exchange) -> bytes | None:
    """Return what was answered, in a form that can be compared, or None when nothing usable was."""
    message = exchange.message
    if message is None:
        return None
    members: dict[str, Json] = {key: message[key] for key in ("result", "error") if key in message}
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


async def questions(server: ServerUnderTest, run: Run) -> list[Question]:
    """Return what a server can be asked over and over: a list, and tools that stay inside it.

    Raises:
        UnavailableError: The server is down.
    """
    session = await server.session()
    capability = next((name for name in ("tools", "resources", "prompts") if session.offers(name)), None)
    alive = "ping" if session.agreement.era is Era.HANDSHAKE else "server/discover"
    method = alive if capability is None else LIST_METHODS[capability]
    found = [Question(server=server, method=method, params={})]
    for tool in server.tools:
        if len(found) > MOST_TOOLS:
            break
        arguments = await _arguments(server, run, tool)
        if arguments is not None:
            params: JsonObject = {"name": tool.name, "arguments": arguments}
            found.append(Question(server=server, method="tools/call", params=params))
    return found


async def _arguments(server: ServerUnderTest, run: Run, tool: ToolUnderTest) -> JsonObject | None:
    """Return arguments for a tool that may be called several times, or None when it may not or has none."""
    if not tool.decision.allowed or is_open_world(tool) or tool.definition.annotations.get("readOnlyHint") is not True:
        return None
    if tool.decision.arguments is not None:
        return tool.decision.arguments
    chosen = await valid_arguments(Subject(server=server, run=run, tool=tool), 1)
    return chosen.arguments[0] if chosen.arguments else None
