"""Everything that can be said about a workflow before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from mcp_assay.runtime.coercion import admitted_types, objects_in, type_of
from mcp_assay.runtime.workflow.references import Expression, ReferenceProblemError, expression, parts
from mcp_assay.runtime.workflow.shapes import ANYTHING, CLOSED, Inference, any_of, clash, inlined, listed, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.runtime.workflow.values import Action, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found out.

    Attributes:
        problems: What is wrong, one sentence each.
        dependencies: The steps each step has to wait for.
    """

    problems: tuple[str, ...]
    dependencies: Mapping[str, frozenset[str]]


def check(
    steps: Sequence[Step],
    inputs: Mapping[str, JsonObject],
    outputs: Mapping[str, str],
    lookup: Callable[[str], ToolDefinition | None],
) -> Checked:
    """Return the problems and the dependencies of a workflow.

    Args:
        steps: Its steps.
        inputs: JSON Schemas of its inputs.
        outputs: Expressions of what it gives.
        lookup: Returns the definition of a tool, None when it is unknown, which somebody else complains about.
    """
    scope = _scope(steps, inputs, lookup)
    problems = list(_names(steps))
    dependencies: dict[str, frozenset[str]] = {}
    for step in steps:
        inspector = _Inspector(step, scope, lookup)
        inspector.inspect()
        problems += inspector.problems
        dependencies[step.id] = frozenset(inspector.needed)
    for name, text in outputs.items():
        problems += [f"output {name!r}: {problem}" for problem in _problems_of(text, scope)]
    known = {step.id for step in steps}
    for step_id, needed in dependencies.items():
        problems += [f"step {step_id!r} needs {other!r}, which is no step" for other in sorted(needed - known)]
    return Checked(problems=(*problems, *_cycle(dependencies)), dependencies=dependencies)


class _Inspector:
    """Looks at one step."""

    def __init__(self, step: Step, scope: JsonObject, lookup: Callable[[str], ToolDefinition | None]) -> None:
        self._step = step
        self._scope = scope
        self._lookup = lookup
        self.problems: list[str] = []
        self.needed: set[str] = set(step.needs)

    def inspect(self) -> None:
        """Look at everything in the step."""
        step = self._step
        scope = self._scope
        if step.when is not None:
            self._shape(step.when, scope, "when")
        if step.foreach is not None:
            items = self._shape(step.foreach, scope, "foreach")
            scope = _with_item(scope, self._item(items))
        for place, action in [("", step.action), *((f"fallback {n}: ", a) for n, a in enumerate(step.fallback, 1))]:
            self._arguments(action, scope, place)
        if step.compensate is not None:
            own = self.needed
            self.needed = set()
            self._arguments(step.compensate, _with_own(scope, step, self._lookup), "compensate: ")
            # What undoes a step runs after it, so it may use its result.
            self.needed = own | (self.needed - {step.id})

    def _item(self, items: JsonObject) -> JsonObject:
        types = admitted_types(resolved(items))
        if types and "array" not in types:
            self._complain(f"foreach: {listed(types)} where a list is wanted")
        inner = items.get("items")
        return inner if isinstance(inner, dict) else ANYTHING

    def _arguments(self, action: Action, scope: JsonObject, place: str) -> None:
        """Look at the arguments of one call: references, types, unknown and missing ones."""
        tool = self._lookup(action.tool)
        schema = inlined((tool.input_schema if tool else None) or {})
        for name, given in action.arguments.items():
            self._value(given, _property(schema, name), scope, f"{place}argument {name!r}")
        if tool is None:
            return
        known = objects_in(schema.get("properties"))
        if schema.get("additionalProperties") is False and "patternProperties" not in schema:
            for name in action.arguments:
                if name not in known:
                    self._complain(f"{place}{tool.name} takes no argument {name!r}")
        required = schema.get("required")
        for needed in required if isinstance(required, list) else []:
            if isinstance(needed, str) and needed not in action.arguments and "default" not in known.get(needed, {}):
                self._complain(f"{place}{tool.name} needs the argument {needed!r}")

    def _value(self, value: Json, wanted: JsonObject, scope: JsonObject, place: str) -> None:
        """Look at one value against the schema of its place."""
        wanted = resolved(wanted)
        if isinstance(value, dict):
            self._clash({"type": "object"}, wanted, place)
            for name, member in value.items():
                self._value(member, _property(wanted, name), scope, f"{place} {name!r}")
        elif isinstance(value, list):
            self._clash({"type": "array"}, wanted, place)
            inner = wanted.get("items")
            for item in value:
                self._value(item, inner if isinstance(inner, dict) else ANYTHING, scope, place)
        elif isinstance(value, str) and "${" in value:
            self._text(value, wanted, scope, place)
        else:
            self._clash({"type": type_of(value)}, wanted, place)

    def _text(self, text: str, wanted: JsonObject, scope: JsonObject, place: str) -> None:
        """Look at a text with references."""
        try:
            found = parts(text)
        except ReferenceProblemError as problem:
            self._complain(f"{place}: {problem.message}")
            return
        shapes = [self._infer(part, scope, place) for part in found if isinstance(part, Expression)]
        whole = len(found) == 1 and len(shapes) == 1
        self._clash(shapes[0] if whole else {"type": "string"}, wanted, f"{place}: {text}")

    def _shape(self, text: str, scope: JsonObject, place: str) -> JsonObject:
        try:
            return self._infer(expression(text), scope, place)
        except ReferenceProblemError as problem:
            self._complain(f"{place}: {problem.message}")
            return ANYTHING

    def _infer(self, found: Expression, scope: JsonObject, place: str) -> JsonObject:
        inference = Inference(scope)
        shape = inference.shape(found.tree)
        self.needed |= inference.steps & objects_in(_steps_of(scope).get("properties")).keys()
        for problem in dict.fromkeys(inference.problems):
            self._complain(f"{place}: ${{{found.text}}}: {problem}")
        return shape

    def _clash(self, given: JsonObject, wanted: JsonObject, place: str) -> None:
        problem = clash(given, wanted)
        if problem is not None:
            self._complain(f"{place} is {problem}")

    def _complain(self, problem: str) -> None:
        self.problems.append(f"step {self._step.id!r}: {problem}")


def _scope(
    steps: Iterable[Step], inputs: Mapping[str, JsonObject], lookup: Callable[[str], ToolDefinition | None]
) -> JsonObject:
    """Return what is known about everything that a reference may name."""
    done: JsonObject = {step.id: _result(step, lookup) for step in steps}
    given: JsonObject = {name: inlined(schema) for name, schema in inputs.items()}
    return _closed({"steps": _closed(done), "inputs": _closed(given)})


def _result(step: Step, lookup: Callable[[str], ToolDefinition | None]) -> JsonObject:
    """Return what is known about a step's result."""
    tools = [lookup(action.tool) for action in step.actions]
    structured = any_of([inlined((tool.output_schema if tool else None) or {}) for tool in tools])
    text: JsonObject = {"type": "string"}
    properties: JsonObject = {
        "ok": {"type": "boolean"},
        "status": {"type": "string"},
        "structured": structured if step.foreach is None else {"type": "array", "items": structured},
        "text": text if step.foreach is None else {"type": "array", "items": text},
        "content": {"type": "array"},
        "error": {"type": ["string", "null"]},
        "items": {"type": "array"},
    }
    return _closed(properties)


def _with_own(scope: JsonObject, step: Step, lookup: Callable[[str], ToolDefinition | None]) -> JsonObject:
    """Return what is known while one call of a step is undone: its own result is that of the call."""
    properties = objects_in(scope.get("properties"))
    results = objects_in(_steps_of(scope).get("properties"))
    own: JsonObject = {**results, step.id: _result(replace(step, foreach=None), lookup)}
    return {**scope, "properties": {**properties, "steps": _closed(own)}}


def _with_item(scope: JsonObject, item: JsonObject) -> JsonObject:
    properties = objects_in(scope.get("properties"))
    return {**scope, "properties": {**properties, "item": item, "index": {"type": "integer"}}}


def _steps_of(scope: JsonObject) -> JsonObject:
    return objects_in(scope.get("properties"))["steps"]


def _closed(properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": properties, "additionalProperties": False, CLOSED: True}


def _property(schema: JsonObject, name: str) -> JsonObject:
    return objects_in(resolved(schema).get("properties")).get(name, ANYTHING)


def _problems_of(text: str, scope: JsonObject) -> Iterator[str]:
    try:
        inference = Inference(scope)
        inference.shape(expression(text).tree)
    except ReferenceProblemError as problem:
        yield problem.message
        return
    yield from dict.fromkeys(inference.problems)


def _names(steps: Sequence[Step]) -> Iterator[str]:
    """Yield complaints about step ids."""
    seen: set[str] = set()
    if not steps:
        yield "it has no steps"
    for step in steps:
        if not step.id.isidentifier() or not step.id.isascii():
            yield f"step {step.id!r}: an id is made of letters, digits and underscores"
        if step.id in seen:
            yield f"step {step.id!r} is there twice"
        if step.parallel < 1 or (step.retry is not None and step.retry.attempts < 1):
            yield f"step {step.id!r}: parallel and attempts must be 1 or more"
        seen.add(step.id)


def _cycle(dependencies: Mapping[str, frozenset[str]]) -> Iterator[str]:
    try:
        TopologicalSorter(dependencies).prepare()
    except CycleError as problem:
        circle = [str(name) for name in problem.args[1]]
        yield f"steps wait for each other in a circle: {' -> '.join(reversed(circle))}"
