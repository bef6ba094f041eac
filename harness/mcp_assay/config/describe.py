"""A server's normal form as plain values, for listings and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.config.secrets import secrets_of
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_assay.config.spec import ServerSpec, Template
    from mcp_assay.core.json_types import Json, JsonObject


def normal_form(spec: ServerSpec) -> JsonObject:
    """Return a server as JSON, references in symbolic form; literal secrets are still in it."""
    return {
        "name": spec.name,
        "config": spec.config,
        "path": None if spec.path is None else str(spec.path),
        "line": spec.line,
        "dialect": spec.dialect,
        "transport": spec.transport.value,
        "command": _texts(spec.command),
        "env": {name: str(value) for name, value in spec.env.items()},
        "env_files": _texts(spec.env_files),
        "cwd": _text(spec.cwd),
        "folder": None if spec.folder is None else str(spec.folder),
        "url": _text(spec.url),
        "headers": {name: str(value) for name, value in spec.headers.items()},
        "defaults": dict(defaults_of(spec)),
        "start_timeout_s": spec.start_timeout_s,
        "call_timeout_s": spec.call_timeout_s,
        "enabled_tools": None if spec.enabled_tools is None else _texts(sorted(spec.enabled_tools)),
        "disabled_tools": _texts(sorted(spec.disabled_tools)),
        "required": spec.required,
        "disabled": spec.disabled,
        "disabled_because": spec.disabled_because,
    }


def public_form(spec: ServerSpec) -> JsonObject:
    """Return the normal form with literal secrets redacted and control characters made visible."""
    form: JsonObject = presenter_of(spec).json(normal_form(spec))
    return form


def presenter_of(spec: ServerSpec) -> Presenter:
    """Return what makes texts of a configured server fit to be shown before anything is looked up."""
    return Presenter(Redactor(literal_secrets(spec)))


def literal_secrets(spec: ServerSpec) -> dict[str, str]:
    """Return the secrets that stand in the document itself, by a label that says where."""
    return secrets_of(
        command=[_literal(part) for part in spec.command],
        env={name: _literal(value) for name, value in spec.env.items()},
        url=None if spec.url is None else str(spec.url),
        headers={name: _literal(value) for name, value in spec.headers.items()},
        variables={f"default of {name}": text for name, text in defaults_of(spec).items()},
    )


def defaults_of(spec: ServerSpec) -> dict[str, str]:
    """Return the defaults that stand in the document, by variable name."""
    return {found.name: str(found.default) for found in spec.references if found.default is not None}


def _literal(template: Template) -> str:
    """Return a text when it has no references, otherwise nothing: what is looked up is not in the document."""
    return "" if template.references else str(template)


def _texts(items: Iterable[object]) -> list[Json]:
    return [str(item) for item in items]


def _text(template: Template | None) -> str | None:
    return None if template is None else str(template)
