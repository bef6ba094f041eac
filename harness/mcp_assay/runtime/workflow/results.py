"""What came of a workflow, as values that can be written down and read again."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from mcp_assay.runtime.outcome import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.outcome import ToolOutcome


class StepStatus(StrEnum):
    """What became of a step."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    BLOCKED = "blocked"

    @property
    def lets_others_run(self) -> bool:
        """Whether steps that need this one can run."""
        return self is StepStatus.SUCCEEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """How one call of a step ended; the attributes are those of `ToolOutcome`, and one more.

    Attributes:
        unreadable: Whether what came back for a call that was sent could not be read.
    """

    kind: OutcomeKind
    server: str
    tool: str
    structured: Json = None
    text: str = ""
    content: tuple[Json, ...] = ()
    error: str | None = None
    attempts: int = 0
    duration_s: float = 0.0
    unreadable: bool = False

    @property
    def ok(self) -> bool:
        """Whether there is a good result."""
        return self.kind is OutcomeKind.RESULT

    @property
    def may_have_acted(self) -> bool:
        """Whether the call did its work, or may have: it was sent and no answer says otherwise."""
        unknown = self.kind.is_transport_fault or self.unreadable
        return self.ok or (unknown and self.attempts > 0)

    @classmethod
    def of(cls, outcome: ToolOutcome) -> Self:
        """Return the part of an outcome that can be written down."""
        return cls(
            kind=outcome.kind,
            server=outcome.server,
            tool=outcome.tool,
            structured=outcome.structured,
            text=outcome.text,
            content=outcome.content,
            error=outcome.error,
            attempts=outcome.attempts,
            duration_s=outcome.duration_s,
            unreadable=outcome.fault_kind is not None and not outcome.kind.is_transport_fault,
        )

    @classmethod
    def never_made(cls, tool: str, error: str) -> Self:
        """Return the result of a call that could not even be put together."""
        return cls(kind=OutcomeKind.UNAVAILABLE, server="", tool=tool, error=error)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        named: dict[str, Any] = {**value, "kind": OutcomeKind(value["kind"]), "content": tuple(value["content"])}
        return cls(**named)

    def to_json(self) -> JsonObject:
        """Return the result as JSON."""
        return {
            "kind": self.kind.value,
            "server": self.server,
            "tool": self.tool,
            "structured": self.structured,
            "text": self.text,
            "content": list(self.content),
            "error": self.error,
            "attempts": self.attempts,
            "duration_s": self.duration_s,
            "unreadable": self.unreadable,
        }

    def scope(self) -> JsonObject:
        """Return what references to the result see."""
        return {
            "ok": self.ok,
            "status": self.kind.value,
            "structured": self.structured,
            "text": self.text,
            "content": list(self.content),
            "error": self.error,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What became of a step.

    Attributes:
        id: The step.
        status: What became of it.
        calls: How its call ended, one for each item of a ``foreach``; empty when it did not run.
        each: Whether it had a ``foreach``.
        error: Why it has no good result, None when it has one.
        started_s: Seconds from the start of the run, or its resumption, to that of the step; 0 when it did not run.
    """

    id: str
    status: StepStatus
    calls: tuple[CallResult, ...] = ()
    each: bool = False
    error: str | None = None
    started_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.status is StepStatus.SUCCEEDED

    @property
    def structured(self) -> Json:
        """The structured result, a list of them for a ``foreach``; None when there is none."""
        if self.each:
            return [call.structured for call in self.calls]
        return self.calls[0].structured if self.calls else None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        calls = tuple(CallResult.from_json(call) for call in value["calls"])
        named: dict[str, Any] = {**value, "status": StepStatus(value["status"]), "calls": calls}
        return cls(**named)

    def to_json(self) -> JsonObject:
        """Return the result as JSON."""
        return {
            "id": self.id,
            "status": self.status.value,
            "calls": [call.to_json() for call in self.calls],
            "each": self.each,
            "error": self.error,
            "started_s": self.started_s,
        }

    def scope(self) -> JsonObject:
        """Return what references to the step see."""
        one = self.calls[0] if self.calls and not self.each else None
        return {
            "ok": self.ok,
            "status": self.status.value,
            "structured": self.structured,
            "text": [call.text for call in self.calls] if self.each else (one.text if one else ""),
            "content": [list(call.content) for call in self.calls] if self.each else (list(one.content) if one else []),
            "error": self.error,
            "items": [call.scope() for call in self.calls],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """How undoing a step ended.

    Attributes:
        step: The step.
        index: The place of the item, None without a ``foreach``.
        call: How the call ended.
    """

    step: str
    index: int | None
    call: CallResult


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowReport:
    """What came of a run.

    Attributes:
        run: The run's id, the same after a resumption.
        workflow: The workflow's name.
        ok: Whether every step that was not skipped or optional succeeded and every output has a value.
        steps: What became of each step.
        compensations: What was undone, in that order.
        outputs: What the workflow gives; empty when it failed.
        problem: Why it is not ok, in one sentence, or None.
        duration_s: Seconds from the start or the resumption to the end.
        trace_problem: Why the trace is incomplete, or None; the results here are complete in any case.
    """

    run: str
    workflow: str
    ok: bool
    steps: Mapping[str, StepResult]
    compensations: tuple[Compensation, ...] = ()
    outputs: JsonObject = field(default_factory=dict[str, "Json"])
    problem: str | None = None
    duration_s: float = 0.0
    trace_problem: str | None = None
