"""Headers that MCP adds to HTTP."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from mcp_assay.wire.eras import STATELESS_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.wire.transport import Outgoing

SESSION = "Mcp-Session-Id"
VERSION = "MCP-Protocol-Version"
LAST_EVENT = "Last-Event-ID"

_PLAIN = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_SENTINEL = re.compile(r"=\?base64\?.*\?=", re.DOTALL)

POST_HEADERS: Mapping[str, str] = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
}
"""Headers of every message (2025-03-26 and later, transports, sending messages)."""


def header_value(text: str) -> str:
    """Return a text as a header value; what a header cannot carry goes in base64 (2026-07-28, value encoding)."""
    if _PLAIN.fullmatch(text) and not _SENTINEL.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode('ascii')}?="


def message_headers(message: Outgoing, version: str, session: str | None) -> dict[str, str]:
    """Return the headers of one message in a revision; the message's own ones win, whatever their case.

    Args:
        message: What is sent.
        version: The revision in use, empty before one is agreed.
        session: The session id, None without a session.
    """
    headers = dict(POST_HEADERS)
    if version:
        headers[VERSION] = version
    if version in STATELESS_VERSIONS:
        if message.method and not message.probe:
            headers["Mcp-Method"] = header_value(message.method)
        if message.name is not None:
            headers["Mcp-Name"] = header_value(message.name)
    elif session is not None:
        headers[SESSION] = session
    if message.headers:
        own = {name.lower() for name, _ in message.headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in own}
        headers.update(message.headers)
    return headers
