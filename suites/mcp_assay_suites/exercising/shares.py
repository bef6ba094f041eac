"""How the time of a budget is shared: equally among tools, and what one of them leaves unused goes to the others."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.readiness.subject import Subject


class Kind(StrEnum):
    """What a tool is called for."""

    VALID = "valid"
    WRONG = "wrong"
    MORE = "more"


_UNTIL = {Kind.VALID: 1 / 2, Kind.WRONG: 3 / 4, Kind.MORE: 1.0}
"""Share of the budget that may be used up once calls of a kind are made; valid ones must leave time for wrong ones."""


class TimeShares:
    """Shares the time that the calls to one server's tools may take.

    Every tool has the same share of what its kind of calls may use. Once a tool is settled for a kind, what it left of
    its share belongs to those that are not.

    Args:
        budget_s: Seconds for all calls.
        tools: The tools that share them.
        spent_s: Seconds that calls took so far, by tool; grows while calls are made.
    """

    def __init__(self, budget_s: float, tools: Iterable[str], spent_s: Mapping[str, float]) -> None:
        self._budget_s = budget_s
        self._tools = frozenset(tools)
        self._spent_s = spent_s
        self._by_kind: dict[Kind, dict[str, float]] = {Kind.VALID: {}, Kind.WRONG: {}}
        self._settled: set[tuple[Kind, str]] = set()

    def spend(self, kind: Kind, tool: str, seconds: float) -> None:
        """Note that a call of a kind took some of the seconds spent on a tool; the rest counts as `Kind.MORE`."""
        spent = self._by_kind[kind]
        spent[tool] = spent.get(tool, 0.0) + seconds

    def settle(self, kind: Kind, tool: str) -> None:
        """Note that a tool gets no more calls of a kind."""
        self._settled.add((kind, tool))

    def is_settled(self, kind: Kind, tool: str) -> bool:
        """Return whether a tool gets no more calls of a kind."""
        return (kind, tool) in self._settled

    def left_s(self, kind: Kind, tool: str) -> float:
        """Return the seconds that calls of a kind to a tool may still take."""
        everything = sum(self._spent_s.values())
        of_kind = {name: self._of(kind, name) for name in self._spent_s}
        for_kind = self._budget_s * _UNTIL[kind] - (everything - sum(of_kind.values()))
        settled = [name for name in self._tools if name != tool and self.is_settled(kind, name)]
        share = (for_kind - sum(of_kind.get(name, 0.0) for name in settled)) / max(1, len(self._tools) - len(settled))
        return max(0.0, min(share - of_kind.get(tool, 0.0), self._budget_s - everything))

    def _of(self, kind: Kind, tool: str) -> float:
        """Return the seconds spent on calls of a kind to a tool."""
        if kind is not Kind.MORE:
            return self._by_kind[kind].get(tool, 0.0)
        return self._spent_s[tool] - sum(spent.get(tool, 0.0) for spent in self._by_kind.values())


def time_shares(subject: Subject) -> TimeShares | None:
    """Return the shares of the subject's server, or None without a budget.

    The tools that are judged share the time; when nobody has said which these are, all that may be called.
    """
    server, budget_s = subject.server, subject.run.settings.budget_s
    if budget_s is None:
        return None
    allowed = [tool.name for tool in server.tools if tool.decision.allowed]
    judged = [name for name in allowed if not server.chosen or name in server.chosen]
    made = TimeShares(budget_s, judged, server.spent_s)
    shares = server.memory.setdefault("exercising.shares", made)
    if not isinstance(shares, TimeShares):
        raise TypeError("memory 'exercising.shares' holds something else")
    return shares


def has_time(subject: Subject, kind: Kind = Kind.MORE) -> bool:
    """Return whether calls of a kind to the tool may take any more time; without a budget they always may.

    Only the time in which the server had a call to answer counts.
    """
    shares = time_shares(subject)
    return shares is None or shares.left_s(kind, subject.the_tool.name) > 0
