"""The grammar of ``[servers.NAME.auth]`` in our own settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp_assay.config.authorization import DEFAULT_PORT, SECRET_TEXTS, Authorization, GrantKind
from mcp_assay.config.interpolation import Grammar
from mcp_assay.config.scope import Scope
from mcp_assay.config.view import closest

if TYPE_CHECKING:
    from mcp_assay.config.spec import Template
    from mcp_assay.config.view import View

TOKEN_FOLDER = Path(".mcp-assay") / "tokens"
"""Where the tokens of people who signed in are kept, seen from the settings."""

_REFERENCES = Grammar(sources={word: word for word in ("env", "input", "file")})
_TEXTS = ("client_id", "client_secret", "issuer", "private_key")
_NEEDED = {
    GrantKind.CLIENT_CREDENTIALS: ("client_id", "client_secret", "issuer"),
    GrantKind.PRIVATE_KEY_JWT: ("client_id", "issuer", "private_key"),
    GrantKind.INTERACTIVE: (),
}
_KEYS = {
    GrantKind.CLIENT_CREDENTIALS: ("client_id", "client_secret", "issuer", "scope"),
    GrantKind.PRIVATE_KEY_JWT: ("algorithm", "client_id", "issuer", "private_key", "scope"),
    GrantKind.INTERACTIVE: ("client_id", "client_secret", "issuer", "port", "scope"),
}
_WHY = {
    "client_id": 'the id under which the authorization server knows us: client_id = "…"',
    "client_secret": 'refer to it: client_secret = "${env:NAME}" or "${file:PATH}"',
    "issuer": "the only authorization server that may see the credential, for otherwise the judged server would "
    'choose it: issuer = "https://…"',
    "private_key": 'refer to it: private_key = "${file:PATH}" or "${env:NAME}"',
}


def read_authorization(view: View) -> Authorization:
    """Return the grant that a table names.

    Raises:
        ConfigError: A key is unknown or missing for the grant, a secret stands in the file, or a value cannot be used.
    """
    kind = _kind(view)
    fields = view.known(("grant", *_KEYS[kind]))
    needed = _NEEDED[GrantKind.CLIENT_CREDENTIALS] if "client_secret" in fields else _NEEDED[kind]
    for name in needed:
        if name not in fields:
            raise view.error(f"{view.name} has no {name}", hint=_WHY[name])
    folder = view.document.path.absolute().parent
    scope = Scope(grammar=_REFERENCES, folder=folder)
    return Authorization(
        kind=kind,
        path=view.document.path,
        line=view.mark.line,
        tokens=folder / TOKEN_FOLDER,
        texts={name: _text(fields[name], name, scope) for name in _TEXTS if name in fields},
        scope=fields["scope"].text() if "scope" in fields else None,
        algorithm=fields["algorithm"].text() if "algorithm" in fields else "RS256",
        port=_port(fields["port"]) if "port" in fields else DEFAULT_PORT,
    )


def _kind(view: View) -> GrantKind:
    """Return the grant's kind."""
    grant = view.fields().get("grant")
    known = ", ".join(GrantKind)
    if grant is None:
        raise view.error(f"{view.name} has no grant", hint=f"one of {known}")
    word = grant.text()
    if word not in tuple(GrantKind):
        near = closest(word, [str(kind) for kind in GrantKind])
        hint = f"did you mean {near!r}?" if near else f"known grants: {known}"
        raise grant.error(f"{grant.name} is {word!r}", hint=hint)
    return GrantKind(word)


def _text(view: View, name: str, scope: Scope) -> Template:
    """Return a text that may have references; a secret is nothing else."""
    template = scope.template(view)
    if name in SECRET_TEXTS and not (len(template.parts) == 1 and template.references):
        raise view.error(f"{view.name} must be a reference", hint=_WHY[name])
    if name == "issuer" and not template.references and urlsplit(str(template)).scheme not in {"http", "https"}:
        raise view.error(f"{view.name} must be an http or https address", hint=_WHY[name])
    return template


def _port(view: View) -> int:
    """Return a port of this machine."""
    number = view.number()
    if number != int(number) or not 1 <= number <= 65_535:
        raise view.error(f"{view.name} must be a port from 1 to 65535")
    return int(number)
