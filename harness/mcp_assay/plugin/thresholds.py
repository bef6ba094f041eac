"""``--mcp-compare-fail p95:20%``: how much slower than a saved run is too slow."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from dataclasses import dataclass

_EXPRESSION = re.compile(r"(?P<field>p50|p90|p95|p99):(?P<amount>\d+(?:\.\d+)?(?:[eE]-?\d+)?)(?P<percent>%?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The most that a quantile may grow.

    Attributes:
        field: ``p50``, ``p90``, ``p95`` or ``p99``.
        amount: By how much, in per cent or in seconds.
        relative: Whether the amount is in per cent.
    """

    field: str
    amount: float
    relative: bool

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Return the threshold that an option holds.

        Raises:
            ArgumentTypeError: It cannot be read.
        """
        found = _EXPRESSION.fullmatch(text)
        if found is None:
            raise ArgumentTypeError(f"{text!r} is none of p50, p90, p95, p99 with :20% or :0.005 for seconds")
        return cls(field=found["field"], amount=float(found["amount"]), relative=bool(found["percent"]))

    def limit(self, before: float) -> float:
        """Return the largest value that is allowed after ``before``, in seconds."""
        return before * (1 + self.amount / 100) if self.relative else before + self.amount

    def __str__(self) -> str:
        """Return the threshold as it is written."""
        return f"{self.field}:{self.amount:g}{'%' if self.relative else ''}"
