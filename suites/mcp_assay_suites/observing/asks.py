"""Requests that tell something about a server and change nothing: nothing in them names anything that exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay_suites.observing.probing import enveloped, heartbeat_method, message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.session import ServerSession

UNKNOWN_METHOD = "x-probe/does-not-exist"
NO_SUCH_NAME = "x-probe-no-such-name"
ECHO_IDS: tuple[RequestId, RequestId] = (7_000_001, "x-7")
LARGE = 1024 * 1024
DEEP = 100
MALFORMED = b'{"jsonrpc":\n'
"""A line that is no JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request and the capability it belongs to."""

    capability: str
    method: str
    params: Mapping[str, Json]


GUARDED: Mapping[str, Ask] = {
    ask.capability: ask
    for ask in (
        Ask(capability="tools", method="tools/list", params={}),
        Ask(capability="resources", method="resources/list", params={}),
        Ask(capability="prompts", method="prompts/list", params={}),
        Ask(
            capability="completions",
            method="completion/complete",
            params={"ref": {"type": "ref/prompt", "name": NO_SUCH_NAME}, "argument": {"name": "x", "value": ""}},
        ),
    )
}
"""By capability, a request that only servers with this capability answer."""

UNKNOWN: Mapping[str, Ask] = {
    "tools": Ask(capability="tools", method="tools/call", params={"name": NO_SUCH_NAME, "arguments": {}}),
    "prompts": Ask(capability="prompts", method="prompts/get", params={"name": NO_SUCH_NAME}),
    "completions": GUARDED["completions"],
}
"""By capability, a request for something that does not exist."""

MISSHAPEN: Mapping[str, Ask] = {
    "tools/call without a name": Ask(capability="tools", method="tools/call", params={"arguments": {}}),
    "tools/call of no tool with an array of arguments": Ask(
        capability="tools", method="tools/call", params={"name": NO_SUCH_NAME, "arguments": [1]}
    ),
    "resources/read without a uri": Ask(capability="resources", method="resources/read", params={}),
    "prompts/get of no prompt with a number as an argument": Ask(
        capability="prompts", method="prompts/get", params={"name": NO_SUCH_NAME, "arguments": {"k": 1}}
    ),
    "completion/complete without an argument": Ask(
        capability="completions",
        method="completion/complete",
        params={"ref": {"type": "ref/prompt", "name": NO_SUCH_NAME}},
    ),
}
"""By what is wrong with it, a request whose parameters break the method's schema."""


def heavy_requests(session: ServerSession) -> Mapping[str, bytes]:
    """Return requests with large or unusual arguments, one line each, by what is unusual; they name no tool."""
    method = "tools/call" if session.offers("tools") else UNKNOWN_METHOD
    deep: Json = {}
    for _ in range(DEEP):
        deep = {"a": deep}
    odd: Mapping[str, Json] = {
        "an argument of 1 MiB": "a" * LARGE,
        f"an argument nested {DEEP} levels deep": deep,
        "an argument with a NUL character": "a\x00b",
        "an argument with half of a surrogate pair": "\ud800",
    }
    return {
        label: message(
            jsonrpc="2.0",
            id=7_000_401 + number,
            method=method,
            params=dict(enveloped(session, {"name": NO_SUCH_NAME, "arguments": {"x": value}})),
        )
        for number, (label, value) in enumerate(odd.items())
    }


def cancellations_of_nothing(session: ServerSession) -> bytes:
    """Return three cancellations as lines: of an unknown request, of a finished one, and without a request."""
    notification: Mapping[str, Json] = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
    wrong: tuple[Mapping[str, Json], ...] = ({"requestId": 999_999_999}, {"requestId": ECHO_IDS[0]}, {"reason": "none"})
    return b"".join(message(**notification, params=dict(enveloped(session, params))) for params in wrong)


def invalid_requests(session: ServerSession) -> Mapping[str, bytes]:
    """Return JSON that is no request, one line each, by what is wrong with it."""
    method, params = heartbeat_method(session), dict(enveloped(session))
    return {
        "request without jsonrpc": message(id=7_000_101, method=method, params=params),
        "request without method": message(jsonrpc="2.0", id=7_000_102, params=params),
        "request with id null": message(jsonrpc="2.0", id=None, method=method, params=params),
        "request with a fractional id": message(jsonrpc="2.0", id=1.5, method=method, params=params),
    }
