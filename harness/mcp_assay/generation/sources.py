"""Small sources of values, each of which Hypothesis can shrink and a random generator can sample.

A generator asks a `Chooser` for values of sources and never knows whether Hypothesis, a seeded generator or the wish
for the simplest example is behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from hypothesis.strategies import DrawFn, SearchStrategy

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

ALPHABET = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.,:;!?/()[]{}<>@#$%&*+='\"\\|~^`"
    "äßéñøŁİıΣςλЖשع中文あ한\u0301\u00a0\u200d🙂\U0001d518"
)
"""What general text is made of: mostly ASCII, with characters on which case folding, widths and encodings differ."""
_LARGEST = 2**53


DEEPEST_OPTIONAL = 10
"""Containers within containers beyond which optional parts are left out."""
DEEPEST = 100
"""Containers within containers beyond which an attempt is given up."""


class Source(Protocol[T_co]):
    """Values of one simple kind."""

    @property
    def strategy(self) -> SearchStrategy[T_co]:
        """Return the Hypothesis strategy."""
        ...

    @property
    def simplest(self) -> T_co:
        """Return the plainest plausible value."""
        ...

    def sample(self, random: Random) -> T_co:
        """Return one value drawn by ``random``."""
        ...


class Style(Enum):
    """What kind of conforming values is wanted.

    `PLAIN` values are plausible. `EDGES` lie at the bounds: least, greatest, shortest, longest, empty. `HOSTILE` ones
    are what careless code trips over: odd Unicode, control characters, path, shell, SQL and template syntax, text that
    reads like an instruction. All of them are harmless if a server acts on them.
    """

    PLAIN = auto()
    EDGES = auto()
    HOSTILE = auto()


class Chooser(Protocol):
    """Decides which value of a source is used.

    Attributes:
        left: How many more parts a value may get; optional parts are left out at zero.
        depth: How many containers are open.
        eager: Whether every optional part is wanted for which there is room.
        style: What kind of values is wanted.
    """

    left: int
    depth: int
    eager: bool
    style: Style

    def __call__(self, source: Source[T]) -> T:
        """Return a value of ``source``."""
        ...


def roomy(choose: Chooser, weight: float = 0) -> bool:
    """Return whether there is room for an optional part of ``weight`` values."""
    return choose.left > 0 and choose.left >= weight and choose.depth < DEEPEST_OPTIONAL


@dataclass(slots=True)
class DrawingChooser:
    """Draws inside a Hypothesis strategy."""

    draw: DrawFn
    left: int = 150
    depth: int = 0
    eager: bool = False
    style: Style = Style.PLAIN

    def __call__(self, source: Source[T]) -> T:
        """Return a value that Hypothesis chose."""
        return self.draw(source.strategy)


@dataclass(slots=True)
class SamplingChooser:
    """Samples with a seeded generator, without Hypothesis' engine."""

    random: Random
    left: int = 150
    depth: int = 0
    eager: bool = False
    style: Style = Style.PLAIN

    def __call__(self, source: Source[T]) -> T:
        """Return a value that the generator chose."""
        return source.sample(self.random)


@dataclass(slots=True)
class SimplestChooser:
    """Takes the plainest value everywhere."""

    left: int = 0
    depth: int = 0
    eager: bool = False
    style: Style = Style.PLAIN

    def __call__(self, source: Source[T]) -> T:
        """Return the plainest value."""
        return source.simplest


@dataclass(frozen=True, slots=True)
class Integers:
    """Integers from ``low`` to ``high``.

    Attributes:
        plain: The plausible value nearest to which `simplest` is.
    """

    low: int
    high: int
    plain: int = 1
    strategy: SearchStrategy[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "strategy", st.integers(self.low, self.high))

    @property
    def simplest(self) -> int:
        """Return the integer in range that is nearest to `plain`."""
        return min(self.high, max(self.low, self.plain))

    def sample(self, random: Random) -> int:
        """Return an integer, small ones more often: a wide range is cut to a window around `simplest`."""
        reach = random.choice((10, 100, 1_000, 2**33, None))
        if reach is None:
            return random.randint(self.low, self.high)
        return random.randint(max(self.low, self.simplest - reach), min(self.high, self.simplest + reach))


@dataclass(frozen=True, slots=True)
class Floats:
    """Finite floats from ``low`` to ``high``; None is open."""

    low: float | None
    high: float | None
    strategy: SearchStrategy[float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        strategy = st.floats(self.low, self.high, allow_nan=False, allow_infinity=False)
        object.__setattr__(self, "strategy", strategy)

    @property
    def simplest(self) -> float:
        """Return a short number in range."""
        low = -_LARGEST if self.low is None else self.low
        high = _LARGEST if self.high is None else self.high
        return 0.5 if low <= 0.5 <= high else (low + high) / 2 if low > 0.5 or high < 0.5 else low

    def sample(self, random: Random) -> float:
        """Return a number with few digits where the range has room for them."""
        low = (self.high if self.high is not None else 0.0) - 1e6 if self.low is None else self.low
        high = low + 1e6 if self.high is None else self.high
        value = random.uniform(low, high)
        rounded = round(value, 2)
        return rounded if low <= rounded <= high else value


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One of several values; the first is the simplest."""

    values: Sequence[T]
    strategy: SearchStrategy[T] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "strategy", st.sampled_from(self.values))

    @property
    def simplest(self) -> T:
        """Return the first value."""
        return self.values[0]

    def sample(self, random: Random) -> T:
        """Return any of the values, all equally likely."""
        return random.choice(self.values)


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of ``low`` to ``high`` characters of an alphabet.

    Attributes:
        plain: What `simplest` is made of.
    """

    low: int
    high: int
    alphabet: str = ALPHABET
    plain: str = "example"
    strategy: SearchStrategy[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "strategy", st.text(self.alphabet, min_size=self.low, max_size=self.high))

    @property
    def simplest(self) -> str:
        """Return `plain`, repeated or cut to the length."""
        repeats = -(-self.low // max(1, len(self.plain)))
        return (self.plain * max(1, repeats))[: max(self.low, min(self.high, len(self.plain)))]

    def sample(self, random: Random) -> str:
        """Return a text, short more often than long."""
        length = random.randint(self.low, random.choice((self.low, min(self.high, self.low + 8), self.high)))
        return "".join(random.choices(self.alphabet, k=length))
