"""URIs (RFC 3986) and URI templates (RFC 6570), judged by their grammar."""

from __future__ import annotations

import re

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_VARIABLE = re.compile(
    r"(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})+(?:\.(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})+)*(?::[1-9][0-9]{0,3}|\*)?"
)
_LENIENT_VARIABLE = re.compile(r"[A-Za-z0-9_.~%-]+(?::[1-9][0-9]{0,3}|\*)?")
_OPERATORS = "+#./;?&"
_RESERVED_OPERATORS = "=,!@|"
_FORBIDDEN_LITERAL = re.compile(r"""[\x00-\x20"'<>\\^`|}\x7f]|%(?![0-9A-Fa-f]{2})""")


def uri_problem(text: str) -> str | None:
    """Return why a text is no absolute URI of RFC 3986, or None; names and paths are not looked into."""
    if not text:
        return "it is empty"
    if not _SCHEME.match(text):
        return "it has no scheme"
    if _URI.fullmatch(text):
        return None
    rest = text[_URI.match(text).end() :]  # type: ignore[union-attr]  # the scheme matched, so the pattern does
    return (
        f"{rest[:1]!r} must be percent-encoded" if rest[:1] != "%" else "a % is not followed by two hexadecimal digits"
    )


def template_problem(text: str) -> tuple[str | None, str | None]:
    """Return why a text is no URI template of RFC 6570, and what only lenient readers take.

    Either is None when there is nothing to say.
    """
    note: str | None = None
    position = 0
    for match in re.finditer(r"\{([^{}]*)\}", text):
        literal, position = text[position : match.start()], match.end()
        problem, found = _literal_problem(literal), None
        if problem is None:
            problem, found = _expression_problem(match.group(1))
        if problem is not None:
            return problem, None
        note = note or found
    return _literal_problem(text[position:]), note


def _literal_problem(text: str) -> str | None:
    """Return why a part outside of braces is not allowed, or None."""
    if "{" in text or "}" in text:
        return "a brace is not closed or not opened"
    match = _FORBIDDEN_LITERAL.search(text)
    return None if match is None else f"{match.group()[:1]!r} must be percent-encoded"


def _expression_problem(body: str) -> tuple[str | None, str | None]:
    """Return why an expression is not allowed, and what only lenient readers take."""
    if body[:1] in _RESERVED_OPERATORS and body[:1]:
        return f"the operator {body[0]!r} is reserved", None
    names = body[1:] if body[:1] and body[0] in _OPERATORS else body
    for name in names.split(","):
        if not _LENIENT_VARIABLE.fullmatch(name):
            return f"{{{body[:60]}}} is no expression", None
    strict = all(_VARIABLE.fullmatch(name) for name in names.split(","))
    return None, None if strict else f"the variable names of {{{body[:60]}}} are not those of RFC 6570"
