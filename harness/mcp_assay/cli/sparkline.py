"""A series of figures as one line of characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = "_.,-~+*#"
"""For terminals that cannot show blocks: each one higher than the one before."""


def sparkline(values: Sequence[float], encoding: str) -> str:
    """Return one character a value, the lowest for the smallest and the highest for the largest of them.

    Values that are all alike stay at the bottom: there is nothing to see.

    Args:
        values: What is drawn, oldest first.
        encoding: Of the terminal; blocks are drawn where it has them.
    """
    marks = BLOCKS if _has_blocks(encoding) else PLAIN
    low, high = min(values, default=0.0), max(values, default=0.0)
    if high - low <= 1e-9 * abs(high):
        return marks[0] * len(values)
    return "".join(marks[round((value - low) / (high - low) * (len(marks) - 1))] for value in values)


def _has_blocks(encoding: str) -> bool:
    """Return whether an encoding has the block characters."""
    try:
        BLOCKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
