"""What became of the definition of a tool or a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.readiness.locking.changes import Change, Severity, canonical, named, quoted, reworded
from mcp_assay.readiness.locking.schemas import Side, schema_changes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject

HINT_DEFAULTS: Mapping[str, bool] = {
    "destructiveHint": True, "idempotentHint": False, "openWorldHint": True, "readOnlyHint": False,
}  # fmt: skip
"""What a missing annotation means (specification 2025-11-25, schema, ToolAnnotations)."""

_WORDING = ("description", "icons", "title")
_JUDGED = frozenset(
    {*_WORDING, "_meta", "annotations", "arguments", "execution", "inputSchema", "name", "outputSchema"}
)


def tool_changes(name: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """Yield what became of a tool's definition."""
    subject = f"tool {quoted(name)}"
    yield from _annotations(subject, _object(old.get("annotations")), _object(new.get("annotations")))
    yield from schema_changes(
        old.get("inputSchema", True),
        new.get("inputSchema", True),
        subject=subject,
        place="inputSchema",
        side=Side.INPUT,
    )
    yield from _output(subject, old, new)
    yield from _execution(subject, _execution_of(old), _execution_of(new))
    yield from _others(subject, old, new)


def prompt_changes(name: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """Yield what became of a prompt's definition; its arguments are judged as those of a tool are."""
    subject = f"prompt {quoted(name)}"
    yield from schema_changes(
        _as_schema(old.get("arguments")),
        _as_schema(new.get("arguments")),
        subject=subject,
        place="arguments",
        side=Side.INPUT,
    )
    yield from _others(subject, old, new)


def _annotations(subject: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """Yield the changes of annotations. Any other meaning of a hint is breaking: consent was given to the old one."""
    for key in sorted({*old, *new}):
        before, after = old.get(key, HINT_DEFAULTS.get(key)), new.get(key, HINT_DEFAULTS.get(key))
        text = f"annotations.{named(key)}: {quoted(before)} -> {quoted(after)}"
        if key == "title":
            yield from _reworded(subject, f"annotations.{key}", before, after)
        elif canonical(before) != canonical(after):
            added = key not in HINT_DEFAULTS and key not in old
            yield Change(severity=Severity.COMPATIBLE if added else Severity.BREAKING, subject=subject, text=text)
        elif (key in old) is not (key in new):
            stated = "stated now" if key in new else "no longer stated"
            text = f"annotations.{key}: {quoted(after)}, the default, is {stated}"
            yield Change(severity=Severity.COMPATIBLE, subject=subject, text=text)


def _output(subject: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """Yield the changes of the output schema."""
    if "outputSchema" in old and "outputSchema" in new:
        before, after = old["outputSchema"], new["outputSchema"]
        yield from schema_changes(before, after, subject=subject, place="outputSchema", side=Side.OUTPUT)
    elif "outputSchema" in old:
        yield Change(severity=Severity.BREAKING, subject=subject, text="outputSchema: removed")
    elif "outputSchema" in new:
        yield Change(severity=Severity.COMPATIBLE, subject=subject, text="outputSchema: added")


def _execution(subject: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """Yield the changes of how a tool is run; only a task that becomes possible breaks nothing."""
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if canonical(before) != canonical(after):
            possible = (key, before, after) == ("taskSupport", "forbidden", "optional")
            severity = Severity.COMPATIBLE if possible else Severity.BREAKING
            text = f"execution.{named(key)}: {quoted(before)} -> {quoted(after)}"
            yield Change(severity=severity, subject=subject, text=text)


def _execution_of(definition: JsonObject) -> JsonObject:
    """Return how a tool is run; without a word it is no task (specification 2025-11-25, schema, ToolExecution)."""
    return {"taskSupport": "forbidden", **_object(definition.get("execution"))}


def _others(subject: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """Yield the changes of texts, metadata and members that no revision knows."""
    for key in _WORDING:
        yield from _reworded(subject, key, old.get(key), new.get(key))
    if canonical(old.get("_meta")) != canonical(new.get("_meta")):
        text = f"_meta: {quoted(old.get('_meta'))} -> {quoted(new.get('_meta'))}"
        yield Change(severity=Severity.COMPATIBLE, subject=subject, text=text)
    for key in sorted({*old, *new} - _JUDGED):
        if canonical(old.get(key)) != canonical(new.get(key)):
            severity = Severity.BREAKING if key in old else Severity.COMPATIBLE
            text = f"{quoted(key)}: {quoted(old.get(key))} -> {quoted(new.get(key))}"
            yield Change(severity=severity, subject=subject, text=text)


def _reworded(subject: str, key: str, old: Json, new: Json) -> Iterator[Change]:
    if canonical(old) != canonical(new):
        yield Change(severity=Severity.WORDING, subject=subject, text=f"{key}: {reworded(old, new)}")


def _as_schema(arguments: Json) -> JsonObject:
    """Return a prompt's arguments as the schema of an object that takes exactly those."""
    entries = [entry for entry in arguments if isinstance(entry, dict)] if isinstance(arguments, list) else []
    named = {name: entry for entry in entries if isinstance(name := entry.get("name"), str)}
    texts: JsonObject = {
        name: {key: entry[key] for key in ("description", "title") if key in entry} for name, entry in named.items()
    }
    required: list[Json] = [name for name, entry in named.items() if entry.get("required") is True]
    return {"properties": texts, "required": required, "additionalProperties": False}


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
