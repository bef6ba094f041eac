"""What a check is, and where checks come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.core.verdicts import Category, Judgement, Level
    from mcp_assay.readiness.subject import ServerUnderTest, Subject

OLDEST_CATALOGUED = "2025-06-18"
"""Servers of older revisions are judged by this one, the oldest whose rules the catalogue holds."""

SPECIFICATION = "https://modelcontextprotocol.io"


class Scope(StrEnum):
    """What one verdict of a check is about."""

    SERVER = "server"
    TOOL = "tool"


class CheckFunction(Protocol):
    """Judges one subject. It must not raise for what a server does."""

    async def __call__(self, subject: Subject, /) -> Judgement:
        """Return the judgement."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One requirement and how to judge it.

    Attributes:
        id: Stable id, for example ``TOOL-003``.
        slug: Short name, for example ``tool-shape``.
        category: The suite it belongs to.
        scope: Whether it is judged once a server or once a tool.
        run: Judges one subject.
        levels: Level by revision; ``*`` stands for every revision, a missing one is not judged.
        requirement: What is asked for, in one sentence.
        spec_paths: Path of the rule below the revision's specification, by revision or ``*``; empty for advice.
        transports: Transports it is about; empty for all.
        unreachable: Whether it is the check that fails when the server cannot be reached.
        late: Whether it judges all that the server sent in the run, and so comes at the end of the server's lane. One
            between servers comes when nothing else runs.
        measures: Whether it looks beside the wire, so that a recording keeps its judgement.
        fix: How a violation is mended, in one paragraph, or an empty string.
        tier: 1 for every run, 2 for runs that ask for more: finer points, which many good servers leave open.
        asked_for: Whether a server is judged by it at all, for checks that a user asks for; None for every server.
        untimed: What is done in its place in a run that is to time nothing; None to leave it out.
    """

    id: str
    slug: str
    category: Category
    scope: Scope
    run: CheckFunction
    levels: Mapping[str, Level]
    requirement: str
    spec_paths: Mapping[str, str] = field(default_factory=dict[str, str])
    transports: frozenset[str] = frozenset()
    unreachable: bool = False
    late: bool = False
    measures: bool = False
    fix: str = ""
    tier: int = 1
    asked_for: Callable[[ServerUnderTest], bool] | None = None
    untimed: CheckFunction | None = None

    def level_in(self, version: str) -> Level | None:
        """Return the level in a revision, or None when the check says nothing about it."""
        return self.levels.get(_catalogued(version)) or self.levels.get("*")

    @property
    def highest_level(self) -> Level:
        """Return the strongest level of any revision."""
        return min(self.levels.values(), key=lambda level: level.rank)

    def spec_in(self, version: str) -> str:
        """Return the link to the rule in a revision, or an empty string."""
        return spec_link(self.spec_paths, version)

    def concerns(self, version: str, transport: str) -> bool:
        """Return whether the check says anything about a server of this revision and transport."""
        return self.level_in(version) is not None and (not self.transports or transport in self.transports)


def spec_link(paths: Mapping[str, str], version: str) -> str:
    """Return the link to a rule in a revision, or an empty string; see `Check.spec_paths`."""
    path = paths.get(_catalogued(version)) or paths.get("*")
    if path is None:
        return ""
    if path.startswith(("/seps", "/extensions")):
        return f"{SPECIFICATION}{path}"
    return f"{SPECIFICATION}/specification/{_catalogued(version)}{path}"


def _catalogued(version: str) -> str:
    """Return the revision by whose rules a server is judged."""
    return max(version, OLDEST_CATALOGUED)
