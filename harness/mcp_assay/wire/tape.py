"""The lines of a recording: values of the wire as JSON and back."""

from __future__ import annotations

import base64
import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.eras import Agreement, Era
from mcp_assay.wire.exchange import Exchange, HttpMeta
from mcp_assay.wire.http_reply import RawReply
from mcp_assay.wire.log import ServerMessage
from mcp_assay.wire.messages import Anomaly, AnomalyKind, Undecodable, decode
from mcp_assay.wire.raw_http import RawExchange
from mcp_assay.wire.transport import CloseReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.core.redaction import Redactor

_LONG = 4_096
_START = re.compile(rb'\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(0|[1-9]\d{0,14})\s*,\s*(?=")')
"""How most answers begin."""

FORMAT = 2
"""Version of the recording format; a recording of another one is refused."""

Record = Exchange | Anomaly | ServerMessage | RawExchange | Fault | Agreement | CloseReport
"""What a line of a recording can hold."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Turns values into lines without secrets.

    Attributes:
        redactor: Knows the secrets of the server.
    """

    redactor: Redactor

    def line(self, record: Record) -> dict[str, Any]:
        """Return a value as a JSON object with its ``kind``."""
        match record:
            case Exchange():
                return self._exchange(record)
            case Anomaly(kind=kind, raw=raw, at=at, detail=detail):
                return {
                    "kind": "anomaly",
                    "what": kind.value,
                    "raw": self.data(raw),
                    "at": at,
                    "detail": self._text(detail),
                }
            case ServerMessage(raw=raw, at=at):
                return {"kind": "message", "raw": self.data(raw), "at": at}
            case RawExchange():
                return self._raw(record)
            case Fault() | Agreement() | CloseReport():
                return self._end(record)

    def data(self, raw: bytes) -> str | dict[str, str]:
        """Return bytes without secrets: as text when they are UTF-8, otherwise as base64 in an object."""
        text = self.redactor.redact(raw.decode("utf-8", "surrogateescape"))
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return {"base64": base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")}
        return text

    def _exchange(self, exchange: Exchange) -> dict[str, Any]:
        http = exchange.http
        return {
            "kind": "exchange",
            "method": exchange.method,
            "id": exchange.id,
            "sent": self.data(exchange.sent),
            "sent_at": exchange.sent_at,
            "ended_at": exchange.ended_at,
            "raw": self.data(exchange.raw),
            "answered": exchange.message is not None,
            "fault": None if exchange.fault is None else self._fault(exchange.fault),
            "related": self._json(list(exchange.related)),
            "http": None if http is None else self._json(asdict(http)),
        }

    def _end(self, record: Fault | Agreement | CloseReport) -> dict[str, Any]:
        """Return how a connection began or ended."""
        if isinstance(record, Fault):
            return {"kind": "fault", **self._fault(record)}
        if isinstance(record, Agreement):
            return {"kind": "agreement", **self._json(asdict(record))}
        return {"kind": "close", **asdict(record), "trailing": self.data(record.trailing)}

    def _raw(self, exchange: RawExchange) -> dict[str, Any]:
        reply = exchange.reply
        return {
            "kind": "raw",
            "method": exchange.method,
            "url": self._text(exchange.url),
            "headers": self._json(list(exchange.headers)),
            "body": self.data(exchange.body),
            "reply": {
                "status": reply.status,
                "headers": self._json(list(reply.headers)),
                "body": self.data(reply.body),
                "complete": reply.complete,
                "fault": None if reply.fault is None else self._fault(reply.fault),
            },
        }

    def _fault(self, fault: Fault) -> dict[str, Any]:
        members = asdict(fault)
        del members["kind"]
        return {"fault": fault.kind.value, **{key: self._json(value) for key, value in members.items()}}

    def _text(self, text: str) -> str:
        return self.redactor.redact(text).encode("utf-8", "backslashreplace").decode("utf-8")

    def _json(self, value: Any) -> Any:
        """Return a JSON value without secrets; the wire bounds its depth."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {self._text(str(key)): self._json(item) for key, item in cast("dict[str, Any]", value).items()}
        if isinstance(value, list | tuple):
            return [self._json(item) for item in cast("list[Any]", value)]
        return value


def read(line: dict[str, Any]) -> Record:
    """Return the value of a line.

    Raises:
        ValueError: The line is none of ours; `KeyError` and `TypeError` likewise.
    """
    if line["kind"] not in _READERS:
        raise ValueError(f"a recording has no lines of kind {line['kind']!r}")
    return _READERS[line["kind"]](line)


@dataclass(frozen=True, slots=True)
class Unread:
    """A recorded exchange whose answer is parsed when somebody asks for it: few replays need every answer.

    Attributes:
        method: The request's method.
        sent: Raw bytes of the request.
        sent_at: When it was sent.
        raw: Raw bytes of the answer.
        answered: Whether that is a message.
        others: The other attributes of the exchange.
    """

    method: str
    sent: bytes
    sent_at: float
    raw: bytes
    answered: bool
    others: Mapping[str, Any]

    @property
    def http(self) -> HttpMeta | None:
        """What HTTP added."""
        http: HttpMeta | None = self.others["http"]
        return http

    @property
    def awaited_nothing(self) -> bool:
        """Whether it is what HTTP said to a message that awaits no answer; nobody asks for it again."""
        bare = self.others["id"] is None and self.others["fault"] is None
        return bare and not self.answered and self.http is not None

    def read(self) -> Exchange:
        """Return the exchange."""
        return Exchange(
            method=self.method,
            sent=self.sent,
            sent_at=self.sent_at,
            raw=self.raw,
            message=_message(self.raw) if self.answered else None,
            **self.others,
        )


def glimpse(line: dict[str, Any]) -> Record | Unread:
    """Return the value of a line, the answer of an exchange not parsed yet.

    Raises:
        ValueError: See `read`.
    """
    return _unread(line) if line["kind"] == "exchange" else read(line)


def data(value: str | dict[str, str]) -> bytes:
    """Return the bytes that `Writer.data` wrote."""
    return value.encode("utf-8") if isinstance(value, str) else base64.b64decode(value["base64"])


def _members(line: dict[str, Any]) -> dict[str, Any]:
    """Return what a line says beside what kind it is and where it belongs."""
    return {key: value for key, value in line.items() if key not in {"kind", "connection"}}


def _http(members: dict[str, Any] | None) -> HttpMeta | None:
    """Return what HTTP had added."""
    if members is None:
        return None
    given = dict(members)
    given.update(headers=_pairs(members["headers"]))
    return HttpMeta(**given)


def _exchange(line: dict[str, Any]) -> Exchange:
    return _unread(line).read()


def _unread(line: dict[str, Any]) -> Unread:
    others = {
        "id": line["id"],
        "ended_at": line["ended_at"],
        "fault": None if line["fault"] is None else _fault(line["fault"]),
        "related": tuple(line["related"]),
        "http": _http(line["http"]),
    }
    sent, raw = data(line["sent"]), data(line["raw"])
    return Unread(line["method"], sent, line["sent_at"], raw, bool(line["answered"]), others)


def _anomaly(line: dict[str, Any]) -> Anomaly:
    return Anomaly(AnomalyKind(line["what"]), data(line["raw"]), line["at"], line["detail"])


def _server_message(line: dict[str, Any]) -> ServerMessage:
    raw = data(line["raw"])
    return ServerMessage(_message(raw) or {}, raw, line["at"])


def _agreement(line: dict[str, Any]) -> Agreement:
    members = _members(line)
    members.update(era=Era(line["era"]), offered=tuple(line["offered"]))
    return Agreement(**members)


def _close(line: dict[str, Any]) -> CloseReport:
    members = _members(line)
    members.update(trailing=data(line["trailing"]))
    return CloseReport(**members)


def _raw(line: dict[str, Any]) -> RawExchange:
    reply = line["reply"]
    return RawExchange(
        method=line["method"],
        url=line["url"],
        headers=_pairs(line["headers"]),
        body=data(line["body"]),
        reply=RawReply(
            status=reply["status"],
            headers=_pairs(reply["headers"]),
            body=data(reply["body"]),
            complete=reply["complete"],
            fault=None if reply["fault"] is None else _fault(reply["fault"]),
        ),
    )


def _pairs(headers: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers)


def _message(raw: bytes) -> JsonObject | None:
    """Return the message in raw bytes, a byte order mark looked past.

    Long answers that differ in their ids only share what else is in them: a list that was asked for a hundred times.
    """
    start = _START.match(raw) if len(raw) >= _LONG else None
    if start is None:
        message = decode(raw.removeprefix(b"\xef\xbb\xbf"))
        return None if isinstance(message, Undecodable) else message
    rest = _rest(b"{" + raw[start.end() :])
    return None if rest is None else {"jsonrpc": "2.0", "id": int(start[1]), **rest}


@lru_cache(maxsize=8)
def _rest(raw: bytes) -> JsonObject | None:
    """Return the members of a message behind its id."""
    members = decode(raw)
    return None if isinstance(members, Undecodable) else members


def _fault(line: dict[str, Any]) -> Fault:
    return Fault(
        kind=FaultKind(line["fault"]),
        message=line["message"],
        hint=line["hint"],
        exit_code=line["exit_code"],
        stderr_tail=line["stderr_tail"],
    )


_READERS: Mapping[str, Callable[[dict[str, Any]], Record]] = {
    "exchange": _exchange,
    "anomaly": _anomaly,
    "message": _server_message,
    "raw": _raw,
    "fault": _fault,
    "agreement": _agreement,
    "close": _close,
}
