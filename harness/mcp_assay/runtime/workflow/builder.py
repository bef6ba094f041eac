"""Building a workflow in Python, and checking it against what the servers list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from mcp_assay.core.errors import UsageError
from mcp_assay.runtime.workflow.analysis import Requirements, ServerUsage, requirements, usage
from mcp_assay.runtime.workflow.checking import Checked, check
from mcp_assay.runtime.workflow.document import read_workflow, read_workflow_text
from mcp_assay.runtime.workflow.values import PARALLEL_ITEMS, Action, Plan, Retry, Step, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.runtime.registry import DynamicToolRegistry, RegisteredTool
    from mcp_assay.runtime.workflow.document import WorkflowDocument


class CrossServerWorkflowBuilder:
    """Collects steps and turns them into a plan; nothing is called.

    Args:
        registry: What the servers list.
        name: The workflow's name.
        inputs: JSON Schemas of its inputs by name; references are ``${inputs.name}``.
        outputs: JMESPath expressions of what it gives, by name.
        replicas: Server names by the group that stands for them, as given to the executor.
    """

    def __init__(
        self,
        registry: DynamicToolRegistry,
        *,
        name: str = "workflow",
        inputs: Mapping[str, JsonObject] | None = None,
        outputs: Mapping[str, str] | None = None,
        replicas: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._registry = registry
        self._name = name
        self._inputs = dict(inputs or {})
        self._outputs = dict(outputs or {})
        self._replicas = dict(replicas or {})
        self._steps: list[Step] = []

    @classmethod
    def from_file(
        cls, path: Path, registry: DynamicToolRegistry, *, replicas: Mapping[str, Sequence[str]] | None = None
    ) -> Self:
        """Return a builder with the steps of a YAML or JSON file.

        Raises:
            ConfigError: The file is not a workflow; the message names file, line and place.
        """
        return cls._from_document(read_workflow(path), registry, replicas)

    @classmethod
    def from_yaml(
        cls,
        text: str,
        registry: DynamicToolRegistry,
        *,
        name: str = "workflow",
        replicas: Mapping[str, Sequence[str]] | None = None,
    ) -> Self:
        """Return a builder with the steps of a YAML or JSON text.

        Raises:
            ConfigError: The text is not a workflow.
        """
        return cls._from_document(read_workflow_text(text, name=name), registry, replicas)

    @classmethod
    def _from_document(
        cls, document: WorkflowDocument, registry: DynamicToolRegistry, replicas: Mapping[str, Sequence[str]] | None
    ) -> Self:
        builder = cls(registry, name=document.name, inputs=document.inputs, outputs=document.outputs, replicas=replicas)
        for step in document.steps:
            builder.add(step)
        return builder

    def step(
        self,
        id: str,  # noqa: A002  (the word that references and documents use)
        tool: str,
        arguments: Mapping[str, Json] | None = None,
        *,
        needs: Iterable[str] = (),
        when: str | None = None,
        foreach: str | None = None,
        parallel: int = PARALLEL_ITEMS,
        retry: Retry | int | None = None,
        timeout_s: float | None = None,
        fallback: Iterable[Action] = (),
        compensate: Action | None = None,
        optional: bool = False,
    ) -> Self:
        """Add a step and return the builder; the arguments are those of `Step`, ``retry`` may be a number of tries."""
        return self.add(
            Step(
                id=id,
                action=Action(tool=tool, arguments=dict(arguments or {})),
                needs=tuple(needs),
                when=when,
                foreach=foreach,
                parallel=parallel,
                retry=Retry(attempts=retry) if isinstance(retry, int) else retry,
                timeout_s=timeout_s,
                fallback=tuple(fallback),
                compensate=compensate,
                optional=optional,
            )
        )

    def add(self, step: Step) -> Self:
        """Add a step and return the builder."""
        self._steps.append(step)
        return self

    def analyze_workflow_requirements(self, wishes: Iterable[str] | None = None) -> Requirements:
        """Return which tools of which servers may do what is wanted, with scores, and what is missing.

        Args:
            wishes: Words for each thing wanted, for example ``"read commits"``; by default the tools of the steps.
        """
        return requirements(self._registry, wishes or [action.tool for step in self._steps for action in step.actions])

    def problems(self) -> tuple[str, ...]:
        """Return everything that is wrong with the workflow, one sentence each; empty when it can be built."""
        return (*self._unknown_tools(), *self._checked().problems)

    def build_dependency_graph(self) -> Mapping[str, frozenset[str]]:
        """Return the steps each step has to wait for: those it names and those it refers to.

        Raises:
            WorkflowError: Steps wait for each other, or a step is missing.
        """
        checked = self._checked()
        broken = tuple(problem for problem in checked.problems if " circle" in problem or "which is no step" in problem)
        if broken:
            raise WorkflowError(self._name, broken)
        return checked.dependencies

    def optimize_server_usage(self) -> ServerUsage:
        """Return how the steps are spread over the servers.

        A step that names a tool which several servers define in exactly the same way goes to the one with the least to
        do in its wave.

        Raises:
            WorkflowError: See `build_dependency_graph`.
        """
        candidates = {step.id: self._candidates(step.action.tool) for step in self._steps}
        return usage(self.build_dependency_graph(), candidates)

    def build(self) -> Plan:
        """Return the checked, immutable plan.

        Raises:
            WorkflowError: Something is wrong: a cycle, an unknown tool, a reference to nothing, a type that cannot fit.
        """
        problems = self.problems()
        if problems:
            raise WorkflowError(self._name, problems)
        used = self.optimize_server_usage()
        order = [step for wave in used.waves for step in wave]
        by_id = {step.id: step for step in self._steps}
        return Plan(
            name=self._name,
            inputs=self._inputs,
            steps=tuple(self._pinned(by_id[name], used.assigned.get(name)) for name in order),
            dependencies=self.build_dependency_graph(),
            outputs=self._outputs,
        )

    def _checked(self) -> Checked:
        return check(self._steps, self._inputs, self._outputs, self._lookup)

    def _lookup(self, tool: str) -> ToolDefinition | None:
        found = self._candidates(tool)
        return found[0].definition if found else None

    def _candidates(self, tool: str) -> tuple[RegisteredTool, ...]:
        """Return the tools that a name may stand for: one, or several that are defined in exactly the same way."""
        group, _, name = tool.partition(".")
        if group in self._replicas:
            found = [self._registry.get(f"{server}.{name}") for server in self._replicas[group]]
            return tuple(one for one in found if one is not None)
        found_one = self._registry.get(tool)
        if found_one is not None:
            return (found_one,)
        same = self._registry.collisions.get(tool, ())
        return same if len({one.definition.digest for one in same}) == 1 else ()

    def _unknown_tools(self) -> tuple[str, ...]:
        """Return a complaint for each tool that nobody lists, or several do in different ways."""
        problems: list[str] = []
        for step in self._steps:
            extra = (step.compensate,) if step.compensate is not None else ()
            for action in (*step.actions, *extra):
                if self._candidates(action.tool):
                    continue
                try:
                    self._registry.find(action.tool)
                except UsageError as problem:
                    hint = f" ({problem.hint})" if problem.hint else ""
                    problems.append(f"step {step.id!r}: {problem.message}{hint}")
        return tuple(problems)

    def _pinned(self, step: Step, assigned: RegisteredTool | None) -> Step:
        """Return a step whose tools have their full names, so that a later change of the registry changes nothing."""
        pinned = replace(
            step,
            action=self._full(step.action, assigned),
            fallback=tuple(self._full(action) for action in step.fallback),
        )
        return pinned if step.compensate is None else replace(pinned, compensate=self._full(step.compensate))

    def _full(self, action: Action, assigned: RegisteredTool | None = None) -> Action:
        if action.tool.partition(".")[0] in self._replicas:
            return action
        tool = assigned or self._candidates(action.tool)[0]
        return replace(action, tool=f"{tool.server_id}.{tool.definition.name}")
