"""Advice on configured servers that needs no server: ADV-017, ADV-018 and ADV-019.

The rules look at the document as it is written; a word that holds a reference is not known and never blamed. No text
of a finding holds a secret.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp_assay.config.launchers import find_unpinned
from mcp_assay.config.secrets import is_path, is_telling, secrets_in_arguments
from mcp_assay.core.redaction import Redactor, is_secret_worthy
from mcp_assay.core.verdicts import Judgement, violated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcp_assay.config.spec import ServerSpec, Template

UNPINNED_LAUNCH = "ADV-017"
PLAINTEXT_SECRET = "ADV-018"  # noqa: S105  (the id of a check)
PLAIN_HTTP = "ADV-019"

_PLACEHOLDER = re.compile(r"(?i)^<.*>$|^\[.*\]$|^your|x{4,}|\*{3,}|\.{3}|…|change.?me|placeholder|dummy|example|insert")
_SECRET_HEADER = re.compile(r"(?i)^(?:proxy-)?authorization$|^cookie$")
_HTTP = re.compile(r"(?i)http://[^\s\"']+")
_SAME_MACHINE = frozenset({"localhost", "host.docker.internal", "0.0.0.0", "[::]"})  # noqa: S104  (a name to compare with)
_UNPINNED_WHY = "a server is started from one fixed version, so that tomorrow runs what was judged today"
_SECRET_WHY = "a secret is referred to, not written into the document"  # noqa: S105  (a sentence)
_HTTP_WHY = "a server on another host is reached over https"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One finding of a rule on one place of a document.

    Attributes:
        check: Id of the rule, for example ``ADV-017``.
        server: The server's name.
        config: Id of the document.
        path: The document, or None for a server given on the command line.
        line: Line of the place, counted from 1; 0 without a document.
        column: Column of the place, counted from 1; 0 without a document.
        expected: What the rule asks for, in one sentence.
        observed: What the document says instead, in one sentence, without secrets.
        hint: How to put it right.
    """

    check: str
    server: str
    config: str
    path: Path | None
    line: int
    column: int
    expected: str
    observed: str
    hint: str

    @property
    def place(self) -> str:
        """Return ``file:line:column``."""
        return f"{self.path or self.config}:{self.line}:{self.column}" if self.line else str(self.path or self.config)

    def judgement(self) -> Judgement:
        """Return the finding as what a check says; the place stands in it."""
        return violated(self.expected, f"{self.observed} ({self.place})")


def advise(spec: ServerSpec) -> tuple[Advice, ...]:
    """Return every finding of the static rules on a server, in the order of the rules."""
    return (*_unpinned(spec), *_plaintext(spec), *_plain_http(spec))


def _advice(spec: ServerSpec, at: Template, *, check: str, expected: str, observed: str, hint: str) -> Advice:
    return Advice(
        check=check,
        server=spec.name,
        config=spec.config,
        path=spec.path,
        line=at.line or spec.line,
        column=at.column,
        expected=expected,
        observed=observed,
        hint=hint,
    )


def _unpinned(spec: ServerSpec) -> Iterator[Advice]:
    """Yield a launch that fetches whatever version there is."""
    found = find_unpinned([None if part.references else str(part) for part in spec.command])
    if found is not None:
        observed = f"{spec.name} starts {found.what}, which has no fixed version"
        at = spec.command[found.index]
        yield _advice(spec, at, check=UNPINNED_LAUNCH, expected=_UNPINNED_WHY, observed=observed, hint=found.hint)


def _plaintext(spec: ServerSpec) -> Iterator[Advice]:
    """Yield secrets that stand in the document."""
    for where, template in _literal_secrets(spec):
        observed = f"{where} of {spec.name} is written in plain text"
        hint = "refer to a variable instead, and replace the secret if this file was ever shared"
        yield _advice(spec, template, check=PLAINTEXT_SECRET, expected=_SECRET_WHY, observed=observed, hint=hint)


def _literal_secrets(spec: ServerSpec) -> Iterator[tuple[str, Template]]:
    """Yield where a secret stands, and its text."""
    for name, value in spec.env.items():
        if _is_secret(value, telling=is_telling(name)):
            yield f"variable {name}", value
    for name, value in spec.headers.items():
        if _is_secret(value, telling=is_telling(name) or bool(_SECRET_HEADER.search(name))):
            yield f"header {name}", value
    if spec.url is not None and _in_url(spec.url):
        yield "the address", spec.url
    literal = ["" if part.references else str(part) for part in spec.command]
    found = {secret for _, secret in secrets_in_arguments(literal) if _looks_secret(secret)}
    for index, word in enumerate(literal[1:], start=1):
        if any(secret in word for secret in found) or _has_token(word):
            yield f"argument {index}", spec.command[index]


def _is_secret(template: Template, *, telling: bool) -> bool:
    """Return whether a text holds a secret: by its shape, or because its name says so."""
    if template.references:
        defaults = [str(reference.default) for reference in template.references if reference.default is not None]
        literal = [part for part in template.parts if isinstance(part, str)]
        return any(map(_has_token, (*literal, *defaults))) or (telling and any(map(_looks_secret, defaults)))
    text = str(template)
    return _has_token(text) or (telling and _looks_secret(text.partition(" ")[2] or text))


def _looks_secret(text: str) -> bool:
    """Return whether a text that stands where a secret belongs is one, rather than a placeholder or a path."""
    return is_secret_worthy(text) and not _PLACEHOLDER.search(text) and not is_path(text)


def _has_token(text: str) -> bool:
    """Return whether a text holds a token of a known shape."""
    return Redactor().redact(text) != text


def _in_url(template: Template) -> bool:
    """Return whether an address holds a password or a secret query value."""
    literal = "".join(part if isinstance(part, str) else "" for part in template.parts)
    try:
        parts = urlsplit(literal)
        password = parts.password
    except ValueError:
        return False
    values = (pair.partition("=") for pair in parts.query.split("&"))
    secret = any(is_telling(name) and _looks_secret(value) for name, _, value in values)
    return bool(password) or secret or _has_token(literal)


def _plain_http(spec: ServerSpec) -> Iterator[Advice]:
    """Yield addresses of other hosts that are reached without encryption."""
    for template in (*((spec.url,) if spec.url else ()), *spec.command[1:]):
        match = _HTTP.match(_with_gaps(template))
        host = _host(match.group()) if match else None
        if host is not None and not _is_same_machine(host):
            observed = f"{spec.name} is reached over http:// at {host}"
            hint = "write https://, or tunnel to the host"
            yield _advice(spec, template, check=PLAIN_HTTP, expected=_HTTP_WHY, observed=observed, hint=hint)


def _with_gaps(template: Template) -> str:
    """Return the text with a character that no host has in place of references."""
    return "".join(part if isinstance(part, str) else "\0" for part in template.parts)


def _host(url: str) -> str | None:
    """Return an address' host, or None when it is not known before the start."""
    try:
        host = urlsplit(url.replace("\0:", ":")).hostname
    except ValueError:
        return None
    return host if host and "\0" not in host else None


def _is_same_machine(host: str) -> bool:
    """Return whether a host is this machine."""
    if host in _SAME_MACHINE or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
