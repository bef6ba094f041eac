"""Words by which a field or parameter says that it holds a secret; ``secrecy.json`` has the rules, with examples."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BREAKS = re.compile(r"[\W_]+")
_NEGATED = re.compile(r"\b(?:not?|never|without|don t|do not|rather than|instead of)\b")


def wants_secret(name: str, *texts: str) -> bool:
    """Return whether a name or one of the texts about it asks for a secret; a text that says not to is no request."""
    return any(_named(text) for text in (name, *texts) if not _NEGATED.search(_words(text)))


def _named(text: str) -> bool:
    """Return whether a text names a secret, and nothing about one."""
    words = f" {_words(text)} "
    secret, about = rules()
    for phrase in about:
        words = words.replace(f" {phrase} ", " ")
    return any(f" {phrase} " in words for phrase in secret)


def _words(text: str) -> str:
    """Return a text in lower case, its words one space apart, ``camelCase`` taken apart."""
    return _BREAKS.sub(" ", _CASE.sub(" ", text)).strip().lower()


@cache
def rules() -> tuple[Sequence[str], Sequence[str]]:
    """Return the phrases that name secrets, and those that hold such a phrase and name none."""
    text = files("mcp_assay_suites").joinpath("observing", "secrecy.json").read_text("utf-8")
    found = json.loads(text)
    return found["secret"], sorted(found["about"], key=len, reverse=True)
