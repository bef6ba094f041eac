"""Small words for judgements."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Judgement, noted, passed, violated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from mcp_assay.core.json_types import Json
    from mcp_assay.wire.exchange import Exchange

_SHOWN_PROBLEMS = 5
_SHOWN_CHARACTERS = 80


def judged(
    expected: str,
    problems: Sequence[str],
    *,
    looked_at: str,
    exchange: Mapping[str, Any] | None = None,
    verdict: Callable[..., Judgement] = violated,
) -> Judgement:
    """Return a pass when there is no problem, otherwise one finding that names the first few.

    Args:
        expected: What is asked for, in one sentence.
        problems: What is wrong, one clause each.
        looked_at: What was looked at, for the pass.
        exchange: The exchange that shows it.
        verdict: `violated`, or `noted` where the page leaves room.
    """
    if not problems:
        return passed(looked_at)
    return verdict(expected, listed(problems), exchange=exchange)


def judged_with_notes(
    expected: str,
    problems: Sequence[str],
    notes: Sequence[str],
    *,
    looked_at: str,
    exchange: Mapping[str, Any] | None = None,
) -> Judgement:
    """Return a finding for problems, a warning when there are only notes, otherwise a pass."""
    verdict = violated if problems else noted
    return judged(expected, problems or notes, looked_at=looked_at, exchange=exchange, verdict=verdict)


def says(exchange: Exchange, code: int) -> bool:
    """Return whether the answer is an error with this code; that it must be an integer is judged by BASE-004."""
    found = (exchange.error or {}).get("code")
    return isinstance(found, int | float) and found == code


def listed(problems: Sequence[str]) -> str:
    """Return the first few different problems in one line, with a count of the others and of repetitions."""
    counts = Counter(problems)
    different = [problem if count == 1 else f"{problem} ({count} times)" for problem, count in counts.items()]
    text = "; ".join(different[:_SHOWN_PROBLEMS])
    more = len(different) - _SHOWN_PROBLEMS
    return f"{text}; and {more} more" if more > 0 else text


def shown(value: Json) -> str:
    """Return a value as a person would quote it, in at most some 80 characters."""
    text = repr(value) if isinstance(value, str) else _json(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _json(value: Json) -> str:
    """Return the words of JSON for a value's head."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def kind_of(value: Json) -> str:
    """Return the JSON name of a value's type, with its article."""
    if value is None:
        return "null"
    names: Sequence[tuple[type, str]] = (
        (bool, "a boolean"), (int, "a number"), (float, "a number"), (str, "a string"), (list, "an array"),
    )  # fmt: skip
    return next((name for kind, name in names if isinstance(value, kind)), "an object")


def counted(number: int, noun: str) -> str:
    """Return ``1 tool`` or ``2 tools``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
