"""What is measured in which unit, and how a person reads it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_THOUSAND = 1000


class Quantity(StrEnum):
    """What a metric is measured in; the value is the unit in which figures and limits are kept."""

    TIME = "s"
    SHARE = "share"
    RATE = "calls/s"
    SIZE = "B"
    SIZE_PER_CALL = "B/call"
    NUMBER_PER_CALL = "per call"
    TIME_PER_CALL = "s/call"
    NUMBER = "number"


def shown(value: float, unit: str) -> str:
    """Return a value as a person reads it, for example ``5.2 MB/1000 calls``; an unknown unit follows its number."""
    show = _SHOWN.get(unit)
    return f"{value:g} {unit}" if show is None else show(value)


def milliseconds(seconds: float) -> str:
    """Return seconds as a person reads them, for example ``1.23 ms``."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def size(value: float) -> str:
    """Return a number of bytes in decimal units."""
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= bytes_:
            return f"{value / bytes_:.3g} {unit}"
    return f"{value:.3g} B"


_SHOWN: Mapping[str, Callable[[float], str]] = {
    Quantity.TIME: milliseconds,
    Quantity.TIME_PER_CALL: lambda value: f"{milliseconds(value)}/call",
    Quantity.SHARE: lambda value: f"{value * 100:.3g} %",
    Quantity.SIZE: size,
    Quantity.SIZE_PER_CALL: lambda value: f"{size(value * _THOUSAND)}/1000 calls",
    Quantity.NUMBER: lambda value: f"{value:g}",
    Quantity.NUMBER_PER_CALL: lambda value: f"{value * _THOUSAND:.3g}/1000 calls",
    Quantity.RATE: lambda value: f"{value:.3g}/s",
}
