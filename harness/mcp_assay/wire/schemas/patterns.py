"""Judging regular expressions by the engines that will meet them.

JSON Schema asks for ECMA-262. ``regress`` is an ECMA-262 engine; the validator's own engine covers most of that
language but not all of it, and more beside it. Only a pattern that no engine reads is called broken.
"""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import regress

from mcp_assay.wire.schemas.text import quoted, shortened
from mcp_assay.wire.schemas.values import ProblemKind, SchemaProblem

_READINGS = ("u", "v", "")
LONGEST_PATTERN = 20_000
"""Patterns beyond this many characters are not compiled."""


def pattern_problem(pattern: str, path: str) -> SchemaProblem | None:
    """Return what is wrong with ``pattern`` at ``path``, or None."""
    complaint = ecma_complaint(pattern)
    if complaint is None:
        return None
    if validator_reads(pattern) or _python_reads(pattern):
        message = f"pattern {quoted(pattern)} is not ECMA-262 ({complaint}), though other engines read it"
        return SchemaProblem(kind=ProblemKind.FOREIGN_PATTERN, path=path, message=message, keyword="pattern")
    message = f"pattern {quoted(pattern)} does not compile: {complaint}"
    return SchemaProblem(kind=ProblemKind.PATTERN, path=path, message=message, keyword="pattern")


def ecma_complaint(pattern: str) -> str | None:
    """Return why ``pattern`` is no ECMA-262 regular expression in any reading (``u``, ``v``, legacy), or None."""
    try:
        return None if ecma_regex(pattern) else ""
    except regress.RegressError as error:
        return shortened(str(error), 120)


def ecma_regex(pattern: str) -> regress.Regex:
    """Return ``pattern`` compiled in the first ECMA-262 reading that accepts it.

    Raises:
        regress.RegressError: None accepts it.
    """
    for flags in _READINGS[:-1]:
        try:
            return regress.Regex(pattern, flags)
        except regress.RegressError:
            continue
    return regress.Regex(pattern, _READINGS[-1])


def validator_reads(pattern: str) -> bool:
    """Return whether the validator's own engine compiles ``pattern``."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, offline=True)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


def _python_reads(pattern: str) -> bool:
    """Return whether Python's ``re`` compiles ``pattern``."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError):
        return False
    return True


class EcmaPattern:
    """Keyword that stands in for ``pattern`` where only an ECMA-262 engine reads the expression."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:
        del parent_schema, schema_path
        self._regex = ecma_regex(value)
        self._pattern = value

    def validate(self, instance: object) -> None:
        """Accept everything but strings in which the pattern occurs nowhere.

        Raises:
            ValueError: The pattern does not match.
        """
        if isinstance(instance, str) and self._regex.find(instance) is None:
            raise ValueError(f"{quoted(instance)} does not match {quoted(self._pattern)}")
