"""What kind of thing a tool does, worked out from its annotations and the words of its name.

The table of verbs is one of the English language, not of products: a tool of any server falls into place by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.runtime.inventory import ToolDefinition

_MOST_WORDS = 12
_LONGEST_NAME = 500
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_VERBS: Mapping[str, str] = {
    verb: action
    for action, verbs in {
        "read": (
            "browse check compare count describe diff download echo export fetch find get head inspect list load "
            "lookup peek query read resolve retrieve search select show stat status summarize tail test validate "
            "verify view watch"
        ),
        "create": (
            "add append build clone commit copy create draft fork generate import init insert make new register save"
        ),
        "update": (
            "apply assign change close configure edit enable disable merge modify move patch push put rename reopen "
            "replace reset set store sync toggle update upsert upload write"
        ),
        "delete": "clear delete destroy drop erase forget kill prune purge remove revoke truncate uninstall unset wipe",
        "run": "call click eval execute invoke launch navigate open press run schedule start stop trigger type wait",
        "send": "answer ask comment emit forward mail notify pay post publish reply send share submit transfer tweet",
        "compute": "calculate compute convert decode encode format parse sum transform translate",
    }.items()
    for verb in verbs.split()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """Where a tool belongs.

    Attributes:
        effect: ``read-only``, ``additive``, ``destructive`` or ``unknown``, by its annotations alone.
        repeatable: Whether it claims that a second call does no more than the first.
        reach: ``open`` when it may talk to a world outside of its server, ``closed`` when it says that it does not.
        action: ``read``, ``create``, ``update``, ``delete``, ``run``, ``send``, ``compute`` or ``other``, by the first
            verb in its name.
        nouns: The other words of its name, in the singular.
    """

    effect: str
    repeatable: bool
    reach: str
    action: str
    nouns: tuple[str, ...]

    @property
    def labels(self) -> frozenset[str]:
        """All of it as ``key:value`` texts, for example ``action:read`` and ``noun:file``."""
        own = {f"effect:{self.effect}", f"reach:{self.reach}", f"action:{self.action}"}
        return frozenset(own | {f"noun:{noun}" for noun in self.nouns})


def categorise(tool: ToolDefinition) -> Categories:
    """Return where a tool belongs; unstated annotations count as the specification's defaults say."""
    annotations = tool.annotations
    words = words_of(tool.name)
    action = next((_VERBS[word] for word in words if word in _VERBS), "other")
    return Categories(
        effect=_effect(annotations),
        repeatable=annotations.get("idempotentHint") is True or annotations.get("readOnlyHint") is True,
        reach="closed" if annotations.get("openWorldHint") is False else "open",
        action=action,
        nouns=tuple(dict.fromkeys(singular(word) for word in words if word not in _VERBS and not word.isdigit())),
    )


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of an identifier or a short text in lower case, split at capitals and signs; at most 12."""
    return tuple(word.lower() for word in _WORD.findall(text[:_LONGEST_NAME]))[:_MOST_WORDS]


def singular(word: str) -> str:
    """Return an English noun without its regular plural ending."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _effect(annotations: JsonObject) -> str:
    """Return the effect that annotations claim; ``destructiveHint`` means something only beside writes."""
    if annotations.get("readOnlyHint") is True:
        return "read-only"
    if "destructiveHint" not in annotations and "readOnlyHint" not in annotations:
        return "unknown"
    return "additive" if annotations.get("destructiveHint") is False else "destructive"
