"""Tool poisoning: text that is written for the model and not for its user.

The rules are data in ``poisoning.json``, each with examples that it finds and examples that it spares. They look for
what has no honest use; that one tool should be called before another of the same server has one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from mcp_assay.core.verdicts import Category, Judgement, not_applicable
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject

LONGEST_TEXT = 50_000
"""Characters of a text that are looked at."""
_CONTEXT = 40
_NAMED = 100
"""Characters before a match that can make it harmless."""
_KEYS = {"tools": "name", "prompts": "name", "resources": "uri", "resourceTemplates": "uriTemplate"}
_TELLING_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+")
"""Names that are no ordinary word and no well-known program."""
_SHORTEST_NAME = 8
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_STEERING = re.compile(
    r"(?i:\b(?:instead of|rather than|before|after|whenever|when|every time|do not|don't|never|must)\b"
    r"[^.\n]{0,12}\b(?:use|uses|using|call|calls|calling|run|running|invoke|invoking)\b[^.\n]{0,12}$)"
    r"|(?i:\binstead of\b[^.\n]{0,12}$)"
)
"""What comes before a name when somebody is told whether to use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Something that has no place in a definition.

    Attributes:
        id: Short name.
        what: What was found, for a person.
        pattern: What it looks like; it takes time in proportion to the text.
        unless: What makes it harmless, looked for in the match and some words before it; None when nothing does.
        finds: Texts that it finds.
        spares: Texts that it does not find.
    """

    id: str
    what: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    finds: tuple[str, ...]
    spares: tuple[str, ...]

    def match(self, text: str) -> re.Match[str] | None:
        """Return the first place in a text that the rule finds, or None."""
        return next((found for found in self.pattern.finditer(text) if not self._is_harmless(text, found)), None)

    def _is_harmless(self, text: str, found: re.Match[str]) -> bool:
        """Return whether what was found is named, not said: a tool that looks for such text says what it looks for."""
        around = text[max(0, found.start() - _NAMED) : found.end()]
        return self.unless is not None and self.unless.search(around) is not None


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules."""
    text = files("mcp_assay_suites.schema").joinpath("poisoning.json").read_text("utf-8")
    return tuple(
        Rule(
            id=entry["id"],
            what=entry["what"],
            pattern=re.compile(entry["pattern"]),
            unless=re.compile(entry["unless"]) if "unless" in entry else None,
            finds=tuple(entry["finds"]),
            spares=tuple(entry["spares"]),
        )
        for entry in cast("list[dict[str, Any]]", json.loads(text))
    )


@check("ADV-007", category=Category.SCHEMA)
async def poisoning_lint(subject: Subject) -> Judgement:
    """Judge every text that a model reads before it calls anything."""
    texts = list(_texts(subject))
    if not texts:
        return not_applicable("the server describes nothing")
    foreign = _foreign_names(subject)
    problems = [f"{place}: {problem}" for place, text in texts for problem in suspicions(text, foreign)]
    return judged(
        "descriptions say what a tool does and give the model no orders behind the user's back",
        problems,
        looked_at=counted(len(texts), "text"),
        exchange={"method": "tools/list", "findings": problems[:20]} if problems else None,
    )


def suspicions(text: str, foreign: Mapping[str, str]) -> Iterator[str]:
    """Yield what is suspicious about a text.

    Args:
        text: The text.
        foreign: Names of tools that only other servers have, with the server that has each.
    """
    text = text[:LONGEST_TEXT]
    for rule in rules():
        match = rule.match(text)
        if match is not None:
            around = text[max(0, match.start() - _CONTEXT) : match.end() + _CONTEXT]
            yield f"{rule.what}: {shown(around)}"
    for word in _WORD.finditer(text):
        before = text[max(0, word.start() - _CONTEXT) : word.start()]
        if word.group() in foreign and _STEERING.search(before):
            yield f"it says when to use {shown(word.group())}, a tool of server {shown(foreign[word.group()])}"


def _texts(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield every text for the model with its place."""
    session = subject.server.managed.session
    if session is not None and session.agreement.instructions:
        yield "instructions", session.agreement.instructions
    for key, name in _KEYS.items():
        for definition in subject.server.inventory.objects(key):
            for text in _strings(definition):
                yield f"{key.removesuffix('s')} {shown(definition.get(name))}", text


def _strings(definition: JsonObject) -> Iterator[str]:
    """Yield the texts of a definition: names, descriptions, defaults and choices alike."""
    stack: list[Json] = [definition]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, dict):
            stack.extend(value.values())
            yield from value


def _foreign_names(subject: Subject) -> Mapping[str, str]:
    """Return telling names of tools that other servers have and this one has not, with the server."""
    own = {tool.name for tool in subject.server.tools}
    return {
        tool.name: other.name
        for other in subject.others
        for tool in other.tools
        if tool.name not in own and len(tool.name) >= _SHORTEST_NAME and _TELLING_NAME.fullmatch(tool.name)
    }


CHECKS = (poisoning_lint,)
