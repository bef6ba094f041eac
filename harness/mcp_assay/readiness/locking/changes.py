"""What a change to a definition is, and how it is told."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mcp_assay.core.presentation import inert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.json_types import Json

_SHOWN_CHANGES = 30
_SHOWN_CHARACTERS = 80
_LEAD = 24
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_$.-]{1,64}")


class Severity(StrEnum):
    """What a change does to those who use the definition, the worst first.

    `BREAKING` invalidates calls or consents that were fine before, or cannot be judged; `COMPATIBLE` leaves them fine;
    `WORDING` changes only what people and models read.
    """

    BREAKING = "breaking"
    COMPATIBLE = "compatible"
    WORDING = "wording"

    @property
    def rank(self) -> int:
        """Return the order of severity, 0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change.

    Attributes:
        severity: See `Severity`.
        subject: What was changed, for example ``tool 'search'``.
        text: The change, in one line.
    """

    severity: Severity
    subject: str
    text: str

    def __str__(self) -> str:
        """Return the change as a line of a readable diff."""
        return f"{self.severity}: {self.subject} {self.text}"


def readable(changes: Sequence[Change]) -> str:
    """Return a diff of one change a line, the worst first and at most 30 of them."""
    ordered = sorted(changes, key=lambda change: change.severity.rank)
    lines = [str(change) for change in ordered[:_SHOWN_CHANGES]]
    more = len(ordered) - len(lines)
    return "\n".join([*lines, f"and {more} more"] if more else lines)


def quoted(value: Json) -> str:
    """Return a value in one inert line of at most some 80 characters; texts stand in quotes."""
    text = repr(inert(value, _SHOWN_CHARACTERS)) if isinstance(value, str) else json.dumps(value)
    return inert(text, _SHOWN_CHARACTERS + 20)


def named(key: str) -> str:
    """Return a member's name as messages use it: plain, or in quotes when it is unusual."""
    return key if _PLAIN_NAME.fullmatch(key) else quoted(key)


def reworded(old: Json, new: Json) -> str:
    """Return ``old -> new`` from shortly before the first difference on, so that a late one is seen as well."""
    if not isinstance(old, str) or not isinstance(new, str):
        return f"{_quoted_or_none(old)} -> {_quoted_or_none(new)}"
    same = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, same - _LEAD)
    lead = "…" if start else ""
    return f"{quoted(lead + old[start:])} -> {quoted(lead + new[start:])}"


def canonical(value: Json) -> str:
    """Return one text for all spellings of a JSON value, so that ``true`` and ``1`` are told apart."""
    return json.dumps(value, sort_keys=True)


def _quoted_or_none(value: Json) -> str:
    return "none" if value is None else quoted(value)
