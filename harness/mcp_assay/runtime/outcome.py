"""What became of a tool call, as one value for any content mix and any kind of failure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mcp_assay.core.faults import FaultKind
from mcp_assay.wire.exchange import first_text

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.exchange import Exchange


class OutcomeKind(StrEnum):
    """The five ways in which a call can end."""

    RESULT = "result"
    TOOL_ERROR = "tool-error"
    PROTOCOL_ERROR = "protocol-error"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"

    @property
    def is_transport_fault(self) -> bool:
        """Whether the server failed to answer, which is what a circuit breaker counts."""
        return self in {OutcomeKind.TIMEOUT, OutcomeKind.UNAVAILABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """How a tool call ended.

    Attributes:
        kind: The way it ended.
        server: Id of the server that was asked, empty when none could be.
        tool: The tool's bare name.
        content: The content blocks of a result, as the server gave them.
        structured: The structured content; when there is none but one text block holds JSON, that JSON.
        text: The text blocks, joined by line breaks.
        error: Why there is no good result, in one sentence.
        attempts: Calls made on the wire.
        duration_s: Seconds from the first attempt to the end.
        exchange: The last exchange, None when nothing was sent.
    """

    kind: OutcomeKind
    server: str
    tool: str
    content: tuple[Json, ...] = ()
    structured: Json = None
    text: str = ""
    error: str | None = None
    attempts: int = 1
    duration_s: float = 0.0
    exchange: Exchange | None = None

    @property
    def succeeded(self) -> bool:
        """Whether there is a result that is no tool error."""
        return self.kind is OutcomeKind.RESULT


def kind_of(exchange: Exchange) -> OutcomeKind:
    """Return the way in which an exchange ended."""
    if exchange.fault is not None:
        timed_out = exchange.fault.kind in {FaultKind.TIMEOUT, FaultKind.STDIN_BLOCKED}
        return OutcomeKind.TIMEOUT if timed_out else OutcomeKind.UNAVAILABLE
    if exchange.result is None:
        return OutcomeKind.PROTOCOL_ERROR
    return OutcomeKind.TOOL_ERROR if exchange.is_tool_error else OutcomeKind.RESULT


def texts_of(result: JsonObject) -> list[str]:
    """Return the texts of a tool result's content blocks."""
    content = result.get("content")
    blocks = content if isinstance(content, list) else []
    texts = (block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text")
    return [text for text in texts if isinstance(text, str)]


def unavailable(server: str, tool: str, error: str) -> ToolOutcome:
    """Return the outcome of a call that was never sent."""
    return ToolOutcome(kind=OutcomeKind.UNAVAILABLE, server=server, tool=tool, error=error, attempts=0)


def error_of(exchange: Exchange) -> str | None:
    """Return why an exchange has no good result, or None when it has one."""
    if exchange.is_tool_error:
        return first_text(exchange.result or {}) or "the tool reports an error without text"
    return None if exchange.succeeded else exchange.describe()
