"""The protocol of generators and those that have no parts."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from mcp_assay.generation.sources import Choice, Floats, Integers, Style

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcp_assay.core.json_types import Json
    from mcp_assay.generation.sources import Chooser

SAFE_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8259 §6)."""
ATTEMPTS = 30
_SPECIAL = 8
_ENDS = 1.797e308


class RejectedError(Exception):
    """This attempt led to no conforming value; another one may."""


class Node(Protocol):
    """Makes values of one part of a schema.

    Attributes:
        weight: The least number of JSON values that one value consists of; infinite while unknown or impossible.
    """

    weight: float

    def settle(self) -> bool:
        """Work out `weight` anew from the parts and return whether it changed."""
        ...

    def value(self, choose: Chooser) -> Json:
        """Return a value.

        Raises:
            RejectedError: None was found this time.
        """
        ...


@dataclass(slots=True)
class Fixed:
    """One of a few values."""

    values: Choice[Json]
    weight: float = 1.0

    def settle(self) -> bool:
        """Return False: there are no parts."""
        return False

    def value(self, choose: Chooser) -> Json:
        """Return one of the values, a container as a copy."""
        return copied(choose(self.values))


def copied(value: Json) -> Json:
    """Return ``value``, containers copied, so that whoever gets it may change it."""
    return copy.deepcopy(value) if isinstance(value, dict | list) else value


def fixed(values: Sequence[Json]) -> Fixed:
    """Return the generator of ``values``, the simplest first."""
    return Fixed(Choice(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Numbers that a schema admits.

    Attributes:
        low: Least value, or None.
        high: Greatest value, or None.
        above: Whether `low` itself is excluded.
        below: Whether `high` itself is excluded.
        steps: Every value is a multiple of all of them.
        barred: No value is a multiple of any of them.
    """

    low: Fraction | None = None
    high: Fraction | None = None
    above: bool = False
    below: bool = False
    steps: tuple[Fraction, ...] = ()
    barred: tuple[Fraction, ...] = ()

    @property
    def step(self) -> Fraction | None:
        """Return the least number that all values are multiples of, or None."""
        common = None
        for step in self.steps:
            common = step if common is None else _least_common_multiple(common, step)
        return common

    def admits(self, value: Fraction) -> bool:
        """Return whether ``value`` is no multiple of a barred step."""
        return not any((value / step).denominator == 1 for step in self.barred)

    def admits_in_floats(self, value: Fraction) -> bool:
        """Return whether ``value`` is a multiple of the steps for a validator that divides floats, as many do."""
        broken = (step for step in self.steps if step.denominator != 1)
        return all(abs(value) < _ENDS and (float(value) / float(step)).is_integer() for step in broken)

    def grid(self, step: Fraction) -> tuple[int | None, int | None]:
        """Return the least and the greatest factor whose product with ``step`` lies inside."""
        low = None if self.low is None else math.ceil(self.low / step)
        high = None if self.high is None else math.floor(self.high / step)
        if low is not None and self.above and low * step == self.low:
            low += 1
        if high is not None and self.below and high * step == self.high:
            high -= 1
        return low, high


def written(value: Fraction) -> int | float:
    """Return a fraction as the JSON number one would write."""
    return value.numerator if value.denominator == 1 else float(value)


def _least_common_multiple(first: Fraction, second: Fraction) -> Fraction:
    """Return the least positive fraction that is a whole multiple of both."""
    return Fraction(math.lcm(first.numerator, second.numerator), math.gcd(first.denominator, second.denominator))


@dataclass(slots=True)
class Number:
    """Numbers of an interval, as short as they come.

    Attributes:
        interval: What is admitted.
        whole: Factors of the step, or whole numbers of an interval without one; None when there are none.
        floats: Numbers between, or None when there is a step.
        edges: Numbers at and near the bounds.
    """

    interval: Interval
    step: Fraction
    whole: Integers | None
    floats: Floats | None
    edges: Choice[Fraction] | None
    weight: float = field(init=False)

    def __post_init__(self) -> None:
        self.weight = 1.0 if self.whole or self.floats else math.inf

    def settle(self) -> bool:
        """Return False: there are no parts."""
        return False

    def value(self, choose: Chooser) -> Json:
        """Return a number, a whole one written as an integer."""
        spare: Fraction | None = None
        for _ in range(ATTEMPTS):
            made = self._attempt(choose)
            if not self.interval.admits(made):
                continue
            if self.interval.admits_in_floats(made):
                return written(made)
            spare = made
        if spare is None:
            raise RejectedError
        return written(spare)

    def _attempt(self, choose: Chooser) -> Fraction:
        """Return a number inside the interval that may be barred."""
        if self.edges and choose.style is not Style.PLAIN and choose(_MOSTLY):
            return choose(self.edges)
        if self.whole and (self.floats is None or choose(_WHOLE_OR_NOT)):
            return choose(self.whole) * self.step
        if self.floats is None:
            raise RejectedError
        return Fraction(choose(self.floats))


_WHOLE_OR_NOT = Choice((True, False))
_MOSTLY = Choice((True, True, True, False))


def number(interval: Interval, plain: int, *, whole: bool) -> Number:
    """Return the generator for ``interval``; integers only when ``whole``.

    Args:
        interval: What is admitted.
        plain: The plausible value nearest to which the simplest one is.
        whole: Whether fractions are barred.
    """
    step = interval.step
    if whole:
        step = _least_common_multiple(step or Fraction(1), Fraction(1))
    low, high = _closed(interval, step or Fraction(1))
    counts = None if low > high else Integers(low, high, plain=round(plain / (step or 1)))
    floats = None if step is not None else _floats(interval)
    return Number(interval, step or Fraction(1), counts, floats, _edges(counts, step or Fraction(1), floats))


def _edges(whole: Integers | None, step: Fraction, floats: Floats | None) -> Choice[Fraction] | None:
    """Return the numbers at and next to the bounds and zero."""
    found: list[Fraction] = []
    if whole:
        near = (whole.low, whole.low + 1, whole.high - 1, whole.high, 0, 1, -1)
        found.extend(factor * step for factor in near if whole.low <= factor <= whole.high)
    if floats:
        low, high = floats.low, floats.high
        found.extend(Fraction(bound) for bound in (low, high) if bound is not None)
        odd = (0.1, 5e-324, 1e308, -1e308)
        found.extend(
            Fraction(value) for value in odd if (low is None or low <= value) and (high is None or value <= high)
        )
    return Choice(list(dict.fromkeys(found))) if found else None


def _closed(interval: Interval, step: Fraction) -> tuple[int, int]:
    """Return the factors inside the interval, open ends closed at safe integers or a thousand steps further."""
    low, high = interval.grid(step)
    edge = max(1, math.floor(SAFE_INTEGER / step))
    if low is None:
        low = -edge if high is None or high > -edge else high - 1_000
    if high is None:
        high = edge if low < edge else low + 1_000
    return low, high


def _floats(interval: Interval) -> Floats | None:
    """Return the floats strictly inside or at the ends of ``interval``, or None when there are none."""
    low = -_ENDS if interval.low is None else _as_float(interval.low)
    high = _ENDS if interval.high is None else _as_float(interval.high)
    if interval.above or (interval.low is not None and Fraction(low) < interval.low):
        low = math.nextafter(low, math.inf)
    if interval.below or (interval.high is not None and Fraction(high) > interval.high):
        high = math.nextafter(high, -math.inf)
    if low > high:
        return None
    return Floats(None if interval.low is None else low, None if interval.high is None else high)


def _as_float(value: Fraction) -> float:
    """Return the float nearest to ``value`` inside the finite range."""
    return float(max(Fraction(-_ENDS), min(Fraction(_ENDS), value)))


@dataclass(slots=True)
class Text:
    """Texts within a length that pass a check.

    Attributes:
        makers: Ways to make a text, tried in turn.
        special: Ways to make a text of another style, tried first.
        low: Least number of characters.
        high: Greatest number of characters, or None.
        passes: Checks what the length does not, or None.
    """

    makers: Sequence[Callable[[Chooser], str]]
    special: Mapping[Style, Callable[[Chooser], str]]
    low: int
    high: int | None
    passes: Callable[[Json], bool] | None
    weight: float = 1.0

    def settle(self) -> bool:
        """Return False: there are no parts."""
        return False

    def value(self, choose: Chooser) -> Json:
        """Return a text that fits."""
        special = self.special.get(choose.style)
        for attempt in range(ATTEMPTS):
            wanted = special if special and attempt < _SPECIAL and choose(_MOSTLY) else None
            made = (wanted or self.makers[attempt % len(self.makers)])(choose)
            fits = len(made) >= self.low and (self.high is None or len(made) <= self.high)
            if fits and (self.passes is None or self.passes(made)):
                return made
        raise RejectedError
