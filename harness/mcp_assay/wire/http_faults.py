"""What can go wrong over HTTP, named."""

from __future__ import annotations

import errno
import socket
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.http_connection import BrokenAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

_SHOWN_BODY = 160


def transport_fault(problem: BaseException, place: str) -> Fault:
    """Return what an exception of the HTTP client means.

    Args:
        problem: What was raised.
        place: Host and port, for the message; never the whole URL, which may carry a secret.
    """
    if isinstance(problem, BrokenAnswerError):
        return Fault(kind=FaultKind.HTTP, message=str(problem).replace("{place}", place), hint=problem.hint)
    if _is_refusal(problem):
        return Fault(
            kind=FaultKind.HTTP,
            message=f"{place} refused the connection",
            hint="start the server first, and check host and port",
        )
    for classes, message, hint in _NAMED_PROBLEMS:
        if isinstance(problem, classes):
            return Fault(kind=FaultKind.HTTP, message=f"{message.format(place=place)}{_cause(problem)}", hint=hint)
    return Fault(kind=FaultKind.HTTP, message=f"the connection to {place} broke{_cause(problem)}")


_NAMED_PROBLEMS: tuple[tuple[type[BaseException], str, str | None], ...] = (
    (
        ssl.SSLCertVerificationError,
        "the TLS certificate of {place} is not valid",
        "correct the certificate, or set SSL_CERT_FILE to the authority that signed it",
    ),
    (ssl.SSLError, "no TLS connection to {place}", "check whether the server speaks plain HTTP on this port"),
    (socket.gaierror, "the host of {place} cannot be found", "check the host name in the URL"),
    (TimeoutError, "{place} did not accept the connection in time", None),
)


def _is_refusal(problem: BaseException) -> bool:
    """Return whether every address refused; asyncio joins several refusals into one error without a number."""
    refused = f"[Errno {errno.ECONNREFUSED}]"
    text = str(problem)
    return isinstance(problem, ConnectionRefusedError) or (
        isinstance(problem, OSError)
        and text.startswith("Multiple exceptions")
        and text.count("[Errno") == text.count(refused)
    )


def _cause(problem: BaseException) -> str:
    """Return the system's own words, or nothing."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f": {problem.verify_message}"
    if isinstance(problem, ssl.SSLError):
        return f": {problem.reason or problem}"
    text = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    return f": {text.splitlines()[0][:_SHOWN_BODY]}" if text else ""


def status_fault(status: int, header: Callable[[str], str | None], body: bytes) -> Fault:
    """Return what an HTTP error status without a JSON-RPC body means.

    Args:
        status: The status code.
        header: Returns a header of the answer by its name in lower case.
        body: The first bytes of its body.
    """
    message = f"HTTP {status} {_phrase(status)}".rstrip()
    if status == HTTPStatus.UNAUTHORIZED:
        challenge = header("www-authenticate")
        message += f"; WWW-Authenticate: {challenge[:_SHOWN_BODY]}" if challenge else " without WWW-Authenticate"
        hint = _OAUTH_HINT if challenge and "resource_metadata=" in challenge else _HINTS[status]
        return Fault(kind=FaultKind.MISSING_CREDENTIALS, message=message, hint=hint)
    if retry := header("retry-after"):
        message += f"; Retry-After: {retry[:_SHOWN_BODY]}"
    message += _body_words(header("content-type") or "", body)
    return Fault(kind=FaultKind.HTTP, message=message, hint=_HINTS.get(status))


_OAUTH_HINT = (
    'it wants an OAuth token: name a grant in [servers."NAME".auth] of mcp-assay.toml, or set the Authorization header'
)
_HINTS = {
    401: "set the Authorization header in the server's headers",
    403: "the credentials do not allow this, or the server refuses our Host or Origin",
    404: "check the path of the URL; many servers listen at /mcp",
    405: "check the path of the URL, and whether the server speaks the older HTTP+SSE transport",
    429: "run fewer checks at a time against this server",
    502: "the proxy in front of the server cannot reach it",
    503: "the server is starting, overloaded or down",
    504: "the proxy in front of the server waited too long for it",
}


def content_type_fault(content_type: str, body: bytes) -> Fault:
    """Return the fault of an answer that is neither JSON nor an event stream."""
    named = content_type[:_SHOWN_BODY] or "no content type"
    if looks_like_html(content_type, body):
        return Fault(
            kind=FaultKind.SPEAKS_NO_MCP,
            message=f"the answer is an HTML page ({named}) instead of JSON or an event stream{_body_words('', body)}",
            hint="the URL leads to a web page or a proxy's sign-in; check its path",
        )
    return Fault(
        kind=FaultKind.SPEAKS_NO_MCP,
        message=f"the answer has content type {named} instead of JSON or an event stream{_body_words('', body)}",
    )


def looks_like_html(content_type: str, body: bytes) -> bool:
    """Return whether an answer is a page for people."""
    return "html" in content_type.lower() or body.lstrip()[:15].lower().startswith((b"<!doctype", b"<html"))


def _phrase(status: int) -> str:
    """Return the standard phrase of a status code, or nothing."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _body_words(content_type: str, body: bytes) -> str:
    """Return how a body starts, in words."""
    text = " ".join(body[: 4 * _SHOWN_BODY].decode("utf-8", "backslashreplace").split())[:_SHOWN_BODY]
    what = "an HTML page" if looks_like_html(content_type, body) else "body"
    return f"; {what} that starts {text!r}" if text and what != "body" else f"; body starts {text!r}" if text else ""
