"""What a workflow is, as immutable values."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import orjson

from mcp_assay.core.errors import UsageError
from mcp_assay.runtime.outcome import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject

PARALLEL_ITEMS = 16
"""Items of one ``foreach`` that are worked on at the same time unless the step says otherwise."""


class WorkflowError(UsageError):
    """A workflow cannot be run; nothing of it was.

    Attributes:
        problems: Everything that is wrong, one sentence each.
    """

    def __init__(self, name: str, problems: tuple[str, ...]) -> None:
        more = "" if len(problems) == 1 else f" (and {len(problems) - 1} more)"
        super().__init__(
            f"workflow {name!r}: {problems[0]}{more}", hint="; ".join(problems[1:]) if len(problems) > 1 else None
        )
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One call.

    Attributes:
        tool: The tool's name; in a plan ``config::server.tool`` or ``group.tool``.
        arguments: Its arguments; texts in them may hold references ``${…}``.
    """

    tool: str
    arguments: JsonObject = field(default_factory=dict[str, "Json"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a step is tried.

    Saying so is the author's word that the step may be repeated, whatever the tool's annotations say.

    Attributes:
        attempts: Tries in all, the first included.
        base_s: Longest first wait, seconds; doubled each time, with full jitter.
        cap_s: Longest wait at all, seconds.
        on: Ways of ending that are tried again.
    """

    attempts: int = 3
    base_s: float = 0.1
    cap_s: float = 4.0
    on: frozenset[OutcomeKind] = frozenset({OutcomeKind.TIMEOUT, OutcomeKind.UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        id: Its name in references: letters, digits and underscores.
        action: What it does.
        needs: Steps that have to be done before; steps referred to are needed anyway.
        when: JMESPath expression; the step is skipped when its value is false, empty or null.
        foreach: JMESPath expression of a list; the action is done for each ``${item}``, its place is ``${index}``.
        parallel: Items worked on at the same time.
        retry: How often it is tried; None leaves that to the executor, which repeats only what is safe.
        timeout_s: Seconds one call may take, None for the executor's own.
        fallback: What is done instead, in order, when the action has no good result.
        compensate: What undoes the step; done when a later one fails. It may refer to the step's own result.
        optional: Whether the workflow goes on without it.
    """

    id: str
    action: Action
    needs: tuple[str, ...] = ()
    when: str | None = None
    foreach: str | None = None
    parallel: int = PARALLEL_ITEMS
    retry: Retry | None = None
    timeout_s: float | None = None
    fallback: tuple[Action, ...] = ()
    compensate: Action | None = None
    optional: bool = False

    @property
    def actions(self) -> tuple[Action, ...]:
        """The action and what is done instead of it."""
        return (self.action, *self.fallback)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A workflow that was checked against what the servers list; made by `CrossServerWorkflowBuilder.build`.

    Attributes:
        name: Its name.
        inputs: JSON Schemas of its inputs by name.
        steps: The steps in an order in which they could run one after another.
        dependencies: The steps each step has to wait for.
        outputs: JMESPath expressions of what it gives, by name.
    """

    name: str
    inputs: Mapping[str, JsonObject]
    steps: tuple[Step, ...]
    dependencies: Mapping[str, frozenset[str]]
    outputs: Mapping[str, str]

    @property
    def digest(self) -> str:
        """``sha256:`` and the hash of all that decides what the plan does."""
        told = {
            "inputs": dict(self.inputs),
            "outputs": dict(self.outputs),
            "steps": [asdict(step) for step in self.steps],
        }
        data = orjson.dumps(told, option=orjson.OPT_SORT_KEYS, default=sorted)
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def step(self, name: str) -> Step:
        """Return a step by its id.

        Raises:
            KeyError: There is none of that name.
        """
        for step in self.steps:
            if step.id == name:
                return step
        raise KeyError(name)
