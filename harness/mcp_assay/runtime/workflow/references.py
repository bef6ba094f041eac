"""References in the texts of a workflow: ``${…}`` around a JMESPath expression.

A text that is one reference takes the value as it is; in a longer text it is written out, texts as they are and
everything else as JSON. ``$${`` stands for ``${``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import jmespath
import jmespath.exceptions
import orjson

from mcp_assay.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jmespath.parser import ParsedResult

    from mcp_assay.core.json_types import Json, JsonObject

_QUOTES = frozenset("'\"`")
LONGEST_EXPRESSION = 2_000


class ReferenceProblemError(UsageError):
    """A reference cannot be read, or has no value."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A JMESPath expression.

    Attributes:
        text: As it was written.
        tree: Its syntax tree as the library gives it.
    """

    text: str
    tree: Mapping[str, Any]

    def value(self, scope: Mapping[str, Json]) -> Json:
        """Return its value.

        Raises:
            ReferenceProblemError: A function in it does not take what it was given.
        """
        try:
            return cast("Json", _compiled(self.text).search(scope))
        except jmespath.exceptions.JMESPathError as problem:
            raise ReferenceProblemError(f"${{{self.text}}} cannot be worked out: {problem}") from None


def expression(text: str) -> Expression:
    """Return a parsed expression.

    Raises:
        ReferenceProblemError: It is no JMESPath.
    """
    if len(text) > LONGEST_EXPRESSION:
        raise ReferenceProblemError(f"an expression is longer than {LONGEST_EXPRESSION} characters")
    try:
        compiled = _compiled(text)
    except (jmespath.exceptions.JMESPathError, RecursionError) as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        bare = "; an expression stands here without ${ }" if text.startswith("${") and text.endswith("}") else ""
        raise ReferenceProblemError(f"{text!r} is no JMESPath: {reason.rstrip(':')}{bare}") from None
    return Expression(text, cast("Mapping[str, Any]", compiled.parsed))


def _compiled(text: str) -> ParsedResult:
    """Return an expression as the library has it; a literal such as `` `big` `` is old style and still JMESPath."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return jmespath.compile(text)


def parts(text: str) -> tuple[str | Expression, ...]:
    """Return the literal parts and the references of a text, in order.

    Raises:
        ReferenceProblemError: A reference does not end, or holds no expression.
    """
    found: list[str | Expression] = []
    literal, at = "", 0
    while (start := text.find("${", at)) >= 0:
        literal += text[at:start]
        if literal.endswith("$"):
            literal, at = literal[:-1] + "${", start + 2
            continue
        end = _end(text, start + 2)
        found += [literal] if literal else []
        found.append(expression(text[start + 2 : end].strip()))
        literal, at = "", end + 1
    literal += text[at:]
    return (*found, literal) if literal or not found else tuple(found)


def filled(value: Json, scope: Mapping[str, Json]) -> Json:
    """Return a value with every reference replaced by what it refers to.

    Raises:
        ReferenceProblemError: A reference has no value.
    """
    if isinstance(value, str):
        return _filled_text(value, scope) if "${" in value else value
    if isinstance(value, dict):
        return {name: filled(member, scope) for name, member in value.items()}
    return [filled(item, scope) for item in value] if isinstance(value, list) else value


def filled_object(value: JsonObject, scope: Mapping[str, Json]) -> JsonObject:
    """Return an object filled like `filled`."""
    return {name: filled(member, scope) for name, member in value.items()}


def _filled_text(text: str, scope: Mapping[str, Json]) -> Json:
    found = parts(text)
    if len(found) == 1 and isinstance(found[0], Expression):
        return _present(found[0], scope)
    return "".join(part if isinstance(part, str) else _written(_present(part, scope)) for part in found)


def _present(reference: Expression, scope: Mapping[str, Json]) -> Json:
    value = reference.value(scope)
    if value is None:
        raise ReferenceProblemError(f"${{{reference.text}}} has no value", hint="give it a default: ${… || 'default'}")
    return value


def _written(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _end(text: str, at: int) -> int:
    """Return where the reference that starts before ``at`` ends: its own brace, outside of quotes and inner braces."""
    depth, quote, escaped = 0, "", False
    for index in range(at, len(text)):
        character = text[index]
        if quote:
            escaped, quote = (
                character == "\\" and not escaped,
                quote if escaped or character != quote else "",
            )
        elif character in _QUOTES:
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            if not depth:
                return index
            depth -= 1
    raise ReferenceProblemError(f"a reference in {text[:80]!r} does not end")
