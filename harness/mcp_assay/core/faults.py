"""Faults: what went wrong between us and a server, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The class of a fault; stable words that reports and policies may rely on."""

    NOT_INSTALLED = "not-installed"
    NOT_EXECUTABLE = "not-executable"
    UNSET_VARIABLE = "unset-variable"
    MISSING_CREDENTIALS = "missing-credentials"
    WRONG_ARGUMENTS = "wrong-arguments"
    EXITED = "exited"
    KILLED = "killed"
    SPEAKS_NO_MCP = "speaks-no-mcp"
    OTHER_ERA = "other-era"
    START_TIMEOUT = "start-timeout"
    TIMEOUT = "timeout"
    UNREADABLE = "unreadable"
    OVERSIZED = "oversized"
    STDIN_BLOCKED = "stdin-blocked"
    CLOSED = "closed"
    PROTOCOL = "protocol"
    HTTP = "http"
    UNSUPPORTED = "unsupported"
    HARNESS = "harness"

    @property
    def ends_connection(self) -> bool:
        """Whether nothing more can be said to the server on this connection."""
        return self not in {
            FaultKind.TIMEOUT,
            FaultKind.UNREADABLE,
            FaultKind.OVERSIZED,
            FaultKind.PROTOCOL,
            FaultKind.HTTP,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of a server, the transport or ourselves.

    Attributes:
        kind: Its class.
        message: The cause in one sentence without a full stop.
        hint: The next step for the user, or None.
        exit_code: The process' exit status (negative: killed by that signal), or None.
        stderr_tail: The last lines the server wrote to stderr, as it wrote them.
    """

    kind: FaultKind
    message: str
    hint: str | None = None
    exit_code: int | None = None
    stderr_tail: str = ""
