"""Small arguments that take careless code for ever: only for servers in a sandbox, which nobody else waits for.

They are found by the names of parameters: a regular expression that backtracks without end beside the text that makes
it, and a formula whose value nobody can hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.runtime.categories import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import JsonObject

_EXPRESSIONS = frozenset({"pattern", "regex", "regexp"})
_FORMULAS = frozenset({"calculation", "equation", "expr", "expression", "formula", "math"})
_BACKTRACKING = "^(a+)+$"
_NEARLY = f"{'a' * 48}!"
_HUGE = "9**9**9"


def bombs(schema: JsonObject, base: JsonObject) -> Iterator[JsonObject]:
    """Yield arguments that take long where nothing bounds what they ask for.

    Args:
        schema: The tool's input schema; what is yielded need not fit it.
        base: Arguments that the tool takes.
    """
    properties = schema.get("properties")
    parts = properties if isinstance(properties, dict) else {}
    texts = [name for name, part in parts.items() if isinstance(part, dict) and part.get("type") == "string"]
    for name in texts:
        words = set(words_of(name))
        others = {other: _NEARLY for other in texts if other != name and other in base}
        if words & _EXPRESSIONS and others:
            yield {**base, **others, name: _BACKTRACKING}
        elif words & _FORMULAS:
            yield {**base, name: _HUGE}
