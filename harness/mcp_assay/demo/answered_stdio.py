"""MCP over stdin and stdout, with an answer for what is no request.

JSON-RPC 2.0 asks for -32700 when a line is no JSON and -32600 when it is no request. The SDK's own stdio transport
passes over both in silence and takes a request whose id is no id for a notification, so that a client waits until its
own deadline.
"""

from __future__ import annotations

import json
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    _Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
    _Outgoing = MemoryObjectSendStream[SessionMessage]


@asynccontextmanager
async def answered_stdio() -> AsyncGenerator[tuple[_Incoming, _Outgoing]]:
    """Yield the streams of this process' stdin and stdout; lines that are no messages are answered on the way."""
    into, incoming = anyio.create_memory_object_stream[SessionMessage | Exception]()
    outgoing, out_of = anyio.create_memory_object_stream[SessionMessage]()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read_lines, into, outgoing.clone())
        tasks.start_soon(_write_lines, out_of)
        yield incoming, outgoing


async def _read_lines(into: MemoryObjectSendStream[SessionMessage | Exception], refused: _Outgoing) -> None:
    """Pass every message on, answer every other line, and end when stdin ends."""
    async with into, refused:
        async for line in anyio.wrap_file(sys.stdin.buffer):
            if not line.strip():
                continue
            message = message_or_refusal(line)
            if isinstance(message, JSONRPCError):
                await refused.send(SessionMessage(message))
            else:
                await into.send(message)


async def _write_lines(out_of: MemoryObjectReceiveStream[SessionMessage]) -> None:
    """Write every message as one line."""
    stdout = anyio.wrap_file(sys.stdout.buffer)
    async with out_of:
        async for item in out_of:
            text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            await stdout.write(text.encode() + b"\n")
            await stdout.flush()


def message_or_refusal(line: bytes) -> SessionMessage | JSONRPCError:
    """Return the message in a line, or the error that answers a line without one."""
    try:
        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError as problem:
        no_json = problem.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid"
        return _refusal(PARSE_ERROR if no_json else INVALID_REQUEST, _member_id(line))
    if isinstance(message, JSONRPCNotification) and _has_id(line):
        return _refusal(INVALID_REQUEST, None)
    return SessionMessage(message)


def _refusal(code: int, request_id: int | str | None) -> JSONRPCError:
    """Return the error response; its id is null when none could be read."""
    text = "Parse error" if code == PARSE_ERROR else "Invalid request"
    return JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=text))


def _members(line: bytes) -> dict[str, Any]:
    """Return the members of the object in a line, or none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _has_id(line: bytes) -> bool:
    """Return whether the object in a line has an id of whatever type."""
    return "id" in _members(line)


def _member_id(line: bytes) -> int | str | None:
    """Return the id of the object in a line if it may be one."""
    found = _members(line).get("id")
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None
