"""Smaller arguments that show the same fault: what a person wants to read, and to repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.readiness.subject import UnavailableError
from mcp_assay_suites.exercising.arguments import input_schema
from mcp_assay_suites.exercising.calling import Planned, call
from mcp_assay_suites.exercising.cases import canonical
from mcp_assay_suites.exercising.limits import may_explore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

_MOST_CALLS = 12
_MOST_DEADLY_CALLS = 4
_MOST_CANDIDATES = 60


async def smallest(subject: Subject, case: Case, shows: Callable[[Case], Awaitable[bool]]) -> Case:
    """Return a case with smaller arguments that still shows the fault, found within a few calls; ``case`` if none is.

    Only a tool that may be called again is, and only with arguments that fit its input schema.

    Args:
        subject: The tool.
        case: A call with valid arguments that shows the fault.
        shows: Whether another call shows it too.
    """
    if case.flaw is not None or not may_explore(subject):
        return case
    calls = _MOST_DEADLY_CALLS if case.ended_server or case.silenced_server else _MOST_CALLS
    tried = {canonical(case.arguments)}
    try:
        while (candidate := await _next(subject, case.arguments, tried)) is not None and calls:
            calls -= 1
            attempt = await call(subject, Planned(arguments=candidate))
            case = attempt if await shows(attempt) else case
    except UnavailableError:
        return case
    return case


async def _next(subject: Subject, arguments: JsonObject, tried: set[str]) -> JsonObject | None:
    """Return the next smaller arguments that were not tried yet and fit the input schema."""
    for count, candidate in enumerate(reductions(arguments)):
        if count >= _MOST_CANDIDATES:
            return None
        text = canonical(candidate)
        if text in tried:
            continue
        tried.add(text)
        if (await subject.run.schemas.validate(input_schema(subject), candidate)).clean:
            return candidate
    return None


def reductions(arguments: JsonObject) -> Iterator[JsonObject]:
    """Yield smaller arguments, the boldest steps first: without a member, then with a smaller value in one."""
    for name in arguments:
        yield {other: value for other, value in arguments.items() if other != name}
    for name, value in arguments.items():
        for smaller in smaller_values(value):
            yield {**arguments, name: smaller}


def smaller_values(value: Json) -> Iterator[Json]:
    """Yield plainer values of the same type."""
    match value:
        case bool():
            if value:
                yield False
        case int() | float():
            yield from (plain for plain in (0, 1) if abs(plain) < abs(value))
        case str():
            yield from (value[:length] for length in dict.fromkeys((0, 1, len(value) // 2)) if length < len(value))
        case list():
            yield from (value[:length] for length in dict.fromkeys((0, 1, len(value) // 2)) if length < len(value))
        case dict():
            yield from reductions(value)
        case _:
            return
