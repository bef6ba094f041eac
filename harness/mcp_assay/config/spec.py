"""The normal form of a configured server.

A `ServerSpec` is symbolic: its texts are `Template` values whose references are looked up only when the server is
started, so that a specification can be printed, compared and stored without a secret in it. `ServerSpec.resolve`
returns the `Launch` with real values; nothing keeps one longer than the connection it describes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class TransportKind(StrEnum):
    """How a server is reached."""

    STDIO = "stdio"
    HTTP = "streamable-http"
    SSE = "sse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A variable inside a text.

    Attributes:
        source: Where its value comes from: ``env``, ``input``, ``file`` or another word of the dialect.
        name: Its name there.
        default: The value used when it is unset, or None when it must be set.
    """

    source: str
    name: str
    default: str | None = None

    def __str__(self) -> str:
        """Return the reference as ``${source:name}``."""
        return f"${{{self.source}:{self.name}}}"


class Variables(Protocol):
    """Looks references up at the moment of the spawn."""

    def value_of(self, reference: Reference) -> str | None:
        """Return the value, or None when it is unset; defaults are the caller's business."""
        ...


@dataclass(frozen=True, slots=True)
class Template:
    """A configured text: literal parts and references, in order.

    Attributes:
        parts: Literal strings and `Reference` values.
        line: Line of the text in its document, counted from 1, or 0 when there is no document.
    """

    parts: tuple[str | Reference, ...]
    line: int = 0

    @classmethod
    def literal(cls, text: str, line: int = 0) -> Template:
        """Return a template without references."""
        return cls((text,), line)

    def __str__(self) -> str:
        """Return the text with references in symbolic form; safe to print as far as literals are no secrets."""
        return "".join(str(part) for part in self.parts)

    @property
    def references(self) -> tuple[Reference, ...]:
        """Return the references in the text."""
        return tuple(part for part in self.parts if isinstance(part, Reference))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Launch:
    """What to start or reach, with every reference looked up. Its repr shows the name only.

    Attributes:
        name: The server's name.
        transport: How to reach it.
        command: Program and arguments (stdio), otherwise empty.
        env: Variables to set on top of the small inherited set.
        cwd: Working directory, or None for ours.
        url: Endpoint (HTTP, SSE), or None.
        headers: HTTP headers to send.
        secrets: Values to redact by the label that stands in for them.
    """

    name: str
    transport: TransportKind
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    cwd: Path | None = None
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])

    def __repr__(self) -> str:
        """Return the name only: reprs end up in tracebacks and reports."""
        return f"Launch({self.name!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """One server of one configuration document.

    Attributes:
        name: The server's name in its document.
        config: Id of the document as it stands in node ids, for example ``servers.json``.
        path: The document, or None for servers given on the command line.
        line: Line where the server's entry starts, counted from 1; 0 without a document.
        transport: How to reach it.
        command: Program and arguments (stdio).
        env: Variables for the process.
        cwd: Working directory.
        url: Endpoint (HTTP, SSE).
        headers: HTTP headers.
        start_timeout_s: Seconds until it must be ready, or None for the run's default.
        call_timeout_s: Seconds until a call must be answered, or None for the run's default.
        enabled_tools: Tool names the document allows, or None for all.
        disabled: Whether the document switches the server off.
    """

    name: str
    config: str
    path: Path | None
    line: int
    transport: TransportKind
    command: tuple[Template, ...] = ()
    env: Mapping[str, Template] = field(default_factory=dict[str, Template])
    cwd: Template | None = None
    url: Template | None = None
    headers: Mapping[str, Template] = field(default_factory=dict[str, Template])
    start_timeout_s: float | None = None
    call_timeout_s: float | None = None
    enabled_tools: frozenset[str] | None = None
    disabled: bool = False
