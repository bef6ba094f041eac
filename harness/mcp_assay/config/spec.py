"""The normal form of a configured server.

A `ServerSpec` is symbolic: its texts are `Template` values whose references are looked up only when the server is
started, so that a specification can be printed, compared and stored without a secret in it. `ServerSpec.resolve`
returns the `Launch` with real values; nothing keeps one longer than the connection it describes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mcp_assay.config.authorization import without_authorization
from mcp_assay.config.env_files import read_env_file
from mcp_assay.config.secrets import secrets_of
from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.config.authorization import Authorization, Grant, TokenLifetime


class UnsetVariableError(ConfigError):
    """A configured text refers to a variable that has no value, or an empty one without an empty default.

    CI services set the variable of a secret that a run must not see to an empty text.

    Attributes:
        reference: What could not be looked up.
    """

    def __init__(self, reference: Reference, *, path: Path | str, line: int, column: int, empty: bool = False) -> None:
        super().__init__(
            f"{reference.source} variable {reference.name} is {'empty' if empty else 'not set'}",
            path=path,
            line=line or None,
            column=column or None,
            hint=_how_to_set(reference),
        )
        self.reference = reference


def _how_to_set(reference: Reference) -> str:
    """Return the next step for an unset reference."""
    if reference.source == "env":
        return f"set it before the run: export {reference.name}=…"
    if reference.source == "file":
        return "the file must exist, be readable and hold at most 64 KiB of text"
    return f"pass --mcp-input {reference.name}=… or set {input_variable(reference.name)}"


def input_variable(name: str) -> str:
    """Return the environment variable that may hold the input ``name``, for example ``MCP_INPUT_API_KEY``."""
    return "MCP_INPUT_" + "".join(character if character.isalnum() else "_" for character in name).upper()


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
        default: The value used when it is unset, possibly with references of its own, or None when it must be set.
    """

    source: str
    name: str
    default: str | Template | None = None

    def __str__(self) -> str:
        """Return the reference as ``${source:name}``."""
        return f"${{{self.source}:{self.name}}}"


class Variables(Protocol):
    """Looks references up at the moment of the spawn."""

    def value_of(self, reference: Reference) -> str | None:
        """Return the value, or None when it is unset; defaults are the caller's business."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Template:
    """A configured text: literal parts and references, in order.

    Attributes:
        parts: Literal strings and `Reference` values.
        line: Line of the text in its document, counted from 1, or 0 when there is no document.
        column: Column in that line, counted from 1, or 0.
    """

    parts: tuple[str | Reference, ...]
    line: int = 0
    column: int = 0

    @classmethod
    def literal(cls, text: str, line: int = 0, column: int = 0) -> Template:
        """Return a template without references."""
        return cls((text,), line, column)

    def __repr__(self) -> str:
        """Return the place and the references only: literal parts may be secrets, and reprs end up in tracebacks."""
        return f"Template({', '.join(map(str, self.references))} at {self.line}:{self.column})"

    def __str__(self) -> str:
        """Return the text with references in symbolic form; safe to print as far as literal parts are no secrets."""
        return "".join(str(part) for part in self.parts)

    @property
    def references(self) -> tuple[Reference, ...]:
        """Return the references in the text."""
        return tuple(part for part in self.parts if isinstance(part, Reference))


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What a server in a sandbox may take, together with all that it starts.

    Attributes:
        memory_bytes: Resident memory of all its processes, and data of each.
        processes: Number of its processes.
        network: Whether it has a network, so that a call may do harm outside.
    """

    memory_bytes: int = 2 * 1024 * 1024 * 1024
    processes: int = 256
    network: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Launch:
    """What to start or reach, with every reference looked up. Its repr shows the name only.

    Attributes:
        name: The server's name.
        transport: How to reach it.
        command: Program and arguments (stdio); otherwise empty, or what has to serve the address.
        env: Variables to set on top of the small inherited set.
        cwd: Working directory, or None for ours.
        url: Endpoint (HTTP, SSE), or None.
        headers: HTTP headers to send.
        auth: How to get a token for the server, None when it needs none or has it among its headers.
        lifetime: How long that token is good, None when nobody has said so.
        secrets: Values to redact by the label that stands in for them.
        confinement: The limits of the sandbox that the command runs in, or None without one.
    """

    name: str
    transport: TransportKind
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    cwd: Path | None = None
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    auth: Grant | None = None
    lifetime: TokenLifetime | None = None
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    confinement: Confinement | None = None

    @property
    def contained(self) -> bool:
        """Whether nothing outside can come to harm: it runs in a sandbox without a network."""
        return self.confinement is not None and not self.confinement.network

    def __repr__(self) -> str:
        """Return the name only: reprs end up in tracebacks and reports."""
        return f"Launch({self.name!r})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ServerSpec:
    """One server of one configuration document.

    Attributes:
        name: The server's name in its document.
        config: Id of the document as it stands in node ids, for example ``servers.json``.
        path: The document, or None for servers given on the command line.
        line: Line where the server's entry starts, counted from 1; 0 without a document.
        transport: How to reach it.
        command: Program and arguments (stdio); with an address, what has to run already to serve it.
        env: Variables for the process.
        cwd: Working directory.
        url: Endpoint (HTTP, SSE).
        headers: HTTP headers.
        start_timeout_s: Seconds until it must be ready, or None for the run's default.
        call_timeout_s: Seconds until a call must be answered, or None for the run's default.
        enabled_tools: Tool names the document allows, or None for all.
        disabled_tools: Tool names the document switches off.
        disabled: Whether the document switches the server off, or it cannot be started for another reason.
        disabled_because: Why it cannot be started, or None when the document just switches it off.
        env_files: Files of ``NAME=value`` lines read before the start; ``env`` wins over them.
        folder: What relative paths of the entry are relative to, or None for our working directory.
        required: Whether the document says that nothing works without this server.
        dialect: Name of the document's dialect, for example ``vscode``.
        protocol: The only revision to speak with it, or None for the run's choice; never from a document.
        auth: How to sign in, in the place of an ``Authorization`` header; from our own settings, never from a document.
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
    disabled_because: str | None = None
    disabled_tools: frozenset[str] = frozenset()
    env_files: tuple[Template, ...] = ()
    folder: Path | None = None
    required: bool = False
    dialect: str = "mcpServers"
    protocol: str | None = None
    auth: Authorization | None = None

    @property
    def id(self) -> str:
        """The server's unique name in a run: configuration id, ``::``, name."""
        return f"{self.config}::{self.name}"

    def __repr__(self) -> str:
        """Return name and document only: literal values may be secrets."""
        return f"ServerSpec({self.name!r} of {self.config!r})"

    @property
    def references(self) -> tuple[Reference, ...]:
        """Return every reference in the server's texts, in their order."""
        optional = (self.cwd, self.url)
        texts = (*self.command, *self.env.values(), *self.env_files, *self._sent_headers().values(), *optional)
        configured = (reference for text in texts if text is not None for reference in text.references)
        return (*configured, *(self.auth.references if self.auth else ()))

    def resolve(self, variables: Variables) -> Launch:
        """Return what to start or reach, with every reference looked up in ``variables``.

        Raises:
            UnsetVariableError: A variable without a default has no value.
            ConfigError: A value cannot be used where it stands, or an env file cannot be read.
        """
        texts = _Texts(self, variables)
        command = tuple(texts.text(part) for part in self.command)
        env = texts.files() | {name: texts.text(value) for name, value in self.env.items()}
        headers = {name: texts.text(value) for name, value in self._sent_headers().items()}
        url = texts.text(self.url) if self.url else None
        grant, given = self._grant(variables)
        return Launch(
            name=self.name,
            transport=self.transport,
            command=command,
            env=env,
            cwd=self._folder(texts.text(self.cwd)) if self.cwd else None,
            url=url,
            headers=headers,
            auth=grant,
            secrets=secrets_of(command=command, env=env, url=url, headers=headers, variables=texts.found | given),
        )

    def _sent_headers(self) -> dict[str, Template]:
        """Return the configured headers, without the credentials that a grant takes the place of."""
        return without_authorization(self.headers) if self.auth else dict(self.headers)

    def _grant(self, variables: Variables) -> tuple[Grant | None, dict[str, str]]:
        """Return how to sign in, and what the references to its secrets stood for."""
        if self.auth is None:
            return None, {}
        public, secret = _Texts(self, variables, self.auth.path), _Texts(self, variables, self.auth.path)
        return self.auth.resolve(public.text, secret.text), secret.found

    def _folder(self, text: str) -> Path:
        """Return a configured folder, relative ones seen from the entry's own folder."""
        return (self.folder or Path()) / Path(text).expanduser()


class _Texts:
    """Looks the references of one server up and remembers what they stood for."""

    __slots__ = ("_path", "_spec", "_variables", "found")

    def __init__(self, spec: ServerSpec, variables: Variables, path: Path | None = None) -> None:
        self._spec = spec
        self._path = path or spec.path or spec.config
        self._variables = variables
        self.found: dict[str, str] = {}

    def text(self, template: Template) -> str:
        """Return the template's text, fit to be an argument, a variable or a header."""
        text = "".join(part if isinstance(part, str) else self._value(part, template) for part in template.parts)
        if "\0" in text:
            raise self._error("value holds a NUL character", template)
        return text

    def files(self) -> dict[str, str]:
        """Return the variables of the server's env files; a later file wins."""
        found: dict[str, str] = {}
        for name in self._spec.env_files:
            place = (self._path, name.line or None, name.column or None)
            found |= read_env_file(self.text(name), self._spec.folder or Path(), place)
        return found

    def _value(self, reference: Reference, template: Template) -> str:
        value = self._variables.value_of(reference)
        if not value and reference.default is not None:
            return reference.default if isinstance(reference.default, str) else self.text(reference.default)
        if not value:
            raise UnsetVariableError(
                reference, path=self._path, line=template.line, column=template.column, empty=value is not None
            )
        self.found[f"{reference.source} {reference.name}"] = value
        return value

    def _error(self, message: str, template: Template) -> ConfigError:
        return ConfigError(
            message,
            path=self._path,
            line=template.line or None,
            column=template.column or None,
        )
