"""Why a rule matters to whoever uses the server, and how to keep it: ``guidance.toml`` as values."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Whose(StrEnum):
    """Who can mend a violation."""

    AUTHOR = "author"
    SDK = "sdk"
    OPERATOR = "operator"

    @property
    def where(self) -> str:
        """Where the fix belongs, in words."""
        return _WHERE[self]


_WHERE = {
    Whose.AUTHOR: "in the server's code",
    Whose.SDK: "in the SDK or whatever stands in its place",
    Whose.OPERATOR: "in configuration and deployment",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """What a rule means in practice.

    Attributes:
        why: Why it matters to a user, in one or two sentences.
        whose: Who can mend a violation.
        python: How to keep it with the Python SDK; empty where the language makes no difference.
        typescript: How to keep it with the TypeScript SDK; empty where the language makes no difference.
        both: How to keep it with either; empty where they differ.
    """

    why: str
    whose: Whose
    python: str = ""
    typescript: str = ""
    both: str = ""

    @property
    def fix(self) -> str:
        """How to keep the rule, in one paragraph."""
        return self.both or f"Python: {self.python} TypeScript: {self.typescript}"


def _entries(data: Mapping[str, Any]) -> Iterator[tuple[str, Guidance]]:
    """Yield each check's id with its guidance.

    Raises:
        ValueError: A check has two answers, or an answer lacks one of the SDKs.
    """
    seen: set[str] = set()
    for entry in data["answer"]:
        guidance = Guidance(
            why=entry["why"],
            whose=Whose(entry["whose"]),
            python=entry.get("python", ""),
            typescript=entry.get("typescript", ""),
            both=entry.get("fix", ""),
        )
        if bool(guidance.both) == bool(guidance.python and guidance.typescript):
            raise ValueError(f"{entry['checks']}: give fix, or python and typescript")
        for identity in entry["checks"]:
            if identity in seen:
                raise ValueError(f"{identity} has two answers")
            seen.add(identity)
            yield identity, guidance


GUIDANCE: Mapping[str, Guidance] = MappingProxyType(
    dict(_entries(tomllib.loads(files("mcp_assay_suites").joinpath("guidance.toml").read_text("utf-8"))))
)
"""What is known of each rule of the catalogue, by its id."""
