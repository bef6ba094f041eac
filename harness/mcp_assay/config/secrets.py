"""Which of the values handed to a server may be secrets.

Everything a user put into ``env`` or ``headers``, or had looked up in a variable, counts, apart from switches, numbers,
plain addresses and paths; in addresses and arguments only the parts that usually carry a credential count.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from mcp_assay.core.redaction import is_secret_worthy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SECRET_NAME = re.compile(
    r"(?i)(?:token|secret|passw(?:or)?d|passphrase|credential|api[-_]?key|access[-_]?key|private[-_]?key|auth)"
    r"|(?:^|[-_])(?:key|pat|pwd|dsn)$"
)
"""Names of options, variables and headers whose values are secrets."""
_ABOUT_SECRET = re.compile(
    r"(?i)(?:file|path|dir|url|uri|host|port|limit|name|type|id|mode|method|enabled|ttl|scopes?|email|provider|author)$"
)

_OPTION = re.compile(r"(?P<name>--?[A-Za-z][\w.-]*)(?:=(?P<value>.+))?", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_AUTHORIZATION = re.compile(r"(?P<scheme>[A-Za-z]+) +(?P<credentials>\S.*)", re.DOTALL)
_LONG_SEGMENT = 20


def is_telling(name: str) -> bool:
    """Return whether a name says that its value is a secret, rather than something about one (``TOKEN_FILE``)."""
    return bool(SECRET_NAME.search(name)) and not _ABOUT_SECRET.search(name)


def secrets_of(
    *,
    command: Sequence[str],
    env: Mapping[str, str],
    url: str | None,
    headers: Mapping[str, str],
    variables: Mapping[str, str],
) -> dict[str, str]:
    """Return the secrets among a server's values by a label that says where each came from.

    Args:
        command: Program and arguments.
        env: Configured variables.
        url: Endpoint or None.
        headers: HTTP headers.
        variables: What references stood for, by label.
    """
    found: dict[str, str] = {}
    for label, value in _candidates(command, env, url, headers, variables):
        if is_secret_worthy(value) and not is_path(value) and value not in found.values():
            found[_free(label, found)] = value
    return found


def _candidates(
    command: Sequence[str],
    env: Mapping[str, str],
    url: str | None,
    headers: Mapping[str, str],
    variables: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Yield labels and values, the most telling label first."""
    for name, value in env.items():
        yield from _value(f"env {name}", value)
    for name, value in headers.items():
        yield from _header(name, value)
    for label, value in variables.items():
        yield from _value(label, value)
    if url:
        yield from secrets_in_url("url", url)
    yield from secrets_in_arguments(command)


def _value(label: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield a whole value, or of an address without user the parts that may be secret."""
    if not _SCHEME.match(value) or "@" in value:
        yield label, value
    yield from secrets_in_url(label, value)


def _header(name: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield a header's value and the credentials in it, those of ``Basic`` decoded as well."""
    label = f"header {name}"
    match = _AUTHORIZATION.fullmatch(value)
    if match:
        credentials = match["credentials"]
        yield label, credentials
        if match["scheme"].lower() == "basic":
            yield from _basic(label, credentials)
    yield label, value


def _basic(label: str, credentials: str) -> Iterator[tuple[str, str]]:
    """Yield user and password of HTTP Basic credentials (RFC 7617)."""
    try:
        decoded = base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return
    yield f"{label} password", decoded.partition(":")[2]
    yield f"{label} credentials", decoded


def secrets_in_url(label: str, url: str) -> Iterator[tuple[str, str]]:
    """Yield password, query values and long path segments of an address; nothing when it is none."""
    try:
        parts = urlsplit(url) if _SCHEME.match(url) else None
        password = parts.password if parts else None
    except ValueError:
        return
    if parts is None:
        return
    if password:
        yield f"{label} password", unquote(password)
    for name, value in parse_qsl(parts.query):
        yield f"{label} query {name}", value
    for segment in parts.path.split("/"):
        if len(segment) >= _LONG_SEGMENT and any(character.isdigit() for character in segment):
            yield f"{label} path", unquote(segment)


def secrets_in_arguments(command: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the values of options with a telling name (``--api-key X``, ``--token=X``) and secrets in addresses."""
    for index, argument in enumerate(command):
        option = _OPTION.fullmatch(argument)
        if option is None:
            yield from secrets_in_url("argument", argument)
        elif SECRET_NAME.search(option["name"]):
            following = command[index + 1] if index + 1 < len(command) else ""
            value = option["value"] or ("" if following.startswith("-") else following)
            yield f"argument {option['name']}", value
        elif option["value"]:
            yield from secrets_in_url(f"argument {option['name']}", option["value"])


def is_path(value: str) -> bool:
    """Return whether the value names something in the file system, or could be made there."""
    if not value.startswith(("/", "~/", "./", "../")) or len(value) > 4096:
        return False
    path = Path(value)
    try:
        return path.exists() or (path.parent.exists() and len(path.parts) > 2)
    except (OSError, ValueError):
        return False


def _free(label: str, taken: Mapping[str, str]) -> str:
    """Return the label, numbered when it is taken."""
    candidate, number = label, 2
    while candidate in taken:
        candidate, number = f"{label} {number}", number + 1
    return candidate
