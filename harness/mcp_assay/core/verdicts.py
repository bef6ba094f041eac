"""Verdicts: what a check found out, as values.

A check returns a `Judgement`; the engine adds where it was made and turns it into a `Verdict`. A violated
MUST is a failure, anything weaker a warning, unless the user sets another level. What could not be exercised is
skipped, never passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Outcome(StrEnum):
    """How a check ended. `ERROR` is a fault of ours, never the server's."""

    PASS = "pass"  # noqa: S105  (a word of the report contract)
    FAIL = "fail"
    WARN = "warn"
    SKIP = "skip"
    ERROR = "error"


class Level(StrEnum):
    """How strongly the specification asks for something.

    `MUST` and `SHOULD` are RFC 2119 words of the cited page, `DESC` is stated without one, `ADV` is advice beyond
    the specification.
    """

    MUST = "MUST"
    SHOULD = "SHOULD"
    DESC = "DESC"
    ADV = "ADV"

    @property
    def weight(self) -> int:
        """Return the share of one check in its category's score (MUST 10, SHOULD 3, others 1)."""
        return {Level.MUST: 10, Level.SHOULD: 3}.get(self, 1)

    @property
    def rank(self) -> int:
        """Return the order of strength, 0 for the strongest."""
        return list(Level).index(self)


class Category(StrEnum):
    """The five generated suites, in the order in which they run."""

    CONNECTIVITY = "connectivity"
    SCHEMA = "schema"
    EXECUTION = "execution"
    CROSS_SERVER = "cross_server"
    PERFORMANCE = "performance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a check says of what it saw.

    Attributes:
        outcome: `FAIL` means the requirement is violated; the engine weakens it to `WARN` below the gate's level.
        expected: What the requirement asks for, in one sentence.
        observed: What the server did instead, in one sentence.
        reason: Why nothing was judged, for a skip.
        applicable: Whether the requirement asks anything of this server or tool; a skip that is not applicable leaves
            the evidence as it is, any other skip thins it.
        exchange: The exchange that proves it, as plain JSON (see `mcp_assay.wire.exchange`).
        benchmark: A measurement in the shape of the report contract's ``benchmarks`` entry.
        samples: Seconds of each answered call of that measurement, in the order of the answers.
        figures: Other measured values in the shape of the contract's ``figures`` entry, without names of the subject.
        arguments: Arguments of the tool with which the check shows it again, as sent.
        before: Calls of tools that must come before, so that it shows on a server just started: each with its ``tool``
            and ``arguments``.
        alone: Whether the call may be all it takes; false when it was found not to be, and what else is not known.
        borrowed: Whether values in them were named by other tools, and may mean nothing to a server started anew.
        causes: What is wrong in words that are the same for every tool, for example "accepts a missing argument".
        budgets: What became of limits that the user set, in the shape of the contract's ``budgets`` entry, likewise.
    """

    outcome: Outcome
    expected: str | None = None
    observed: str | None = None
    reason: str | None = None
    applicable: bool = True
    exchange: Mapping[str, Any] | None = None
    benchmark: Mapping[str, Any] | None = None
    samples: Sequence[float] = ()
    figures: Sequence[Mapping[str, Any]] = ()
    arguments: Mapping[str, Any] | None = None
    before: Sequence[Mapping[str, Any]] = ()
    alone: bool = True
    borrowed: bool = False
    causes: tuple[str, ...] = ()
    budgets: Sequence[Mapping[str, Any]] = ()


def passed(observed: str | None = None, *, benchmark: Mapping[str, Any] | None = None) -> Judgement:
    """Return the judgement that the requirement was exercised and holds."""
    return Judgement(outcome=Outcome.PASS, observed=observed, benchmark=benchmark)


def violated(
    expected: str,
    observed: str,
    *,
    exchange: Mapping[str, Any] | None = None,
    benchmark: Mapping[str, Any] | None = None,
) -> Judgement:
    """Return the judgement that the requirement is violated, with the exchange that shows it."""
    return Judgement(outcome=Outcome.FAIL, expected=expected, observed=observed, exchange=exchange, benchmark=benchmark)


def noted(expected: str, observed: str, *, exchange: Mapping[str, Any] | None = None) -> Judgement:
    """Return a warning whatever the check's level: the page itself leaves room for what was seen."""
    return Judgement(outcome=Outcome.WARN, expected=expected, observed=observed, exchange=exchange)


def skipped(reason: str) -> Judgement:
    """Return the judgement that nothing could be exercised although it should have been, and why."""
    return Judgement(outcome=Outcome.SKIP, reason=reason)


def not_applicable(reason: str) -> Judgement:
    """Return the judgement that the requirement asks nothing here, for example of a server without tools."""
    return Judgement(outcome=Outcome.SKIP, reason=reason, applicable=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One check's verdict on one server or tool; every text in it is already fit to be shown.

    Attributes:
        check: Stable id, for example ``TOOL-003``.
        slug: The check's short name, for example ``tool-shape``.
        category: The suite it belongs to.
        level: Its level in the revision that was judged.
        server: The server's name in its configuration.
        config: The configuration's id as used in node ids.
        tool: The tool's name, or None for a server-level check.
        outcome: How it ended.
        nodeid: The pytest node id that repeats it.
        duration_s: Seconds the check took.
        requirement: What is asked for, in one sentence.
        expected: See `Judgement`.
        observed: See `Judgement`.
        reason: See `Judgement`.
        applicable: See `Judgement`.
        spec: Link to the rule, or an empty string for advice.
        reproduce: A command line that repeats just this check.
        fix: How a violation is mended, in one paragraph, or an empty string.
        exchange: See `Judgement`.
        benchmark: See `Judgement`.
        samples: See `Judgement`.
        figures: See `Judgement`.
        arguments: See `Judgement`; as JSON text in which nothing was changed, None where a secret would be shown.
        before: See `Judgement`; as JSON text likewise, None where nothing must come before.
        causes: See `Judgement`.
        budgets: See `Judgement`.
    """

    check: str
    slug: str
    category: Category
    level: Level
    server: str
    config: str
    tool: str | None
    outcome: Outcome
    nodeid: str
    duration_s: float
    requirement: str
    expected: str | None = None
    observed: str | None = None
    reason: str | None = None
    applicable: bool = True
    spec: str = ""
    reproduce: str = ""
    fix: str = ""
    exchange: Mapping[str, Any] | None = None
    benchmark: Mapping[str, Any] | None = None
    samples: Sequence[float] = ()
    figures: Sequence[Mapping[str, Any]] = ()
    arguments: str | None = None
    before: str | None = None
    causes: tuple[str, ...] = ()
    budgets: Sequence[Mapping[str, Any]] = ()
