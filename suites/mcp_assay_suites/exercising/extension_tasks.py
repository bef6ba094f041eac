"""Tasks of the extension ``io.modelcontextprotocol/tasks`` (SEP-2663): calls that a server answers by a task."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_assay.wire.eras import META_CAPABILITIES
from mcp_assay.wire.param_headers import mirrored_params, param_headers
from mcp_assay_suites.exercising.limits import may_repeat
from mcp_assay_suites.exercising.shared import valid_calls
from mcp_assay_suites.exercising.task_runs import TERMINAL, pause_s
from mcp_assay_suites.observing.finer import TASKS
from mcp_assay_suites.observing.memory import remembered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest, Subject, ToolUnderTest
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

_MOST_TOOLS = 8
_MOST_TASKS = 2
_MOST_LOOKS = 40
_LONGEST_PAUSE_S = 0.5
_DECLARED: JsonObject = {META_CAPABILITIES: {"extensions": {TASKS: {}}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionTask:
    """One task.

    Attributes:
        tool: The tool that was called.
        created: The answer to the call.
        looks: Answers to ``tasks/get``, the first asked for at once; until the end, a question, or for some seconds.
    """

    tool: str
    created: Exchange
    looks: Sequence[Exchange]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionTalk:
    """What came of calls that declare the extension.

    Attributes:
        called: How many tools were called.
        tasks: The tasks that came.
    """

    called: int
    tasks: tuple[ExtensionTask, ...]


async def extension_talk(subject: Subject) -> ExtensionTalk:
    """Return what tools that may be called again do when the client knows tasks, tried once.

    Raises:
        UnavailableError: No further instance can be used.
    """

    async def tried(server: ServerUnderTest) -> ExtensionTalk:
        return await _tried(replace(subject, tool=None), server)

    return await remembered(subject.server, ExtensionTalk, tried)


async def _tried(subject: Subject, server: ServerUnderTest) -> ExtensionTalk:
    """Call tools on an instance of their own until enough of them were answered by tasks."""
    live = await server.session()
    tools = [tool for tool in server.tools if may_repeat(tool)][:_MOST_TOOLS]
    called, tasks = 0, list[ExtensionTask]()
    async with server.fresh_session(protocol=live.agreement.version) as session:
        for tool in tools:
            case = next(iter((await valid_calls(replace(subject, tool=tool))).cases), None)
            if case is None or len(tasks) == _MOST_TASKS:
                continue
            called += 1
            created = await _call(server, session, tool, case.arguments)
            if (created.result or {}).get("resultType") == "task":
                tasks.append(ExtensionTask(tool=tool.name, created=created, looks=await _looks(session, created)))
    return ExtensionTalk(called=called, tasks=tuple(tasks))


async def _call(
    server: ServerUnderTest, session: ServerSession, tool: ToolUnderTest, arguments: JsonObject
) -> Exchange:
    """Call a tool as a client that knows tasks."""
    server.count_calls(tool.name)
    params: JsonObject = {"name": tool.name, "arguments": arguments, "_meta": dict(_DECLARED)}
    mirrored = mirrored_params(tool.definition.input_schema)
    return await session.request("tools/call", params, headers=param_headers(mirrored, arguments))


async def _looks(session: ServerSession, created: Exchange) -> list[Exchange]:
    """Look at a task until it ends, asks for something, or some seconds have passed; then it is cancelled."""
    asked: JsonObject = {"taskId": (created.result or {}).get("taskId"), "_meta": dict(_DECLARED)}
    looks: list[Exchange] = []
    while len(looks) < _MOST_LOOKS:
        looks.append(await session.request("tasks/get", asked))
        found = looks[-1].result
        if found is None or found.get("status") in {*TERMINAL, "input_required"}:
            break
        await asyncio.sleep(pause_s(found.get("pollIntervalMs"), _LONGEST_PAUSE_S))
    if (looks[-1].result or {}).get("status") not in TERMINAL:
        await session.request("tasks/cancel", asked)
    return looks
