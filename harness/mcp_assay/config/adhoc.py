"""Servers given on the command line, without a document."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp_assay.config.interpolation import ANY
from mcp_assay.config.launchers import package_of
from mcp_assay.config.spec import ServerSpec, Template, TransportKind
from mcp_assay.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

COMMAND_LINE = "command-line"
"""Id of the configuration that such servers seem to come from."""
_INTERPRETERS = frozenset({"python", "node", "deno", "bun", "uv", "ruby", "java"})
_SSE_PATH = re.compile(r"/sse/?$")


def server_from_command(text: str, *, name: str | None = None, taken: Collection[str] = ()) -> ServerSpec:
    """Return the server that a command line starts, for example ``uvx mcp-server-time``.

    Args:
        text: The command line in POSIX shell quoting; no shell runs it. ``${VAR}`` refers to a variable.
        name: The server's name, or None to take that of the package or program.
        taken: Names that other servers have.

    Raises:
        UsageError: The text is empty or a quote is not closed.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"server command cannot be split into words: {error}", hint="close every quote") from None
    if not words:
        raise UsageError("server command is empty", hint='for example --mcp-server-command "uvx mcp-server-time"')
    return ServerSpec(
        name=_free(name or _tail(package_of(words) or _script(words)), taken),
        config=COMMAND_LINE,
        path=None,
        line=0,
        transport=TransportKind.STDIO,
        command=tuple(_template(word) for word in words),
    )


def server_from_url(url: str, *, name: str | None = None, taken: Collection[str] = ()) -> ServerSpec:
    """Return the server at an address; one whose path ends in ``/sse`` speaks the older HTTP+SSE transport.

    Args:
        url: Its ``http`` or ``https`` address. ``${VAR}`` refers to a variable.
        name: The server's name, or None to take the host.
        taken: Names that other servers have.

    Raises:
        UsageError: The text is no such address.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError("server url is no http or https address", hint="for example https://example.com/mcp")
    return ServerSpec(
        name=_free(name or host, taken),
        config=COMMAND_LINE,
        path=None,
        line=0,
        transport=TransportKind.SSE if _SSE_PATH.search(parts.path) else TransportKind.HTTP,
        url=_template(url),
    )


def _template(text: str) -> Template:
    return Template(tuple(part for part in ANY.split(text, {}) if part != ""))


def _script(words: list[str]) -> str:
    """Return what an interpreter runs, or the program itself."""
    if Path(words[0]).name.rstrip("0123456789.") not in _INTERPRETERS:
        return words[0]
    return next((word for word in words[1:] if word != "run" and not word.startswith("-")), words[0])


def _tail(word: str) -> str:
    """Return the last part of a path or package name."""
    return Path(word.rstrip("/")).name or word


def _free(name: str, taken: Collection[str]) -> str:
    """Return the name, numbered when it is taken."""
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    return candidate
