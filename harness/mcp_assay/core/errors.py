"""Errors that a user can act on.

::

    AssayError                 anything this project raises on purpose
    ├── UsageError             what the user asked for cannot be done; pytest ends with exit code 4
    │   └── ConfigError        a configuration document is wrong; says file, line and hint
    ├── ConnectError           a server could not be reached; carries the Fault
    └── HarnessError           we failed, and not the server; carries the Fault
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_assay.core.faults import Fault


class AssayError(Exception):
    """Base of every error raised on purpose.

    Attributes:
        message: One sentence without a full stop.
        hint: The next step for the user, or None.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message, followed by a ``hint:`` line when there is one."""
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class UsageError(AssayError):
    """What the user asked for cannot be done."""


class ConfigError(UsageError):
    """A configuration document cannot be used.

    Attributes:
        path: The document.
        line: First line of the offending place, counted from 1, or None when the whole document is meant.
        column: Column in that line, counted from 1, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | str,
        line: int | None = None,
        column: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.line = line
        self.column = column

    def __str__(self) -> str:
        """Return ``file:line:column: message`` and the hint line."""
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        return f"{place}: {super().__str__()}"


class ConnectError(AssayError):
    """A server could not be reached.

    Attributes:
        fault: What happened, with the evidence.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message, hint=fault.hint)
        self.fault = fault


class HarnessError(AssayError):
    """We failed where a server was to be judged, so that nothing can be said of it.

    Attributes:
        fault: What happened.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message, hint=fault.hint)
        self.fault = fault
