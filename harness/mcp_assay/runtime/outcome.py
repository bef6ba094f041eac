"""What became of a tool call, as one value for any content mix and any kind of failure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mcp_assay.core.faults import FaultKind
from mcp_assay.wire.exchange import first_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.exchange import Exchange

_TIMEOUTS = frozenset({FaultKind.TIMEOUT, FaultKind.STDIN_BLOCKED})
_UNUSABLE_ANSWERS = frozenset({FaultKind.UNREADABLE, FaultKind.OVERSIZED, FaultKind.PROTOCOL})
_REFUSALS = frozenset({429, 503})
"""Statuses by which an HTTP server says that it did nothing yet (RFC 6585 section 4, RFC 9110 section 15.6.4)."""

LONGEST_RETRY_AFTER_S = 60.0


class OutcomeKind(StrEnum):
    """The five ways in which a call can end."""

    RESULT = "result"
    TOOL_ERROR = "tool-error"
    PROTOCOL_ERROR = "protocol-error"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"

    # Counters are kept by it, and the hash of an enumeration is computed in Python.
    __hash__ = str.__hash__

    @property
    def is_transport_fault(self) -> bool:
        """Whether no answer came."""
        return self is OutcomeKind.TIMEOUT or self is OutcomeKind.UNAVAILABLE


@dataclass(slots=True, kw_only=True)
class ToolOutcome:
    """How a tool call ended. Not frozen: one is made per call, and a frozen one takes three times as long.

    Attributes:
        kind: The way it ended.
        server: Id of the server that was asked, empty when none could be.
        tool: The tool's bare name.
        content: The content blocks of a result, as the server gave them.
        structured: The structured content; when there is none but one text block holds JSON, that JSON.
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
    error: str | None = None
    attempts: int = 1
    duration_s: float = 0.0
    exchange: Exchange | None = None

    @property
    def text(self) -> str:
        """The text blocks, joined by line breaks."""
        return "\n".join(texts_of(self.content))

    @property
    def succeeded(self) -> bool:
        """Whether there is a result that is no tool error."""
        return self.kind is OutcomeKind.RESULT

    @property
    def fault_kind(self) -> FaultKind | None:
        """The class of the transport's fault, None when an answer came or nothing was sent."""
        return None if self.exchange is None or self.exchange.fault is None else self.exchange.fault.kind

    @property
    def retry_after_s(self) -> float | None:
        """Seconds an HTTP server that refused the call unseen asks to wait, at most 60; None when it did not refuse."""
        http = None if self.exchange is None else self.exchange.http
        if http is None or http.status not in _REFUSALS:
            return None
        texts = [value for name, value in http.headers if name.lower() == "retry-after"]
        # A date instead of seconds is legal, but would trust the server's clock.
        seconds = float(texts[0]) if texts and texts[0].isascii() and texts[0].isdigit() else 0.0
        return min(seconds, LONGEST_RETRY_AFTER_S)


def is_plain_result(exchange: Exchange, result: JsonObject) -> bool:
    """Return whether nothing is to be said against a result: the way of almost all calls, so it is decided first."""
    return (
        exchange.fault is None
        and "error" not in (exchange.message or {})
        and result.get("isError") is not True
        and "resultType" not in result
    )


def kind_of(exchange: Exchange) -> OutcomeKind:
    """Return the way in which an exchange ended; an answer that cannot be used is a protocol error."""
    if exchange.fault is not None:
        if exchange.fault.kind in _UNUSABLE_ANSWERS:
            return OutcomeKind.PROTOCOL_ERROR
        return OutcomeKind.TIMEOUT if exchange.fault.kind in _TIMEOUTS else OutcomeKind.UNAVAILABLE
    if exchange.result is None or exchange.error is not None:
        return OutcomeKind.PROTOCOL_ERROR
    return OutcomeKind.TOOL_ERROR if exchange.is_tool_error or _wants_input(exchange.result) else OutcomeKind.RESULT


def texts_of(content: Iterable[Json]) -> list[str]:
    """Return the texts of content blocks."""
    return [
        text
        for block in content
        if isinstance(block, dict) and block.get("type") == "text" and isinstance(text := block.get("text"), str)
    ]


def unavailable(server: str, tool: str, error: str) -> ToolOutcome:
    """Return the outcome of a call that was never sent."""
    return unsent(OutcomeKind.UNAVAILABLE, server, tool, error)


def unsent(kind: OutcomeKind, server: str, tool: str, error: str) -> ToolOutcome:
    """Return the outcome of a call that was never sent, for any reason."""
    return ToolOutcome(kind=kind, server=server, tool=tool, error=error, attempts=0)


def error_of(exchange: Exchange) -> str | None:
    """Return why an exchange has no good result, or None when it has one."""
    if exchange.fault is None and exchange.is_tool_error:
        return first_text(exchange.result or {}) or "the tool reports an error without text"
    if exchange.succeeded and _wants_input(exchange.result):
        return "the tool asks for input that nobody here gives"
    return None if exchange.succeeded else exchange.describe()


def _wants_input(result: JsonObject | None) -> bool:
    """Return whether a result is a question back to us (2026-07-28, multi round-trip requests)."""
    return (result or {}).get("resultType") == "input_required"
