"""Limits of measurements as a user writes them: ``p95 < 200ms``, ``rss_growth < 5MB/1000 calls``."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from mcp_assay.core.quantities import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Something that can have a budget.

    Attributes:
        name: What it is called.
        quantity: What it is measured in.
        of_tools: Whether each tool has one, otherwise the server as a whole.
        most: Whether the limit is the largest allowed value, otherwise the least.
    """

    name: str
    quantity: Quantity
    of_tools: bool = False
    most: bool = True


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            *(Metric(name=name, quantity=Quantity.TIME, of_tools=True) for name in ("p50", "p90", "p95", "p99", "max")),
            Metric(name="first_byte", quantity=Quantity.TIME, of_tools=True),
            Metric(name="error_rate", quantity=Quantity.SHARE, of_tools=True),
            Metric(name="throughput", quantity=Quantity.RATE, of_tools=True, most=False),
            Metric(name="cold_start", quantity=Quantity.TIME),
            Metric(name="shutdown", quantity=Quantity.TIME),
            Metric(name="recovery", quantity=Quantity.TIME),
            Metric(name="rss", quantity=Quantity.SIZE),
            Metric(name="rss_growth", quantity=Quantity.SIZE_PER_CALL),
            Metric(name="cpu", quantity=Quantity.TIME_PER_CALL),
            Metric(name="open_files", quantity=Quantity.NUMBER),
            Metric(name="open_files_growth", quantity=Quantity.NUMBER_PER_CALL),
            Metric(name="children", quantity=Quantity.NUMBER),
            Metric(name="children_growth", quantity=Quantity.NUMBER_PER_CALL),
        )
    }
)
"""Every metric by its name."""

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_EVERY = re.compile(r"\s*(?:/|per)\s*(?P<count>[0-9][0-9_,]*)?\s*(?P<kilo>k)?\s*calls?$")
_UNITS: Mapping[Quantity, Mapping[str, float]] = {
    Quantity.TIME: _SECONDS,
    Quantity.TIME_PER_CALL: _SECONDS,
    Quantity.SHARE: {"%": 0.01, "": 1.0},
    Quantity.RATE: {"/s": 1.0, "/min": 1 / 60, "calls/s": 1.0, "": 1.0},
    Quantity.SIZE: _BYTES,
    Quantity.SIZE_PER_CALL: _BYTES,
    Quantity.NUMBER: {"": 1.0},
    Quantity.NUMBER_PER_CALL: {"": 1.0},
}
_PER_CALL = frozenset({Quantity.TIME_PER_CALL, Quantity.SIZE_PER_CALL, Quantity.NUMBER_PER_CALL})
_EXAMPLES = {
    Quantity.TIME: "200ms",
    Quantity.TIME_PER_CALL: "2ms/call",
    Quantity.SHARE: "1%",
    Quantity.RATE: "50/s",
    Quantity.SIZE: "300MB",
    Quantity.SIZE_PER_CALL: "5MB/1000 calls",
    Quantity.NUMBER: "40",
    Quantity.NUMBER_PER_CALL: "1/1000 calls",
}
_SHAPE = re.compile(r"\s*(?P<metric>[^\s<>=]*)\s*(?P<sign>[<>=!]*)\s*(?P<amount>.*?)\s*$", re.DOTALL)
_AMOUNT = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*(?P<unit>.*)$")


class BudgetSyntaxError(ValueError):
    """A limit cannot be read.

    Attributes:
        message: One sentence without a full stop.
        hint: The next step.
        at: Where in the text it stands, counted from 0.
    """

    def __init__(self, message: str, *, hint: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.at = at


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One limit.

    Attributes:
        metric: What is limited.
        limit: The limit, in the unit of the metric's quantity.
        strict: Whether the limit itself is already too much.
        text: The limit as it was written.
    """

    metric: Metric
    limit: float
    strict: bool
    text: str

    def is_kept(self, value: float) -> bool:
        """Return whether a measured value keeps the limit."""
        better, worse = (value, self.limit) if self.metric.most else (self.limit, value)
        return better < worse or (better == worse and not self.strict)


def parse_budget(text: str) -> Budget:
    """Return what a limit says, for example ``p95 < 200ms`` or ``rss_growth <= 5 MB / 1000 calls``.

    Raises:
        BudgetSyntaxError: It cannot be read; says where and what to write instead.
    """
    shape = _SHAPE.match(text)
    name = shape["metric"] if shape else ""
    metric = METRICS.get(name)
    if shape is None or metric is None:
        raise _unknown(name, shape.start("metric") if shape else 0)
    signs = ("<", "<=") if metric.most else (">", ">=")
    example = f"{name} {signs[0]} {_EXAMPLES[metric.quantity]}"
    if shape["sign"] not in signs:
        found = f", not {shape['sign']}" if shape["sign"] else ""
        message = f"after {name} comes {signs[0]} or {signs[1]}{found}"
        raise BudgetSyntaxError(message, hint=f"for example {example!r}", at=shape.start("sign"))
    limit = _amount(shape["amount"], metric, example, shape.start("amount"))
    return Budget(metric=metric, limit=limit, strict=len(shape["sign"]) == 1, text=" ".join(text.split()))


def _unknown(name: str, at: int) -> BudgetSyntaxError:
    """Return the error that there is no such metric."""
    near = difflib.get_close_matches(name.lower(), METRICS, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"known metrics: {', '.join(METRICS)}"
    return BudgetSyntaxError(f"unknown metric {name!r}" if name else "the metric is missing", hint=hint, at=at)


def _amount(text: str, metric: Metric, example: str, at: int) -> float:
    """Return a limit in its quantity's own unit.

    Raises:
        BudgetSyntaxError: There is no number, or a unit that does not belong to it.
    """
    found = _AMOUNT.match(text)
    if found is None:
        shown = f"not {text!r}" if text else "and none is there"
        raise BudgetSyntaxError(f"{metric.name} needs a number, {shown}", hint=f"for example {example!r}", at=at)
    unit, calls = found["unit"].strip(), 1.0
    every = _EVERY.search(unit) if metric.quantity in _PER_CALL else None
    if every is not None:
        count = float((every["count"] or "1").replace(",", "").replace("_", "")) * (1000 if every["kilo"] else 1)
        unit, calls = unit[: every.start()].strip(), max(count, 1.0)
    units = _UNITS[metric.quantity]
    if unit not in units or (every is None and metric.quantity in _PER_CALL):
        raise _wrong_unit(found["unit"].strip(), metric, example, at + found.start("unit"))
    return float(found["number"]) * units[unit] / calls


def _wrong_unit(unit: str, metric: Metric, example: str, at: int) -> BudgetSyntaxError:
    """Return the error that a unit does not belong to a metric."""
    known = ", ".join(unit for unit in _UNITS[metric.quantity] if unit and unit != "μs")
    per = " followed by /call or /1000 calls" if metric.quantity in _PER_CALL else ""
    words = f"one of {known}{per}" if known else f"a plain number{per}"
    shown = f"{unit!r} is no unit of {metric.name}" if unit else f"the unit of {metric.name} is missing"
    return BudgetSyntaxError(shown, hint=f"{words}; for example {example!r}", at=at)
