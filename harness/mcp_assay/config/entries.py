"""One server's entry in any dialect, read into a `ServerSpec`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.config.dialect import KINDS, Dialect, Field, Untyped
from mcp_assay.config.spec import Reference, ServerSpec, Template, TransportKind
from mcp_assay.config.tree import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mcp_assay.config.scope import Scope
    from mcp_assay.config.view import View

_SSE_PATH = re.compile(r"/sse/?(?:[?#]|$)")
_COMMENT_KEYS = ("_", "//", "$", "#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A server's entry with its keys sorted by meaning.

    Attributes:
        name: The server's name.
        view: The whole entry.
        dialect: How to read it.
        scope: What its texts may refer to.
        fields: The values by meaning; for a timeout the key that was used counts as well.
    """

    name: str
    view: View
    dialect: Dialect
    scope: Scope
    fields: Mapping[Field, tuple[str, View]]

    @classmethod
    def read(cls, name: str, view: View, dialect: Dialect, scope: Scope) -> Entry:
        """Return the entry.

        Raises:
            ConfigError: It is no object, has unknown keys, or two keys of the same meaning.
        """
        found: dict[Field, tuple[str, View]] = {}
        for key, value in view.fields().items():
            meaning = dialect.keys.get(key)
            if meaning is None and key not in dialect.ignored and not key.startswith(_COMMENT_KEYS):
                raise view.unknown(value, key, {*dialect.keys, *dialect.ignored})
            if meaning is None:
                continue
            if meaning in found:
                raise value.error(f"{value.name} says the same as {found[meaning][0]}", hint="keep one of them")
            found[meaning] = (key, value)
        return cls(name=name, view=view, dialect=dialect, scope=scope, fields=found)

    @property
    def is_foreign(self) -> bool:
        """Whether this is nothing that is started or reached, such as a built-in of the client."""
        kind = self._get(Field.KIND)
        if kind is not None and kind.text() in self.dialect.foreign:
            return True
        startable = any(
            field in self.fields for field in (Field.COMMAND, Field.COMMAND_LINE, Field.URL, Field.HTTP_URL)
        )
        return not startable and any(key in self.dialect.foreign for key in self.view.fields())

    def spec(self, config: str, path: Path) -> ServerSpec:
        """Return the server in its normal form.

        Raises:
            ConfigError: A value is missing, contradicts another one or has the wrong type.
        """
        transport = self._transport()
        stdio = transport is TransportKind.STDIO
        url = self._get(Field.URL) or self._get(Field.HTTP_URL)
        return ServerSpec(
            name=self.name,
            config=config,
            path=path,
            line=self.view.mark.line,
            transport=transport,
            command=tuple(self._command()) if stdio else (),
            env=self._env() if stdio else {},
            cwd=self._optional(Field.CWD) if stdio else None,
            url=self.scope.template(url) if url and not stdio else None,
            headers={} if stdio else self._headers(),
            start_timeout_s=self._seconds(Field.START_TIMEOUT),
            call_timeout_s=self._seconds(Field.CALL_TIMEOUT),
            enabled_tools=self._enabled_tools(),
            disabled_tools=self._names(Field.DISABLED_TOOLS),
            disabled=self._flag(Field.DISABLED) or not self._flag(Field.ENABLED, default=True),
            env_files=self._env_files() if stdio else (),
            folder=self.scope.folder,
            required=self._flag(Field.REQUIRED),
            dialect=self.dialect.name,
        )

    def _get(self, field: Field) -> View | None:
        found = self.fields.get(field)
        return found[1] if found else None

    def _transport(self) -> TransportKind:
        """Return how the server is reached, from its type or from what else is there."""
        kind = self._kind()
        command = self._get(Field.COMMAND) or self._get(Field.COMMAND_LINE)
        url = self._get(Field.URL) or self._get(Field.HTTP_URL)
        name = self.view.name
        if command and url:
            raise url.error(f"{name} has both a command and an address", hint="keep one of them")
        if not command and not url:
            raise self.view.error(
                f"{name} has neither command nor url", hint="a server has a command to start it or a url to reach it"
            )
        if kind and (kind is TransportKind.STDIO) != (command is not None):
            given = "a command" if command else "a url"
            raise self.fields[Field.KIND][1].error(f"{name} has type {kind} but {given}", hint="correct the type")
        if kind or url is None:
            return kind or TransportKind.STDIO
        return TransportKind.HTTP if Field.HTTP_URL in self.fields else self._untyped(url)

    def _kind(self) -> TransportKind | None:
        """Return the transport that the entry names, or None."""
        view = self._get(Field.KIND)
        if view is None:
            return None
        word = view.text()
        if word not in KINDS:
            raise view.error(f"{view.name} is {word!r}", hint=f"known types: {', '.join(KINDS)}")
        return KINDS[word]

    def _untyped(self, url: View) -> TransportKind:
        """Return what a remote without a type is in this dialect."""
        rule = self.dialect.untyped
        if rule is Untyped.ERROR:
            hint = f'{self.dialect.title} wants "type": "http" or "sse" here'
            raise url.error(f"{self.view.name} has a url but no type", hint=hint)
        if rule is Untyped.BY_PATH:
            rule = Untyped.SSE if _SSE_PATH.search(url.text()) else Untyped.HTTP
        return TransportKind.SSE if rule is Untyped.SSE else TransportKind.HTTP

    def _command(self) -> Iterator[Template]:
        """Yield program and arguments."""
        line = self._get(Field.COMMAND_LINE)
        if line is not None:
            parts = list(line.items())
            if not parts:
                raise line.error(f"{line.name} is empty", hint="name the program to start")
            yield from (self.scope.template(part) for part in parts)
            return
        command, arguments = self._program(self.fields[Field.COMMAND][1])
        if not command.text().strip():
            raise command.error(f"{command.name} is empty", hint="name the program to start")
        yield self.scope.template(command)
        for item in arguments.items() if arguments else ():
            yield from self.scope.templates(item)

    def _program(self, command: View) -> tuple[View, View | None]:
        """Return program and arguments; older Zed settings hold both in one object."""
        if not isinstance(command.node, Table):
            return command, self._get(Field.ARGS)
        inside = command.known(("args", "env", "path"))
        if "path" not in inside:
            raise command.error(f"{command.name} has no path", hint="name the program to start")
        return inside["path"], inside.get("args")

    def _env(self) -> dict[str, Template]:
        """Return the variables that the entry sets or passes on by name."""
        command, env = self._get(Field.COMMAND), self._get(Field.ENV)
        if env is None and command is not None and isinstance(command.node, Table):
            env = command.fields().get("env")
        names = self._get(Field.ENV_NAMES)
        passed = {name: self._named(name, item) for item in names.items() for name in (_name(item),)} if names else {}
        return {**passed, **self._texts(env)}

    def _texts(self, view: View | None) -> dict[str, Template]:
        """Return a table of texts; null means not set where the dialect allows it."""
        loose = self.dialect.loose_env
        fields = view.fields() if view and not (loose and view.is_null) else {}
        kept = {key: value for key, value in fields.items() if not (loose and value.is_null)}
        return {key: self.scope.template(value, loose=loose) for key, value in kept.items()}

    def _headers(self) -> dict[str, Template]:
        """Return the HTTP headers, those given by a variable's name included."""
        options, names = self._get(Field.REQUEST_OPTIONS), self._get(Field.HEADER_NAMES)
        inside = options.fields().get("headers") if options else None
        headers = {**self._texts(self._get(Field.HEADERS)), **self._texts(inside)}
        for header, variable in names.fields().items() if names else ():
            headers[header] = self._named(variable.text(), variable)
        bearer, token = self._get(Field.BEARER_NAME), self._get(Field.BEARER)
        if bearer is not None:
            headers["Authorization"] = _bearer(self._named(bearer.text(), bearer))
        if token is not None and not isinstance(token.node, Table) and token.text() != "oauth":
            headers["Authorization"] = _bearer(self.scope.template(token))
        return headers

    def _named(self, name: str, view: View) -> Template:
        """Return a variable that is given by its name alone."""
        reference = Reference(source=self.dialect.named, name=name)
        return Template((reference,), view.node.mark.line, view.node.mark.column)

    def _optional(self, field: Field) -> Template | None:
        view = self._get(field)
        return self.scope.template(view) if view else None

    def _seconds(self, field: Field) -> float | None:
        """Return a timeout in seconds, whatever its unit in the dialect."""
        found = self.fields.get(field) or self.fields.get(Field.CALL_TIMEOUT)
        if found is None:
            return None
        key, view = found
        if isinstance(view.node, Table):
            part = {Field.START_TIMEOUT: "startup", Field.CALL_TIMEOUT: "request"}[field]
            inside = view.known(("catalog", "execution", "request", "startup")).get(part)
        else:
            inside = view if field in self.fields else None
        if inside is None:
            return None
        number, unit = inside.number(), self.dialect.seconds.get(key, 1.0)
        return number * (unit if unit is not None else 0.001 if number >= 1000 else 1.0)

    def _enabled_tools(self) -> frozenset[str] | None:
        """Return the only tools that are switched on; an empty list and ``*`` mean all."""
        names = self._names(Field.ENABLED_TOOLS)
        return None if not names or "*" in names else names

    def _names(self, field: Field) -> frozenset[str]:
        view = self._get(field)
        return frozenset(view.texts()) if view else frozenset()

    def _flag(self, field: Field, *, default: bool = False) -> bool:
        view = self._get(field)
        return view.boolean() if view else default

    def _env_files(self) -> tuple[Template, ...]:
        file = self._optional(Field.ENV_FILE)
        return (file,) if file else ()


def _name(view: View) -> str:
    """Return a variable's name; Codex also writes an object with a name and a source."""
    if not isinstance(view.node, Table):
        return view.text()
    fields = view.known(("name", "source"))
    if "name" not in fields:
        raise view.error(f"{view.name} has no name")
    return fields["name"].text()


def _bearer(token: Template) -> Template:
    """Return the ``Authorization`` header for a token (RFC 6750)."""
    return Template(("Bearer ", *token.parts), token.line, token.column)
