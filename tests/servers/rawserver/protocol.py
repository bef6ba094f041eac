"""Words and numbers of the protocol that the server and its faults share."""

from __future__ import annotations

HANDSHAKE_REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_REVISIONS = ("2026-07-28",)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
RESOURCE_NOT_FOUND = -32002
HEADER_MISMATCH = -32020
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022

_PREFIX = "io.modelcontextprotocol/"
META_VERSION = _PREFIX + "protocolVersion"
META_CAPABILITIES = _PREFIX + "clientCapabilities"
META_CLIENT = _PREFIX + "clientInfo"
META_SERVER = _PREFIX + "serverInfo"
META_LOG_LEVEL = _PREFIX + "logLevel"
META_SUBSCRIPTION = _PREFIX + "subscriptionId"

TASKS = _PREFIX + "tasks"

LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

SERVER_INFO = {"name": "raw", "title": "Raw server", "version": "1.0.0"}

CACHEABLE = frozenset(
    {
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
    }
)

# What each method needs in the capabilities, and the eras in which it exists.
BOTH = ("handshake", "stateless")
METHODS = {
    "tools/list": ("tools", BOTH),
    "tools/call": ("tools", BOTH),
    "resources/list": ("resources", BOTH),
    "resources/templates/list": ("resources", BOTH),
    "resources/read": ("resources", BOTH),
    "prompts/list": ("prompts", BOTH),
    "prompts/get": ("prompts", BOTH),
    "completion/complete": ("completions", BOTH),
    "ping": (None, ("handshake",)),
    "logging/setLevel": ("logging", ("handshake",)),
    "resources/subscribe": ("resources", ("handshake",)),
    "resources/unsubscribe": ("resources", ("handshake",)),
    "server/discover": (None, ("stateless",)),
    "subscriptions/listen": (None, ("stateless",)),
    "tasks/get": (None, ("stateless",)),
    "tasks/update": (None, ("stateless",)),
    "tasks/cancel": (None, ("stateless",)),
}


class RpcError(Exception):
    """A request that is answered with a JSON-RPC error."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def as_json(self):
        """Return the ``error`` member."""
        body = {"code": self.code, "message": self.message}
        return body if self.data is None else {**body, "data": self.data}


def is_id(value):
    """Return whether a value may be a request id: a string or an integer, and no boolean."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def text(value):
    """Return a text content block."""
    return {"type": "text", "text": value}
