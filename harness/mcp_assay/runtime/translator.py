"""Between what a caller says and what a tool's schema asks for; explains every change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.runtime.coercion import Change, Fitting, finite_json, undo
from mcp_assay.runtime.outcome import OutcomeKind, ToolOutcome, error_of, is_plain_result, kind_of, texts_of

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.wire.exchange import Exchange

__all__ = ["Change", "Normalised", "ToolCallTranslator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """Arguments fit for a tool, and how they came about.

    Attributes:
        arguments: The arguments to send.
        changes: What was changed, in order.
        problems: Why they still break the schema's shape, one sentence each.
    """

    arguments: JsonObject
    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def original(self) -> JsonObject:
        """What the caller gave, worked out from the arguments and the changes."""
        return undo(self.arguments, self.changes)


class ToolCallTranslator:
    """Fits arguments to a tool's input schema and any answer to one outcome type."""

    def normalize_parameters(
        self, tool: ToolDefinition, arguments: JsonObject, *, drop_unknown: bool = False
    ) -> Normalised:
        """Return ``arguments`` coerced, completed with defaults, and without what the schema does not know.

        Only lossless changes are made: text that spells a number, boolean, object or array becomes one, whole numbers
        written as floats become integers, integers become text, a single value becomes a list of one. A value whose
        type is admitted is never touched. Everything else is left for the server.

        Args:
            tool: The tool.
            arguments: What the caller gave; not modified.
            drop_unknown: Whether properties that the schema does not name are dropped rather than reported when it
                admits no others.
        """
        fitting = Fitting(tool.name, drop_unknown)
        fitted = fitting.object(arguments, tool.input_schema or {})
        return Normalised(arguments=fitted, changes=tuple(fitting.changes), problems=tuple(fitting.problems))

    def translate_responses(
        self, exchange: Exchange, *, server: str, tool: str, duration_s: float | None = None
    ) -> ToolOutcome:
        """Return how a tool call ended, whatever mix of content the server sent.

        Nothing is lost: the exchange with the raw answer is part of the outcome.

        Args:
            exchange: What came back.
            server: Id of the server.
            tool: The tool's bare name.
            duration_s: Seconds the caller waited, by default those of the exchange.
        """
        found = exchange.result
        result = found or {}
        plain = found is not None and is_plain_result(exchange, found)
        given, structured = result.get("content"), result.get("structuredContent")
        content = tuple(given) if isinstance(given, list) else ()
        if structured is None and len(texts := texts_of(content)) == 1:
            structured = _json_in(texts[0])
        return ToolOutcome(
            kind=OutcomeKind.RESULT if plain else kind_of(exchange),
            server=server,
            tool=tool,
            content=content,
            structured=structured,
            error=None if plain else error_of(exchange),
            duration_s=exchange.duration_s if duration_s is None else duration_s,
            exchange=exchange,
        )


def _json_in(text: str) -> Json:
    """Return the JSON object or array in a text, or None."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return finite_json(text)
    except ValueError:
        return None
