"""A registry entry (``server.json``): packages to run and remotes to reach, one server each.

The rules for arguments, variables and launchers are those of the registry's schema of 2025-12-11. A package is never
downloaded by hand: its launcher (npx, uvx, docker, dnx) does that when the server is started.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.config.dialect import KINDS
from mcp_assay.config.scope import Input
from mcp_assay.config.spec import Reference, ServerSpec, Template, TransportKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mcp_assay.config.scope import Scope
    from mcp_assay.config.view import View

_LAUNCHERS = {"npm": "npx", "pypi": "uvx", "oci": "docker", "nuget": "dnx"}
_OPTIONS: Mapping[str, tuple[str, ...]] = {"npx": ("-y",), "docker": ("run", "-i", "--rm"), "dnx": ("--yes",)}


_PACKAGE = frozenset(
    {
        *("registryType", "registryBaseUrl", "identifier", "version", "fileSha256", "runtimeHint", "transport"),
        *("runtimeArguments", "packageArguments", "environmentVariables", "_meta"),
    }
)
_REMOTE = frozenset({"type", "url", "headers", "variables"})
_INPUT = frozenset(
    {
        *("name", "type", "value", "default", "description", "isRequired", "isSecret", "format", "placeholder"),
        *("choices", "variables", "valueHint", "isRepeated"),
    }
)


def read_registry(root: View, scope: Scope, config: str, path: Path) -> tuple[ServerSpec, ...]:
    """Return one server for each package and each remote of a registry entry.

    Where there are several, their names end in ``:npm``, ``:pypi``, ``:oci``, ``:remote`` and so on.

    Raises:
        ConfigError: Something is missing, has the wrong type or refers to a variable that is not declared.
    """
    fields = root.fields()
    if "name" not in fields:
        raise root.error("'name' is missing", hint="a registry entry names its server")
    name = fields["name"].text()
    packages = list(fields["packages"].items()) if "packages" in fields else []
    remotes = list(fields["remotes"].items()) if "remotes" in fields else []
    specs = [_package(package, scope, config, path) for package in packages]
    specs += [_remote(remote, scope, config, path) for remote in remotes]
    return tuple(_named(specs, name))


def _named(specs: list[ServerSpec], name: str) -> Iterator[ServerSpec]:
    """Yield the servers under names of their own."""
    taken: dict[str, int] = {}
    for spec in specs:
        taken[spec.name] = taken.get(spec.name, 0) + 1
        number = f"-{taken[spec.name]}" if taken[spec.name] > 1 else ""
        yield replace(spec, name=name if len(specs) == 1 else f"{name}:{spec.name}{number}")


def _remote(view: View, scope: Scope, config: str, path: Path) -> ServerSpec:
    """Return a remote as a server."""
    fields = view.known(_REMOTE)
    own = replace(scope, inputs=_variables([view, *_list(view, "headers")]))
    return ServerSpec(
        name="remote",
        config=config,
        path=path,
        line=view.mark.line,
        transport=_transport(view),
        url=own.template(_needed(view, fields, "url")),
        headers=dict(_pairs(view, "headers", own)),
        folder=scope.folder,
        dialect="registry",
    )


def _package(view: View, scope: Scope, config: str, path: Path) -> ServerSpec:
    """Return a package as a server that its launcher starts."""
    fields = view.known(_PACKAGE)
    kind = _needed(view, fields, "registryType").text()
    launcher = fields["runtimeHint"].text() if "runtimeHint" in fields else _LAUNCHERS.get(kind)
    transport = fields.get("transport")
    arguments = [*_list(view, "runtimeArguments"), *_list(view, "packageArguments")]
    headers = _list(transport, "headers") if transport else []
    own = replace(scope, inputs=_variables([*arguments, *_list(view, "environmentVariables"), *headers]))
    url = transport.known(_REMOTE).get("url") if transport else None
    return ServerSpec(
        name=kind,
        config=config,
        path=path,
        line=view.mark.line,
        transport=_transport(transport) if transport else TransportKind.STDIO,
        command=_command(view, kind, launcher, own) if launcher else (),
        env=dict(_pairs(view, "environmentVariables", own)),
        url=own.template(url) if url else None,
        headers=dict(_pairs(transport, "headers", own)) if transport else {},
        disabled=launcher is None,
        disabled_because=None if launcher else f"packages of type {kind} have no launcher",
        folder=scope.folder,
        dialect="registry",
    )


def _command(view: View, kind: str, launcher: str, scope: Scope) -> tuple[Template, ...]:
    """Return the command line: launcher, its options, the package, the package's arguments."""
    fields = view.fields()
    identifier = _needed(view, fields, "identifier")
    version = fields["version"].text() if "version" in fields else ""
    package = identifier.text()
    if version and kind != "oci":
        package = f"{package}@{version}"
    mark = identifier.node.mark
    words = (launcher, *_OPTIONS.get(launcher, ()))
    return (
        *(Template.literal(word, mark.line, mark.column) for word in words),
        *_arguments(view, "runtimeArguments", scope),
        Template.literal(package, mark.line, mark.column),
        *_arguments(view, "packageArguments", scope),
    )


def _arguments(view: View, key: str, scope: Scope) -> Iterator[Template]:
    """Yield the words of a list of arguments; optional ones without a value are left out."""
    for argument in _list(view, key):
        fields = argument.fields()
        name = fields["name"].text() if "name" in fields else ""
        named = fields["type"].text() == "named" if "type" in fields else bool(name)
        value = _value(argument, scope)
        if named and (value is not None or not _flag(fields, "isRequired")):
            yield Template.literal(name, argument.mark.line, argument.mark.column)
        if value is not None:
            yield value


def _pairs(view: View, key: str, scope: Scope) -> Iterator[tuple[str, Template]]:
    """Yield names and values of variables or headers; optional ones without a value are left out."""
    for item in _list(view, key):
        value = _value(item, scope)
        if value is not None:
            yield _needed(item, item.fields(), "name").text(), value


def _value(item: View, scope: Scope) -> Template | None:
    """Return an input's value: fixed, asked from the user, or None when it is optional and has none."""
    fields = item.known(_INPUT)
    if "value" in fields:
        return scope.template(fields["value"], loose=True)
    default = scope.template(fields["default"], loose=True) if "default" in fields else None
    name = _label(item)
    if name is None or (default is None and not _flag(fields, "isRequired")):
        return default
    source = "secrets" if default is None else "input"
    return Template((Reference(source=source, name=name, default=default),), item.mark.line, item.mark.column)


def _variables(items: list[View]) -> dict[str, Input]:
    """Return every variable that texts of a package or remote may refer to, by name.

    Those are the declared variables, and the arguments and environment variables themselves.
    """
    found: dict[str, Input] = {}
    for item in items:
        fields = item.fields()
        label = _label(item)
        if label is not None and "url" not in fields:
            found.setdefault(label, _input(fields))
        for name, variable in fields["variables"].fields().items() if "variables" in fields else ():
            found[name] = _input(variable.fields())
    return found


def _input(fields: Mapping[str, View]) -> Input:
    given = fields.get("value") or fields.get("default")
    return Input(defaults=(given,) if given else ())


def _label(item: View) -> str | None:
    """Return the name under which a user is asked for an input."""
    fields = item.fields()
    named = fields.get("name") or fields.get("valueHint")
    return named.text().lstrip("-") if named else None


def _transport(view: View) -> TransportKind:
    """Return the transport of a package or remote."""
    word = _needed(view, view.fields(), "type")
    if word.text() not in KINDS:
        raise word.error(f"{word.name} is {word.text()!r}", hint="known types: stdio, streamable-http, sse")
    return KINDS[word.text()]


def _list(view: View, key: str) -> list[View]:
    fields = view.fields()
    return list(fields[key].items()) if key in fields else []


def _flag(fields: Mapping[str, View], key: str) -> bool:
    return fields[key].boolean() if key in fields else False


def _needed(view: View, fields: Mapping[str, View], key: str) -> View:
    if key not in fields:
        raise view.error(f"{view.name} has no {key}", hint="see the schema that $schema names")
    return fields[key]
