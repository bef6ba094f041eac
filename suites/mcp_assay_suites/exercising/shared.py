"""The calls that the checks of a tool share: planned once, made once, and none made again for another check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.readiness.subject import UnavailableError
from mcp_assay_suites.exercising.arguments import input_schema, valid_arguments, wrong_arguments
from mcp_assay_suites.exercising.calling import Planned, call, with_sign_of_life
from mcp_assay_suites.exercising.cases import Calls
from mcp_assay_suites.exercising.edges import edge_arguments, known_values
from mcp_assay_suites.exercising.limits import OPEN_WORLD_CALLS, OPEN_WORLD_VALID, calls_left, is_open_world, may_look

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from mcp_assay.readiness.subject import Subject, ToolUnderTest

_TOOL_S = 45.0
"""Seconds after which no further call of one kind is made to a tool."""

_EXPLORED_S = 0.25
"""Seconds within which a tool must answer to be called at the edges of its schema as well."""

_EDGES_WHEN_IT_WORKS, _EDGES_WHEN_NOT = 5, 2
"""How many times more calls a tool gets at the edges of its schema, by whether a generated call worked."""

_MORE_WRONG = 3
"""How many times more wrong calls a tool gets that may be called just to look: nested values have flaws, too."""

_MOST_LOOKS = 20
"""Other tools that are called to learn what the server has."""

_MOST_ENDED = 2
"""Calls of one kind after which the server had to be started again; a tool gets no more then."""


async def valid_calls(subject: Subject) -> Calls:
    """Return the calls with valid arguments, made now or before.

    The user's own arguments come first, then the plainest, then varied ones. A quick tool that may be called just to
    look is also called at the edges of its schema, and with values that other such tools named in their results.
    """
    calls = await _once(subject, "valid", _make_valid)
    if not calls.explored:
        calls.explored = True
        if calls.problem is None and calls.cases and _may_explore(subject.the_tool, calls):
            calls.problem = await _reported(_make_edges(subject, calls))
    return calls


async def wrong_calls(subject: Subject) -> Calls:
    """Return the calls with arguments that break the input schema, made now or before."""
    return await _once(subject, "wrong", _make_wrong)


async def plain_looks(subject: Subject) -> list[tuple[Subject, Calls]]:
    """Return the valid calls, short of the edges, of other tools that may be called just to look and need no arguments.

    They show what the server has: lists, settings, a graph.
    """
    others = [tool for tool in subject.server.tools if tool is not subject.tool and may_look(tool)]
    plain = [tool for tool in others if not (tool.definition.input_schema or {}).get("required")]
    subjects = [replace(subject, tool=tool) for tool in plain[:_MOST_LOOKS]]
    return [(other, await _once(other, "valid", _make_valid)) for other in subjects]


async def _once(subject: Subject, kind: str, make: Callable[[Subject, Calls], Awaitable[str | None]]) -> Calls:
    """Return the tool's calls of one kind, made unless an earlier check began to."""
    key = f"exercising.{kind}.{subject.the_tool.slug}"
    calls = subject.server.memory.setdefault(key, Calls())
    if not isinstance(calls, Calls):
        raise TypeError(f"memory {key!r} holds something else")
    if not calls.begun:
        calls.begun, calls.problem = True, "the calls were cut short"
        calls.problem = await _reported(make(subject, calls))
    return calls


async def _reported(making: Awaitable[str | None]) -> str | None:
    """Return why there are fewer calls than planned, also when the server is down."""
    try:
        return await making
    except UnavailableError as problem:
        return problem.message


def _may_explore(tool: ToolUnderTest, calls: Calls) -> bool:
    """Return whether a tool is quick and may be called just to look."""
    return may_look(tool) and max(case.exchange.duration_s for case in calls.cases) <= _EXPLORED_S


async def _make_edges(subject: Subject, calls: Calls) -> str | None:
    """Make the calls at the edges; return why there are fewer than planned."""
    properties = input_schema(subject).get("properties")
    if not properties:
        return None
    known = known_values([made for _, made in await plain_looks(subject)])
    share = _EDGES_WHEN_IT_WORKS if calls.successes else _EDGES_WHEN_NOT
    edges = await edge_arguments(subject, calls.cases, known, subject.run.settings.examples * share)
    return await _make(subject, calls, [Planned(arguments=arguments) for arguments in edges])


async def _make_valid(subject: Subject, calls: Calls) -> str | None:
    """Make the valid calls; return why there are fewer than planned."""
    tool, count = subject.the_tool, subject.run.settings.examples
    if is_open_world(tool):
        count = OPEN_WORLD_VALID
    own = tool.decision.arguments
    planned = [] if own is None else [Planned(arguments=own, given=True)]
    chosen = await valid_arguments(subject, count)
    planned += [Planned(arguments=arguments) for arguments in chosen.arguments]
    problem = await _make(subject, calls, planned[:count])
    if calls.cases and not calls.cases[-1].ended_server and calls.cases[-1].after is None:
        calls.cases[-1] = await with_sign_of_life(subject, calls.cases[-1])
    return problem or chosen.problem


async def _make_wrong(subject: Subject, calls: Calls) -> str | None:
    """Make the calls with wrong arguments; return why there are fewer than planned."""
    count = subject.run.settings.examples * (_MORE_WRONG if may_look(subject.the_tool) else 1)
    wrong = await wrong_arguments(subject, count)
    return await _make(subject, calls, [Planned(arguments=item.arguments, flaw=item.flaw) for item in wrong])


async def _make(subject: Subject, calls: Calls, planned: Iterable[Planned]) -> str | None:
    """Make calls until all are made or something speaks against more; return what that is.

    Raises:
        UnavailableError: The server is down.
    """
    clock, tool = subject.run.clock, subject.the_tool
    deadline = clock.monotonic() + _TOOL_S
    for item in planned:
        if calls_left(subject.server, tool) == 0:
            return f"a tool with openWorldHint gets at most {OPEN_WORLD_CALLS} calls"
        if clock.monotonic() >= deadline:
            return f"the calls took {_TOOL_S:g} s"
        case = await call(subject, item)
        calls.cases.append(case)
        if case.timed_out:
            return "it is not called again after a call that was not answered in time"
        if sum(case.ended_server or case.silenced_server for case in calls.cases) >= _MOST_ENDED:
            return "it is not called again after it ended the server"
    return None
