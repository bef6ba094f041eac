"""Measured values as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.config.budgets import Quantity
from mcp_assay_suites.performance.measuring import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_THOUSAND = 1000


def shown(value: float, quantity: Quantity) -> str:
    """Return a value in the unit of its quantity, for example ``5.2 MB/1000 calls``."""
    return _SHOWN[quantity](value)


def size(value: float) -> str:
    """Return a number of bytes in decimal units."""
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= bytes_:
            return f"{value / bytes_:.3g} {unit}"
    return f"{value:.3g} B"


_SHOWN: Mapping[Quantity, Callable[[float], str]] = {
    Quantity.TIME: milliseconds,
    Quantity.TIME_PER_CALL: lambda value: f"{milliseconds(value)}/call",
    Quantity.SHARE: lambda value: f"{value:.3%}",
    Quantity.SIZE: size,
    Quantity.SIZE_PER_CALL: lambda value: f"{size(value * _THOUSAND)}/1000 calls",
    Quantity.NUMBER: lambda value: f"{value:g}",
    Quantity.NUMBER_PER_CALL: lambda value: f"{value * _THOUSAND:.3g}/1000 calls",
    Quantity.RATE: lambda value: f"{value:.3g}/s",
}
