"""Between what a caller says and what a tool's schema asks for; explains every change."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.runtime.outcome import ToolOutcome, error_of, kind_of, texts_of

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.wire.exchange import Exchange

_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change to the arguments.

    Attributes:
        name: The argument.
        action: ``coerced``, ``defaulted`` or ``dropped``.
        reason: Why, in one clause.
        before: The value before; None for a default.
        after: The value after; None when it was dropped.
    """

    name: str
    action: str
    reason: str
    before: Json = None
    after: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """Arguments fit for a tool, and how they came about.

    Attributes:
        arguments: The arguments to send.
        changes: What was changed; with them the original arguments can be had again.
        problems: Why they still break the schema's top level, one sentence each.
    """

    arguments: JsonObject
    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()


class ToolCallTranslator:
    """Fits arguments to a tool's input schema and any answer to one outcome type."""

    def normalize_parameters(
        self, tool: ToolDefinition, arguments: JsonObject, *, drop_unknown: bool = False
    ) -> Normalised:
        """Return ``arguments`` coerced, completed with defaults, and without what the schema does not know.

        Only lossless changes are made: text that spells a number, integer or boolean becomes one, whole numbers
        written as floats become integers, a single value becomes a list of one. Everything else is left for the server.

        Args:
            tool: The tool.
            arguments: What the caller gave; not modified.
            drop_unknown: Whether properties that the schema does not name are dropped rather than reported when it
                admits no others.
        """
        schema = tool.input_schema or {}
        properties = _objects(schema.get("properties"))
        changes: list[Change] = []
        problems: list[str] = []
        fitted: JsonObject = {}
        for name, value in arguments.items():
            if name in properties:
                fitted[name] = _coerced(name, value, properties[name], changes)
            elif schema.get("additionalProperties") is not False:
                fitted[name] = value
            elif drop_unknown:
                changes.append(Change(name=name, action="dropped", reason="the schema does not know it", before=value))
            else:
                problems.append(f"{tool.name} takes no argument {name!r}")
        _complete(fitted, properties, changes)
        required = schema.get("required")
        missing = [name for name in (required if isinstance(required, list) else []) if name not in fitted]
        problems += [f"{tool.name} needs the argument {name!r}" for name in missing]
        return Normalised(arguments=fitted, changes=tuple(changes), problems=tuple(problems))

    def translate_responses(self, exchange: Exchange, *, server: str, tool: str) -> ToolOutcome:
        """Return how a tool call ended, whatever mix of content the server sent."""
        result = exchange.result or {}
        content = result.get("content")
        texts = texts_of(result)
        structured = result.get("structuredContent")
        if structured is None and len(texts) == 1:
            structured = _json_in(texts[0])
        return ToolOutcome(
            kind=kind_of(exchange),
            server=server,
            tool=tool,
            content=tuple(content) if isinstance(content, list) else (),
            structured=structured,
            text="\n".join(texts),
            error=error_of(exchange),
            duration_s=exchange.duration_s,
            exchange=exchange,
        )


def _objects(value: Json) -> dict[str, JsonObject]:
    """Return the entries of an object that are objects themselves."""
    entries = value.items() if isinstance(value, dict) else ()
    return {name: entry if isinstance(entry, dict) else {} for name, entry in entries}


def _complete(fitted: JsonObject, properties: dict[str, JsonObject], changes: list[Change]) -> None:
    """Add the defaults of properties that are missing."""
    for name, schema in properties.items():
        if name not in fitted and "default" in schema:
            fitted[name] = schema["default"]
            changes.append(
                Change(name=name, action="defaulted", reason="the schema gives a default", after=schema["default"])
            )


def _coerced(name: str, value: Json, schema: JsonObject, changes: list[Change]) -> Json:
    """Return the value in the type its schema asks for, when that loses nothing."""
    wanted = schema.get("type")
    after = _as_type(value, wanted) if isinstance(wanted, str) else value
    if type(after) is not type(value):
        changes.append(
            Change(name=name, action="coerced", reason=f"the schema asks for {wanted}", before=value, after=after)
        )
    return after


def _as_type(value: Json, wanted: str) -> Json:
    """Return the value as a JSON type, or unchanged when that is not lossless."""
    if isinstance(value, str) and wanted in {"integer", "number", "boolean"}:
        return _spelled(value, wanted)
    if isinstance(value, float) and wanted == "integer" and value.is_integer():
        return int(value)
    if wanted == "array" and not isinstance(value, list) and value is not None:
        return [value]
    if wanted == "string" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _spelled(text: str, wanted: str) -> Json:
    """Return the number or boolean that a text spells, or the text."""
    if wanted == "boolean":
        return text.lower() in _TRUE if text.lower() in _TRUE | _FALSE else text
    try:
        number = json.loads(text)
    except ValueError:
        return text
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    if not is_number or (wanted == "integer" and not isinstance(number, int)):
        return text
    return number


def _json_in(text: str) -> Json:
    """Return the JSON object or array in a text, or None."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value
