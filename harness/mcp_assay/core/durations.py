"""Durations as people write them on a command line."""

from __future__ import annotations

import re

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?\s*(?:ms|s|min|m|h)\s*)+|[0-9]+(?:\.[0-9]+)?")
_PART = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>ms|min|s|m|h|)")


def seconds_of(text: str) -> float:
    """Return the seconds of a duration such as ``90``, ``10m``, ``1h30m`` or ``500ms``; plain numbers are seconds.

    Raises:
        ValueError: It is no duration, or none at all.
    """
    if _DURATION.fullmatch(text.strip()) is None:
        raise ValueError(f"{text!r} is no duration; write for example 90s, 10m or 1h30m")
    seconds = sum(float(part["number"]) * _UNITS[part["unit"]] for part in _PART.finditer(text.strip()))
    if seconds <= 0:
        raise ValueError(f"{text!r} is no time at all")
    return seconds
