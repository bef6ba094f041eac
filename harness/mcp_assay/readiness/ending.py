"""How a run ended, read off its exit status: a verdict stands on what was judged, and a run that broke off judged less.

Source of the numbers: pytest's ``ExitCode``; a process that a signal ended has 128 and the signal's number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDED = frozenset({0, 1, 5})
"""All passed, something failed, nothing was there to judge: the run came to its end."""

_HOW: Mapping[int, str] = {
    2: "was interrupted",
    3: "ended with an internal error",
    4: "ended with a usage error",
    143: "was terminated by SIGTERM",
}


def broken_off(exit_status: int) -> str | None:
    """Return how a run ended that did not come to its end (``was interrupted``), or None for one that did."""
    return None if exit_status in _ENDED else _HOW.get(exit_status, "broke off")
