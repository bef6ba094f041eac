"""Workflows in YAML or JSON files.

The format is published as a JSON Schema, `workflow.schema.json` beside this module; a file is judged by it before
anything else looks at it, and every complaint names file, line and column.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jsonschema_rs

from mcp_assay.config.files import read_document
from mcp_assay.config.tree import Array, Document, Mark, Scalar, Table
from mcp_assay.config.yaml_reader import parse_yaml
from mcp_assay.runtime.outcome import OutcomeKind
from mcp_assay.runtime.workflow.values import PARALLEL_ITEMS, Action, Retry, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.config.tree import Node
    from mcp_assay.core.json_types import Json, JsonObject

Place = tuple["str | int", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowDocument:
    """A workflow as it was written.

    Attributes:
        name: Its name; the file's name without its ending unless it says otherwise.
        inputs: JSON Schemas of its inputs.
        outputs: Expressions of what it gives.
        steps: Its steps in the order of the document.
    """

    name: str
    inputs: Mapping[str, JsonObject]
    outputs: Mapping[str, str]
    steps: tuple[Step, ...]


def workflow_schema() -> JsonObject:
    """Return the published JSON Schema of workflow files."""
    text = resources.files("mcp_assay.runtime.workflow").joinpath("workflow.schema.json").read_text(encoding="utf-8")
    return cast("JsonObject", json.loads(text))


def read_workflow(path: Path) -> WorkflowDocument:
    """Return the workflow in a file.

    Raises:
        ConfigError: The file cannot be read, is no YAML or JSON, or no workflow.
    """
    return _document(parse_yaml(read_document(path), path), path.name.split(".")[0])


def read_workflow_text(text: str, *, name: str = "workflow") -> WorkflowDocument:
    """Return the workflow in a text.

    Raises:
        ConfigError: The text is no YAML or JSON, or no workflow.
    """
    return _document(parse_yaml(text, Path(f"<{name}>")), name)


def _document(document: Document, name: str) -> WorkflowDocument:
    reader = _Reader(document)
    value = reader.value(document.root, ())
    validator = jsonschema_rs.validator_for(workflow_schema())
    for error in validator.iter_errors(value):
        place = tuple(error.instance_path)
        where = f"{'/'.join(map(str, place))}: " if place else ""
        hint = "the format is described by mcp_assay/runtime/workflow/workflow.schema.json"
        raise document.error(f"{where}{error.message}", reader.mark(place), hint=hint)
    found = cast("dict[str, Any]", value)
    return WorkflowDocument(
        name=found.get("name", name),
        inputs=found.get("inputs", {}),
        outputs={key: _bare(text) for key, text in found.get("outputs", {}).items()},
        steps=tuple(_step(key, step) for key, step in found["steps"].items()),
    )


class _Reader:
    """Turns a document's tree into plain values and remembers their places."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._marks: dict[Place, Mark] = {}

    def value(self, node: Node, place: Place) -> Json:
        """Return a node as a JSON value.

        Raises:
            ConfigError: A member is there twice.
        """
        self._marks[place] = node.mark
        if isinstance(node, Scalar):
            return node.value
        if isinstance(node, Array):
            return [self.value(item, (*place, index)) for index, item in enumerate(node.items)]
        return self._members(node, place)

    def mark(self, place: Place) -> Mark:
        """Return the place of a value in the document."""
        while place not in self._marks:
            place = place[:-1]
        return self._marks[place]

    def _members(self, table: Table, place: Place) -> JsonObject:
        found: JsonObject = {}
        for member in table.members:
            if member.key in found:
                raise self._document.error(f"{member.key!r} is there twice", member.mark)
            found[member.key] = self.value(member.value, (*place, member.key))
            self._marks[(*place, member.key)] = member.mark
        return found


def _step(name: str, found: dict[str, Any]) -> Step:
    return Step(
        id=name,
        action=_action(found),
        needs=tuple(found.get("needs", ())),
        when=_expression(found.get("when")),
        foreach=_expression(found.get("foreach")),
        parallel=found.get("parallel", PARALLEL_ITEMS),
        retry=_retry(found.get("retry")),
        timeout_s=found.get("timeout_s"),
        fallback=tuple(_action(action) for action in found.get("fallback", ())),
        compensate=_action(found["compensate"]) if "compensate" in found else None,
        optional=found.get("optional", False),
    )


def _action(found: dict[str, Any]) -> Action:
    return Action(tool=found["tool"], arguments=found.get("arguments", {}))


def _retry(found: int | dict[str, Any] | None) -> Retry | None:
    if found is None:
        return None
    if isinstance(found, int):
        return Retry(attempts=found)
    default = Retry()
    return Retry(
        attempts=found.get("attempts", default.attempts),
        base_s=found.get("base_s", default.base_s),
        cap_s=found.get("cap_s", default.cap_s),
        on=frozenset(OutcomeKind(word) for word in found["on"]) if "on" in found else default.on,
    )


def _expression(text: str | None) -> str | None:
    return None if text is None else _bare(text)


def _bare(text: str) -> str:
    """Return an expression without the ``${…}`` that may stand around it."""
    text = text.strip()
    return text[2:-1].strip() if text.startswith("${") and text.endswith("}") else text
