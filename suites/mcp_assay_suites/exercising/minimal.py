"""Smaller arguments that show the same fault: what a person wants to read, and to repeat."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from mcp_assay.readiness.subject import UnavailableError
from mcp_assay_suites.exercising.arguments import input_schema, value_at
from mcp_assay_suites.exercising.calling import Planned, call
from mcp_assay_suites.exercising.cases import canonical
from mcp_assay_suites.exercising.limits import may_explore
from mcp_assay_suites.exercising.standing import standing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

_MOST_CALLS = 40
_MOST_DEADLY_CALLS = 6
_MOST_CANDIDATES = 120
_MOST_ITEMS = 3
_PATIENCE_S = 2.0
_QUICK_S = 0.5
_EXACT = 2.0**53
_ROUND = (1e16, 1e100, 1e200, 1e300, 1e307, 1e308)
_ABOUT_PARTS = frozenset(
    {"required", "dependentRequired", "additionalProperties", "unevaluatedProperties", "minItems", "maxItems"}
    | {"minProperties", "maxProperties", "uniqueItems", "contains"}
)
"""Keywords that judge how a value is put together; its parts may shrink."""


async def smallest(subject: Subject, case: Case, shows: Callable[[Case], Awaitable[bool]]) -> Case:
    """Return a case with smaller arguments that still shows the fault, found within some calls; ``case`` if none is.

    It says what the server must have gone through, see `standing`.

    Only a tool that may be called again is, and only with arguments that fit its input schema, or break it as ``case``
    does.

    Args:
        subject: The tool.
        case: A call that shows the fault.
        shows: Whether another call shows it too.
    """
    slow = case.exchange.duration_s > _QUICK_S and not case.timed_out
    if slow or not may_explore(subject):
        return case
    costly = case.ended_server or case.silenced_server or case.timed_out
    search = _Search(subject, case, shows)
    try:
        await search.run(_MOST_DEADLY_CALLS if costly else _MOST_CALLS)
    except UnavailableError:
        return search.best
    return await standing(subject, search.best, shows)


class _Search:
    """Looks for smaller arguments, one step after another."""

    def __init__(self, subject: Subject, case: Case, shows: Callable[[Case], Awaitable[bool]]) -> None:
        self._subject = subject
        self._shows = shows
        self._tried = {canonical(case.arguments)}
        self._flaws: frozenset[tuple[str, str]] = frozenset()
        # What hangs is not waited for as long again: other calls were answered much sooner.
        self._timeout_s = _PATIENCE_S if case.timed_out else None
        self.best = case

    async def run(self, calls: int) -> None:
        """Improve `best` within a number of calls."""
        self._flaws = await self._flaws_of(self.best.arguments)
        while calls and (candidate := await self._next()) is not None:
            calls -= 1
            planned = Planned(arguments=candidate, flaw=self.best.flaw, uses=self.best.uses)
            attempt = await call(self._subject, planned, timeout_s=self._timeout_s)
            if await self._shows(attempt):
                self.best = attempt

    async def _next(self) -> JsonObject | None:
        """Return the next smaller arguments that were not tried yet and are as right or wrong as those at hand."""
        flaw = self.best.flaw
        keep = "" if flaw is None else flaw.pointer
        bare = (emptied(self.best.arguments, keep=keep, plainer=plainer) for plainer in (plainest, shortest))
        for candidate in islice(chain(bare, reductions(self.best.arguments)), _MOST_CANDIDATES):
            text = canonical(candidate)
            if text not in self._tried and self._keeps_flaw(candidate):
                self._tried.add(text)
                if await self._flaws_of(candidate) == self._flaws:
                    return candidate
        return None

    def _keeps_flaw(self, candidate: JsonObject) -> bool:
        """Return whether the value that is wrong in itself stays what it is: a smaller one might be meant well."""
        flaw = self.best.flaw
        if flaw is None or flaw.keyword in _ABOUT_PARTS:
            return True
        return value_at(candidate, flaw.pointer) == value_at(self.best.arguments, flaw.pointer)

    async def _flaws_of(self, arguments: JsonObject) -> frozenset[tuple[str, str]]:
        """Return where arguments break which keywords; nothing for valid ones."""
        verdict = await self._subject.run.schemas.validate(input_schema(self._subject), arguments)
        if verdict.exceeded or verdict.unusable:
            return frozenset({("", "cannot be judged")})
        return frozenset((problem.path, problem.keyword) for problem in verdict.problems)


def reductions(arguments: JsonObject) -> Iterator[JsonObject]:
    """Yield smaller arguments, the boldest steps first: without a member, then with a smaller value in one."""
    for name in arguments:
        yield {other: value for other, value in arguments.items() if other != name}
    for name, value in arguments.items():
        for smaller in smaller_values(value):
            yield {**arguments, name: smaller}


def plainest(value: Json) -> Json:
    """Return the plainest value of the same type as a scalar."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return 0 if number else value if value is None else type(value)()


def shortest(value: Json) -> Json:
    """Return the first character of a text, which is often plain enough where an empty one is refused."""
    return value[:1] if isinstance(value, str) else value


def emptied(arguments: JsonObject, *, keep: str, plainer: Callable[[Json], Json]) -> JsonObject:
    """Return the same objects and arrays with plainer scalars in them, all at once.

    Args:
        arguments: What is made plainer.
        keep: JSON Pointer of what stays as it is.
        plainer: Returns what stands for a scalar.
    """
    return {name: _emptied(value, _below(keep, name), plainer) for name, value in arguments.items()}


def _emptied(value: Json, keep: str | None, plainer: Callable[[Json], Json]) -> Json:
    """Return a value with plainer scalars; all of it stays where ``keep`` ends, None keeps nothing."""
    if keep == "":
        return value
    if isinstance(value, dict):
        return {name: _emptied(part, _below(keep, name), plainer) for name, part in value.items()}
    if isinstance(value, list):
        return [_emptied(part, _below(keep, str(index)), plainer) for index, part in enumerate(value)]
    return plainer(value)


def _below(pointer: str | None, name: str) -> str | None:
    """Return what is left of a JSON Pointer below a member, or None when it leads elsewhere."""
    token = name.replace("~", "~0").replace("/", "~1")
    if not pointer or (pointer != f"/{token}" and not pointer.startswith(f"/{token}/")):
        return None
    return pointer[len(token) + 1 :]


def smaller_values(value: Json) -> Iterator[Json]:
    """Yield plainer values of the same type."""
    match value:
        case bool():
            if value:
                yield False
        case float() if abs(value) > _EXACT:
            # Written out, such numbers have hundreds of digits that mean nothing.
            yield from (plain for plain in (0, 1, *_ROUND) if abs(plain) < abs(value))
        case int() | float() if value == value // 1:
            yield from _smaller_integers(int(value))
        case float():
            yield from (plain for plain in (0, 1, int(value)) if abs(plain) < abs(value))
        case str():
            yield from (value[:length] for length in dict.fromkeys((0, 1, len(value) // 2)) if length < len(value))
        case list():
            yield from (value[:length] for length in dict.fromkeys((0, 1, len(value) // 2)) if length < len(value))
            for index, item in enumerate(value[:_MOST_ITEMS]):
                yield from ([*value[:index], smaller, *value[index + 1 :]] for smaller in smaller_values(item))
        case dict():
            yield from reductions(value)
        case _:
            return


def _smaller_integers(value: int) -> Iterator[int]:
    """Yield integers nearer to 0, the boldest steps first, so that a bound is found as in a binary search."""
    steps = (value, value - value // 2, value // 4, value // 8, value // 16, value // 64, 1, -1)
    yield from dict.fromkeys(value - step for step in steps if abs(value - step) < abs(value))
