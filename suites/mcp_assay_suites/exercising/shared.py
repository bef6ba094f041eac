"""The calls that the checks of a tool share: planned once, made once, and none made again for another check."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, cast

from mcp_assay.readiness.links import Link
from mcp_assay.readiness.subject import PostponedError, UnavailableError
from mcp_assay.runtime.categories import words_of
from mcp_assay_suites.exercising.arguments import (
    flaw_of,
    input_schema,
    odd_arguments,
    valid_arguments,
    wrong_arguments,
)
from mcp_assay_suites.exercising.calling import Planned, call, with_end_seen, with_sign_of_life
from mcp_assay_suites.exercising.cases import Calls, canonical
from mcp_assay_suites.exercising.edges import edge_arguments, slow_arguments
from mcp_assay_suites.exercising.hinted import MOST_ROUNDS, MOST_TRIED, hinted_arguments
from mcp_assay_suites.exercising.known_values import KnownValues, ReadCases
from mcp_assay_suites.exercising.limits import (
    EDGES_WHEN_IT_WORKS,
    ODD_WHEN_IT_WORKS,
    OPEN_WORLD_CALLS,
    OPEN_WORLD_VALID,
    calls_left,
    is_open_world,
    may_look,
    may_try,
    share_of_edges,
)
from mcp_assay_suites.exercising.offered import offered_values
from mcp_assay_suites.exercising.shares import Kind, has_time, time_shares

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from mcp_assay.readiness.subject import Subject, ToolUnderTest
    from mcp_assay_suites.exercising.cases import Case
    from mcp_assay_suites.exercising.known_values import Known

_TOOL_S = 45.0
"""Seconds after which no further call of one kind is made to a tool."""

_USED_UP = "its share of --mcp-budget is used up"

_HURRIED = 1 / 3
"""Share of the time limit that is waited for an answer once the tool has let a call wait for the whole of it."""

_MORE_WRONG = 3
"""How many times more wrong calls a tool gets that may be called just to look: nested values have flaws, too."""

_MOST_KEPT = 5
"""Calls of one kind that showed a fault in earlier runs and are made again."""

_MAKING = frozenset({"add", "create", "init", "insert", "make", "new", "open", "save", "set", "start", "write"})
_ENDING = frozenset({"clear", "close", "delete", "kill", "prune", "purge", "remove", "reset", "stop", "terminate"})
_SETTINGS = frozenset({"config", "configuration", "preferences", "settings"})
_REHEARSED_S = 30.0
"""Seconds after which no further tool is called to see what it names."""

_MOST_LOOKS = 20
"""Other tools that are called to learn what the server has."""

_MOST_ENDED = 2
"""Calls of one kind after which the server had to be started again; a tool gets no more then."""


async def valid_calls(subject: Subject) -> Calls:
    """Return the calls with valid arguments, made now or before.

    The user's own arguments come first, then the plainest, then varied ones. A quick tool that may be called just to
    look is also called at the edges of its schema, and with values that other such tools named in their results.
    """
    calls = await _once(subject, Kind.VALID, _make_valid)
    await _go_on(subject, calls, Kind.VALID)
    if not calls.explored and not calls.left:
        calls.explored = True
        wanted = calls.problem is None and calls.cases and subject.arguments is None
        if wanted and not calls.successes and may_try(subject.the_tool):
            calls.problem = await _reported(_make_hinted(subject, calls))
        share = share_of_edges(subject.the_tool, calls)
        if wanted and share and calls.problem is None:
            calls.problem = await _reported(_make_edges(subject, calls, share))
    _end_turn(subject, calls, Kind.VALID)
    return calls


async def wrong_calls(subject: Subject) -> Calls:
    """Return the calls with arguments that break the input schema, made now or before."""
    calls = await _once(subject, Kind.WRONG, _make_wrong)
    await _go_on(subject, calls, Kind.WRONG)
    _end_turn(subject, calls, Kind.WRONG)
    return calls


def generated_before(subject: Subject) -> bool:
    """Return whether the tool was called with arguments that were generated and fit its input schema."""
    calls = subject.server.memory.get(_key(subject, Kind.VALID))
    return isinstance(calls, Calls) and any(not (case.given or case.told) for case in calls.cases)


async def plain_looks(subject: Subject) -> list[tuple[Subject, Calls]]:
    """Return the valid calls, short of the edges, of other tools that may be called just to look and need no arguments.

    They show what the server has: lists, settings, a graph.
    """
    others = [tool for tool in _plain_tools(subject) if tool is not subject.tool][:_MOST_LOOKS]
    subjects = [replace(subject, tool=tool, arguments=None) for tool in others]
    return [(other, await _once(other, Kind.VALID, _make_valid)) for other in subjects]


def _plain_tools(subject: Subject) -> tuple[ToolUnderTest, ...]:
    """Return the first tools of the server that may be called just to look and need no arguments, found once."""
    found = subject.server.memory.get("exercising.plain")
    if not isinstance(found, tuple):
        plain = (tool for tool in subject.server.tools if not (tool.definition.input_schema or {}).get("required"))
        found = tuple(islice((tool for tool in plain if may_look(tool)), _MOST_LOOKS + 1))
        subject.server.memory["exercising.plain"] = found
    return cast("tuple[ToolUnderTest, ...]", found)


async def _go_on(subject: Subject, calls: Calls, kind: Kind) -> None:
    """Make the calls for which there was no time before, as far as there is now."""
    if calls.left and has_time(subject, kind):
        planned, calls.left = calls.left, []
        calls.problem = await _reported(_make(subject, calls, planned, kind))


def _end_turn(subject: Subject, calls: Calls, kind: Kind) -> None:
    """Leave what is left of the tool's time to the others, or wait for what they leave.

    Raises:
        PostponedError: There were calls left, and the check may be asked again.
    """
    shares, tool = time_shares(subject), subject.the_tool.name
    if shares is None or shares.is_settled(kind, tool):
        return
    if calls.left and subject.may_wait:
        raise PostponedError(_USED_UP)
    shares.settle(kind, tool)


async def _once(subject: Subject, kind: Kind, make: Callable[[Subject, Calls], Awaitable[str | None]]) -> Calls:
    """Return the tool's calls of one kind, made unless an earlier check began to."""
    key = _key(subject, kind)
    calls = subject.server.memory.setdefault(key, Calls())
    if not isinstance(calls, Calls):
        raise TypeError(f"memory {key!r} holds something else")
    if not calls.begun:
        calls.begun, calls.problem = True, "the calls were cut short"
        calls.problem = await _reported(make(subject, calls))
    return calls


def _key(subject: Subject, kind: Kind) -> str:
    """Return what the tool's calls of one kind are remembered by."""
    before = [made.as_json() for made in subject.before]
    given = "" if subject.arguments is None else f".{canonical([*before, subject.arguments])}"
    return f"exercising.{kind}.{subject.the_tool.slug}{given}"


async def _reported(making: Awaitable[str | None]) -> str | None:
    """Return why there are fewer calls than planned, also when the server is down."""
    try:
        return await making
    except UnavailableError as problem:
        return problem.message


async def _make_hinted(subject: Subject, calls: Calls) -> str | None:
    """Make calls with what the tool's errors say that it takes, until one works; return what speaks against more."""
    problem = None
    for _ in range(MOST_ROUNDS):
        planned = [Planned(arguments=arguments) for arguments in await hinted_arguments(subject, calls.cases)]
        fresh = _unmade(planned, calls)[:MOST_TRIED]
        if not fresh or calls.successes or problem is not None:
            break
        problem = await _make(subject, calls, fresh)
    return problem


async def _make_edges(subject: Subject, calls: Calls, share: int) -> str | None:
    """Make the calls at the edges; return why there are fewer than planned."""
    properties, examples = input_schema(subject).get("properties"), subject.run.settings.examples
    if not properties:
        return None
    offered, others = await offered_values(subject), await _calls_of_others(subject)
    edges = await edge_arguments(subject, calls.cases, lambda: _known_from(subject, others, offered), examples * share)
    planned = [Planned(arguments=edge.arguments, uses=edge.uses) for edge in edges]
    if share == EDGES_WHEN_IT_WORKS:
        odd = await odd_arguments(subject, examples * ODD_WHEN_IT_WORKS)
        odd += await slow_arguments(subject, calls.cases)
        planned += [Planned(arguments=arguments) for arguments in odd]
    return await _make(subject, calls, _unmade(planned, calls))


async def _calls_of_others(subject: Subject) -> list[tuple[Subject, Calls]]:
    """Return the calls of other tools that show what there is to be asked for.

    Inside a sandbox every tool is called once before, those that make something first, so that there is something to be
    found; outside, only what read-only tools say is passed on.
    """
    made = await plain_looks(subject)
    return made + await _rehearsals(subject) if subject.the_tool.decision.contained else made


def _known_from(
    subject: Subject, made: Sequence[tuple[Subject, Calls]], offered: Sequence[tuple[str, Known]]
) -> KnownValues:
    """Return what the server has named in some calls, or would not mind being asked for."""
    known = KnownValues(_read_cases(subject))
    known.add_given(subject.server)
    for other, calls in made:
        known.add_results(other.the_tool.name, calls)
    known.add_offered(offered)
    # Some tools do their work with any arguments, so that these say less than what is returned.
    for other, calls in made:
        known.add_arguments(other.the_tool.name, calls)
    return known


def _read_cases(subject: Subject) -> ReadCases:
    """Return what was read from the calls of a server so far."""
    read = subject.server.memory.setdefault("exercising.read", ReadCases())
    if not isinstance(read, ReadCases):
        raise TypeError("memory 'exercising.read' holds something else")
    return read


async def _rehearsals(subject: Subject) -> list[tuple[Subject, Calls]]:
    """Return the valid calls, short of the edges, of the other tools in a sandbox, made within some time."""
    clock = subject.run.clock
    deadline = clock.monotonic() + _REHEARSED_S
    others = [tool for tool in subject.server.tools if tool is not subject.tool and tool.decision.contained]
    made: list[tuple[Subject, Calls]] = []
    for tool in sorted(others, key=_turn):
        other = replace(subject, tool=tool, arguments=None)
        if clock.monotonic() < deadline:
            made.append((other, await _once(other, Kind.VALID, _make_valid)))
    return made


def _turn(tool: ToolUnderTest) -> int:
    """Return when a tool is called: what makes something first, what ends something or changes settings last."""
    words = set(words_of(tool.name))
    if words & _SETTINGS:
        return 3
    return 0 if words & _MAKING else 2 if words & _ENDING else 1


def _note_links(subject: Subject, case: Case) -> None:
    """Note where the values of a call came from, and whether it worked."""
    for parameter, use in case.uses.items():
        link = Link(source=use.source, member=use.member, target=subject.the_tool.name, parameter=parameter)
        subject.server.links.note(link, worked=case.succeeded)


async def _make_valid(subject: Subject, calls: Calls) -> str | None:
    """Make the valid calls; return why there are fewer than planned."""
    tool, count = subject.the_tool, subject.run.settings.examples
    most_told = _MOST_KEPT
    if is_open_world(tool):
        most_told = count = OPEN_WORLD_VALID
    told = await _make_told(subject, calls, wrong=False, most=most_told)
    if subject.arguments is not None:
        return None
    own = tool.decision.arguments
    planned = [] if own is None else [Planned(arguments=own, given=True)]
    chosen = await valid_arguments(subject, subject.run.settings.examples)
    planned += [Planned(arguments=arguments) for arguments in chosen.arguments]
    # What reaches beyond its server gets no call more for having shown a fault before.
    count = max(0, count - told) if is_open_world(tool) else count
    problem = await _make(subject, calls, _unmade(planned, calls)[:count])
    if calls.cases and not calls.cases[-1].ended_server and calls.cases[-1].after is None:
        calls.cases[-1] = await with_sign_of_life(subject, calls.cases[-1])
    return problem or chosen.problem


async def _make_wrong(subject: Subject, calls: Calls) -> str | None:
    """Make the calls with wrong arguments; return why there are fewer than planned."""
    await _make_told(subject, calls, wrong=True, most=_MOST_KEPT)
    if subject.arguments is not None:
        return None
    count = subject.run.settings.examples * (_MORE_WRONG if may_try(subject.the_tool) else 1)
    wrong = await wrong_arguments(subject, count)
    planned = [Planned(arguments=item.arguments, flaw=item.flaw) for item in wrong]
    return await _make(subject, calls, _unmade(planned, calls), Kind.WRONG)


async def _make_told(subject: Subject, calls: Calls, *, wrong: bool, most: int) -> int:
    """Make the calls that the user asks for, or those that showed a fault in an earlier run; return how many.

    What they do to the server keeps no other call from being made, so that a kept example hides nothing.
    """
    if subject.arguments is not None:
        told = [subject.arguments]
    else:
        told = [*subject.run.examples.of_tool(subject.server.name, subject.the_tool.name)]
    flaws = [(arguments, await flaw_of(subject, arguments)) for arguments in told]
    planned = [Planned(arguments=arguments, flaw=flaw, told=True) for arguments, flaw in flaws]
    kind = Kind.WRONG if wrong else Kind.VALID
    await _prepare(subject)
    await _make(subject, calls, [item for item in planned if (item.flaw is not None) is wrong][:most], kind)
    return len(calls.cases)


async def _prepare(subject: Subject) -> None:
    """Make the calls that the user wants to come before the told one, once for all that is asked of it.

    Raises:
        UnavailableError: The server is down.
    """
    server, key = subject.server, f"exercising.prepared.{canonical([made.as_json() for made in subject.before])}"
    if subject.arguments is None or not subject.before or key in server.memory:
        return
    server.memory[key] = True
    for made in subject.before:
        await server.call_tool(made.tool, made.arguments)


def _unmade(planned: Iterable[Planned], calls: Calls) -> list[Planned]:
    """Return the planned calls whose arguments no call was made with."""
    made = {canonical(case.arguments) for case in calls.cases}
    return [item for item in planned if canonical(item.arguments) not in made]


def _patience_s(subject: Subject, limit_s: float) -> float:
    """Return how long an answer is waited for: the limit, and less only of a tool that was shown to hang.

    So that a tool is said to hang, it must have had all the time there is; nothing that it did before shortens it, nor
    that the arguments are wrong, for a patient tool may be slow in some cases only.
    """
    made = (subject.server.memory.get(_key(subject, kind)) for kind in (Kind.VALID, Kind.WRONG))
    hung = any(case.timed_out for calls in made if isinstance(calls, Calls) for case in calls.cases)
    return limit_s * _HURRIED if hung else limit_s


async def _make(subject: Subject, calls: Calls, planned: Sequence[Planned], kind: Kind = Kind.VALID) -> str | None:
    """Make calls until all are made or something speaks against more; return what that is.

    Raises:
        UnavailableError: The server is down.
    """
    clock, tool = subject.run.clock, subject.the_tool
    longest_s = max(_TOOL_S, subject.run.settings.budget_s or 0.0)
    deadline = clock.monotonic() + longest_s
    last: Planned | None = None
    for index, item in enumerate(planned):
        if last is not None:
            calls.cases[-1] = await with_end_seen(subject, calls.cases[-1])
            if not last.uses and _has_ended_enough(calls, last):
                return "it is not called again after it ended the server"
        if calls_left(subject.server, tool) == 0:
            return f"a tool with openWorldHint gets at most {OPEN_WORLD_CALLS} calls"
        if clock.monotonic() >= deadline:
            return f"the calls took {longest_s:g} s"
        if not has_time(subject, kind):
            calls.left += planned[index:]
            return _USED_UP
        if item.uses and _has_ended_enough(calls, item):
            continue
        case = await _made(subject, item, kind)
        last, ended = item, _kept(calls, case)
        if ended is not None:
            return ended
    return None


def _kept(calls: Calls, case: Case) -> str | None:
    """Add a call that was made, and return what speaks against more of its kind, or None."""
    if case.exchange.is_throttled:
        return f"the server limits how often it is called: {case.exchange.describe()}"
    calls.cases.append(case)
    if case.timed_out:
        return "it is not called again after a call that was not answered in time"
    return None


def _has_ended_enough(calls: Calls, item: Planned) -> bool:
    """Return whether calls like one have ended the server often enough; those with values that it named are a kind."""
    alike = (case for case in calls.cases if case.told is item.told and bool(case.uses) is bool(item.uses))
    return sum(case.ended_server or case.silenced_server for case in alike) >= _MOST_ENDED


async def _made(subject: Subject, item: Planned, kind: Kind) -> Case:
    """Make one call, and note what it took and where its values came from."""
    spent_s, tool, shares = subject.server.spent_s, subject.the_tool.name, time_shares(subject)
    before, limit_s = spent_s.get(tool, 0.0), (await subject.server.session()).limits.call_s
    case = await call(subject, item, timeout_s=_patience_s(subject, limit_s))
    if shares is not None:
        shares.spend(kind, tool, spent_s.get(tool, 0.0) - before)
    _note_links(subject, case)
    return case
