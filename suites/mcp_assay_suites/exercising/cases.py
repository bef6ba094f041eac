"""Calls that were made, as values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.core.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.made_calls import MadeCall, Past
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay_suites.exercising.calling import Planned
    from mcp_assay_suites.exercising.known_values import Known

_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """How arguments break an input schema.

    Attributes:
        keyword: The one keyword that is violated.
        pointer: JSON Pointer of the place in the arguments.
        text: What is wrong, in one clause.
    """

    keyword: str
    pointer: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a server must have gone through so that a call shows its fault.

    Attributes:
        calls: The calls that are enough, none for a server just started; None when they were not found out.
    """

    calls: tuple[MadeCall, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One call of a tool.

    Attributes:
        arguments: What it was called with.
        exchange: What came of it.
        flaw: How the arguments break the input schema, None for valid ones.
        after: The sign of life that the server was asked for afterwards, None when it was not asked.
        given: Whether the arguments are the user's own and should work.
        told: Whether they come from the command line, or from an earlier run in which they showed a fault.
        uses: The values in them that the server has named, by parameter.
        past: What the same process of the server was called with before, where that is known.
        needs: What must come before so that the call shows its fault, where that was looked for.
        succeeded: Whether the tool did its work: a complete result without ``isError``. Most checks ask for it again.
    """

    arguments: JsonObject
    exchange: Exchange
    flaw: Flaw | None = None
    after: Exchange | None = None
    given: bool = False
    told: bool = False
    uses: Mapping[str, Known] = field(default_factory=dict[str, "Known"])
    past: Past | None = None
    needs: Needs | None = None
    succeeded: bool = field(init=False)

    def __post_init__(self) -> None:
        result = self.exchange.result
        complete = result is not None and self.exchange.error is None and _is_success(result)
        object.__setattr__(self, "succeeded", complete and not self.exchange.hides_tool_error)

    @property
    def timed_out(self) -> bool:
        """Whether no answer came in time."""
        return self.exchange.fault is not None and self.exchange.fault.kind is FaultKind.TIMEOUT

    @property
    def ended_server(self) -> bool:
        """Whether the connection ended before the call was answered."""
        return self.exchange.fault is not None and self.exchange.fault.kind.ends_connection

    @property
    def silenced_server(self) -> bool:
        """Whether the server was asked for a sign of life afterwards and gave none."""
        return self.after is not None and self.after.message is None

    @property
    def call(self) -> str:
        """The arguments as JSON, cut to some 300 characters."""
        text = canonical(self.arguments)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


@dataclass(slots=True, kw_only=True)
class Calls:
    """The calls of one kind made to one tool; they grow one by one, so that none is made twice.

    Attributes:
        cases: The calls, in the order in which they were made.
        problem: Why there are fewer than planned, or None.
        begun: Whether the first attempt to make them has started.
        explored: Whether calls at the edges of the schema were tried as well, or may not be.
        left: The planned calls for which there was no time yet.
    """

    cases: list[Case] = field(default_factory=list[Case])
    problem: str | None = None
    begun: bool = False
    explored: bool = False
    left: list[Planned] = field(default_factory=list["Planned"])

    @property
    def successes(self) -> list[Case]:
        """The calls that were answered by a complete result without ``isError``."""
        return [case for case in self.cases if case.succeeded]

    @property
    def first_success(self) -> Case | None:
        """The first of them, or None."""
        return next((case for case in self.cases if case.succeeded), None)


def is_complete(exchange: Exchange) -> bool:
    """Return whether a result is final; since 2026-07-28 one may ask for input instead."""
    return (exchange.result or {}).get("resultType", "complete") == "complete"


def _is_success(result: JsonObject) -> bool:
    """Return whether a result is final and no failure of the tool."""
    return result.get("isError") is not True and result.get("resultType", "complete") == "complete"


def canonical(value: Json) -> str:
    """Return a value as compact JSON with sorted keys, lone surrogates and huge integers included."""
    return json.dumps(value, sort_keys=True, separators=(", ", ": "))
