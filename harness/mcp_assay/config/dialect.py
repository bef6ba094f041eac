"""What a row of the table of dialects says."""

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


class Field(Enum):
    """What a key of a server's entry means to us."""

    NAME = auto()
    COMMAND = auto()
    COMMAND_LINE = auto()
    ARGS = auto()
    ENV = auto()
    ENV_NAMES = auto()
    ENV_FILE = auto()
    CWD = auto()
    URL = auto()
    HTTP_URL = auto()
    HEADERS = auto()
    HEADER_NAMES = auto()
    BEARER = auto()
    BEARER_NAME = auto()
    REQUEST_OPTIONS = auto()
    KIND = auto()
    START_TIMEOUT = auto()
    CALL_TIMEOUT = auto()
    ENABLED_TOOLS = auto()
    DISABLED_TOOLS = auto()
    ENABLED = auto()
    DISABLED = auto()
    REQUIRED = auto()


class Layout(Enum):
    """How the servers are laid out in the document."""

    TABLE = auto()
    LIST = auto()
    REGISTRY = auto()
    BUNDLE = auto()


class Untyped(Enum):
    """What a remote server without a type is."""

    ERROR = auto()
    HTTP = auto()
    SSE = auto()
    BY_PATH = auto()


KINDS: Mapping[str, TransportKind] = {
    "stdio": TransportKind.STDIO,
    "local": TransportKind.STDIO,
    "http": TransportKind.HTTP,
    "remote": TransportKind.HTTP,
    "streamable-http": TransportKind.HTTP,
    "streamable_http": TransportKind.HTTP,
    "streamableHttp": TransportKind.HTTP,
    "sse": TransportKind.SSE,
}
"""The clients' words for the transports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One client's format.

    Attributes:
        name: Short name, as in ``--dialect``.
        title: The client, as users call it.
        syntax: What documents are written in.
        roots: Keys that lead to the servers; the first that is there is taken.
        files: Ends of paths that mean this dialect, for example ``.vscode/mcp.json``.
        telling: Keys of an entry, or of the document, that no other client with the same root uses.
        settings: Whether the servers are one of many things in the file, so that they may be missing.
        layout: See `Layout`.
        keys: Meaning of each key of an entry that concerns us.
        ignored: Keys of an entry that are the client's own business.
        foreign: Keys or types of entries that are no servers of ours to start; these entries are left out.
        seconds: Seconds per unit of a timeout key; None: from 1000 up milliseconds, else seconds.
        untyped: What a remote without a type is.
        grammar: How references are written.
        named: Our word for where variables given by name are looked up.
        fixed: Names of folders that the client replaces.
        loose_env: Whether variables may be numbers, booleans or null (null: not set).
        allowed: Keys that lead to a list of the only servers switched on.
        excluded: Keys that lead to a list of servers switched off.
    """

    name: str
    title: str
    syntax: Syntax = Syntax.JSON
    roots: tuple[tuple[str, ...], ...] = (("mcpServers",),)
    files: tuple[str, ...] = ()
    telling: frozenset[str] = frozenset()
    settings: bool = False
    layout: Layout = Layout.TABLE
    keys: Mapping[str, Field] = field(default_factory=dict[str, Field])
    ignored: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    seconds: Mapping[str, float | None] = field(default_factory=dict[str, "float | None"])
    untyped: Untyped = Untyped.HTTP
    grammar: Grammar = interpolation.NONE
    named: str = "env"
    fixed: frozenset[str] = frozenset()
    loose_env: bool = False
    allowed: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
