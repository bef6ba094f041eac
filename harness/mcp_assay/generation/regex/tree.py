"""The parts of a regular expression that decide which texts it makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from mcp_assay.generation.sources import Choice, Integers


@dataclass(frozen=True, slots=True)
class Nothing:
    """An assertion, a flag or an empty alternative: it contributes no text."""


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of a set.

    Attributes:
        choices: The set, plainest first.
    """

    choices: Choice[str]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts one after another."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several parts."""

    choices: Choice[Part]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times.

    Attributes:
        part: What is repeated.
        low: Least count.
        high: Greatest count, or None.
        counts: Where the usual count is drawn from.
    """

    part: Part
    low: int
    high: int | None
    counts: Integers = field(init=False)

    def __post_init__(self) -> None:
        reach = self.low + 5
        object.__setattr__(self, "counts", Integers(self.low, reach if self.high is None else min(self.high, reach)))


@dataclass(frozen=True, slots=True)
class Group:
    """A part that a back reference may repeat.

    Attributes:
        part: What is captured.
        names: Its number and, if it has one, its name.
    """

    part: Part
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Back:
    """The text of an earlier group.

    Attributes:
        name: The group's number or name.
    """

    name: str


Part: TypeAlias = Nothing | Characters | Sequence | Alternatives | Repeat | Group | Back


def shortest(part: Part) -> int:
    """Return the least number of characters ``part`` makes; back references count as nothing."""
    match part:
        case Nothing() | Back():
            return 0
        case Characters():
            return 1
        case Sequence(parts):
            return sum(shortest(each) for each in parts)
        case Alternatives(choices):
            return min(shortest(each) for each in choices.values)
        case Repeat(inner, low):
            return low * shortest(inner) if low else 0
        case Group(inner):
            return shortest(inner)
