"""One line from a server, decoded and classed before anything else looks at it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

import orjson

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject

_ID = re.compile(rb'"id"\s*:\s*(-?\d+|"[^"\\]{0,200}")')
_GLUED = re.compile(rb'\{\s*"(jsonrpc|id|result|error|method)"\s*:')
_LONGEST_INTEGER = 1_000

BOM = b"\xef\xbb\xbf"
"""The UTF-8 byte order mark."""

DEEPEST = 254
"""Levels of nesting that are taken; orjson writes no more, so nothing above this layer has to fear recursion."""

RequestId = int | str
"""A JSON-RPC request id of ours."""


class AnomalyKind(StrEnum):
    """What can be wrong with a line that is no proper message to us."""

    NOISE = "noise"
    INVALID_JSON = "invalid-json"
    INVALID_UTF8 = "invalid-utf8"
    BOM = "byte-order-mark"
    NOT_AN_OBJECT = "not-an-object"
    OVERSIZED = "oversized"
    UNKNOWN_ID = "unknown-id"
    WRONG_ID_TYPE = "wrong-id-type"
    DUPLICATE_ID = "duplicate-id"
    LATE = "late-answer"
    ORPHANED_ERROR = "error-without-id"
    SHAPELESS = "shapeless"
    FLOOD = "flood"
    STREAM_OPEN = "stream-left-open"
    STREAM_BROKEN = "stream-broken"
    LOST_SESSION = "lost-session"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A line that could not be taken as a message.

    Attributes:
        kind: What is wrong with it.
        raw: Its first bytes as received.
        at: When it came, on the connection's clock.
        detail: The parser's complaint or what was expected instead.
    """

    kind: AnomalyKind
    raw: bytes
    at: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Why a line is not a JSON object."""

    kind: AnomalyKind
    detail: str


def decode(line: bytes) -> JsonObject | Undecodable:
    """Return the JSON object in ``line``, or why there is none.

    The strict parser is asked first; only a line that it refuses is looked at again, to say what is wrong.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as problem:
        return _explain(line, str(problem))
    if len(line) > 2 * DEEPEST and _too_deep(line, value):
        return Undecodable(AnomalyKind.INVALID_JSON, f"nested deeper than {DEEPEST} levels")
    if type(value) is dict:
        return cast("JsonObject", value)
    kind = type(value).__name__
    return Undecodable(AnomalyKind.NOT_AN_OBJECT, f"a JSON {_JSON_NAMES.get(kind, kind)} instead of an object")


_JSON_NAMES = {
    "list": "array", "str": "string", "int": "number", "float": "number", "bool": "boolean", "NoneType": "null",
}  # fmt: skip


def _too_deep(line: bytes, value: object) -> bool:
    """Return whether a parsed line is nested too deeply; brackets are counted first because that is cheap."""
    if line.count(b"[") + line.count(b"{") <= DEEPEST:
        return False
    try:
        orjson.dumps(value)
    except TypeError:
        return True
    return False


def _explain(line: bytes, complaint: str) -> Undecodable:
    """Return what is wrong with a line that the strict parser refused."""
    if line.startswith(BOM):
        return Undecodable(AnomalyKind.BOM, "the line starts with a UTF-8 byte order mark")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as problem:
        return Undecodable(
            AnomalyKind.INVALID_UTF8, f"byte 0x{line[problem.start]:02x} at {problem.start} is not UTF-8"
        )
    if not looks_like_message(line):
        glued = _GLUED.search(line[:4096])
        if glued is None:
            return Undecodable(AnomalyKind.NOISE, "not JSON")
        return Undecodable(
            AnomalyKind.INVALID_JSON, f"{_text(line[: glued.start()])!r} stands before it on the same line"
        )
    try:
        json.loads(text, parse_constant=_refuse_constant, parse_int=_bounded_integer)
    except RecursionError:
        complaint = f"nested deeper than {DEEPEST} levels"
    except ValueError as problem:
        complaint = str(problem)
    return Undecodable(AnomalyKind.INVALID_JSON, complaint)


def _text(data: bytes) -> str:
    """Return bytes as text, undecodable ones as escapes."""
    return data.decode("utf-8", "backslashreplace")


def _bounded_integer(digits: str) -> int:
    """Return an integer of bearable length.

    Raises:
        ValueError: It is longer.
    """
    if len(digits) > _LONGEST_INTEGER:
        raise ValueError(f"an integer of {len(digits):,} digits")
    return int(digits)


def _refuse_constant(name: str) -> None:
    """Refuse the numbers that the standard parser takes beyond JSON.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{name} is not a JSON number")


def looks_like_message(line: bytes) -> bool:
    """Return whether a line starts as a JSON-RPC message rather than as text for a person."""
    return line.lstrip()[:1] in (b"{", b"[") and b'"jsonrpc"' in line[:4096]


def guess_id(head: bytes) -> RequestId | None:
    """Return the first thing that looks like a request id in the head of an unreadable line, or None."""
    match = _ID.search(head[:4096])
    try:
        return None if match is None else cast("RequestId", orjson.loads(match.group(1)))
    except orjson.JSONDecodeError:
        return None


def encode(message: Any) -> bytes:
    """Return ``message`` as one line of JSON with its newline.

    Integers beyond 64 bits and lone surrogates, which tests send on purpose, take the slower standard encoder. NaN and
    the infinities become null, because JSON has no such numbers.

    Raises:
        ValueError: The value has no JSON form.
    """
    try:
        # Joining makes a copy of the right size: what orjson returns keeps its 4 KiB, and messages are remembered.
        return orjson.dumps(message) + b"\n"
    except TypeError:
        try:
            return json.dumps(message, allow_nan=False).encode("ascii") + b"\n"
        except TypeError as problem:
            raise ValueError(str(problem)) from None


def is_response(message: JsonObject) -> bool:
    """Return whether a message answers something."""
    return "method" not in message and ("result" in message or "error" in message)


def same_id(left: Json, right: Json) -> bool:
    """Return whether two ids are equal in value and JSON type (``1`` is neither ``1.0`` nor ``true``)."""
    return type(left) is type(right) and left == right
