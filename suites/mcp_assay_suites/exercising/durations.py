"""Parameters that say how long a tool shall take: kept small, so that a patient tool is not taken for a hanging one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay_suites.exercising.cases import Case

SHORT_S = 0.1
"""How long a tool is asked to take, where that can be told."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MILLISECONDS = frozenset({"ms", "msec", "msecs", "millis", "millisecond", "milliseconds"})
_SECONDS = frozenset({"s", "sec", "secs", "second", "seconds"})
_TIMES = frozenset(
    {"delay", "delays", "duration", "interval", "minutes", "pause", "sleep", "timeout", "wait", "waiting"}
)


def unit_of(name: str) -> float | None:
    """Return the seconds that 1 stands for in a parameter that says how long something takes, None for others.

    Without a unit in the name seconds are assumed.
    """
    words = {word.lower() for word in _WORDS.findall(name)}
    if words & _MILLISECONDS:
        return 0.001
    return 1.0 if words & (_SECONDS | _TIMES) else None


def shortened(arguments: JsonObject) -> JsonObject:
    """Return the arguments with everything that says how long the tool takes made short."""
    return {name: _short(name, value) for name, value in arguments.items()}


def lengthened(schema: Mapping[str, Json], arguments: JsonObject, seconds: float) -> JsonObject | None:
    """Return the arguments with the tool asked to take some seconds, or None when it cannot be asked to."""
    properties = schema.get("properties")
    for name in properties if isinstance(properties, dict) else ():
        unit = unit_of(name)
        if unit is not None:
            return {**arguments, name: max(1, round(seconds / unit))}
    return None


def is_asked_to_wait(case: Case, others: Iterable[Case]) -> bool:
    """Return whether a call asked the tool to take longer than any other call that was answered."""
    answered = [dict(_times(other.arguments)) for other in others if other.exchange.message is not None]
    return any(
        value > max((times.get(name, 0.0) for times in answered), default=0.0) for name, value in _times(case.arguments)
    )


def _times(arguments: Mapping[str, Json]) -> Iterator[tuple[str, float]]:
    """Yield the parameters that say how long the tool takes, in seconds."""
    for name, value in arguments.items():
        unit = unit_of(name)
        if unit is not None and isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value * unit


def _short(name: str, value: Json) -> Json:
    """Return a value, made short when it is a time."""
    unit = unit_of(name)
    if unit is None or isinstance(value, bool) or not isinstance(value, int | float) or value * unit <= SHORT_S:
        return value
    return max(1, round(SHORT_S / unit))
