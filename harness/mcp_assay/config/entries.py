"""One server's entry in any dialect, read into a `ServerSpec`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp_assay.config.dialects import Dialect, Field, Untyped
from mcp_assay.config.spec import ServerSpec, Template, TransportKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcp_assay.config.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A server's entry with its keys sorted by meaning.

    Attributes:
        name: The server's name.
        view: The whole entry.
        dialect: How to read it.
        fields: The values by meaning.
        fixed: Names that stand for a fixed text in this document.
    """

    name: str
    view: View
    dialect: Dialect
    fields: Mapping[Field, View]
    fixed: Mapping[str, str]

    @classmethod
    def read(cls, name: str, view: View, dialect: Dialect, fixed: Mapping[str, str]) -> Entry:
        """Return the entry.

        Raises:
            ConfigError: It is no object, has unknown keys, or two keys of the same meaning.
        """
        found: dict[Field, View] = {}
        for key, value in view.fields().items():
            if key in dialect.ignored:
                continue
            if key not in dialect.keys:
                raise view.unknown(value, key, {*dialect.keys, *dialect.ignored})
            meaning = dialect.keys[key]
            if meaning in found:
                raise value.error(f"{value.name} says the same as {found[meaning].name}", hint="keep one of them")
            found[meaning] = value
        return cls(name=name, view=view, dialect=dialect, fields=found, fixed=fixed)

    def spec(self, config: str, path: Path, folder: Path) -> ServerSpec:
        """Return the server in its normal form.

        Raises:
            ConfigError: A value is missing, contradicts another one or has the wrong type.
        """
        transport = self._transport()
        stdio = transport is TransportKind.STDIO
        return ServerSpec(
            name=self.name,
            config=config,
            path=path,
            line=self.view.mark.line,
            transport=transport,
            command=self._command() if stdio else (),
            env=self._mapping(Field.ENV) if stdio else {},
            cwd=self._template(Field.CWD) if stdio else None,
            url=None if stdio else self._template(Field.URL),
            headers={} if stdio else self._mapping(Field.HEADERS),
            start_timeout_s=self._seconds(Field.START_TIMEOUT),
            call_timeout_s=self._seconds(Field.CALL_TIMEOUT),
            enabled_tools=self._tools(),
            disabled=self._flag(Field.DISABLED) or not self._flag(Field.ENABLED, default=True),
            env_files=self._env_files() if stdio else (),
            folder=folder,
            required=self._flag(Field.REQUIRED),
            dialect=self.dialect.name,
        )

    def _transport(self) -> TransportKind:
        """Return how the server is reached, from its type or from what else is there."""
        kind = self._kind()
        command, url = self.fields.get(Field.COMMAND), self.fields.get(Field.URL)
        if command and url:
            raise url.error(f"{self.view.name} has both a command and an address", hint="keep one of them")
        if not command and not url:
            near = "a command (to start it) or a url (to reach it)"
            raise self.view.error(f"{self.view.name} has neither command nor url", hint=f"a server needs {near}")
        if kind and command and kind is not TransportKind.STDIO:
            raise self.fields[Field.KIND].error(f"{self.view.name} is {kind} but has no url", hint="give it a url")
        if kind is TransportKind.STDIO and not command:
            raise self.fields[Field.KIND].error(
                f"{self.view.name} is stdio but has no command", hint="give it a command"
            )
        return kind or (TransportKind.STDIO if url is None else self._untyped(url))

    def _kind(self) -> TransportKind | None:
        """Return the transport that the entry names, or None."""
        view = self.fields.get(Field.KIND)
        if view is None:
            return None
        word = view.text()
        if word not in self.dialect.kinds:
            raise view.error(f"{view.name} is {word!r}", hint=f"known types: {', '.join(self.dialect.kinds)}")
        return self.dialect.kinds[word]

    def _untyped(self, url: View) -> TransportKind:
        """Return what a remote without a type is in this dialect."""
        rule = self.dialect.untyped
        if rule is Untyped.ERROR:
            raise url.error(
                f"{self.view.name} has a url but no type",
                hint=f'{self.dialect.title} wants "type": "http" or "sse" here',
            )
        if rule is Untyped.BY_PATH:
            rule = Untyped.SSE if urlsplit(url.text()).path.rstrip("/").endswith("/sse") else Untyped.HTTP
        return TransportKind.SSE if rule is Untyped.SSE else TransportKind.HTTP

    def _command(self) -> tuple[Template, ...]:
        command = self.fields[Field.COMMAND]
        if not command.text().strip():
            raise command.error(f"{command.name} is empty", hint="name the program to start")
        arguments = self.fields.get(Field.ARGS)
        return (self._parse(command), *(self._parse(item) for item in (arguments.items() if arguments else ())))

    def _parse(self, view: View) -> Template:
        return self.dialect.grammar.parse(view.text(), view.node.mark, self.fixed)

    def _template(self, field: Field) -> Template | None:
        view = self.fields.get(field)
        return self._parse(view) if view else None

    def _mapping(self, field: Field) -> dict[str, Template]:
        view = self.fields.get(field)
        return {key: self._parse(value) for key, value in view.fields().items()} if view else {}

    def _seconds(self, field: Field) -> float | None:
        view = self.fields.get(field)
        return view.number() * self.dialect.units.get(field, 1.0) if view else None

    def _tools(self) -> frozenset[str] | None:
        view = self.fields.get(Field.ENABLED_TOOLS)
        return frozenset(view.texts()) if view else None

    def _flag(self, field: Field, *, default: bool = False) -> bool:
        view = self.fields.get(field)
        return view.boolean() if view else default

    def _env_files(self) -> tuple[Template, ...]:
        view = self._template(Field.ENV_FILES)
        return (view,) if view else ()
