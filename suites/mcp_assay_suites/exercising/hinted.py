"""Values that a tool's own errors ask for: ``Unknown unit: example. Supported units: m, km, cm``.

A tool that only ever refuses is never exercised. What it says it would take is tried in the place of what it refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_assay.wire.exchange import first_text
from mcp_assay_suites.exercising.arguments import input_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case

MOST_ROUNDS = 3
"""How often errors are read for what to try next: the first names one argument, the next another."""

MOST_TRIED = 4
"""Calls in a round."""

_MOST_READ = 3
_MOST_VALUES = 6
_LONGEST = 2_000
_LISTING = re.compile(
    r"\b(?:accepts?|allowed|available|choices|choose from|defined|either|expected|known|one of|options|possible"
    r"|supported|valid(?: values| options)?)\b[^:\[({\n]{0,40}[:\[({]\s*(?P<open>[\[({]?)(?P<values>[^\n\])}]{1,400})"
    r"|\bone of\s+(?P<bare>[^\n.]{1,400})",
    re.IGNORECASE,
)
_VALUE = re.compile(r"""(["'`])(?P<quoted>[^"'`\n]{1,60})\1|(?P<plain>[\w°µ%.+#/-]{1,40})""")
_SEPARATED = re.compile(r"""[,|"'`]""")
_JOINING = frozenset({"and", "etc", "or", "got", "is", "are"})


async def hinted_arguments(subject: Subject, made: Sequence[Case]) -> list[JsonObject]:
    """Return valid arguments with values that the last errors list, in the place of those they complain about."""
    schema = input_schema(subject)
    failed = [case for case in reversed(made) if not case.succeeded and case.flaw is None][:_MOST_READ]
    offered = [arguments for case in failed for arguments in _instead(case)]
    verdicts = await subject.run.schemas.validate_each(schema, offered)
    return [arguments for arguments, verdict in zip(offered, verdicts, strict=True) if verdict.clean]


def _instead(case: Case) -> Iterator[JsonObject]:
    """Yield the arguments of a call with listed values in all the texts that the error repeats or names."""
    told = first_text(case.exchange.result or {}) or str((case.exchange.error or {}).get("message", ""))
    refused = [
        name for name, value in case.arguments.items() if isinstance(value, str) and _speaks_of(told, name, value)
    ]
    for value in listed_in(told) if refused else ():
        yield {**case.arguments, **dict.fromkeys(refused, value)}


def _speaks_of(told: str, name: str, value: str) -> bool:
    """Return whether an error repeats a value or names its parameter."""
    return (bool(value) and value in told) or re.search(rf"\b{re.escape(name)}\b", told) is not None


def listed_in(told: str) -> list[str]:
    """Return the values that an error says are possible, at most six."""
    found: dict[str, None] = {}
    for match in _LISTING.finditer(told[:_LONGEST]):
        text = (match["values"] or match["bare"] or "").split(". ")[0]
        if match["bare"] is not None and not _SEPARATED.search(text):
            continue
        for value in _VALUE.finditer(text):
            word = value["quoted"] or value["plain"].strip(".")
            if word and word.lower() not in _JOINING:
                found[word] = None
    return list(found)[:_MOST_VALUES]
