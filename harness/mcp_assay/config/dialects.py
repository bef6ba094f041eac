"""Every client's format as one row of a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING

from mcp_assay.config import interpolation
from mcp_assay.config.spec import TransportKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.config.interpolation import Grammar


class Syntax(StrEnum):
    """What the document is written in."""

    JSON = "JSON"
    JSONC = "JSONC"
    TOML = "TOML"
    YAML = "YAML"


class Field(StrEnum):
    """What a key of a server's entry means to us."""

    COMMAND = "command"
    ARGS = "args"
    ENV = "env"
    ENV_FILES = "env_files"
    CWD = "cwd"
    URL = "url"
    HEADERS = "headers"
    KIND = "kind"
    START_TIMEOUT = "start_timeout_s"
    CALL_TIMEOUT = "call_timeout_s"
    ENABLED_TOOLS = "enabled_tools"
    ENABLED = "enabled"
    DISABLED = "disabled"
    REQUIRED = "required"


class Untyped(Enum):
    """What a remote server without a type is."""

    ERROR = auto()
    HTTP = auto()
    SSE = auto()
    BY_PATH = auto()


_KINDS = {
    "stdio": TransportKind.STDIO,
    "http": TransportKind.HTTP,
    "streamable-http": TransportKind.HTTP,
    "streamable_http": TransportKind.HTTP,
    "streamableHttp": TransportKind.HTTP,
    "sse": TransportKind.SSE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One client's format.

    Attributes:
        name: Short name, as in ``--mcp-dialect``.
        title: The client, as users call it.
        syntax: What documents are written in.
        root: Keys that lead to the servers.
        files: Ends of paths that mean this dialect, for example ``.vscode/mcp.json``.
        keys: Meaning of each key of an entry that concerns us.
        ignored: Keys of an entry that are the client's own business.
        units: Seconds per unit of the timeouts, 1 when absent.
        kinds: Words for the transports.
        untyped: What a remote without a type is.
        grammar: How references are written.
    """

    name: str
    title: str
    syntax: Syntax
    root: tuple[str, ...]
    files: tuple[str, ...]
    keys: Mapping[str, Field]
    ignored: frozenset[str] = frozenset()
    units: Mapping[Field, float] = field(default_factory=dict[Field, float])
    kinds: Mapping[str, TransportKind] = field(default_factory=lambda: _KINDS)
    untyped: Untyped = Untyped.HTTP
    grammar: Grammar = interpolation.NONE


_STDIO = {"command": Field.COMMAND, "args": Field.ARGS, "env": Field.ENV}
_REMOTE = {"url": Field.URL, "headers": Field.HEADERS, "type": Field.KIND}
_MILLISECONDS = {Field.START_TIMEOUT: 0.001, Field.CALL_TIMEOUT: 0.001}

CLAUDE_DESKTOP = Dialect(
    name="claude-desktop",
    title="Claude Desktop",
    syntax=Syntax.JSON,
    root=("mcpServers",),
    files=("claude_desktop_config.json",),
    keys={**_STDIO, **_REMOTE},
    untyped=Untyped.ERROR,
    grammar=interpolation.SHELL,
)

CLAUDE_CODE = Dialect(
    name="claude-code",
    title="Claude Code",
    syntax=Syntax.JSON,
    root=("mcpServers",),
    files=(".mcp.json", ".claude.json"),
    keys={**_STDIO, **_REMOTE},
    ignored=frozenset({"oauth", "headersHelper"}),
    untyped=Untyped.ERROR,
    grammar=interpolation.SHELL,
)

GENERIC = Dialect(
    name="mcpServers",
    title="mcpServers",
    syntax=Syntax.JSON,
    root=("mcpServers",),
    files=(),
    keys={
        **_STDIO,
        **_REMOTE,
        "transport": Field.KIND,
        "cwd": Field.CWD,
        "envFile": Field.ENV_FILES,
        "disabled": Field.DISABLED,
        "enabled": Field.ENABLED,
        "serverUrl": Field.URL,
        "timeout": Field.CALL_TIMEOUT,
    },
    ignored=frozenset({"alwaysAllow", "auth", "autoApprove", "description", "disabledTools", "headersHelper", "oauth"}),
    untyped=Untyped.BY_PATH,
    grammar=interpolation.ANY,
)

DIALECTS = (CLAUDE_DESKTOP, CLAUDE_CODE, GENERIC)
"""All dialects; the first whose file names or root match is taken."""
