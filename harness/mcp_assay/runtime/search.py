"""Finding tools by words and by the types they take and give."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.runtime.categories import singular, words_of
from mcp_assay.runtime.coercion import admitted_types, objects_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.runtime.registry import RegisteredTool

_NAME, _TITLE, _PROPERTY, _DESCRIPTION = 4.0, 3.0, 2.0, 2.0
_LONGEST_TEXT = 2_000
_TEXT_WORD = re.compile(r"[a-z0-9]+")
_FILLERS = frozenset(
    (
        "a",
        "an",
        "and",
        "as",
        "by",
        "for",
        "from",
        "in",
        "into",
        "is",
        "it",
        "of",
        "on",
        "or",
        "the",
        "this",
        "to",
        "with",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A tool that fits a search.

    Attributes:
        tool: The tool.
        score: How well it fits, 0…1: the share of the asked words' weight that it has; 1 without words.
    """

    tool: RegisteredTool
    score: float


class SearchIndex:
    """Weighs words by how rare they are among the tools (inverse document frequency) and by where they stand.

    Args:
        tools: What can be found.
    """

    def __init__(self, tools: Iterable[RegisteredTool]) -> None:
        self._weights = [(tool, _weights(tool.definition)) for tool in tools]
        self._spread = Counter(word for _, weights in self._weights for word in weights)

    def search(self, words: str) -> Sequence[Found]:
        """Return the tools that have at least one of the words, the best first; ties keep the tools' order."""
        asked = [singular(word) for word in _text_words(words)]
        if not asked:
            return [Found(tool=tool, score=1.0) for tool, _ in self._weights]
        rarity = {word: math.log(1 + len(self._weights) / (1 + self._spread[word])) for word in asked}
        best = sum(rarity.values()) * _NAME
        found = [
            Found(tool=tool, score=sum(rarity[word] * min(weights.get(word, 0.0), _NAME) for word in rarity) / best)
            for tool, weights in self._weights
            if any(word in weights for word in rarity)
        ]
        return sorted(found, key=lambda one: -one.score)


def takes_type(definition: ToolDefinition, wanted: str) -> bool:
    """Return whether a tool has an argument that says it takes a JSON type; one without a stated type does not."""
    properties = objects_in((definition.input_schema or {}).get("properties"))
    return any(wanted in _wider(schema) for schema in properties.values())


def gives_type(definition: ToolDefinition, wanted: str) -> bool:
    """Return whether a tool's output schema has a property that says it is of a JSON type."""
    properties = objects_in((definition.output_schema or {}).get("properties"))
    return any(wanted in admitted_types(schema) for schema in properties.values())


def _wider(schema: JsonObject) -> frozenset[str]:
    """Return the types a schema takes; where numbers are welcome, integers are."""
    types = admitted_types(schema)
    return types | {"integer"} if "number" in types else types


def _weights(definition: ToolDefinition) -> Mapping[str, float]:
    """Return the weight of each word of a tool."""
    weights: defaultdict[str, float] = defaultdict(float)
    places = [(_NAME, words_of(definition.name))]
    for key, weight in (("title", _TITLE), ("description", _DESCRIPTION)):
        text = definition.raw.get(key)
        places.append((weight, _text_words(text) if isinstance(text, str) else ()))
    properties = objects_in((definition.input_schema or {}).get("properties"))
    places += [(_PROPERTY, words_of(name)) for name in properties]
    for weight, words in places:
        for word in {singular(word) for word in words}:
            weights[word] += weight
    return weights


def _text_words(text: str) -> tuple[str, ...]:
    """Return the telling words of a text, those of identifiers in it included."""
    return tuple(word for word in _TEXT_WORD.findall(text[:_LONGEST_TEXT].lower()) if word not in _FILLERS)
