"""Exchanges: one request and all that came back, as it was on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import orjson

from mcp_assay.wire.hidden_errors import THROTTLED, hidden_error

if TYPE_CHECKING:
    from mcp_assay.core.faults import Fault
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.messages import RequestId

_SHOWN_BYTES = 2_000
_LONGEST_REFUSAL = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMeta:
    """What HTTP added to an exchange.

    Attributes:
        status: Status code of the answer.
        headers: Answer headers in order, names as received.
        stream: How the answer was carried: ``json``, ``sse``, ``get`` for the stream the server was left to speak on,
            ``none`` for an answer without a message.
        event_id: Id of the event that carried it, None without one.
        first_byte_at: When the first piece of the event stream that carried it came, None for other answers.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    stream: str
    event_id: str | None = None
    first_byte_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer. Exactly one of ``message`` and ``fault`` is set, unless nothing was awaited.

    Attributes:
        method: The request's method; a word in angle brackets for a raw probe.
        id: The request's id, or None for notifications and raw probes.
        sent: Raw bytes of the request.
        sent_at: When it was handed to the transport, seconds on the connection's clock.
        ended_at: When the answer had been read, or when waiting ended.
        raw: Raw bytes of the answer, empty when none came.
        message: The answer as parsed JSON, before any model touched it.
        fault: Why there is no answer.
        related: Notifications and requests that came while this one was open.
        http: What HTTP added, None on stdio.
    """

    method: str
    id: RequestId | None
    sent: bytes
    sent_at: float
    ended_at: float
    raw: bytes = b""
    message: JsonObject | None = None
    fault: Fault | None = None
    related: tuple[JsonObject, ...] = ()
    http: HttpMeta | None = field(default=None)

    @property
    def duration_s(self) -> float:
        """Seconds from sending to the end."""
        return self.ended_at - self.sent_at

    @property
    def first_byte_s(self) -> float | None:
        """Seconds from sending to the first piece of the stream that carried the answer, None without a stream."""
        return None if self.http is None or self.http.first_byte_at is None else self.http.first_byte_at - self.sent_at

    @property
    def result(self) -> JsonObject | None:
        """The answer's ``result`` when it is an object."""
        return _object_at(self.message, "result")

    @property
    def error(self) -> JsonObject | None:
        """The answer's ``error`` when it is an object."""
        return _object_at(self.message, "error")

    @property
    def error_code(self) -> int | None:
        """The JSON-RPC error code when the answer is a well-formed error."""
        code = (self.error or {}).get("code")
        return code if type(code) is int else None

    @property
    def is_tool_error(self) -> bool:
        """Whether a tool call was answered by a result that says ``isError``."""
        return (self.result or {}).get("isError") is True

    @property
    def succeeded(self) -> bool:
        """Whether there is a result that is no tool error, and no error beside it."""
        return self.result is not None and self.error is None and not self.is_tool_error

    @property
    def hides_tool_error(self) -> bool:
        """Whether a client takes an error for a result: see `hidden_error`, and `wraps_tool_error`."""
        return self.wraps_tool_error or self.hidden_error is not None

    @property
    def hidden_error(self) -> str | None:
        """The error that a tool's result consists of although it does not say ``isError``, or None."""
        if self.result is None or self.is_tool_error or (self.raw and b"error" not in self.raw):
            return None
        try:
            params = _object_at(orjson.loads(self.sent), "params")
        except orjson.JSONDecodeError:
            params = None
        tool, arguments = (params or {}).get("name"), (params or {}).get("arguments")
        given = arguments if isinstance(arguments, dict) else {}
        return hidden_error(self.result, tool=tool, arguments=given) if isinstance(tool, str) else None

    @property
    def is_throttled(self) -> bool:
        """Whether the answer is a refusal because there were too many calls: nothing is learned from it."""
        told = self.hidden_error
        if self.error is not None:
            told = str(self.error.get("message"))
        elif self.is_tool_error:
            told = first_text(self.result or {})
        return told is not None and THROTTLED.search(told[:_LONGEST_REFUSAL]) is not None

    @property
    def wraps_tool_error(self) -> bool:
        """Whether a result is wrapped twice: its one text is a result that says ``isError``, and itself it does not."""
        if self.result is None or self.is_tool_error:
            return False
        content = self.result.get("content")
        text = first_text(self.result) if isinstance(content, list) and len(content) == 1 else ""
        if not text.startswith("{") or '"isError"' not in text:
            return False
        try:
            inner: Json = orjson.loads(text)
        except ValueError:
            return False
        return isinstance(inner, dict) and inner.get("isError") is True and isinstance(inner.get("content"), list)

    def describe(self) -> str:
        """Return what came back in a few words, for a verdict's ``observed``."""
        if self.fault is not None:
            return self.fault.message
        if self.message is None:
            return "no answer was awaited"
        if self.error is not None:
            return f"JSON-RPC error {self.error.get('code')}: {_short(self.error.get('message'))}"
        if self.result is None:
            return f"an answer without a result object: {_short(cast('Json', self.message))}"
        return self._described(self.result)

    def _described(self, result: JsonObject) -> str:
        """Return a result in a few words."""
        if self.is_tool_error:
            return f"a result with isError: {_short(first_text(result))}"
        hidden = self.hidden_error
        if hidden is not None:
            return f"a result without isError that consists of an error: {_short(hidden)}"
        if self.wraps_tool_error:
            return f"a result without isError whose text is one with it: {_short(first_text(result))}"
        return f"a result: {_short(result)}"

    def evidence(self) -> dict[str, Any]:
        """Return the exchange as JSON for a report: cut, and not yet redacted."""
        evidence: dict[str, Any] = {
            "method": self.method,
            "request": _cut(self.sent),
            "response": _cut(self.raw),
            "duration_s": round(self.duration_s, 6),
        }
        if self.fault is not None:
            evidence["fault"] = {"kind": self.fault.kind.value, "message": self.fault.message}
        if self.http is not None:
            headers = [list(pair) for pair in self.http.headers]
            evidence["http"] = {"status": self.http.status, "headers": headers, "stream": self.http.stream}
        return evidence


def _object_at(message: JsonObject | None, key: str) -> JsonObject | None:
    """Return ``message[key]`` when it is an object."""
    value = None if message is None else message.get(key)
    return value if isinstance(value, dict) else None


def _cut(raw: bytes) -> str:
    """Return raw bytes as text for a report, with a count of what is missing."""
    text = raw[:_SHOWN_BYTES].decode("utf-8", "backslashreplace").rstrip("\n")
    return text if len(raw) <= _SHOWN_BYTES else f"{text} … [{len(raw) - _SHOWN_BYTES} bytes cut]"


def _short(value: Json) -> str:
    """Return a value in at most 200 characters."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def first_text(result: JsonObject) -> str:
    """Return the first text block of a tool result, or an empty string."""
    content = result.get("content")
    for block in content if isinstance(content, list) else []:
        if isinstance(block, dict) and isinstance(text := block.get("text"), str):
            return text
    return ""
