"""Making texts that a regular expression matches."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.generation.regex.parsing import PatternError, parsed
from mcp_assay.generation.regex.tree import (
    Alternatives,
    Back,
    Characters,
    Group,
    Nothing,
    Part,
    Repeat,
    Sequence,
    shortest,
)

if TYPE_CHECKING:
    from mcp_assay.generation.sources import Chooser

_LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class PatternText:
    """Texts for one regular expression.

    Look-around and word boundaries are not obeyed: whoever uses a text checks it.

    Attributes:
        tree: The expression.
        shortest: The least number of characters it makes.
    """

    tree: Part
    shortest: int

    def make(self, choose: Chooser, at_least: int = 0) -> str:
        """Return a text; repetitions without an end are stretched towards ``at_least`` characters.

        Raises:
            PatternError: It grew too long.
        """
        pieces: list[str] = []
        _Making(choose=choose, pieces=pieces, captured={}, at_least=at_least).add(self.tree)
        return "".join(pieces)


@functools.lru_cache(maxsize=512)
def pattern_text(pattern: str) -> PatternText:
    """Return the maker of texts for ``pattern``.

    Raises:
        PatternError: It cannot be read, or its shortest text is too long.
    """
    tree = parsed(pattern)
    least = shortest(tree)
    if least > _LONGEST_TEXT:
        raise PatternError(f"its shortest text has {least} characters")
    return PatternText(tree, least)


@dataclass(slots=True)
class _Making:
    """One text in the making."""

    choose: Chooser
    pieces: list[str]
    captured: dict[str, str]
    at_least: int
    size: int = 0

    def add(self, part: Part) -> None:
        """Append a text for ``part``."""
        match part:
            case Nothing():
                pass
            case Characters(choices):
                self.append(self.choose(choices))
            case Sequence(parts):
                for each in parts:
                    self.add(each)
            case Alternatives(choices):
                self.add(self.choose(choices))
            case Repeat():
                for _ in range(self.count(part)):
                    self.add(part.part)
            case Group(inner, names):
                start = len(self.pieces)
                self.add(inner)
                self.captured.update(dict.fromkeys(names, "".join(self.pieces[start:])))
            case Back(name):
                self.append(self.captured.get(name, ""))

    def append(self, piece: str) -> None:
        """Append one piece.

        Raises:
            PatternError: The text grew too long.
        """
        self.size += len(piece)
        if self.size > _LONGEST_TEXT:
            raise PatternError("the text grew too long")
        self.pieces.append(piece)

    def count(self, repeat: Repeat) -> int:
        """Return how often to repeat."""
        missing = self.at_least - self.size
        count = self.choose(repeat.counts)
        if missing <= count:
            return count
        return missing if repeat.high is None else max(count, min(repeat.high, missing))
