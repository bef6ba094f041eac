"""``x-mcp-header`` in input schemas: arguments that a client mirrors into HTTP headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.observing.secrecy import wants_secret
from mcp_assay_suites.observing.walking import Place, places
from mcp_assay_suites.schema.definitions import definition_evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.runtime.inventory import ToolDefinition

KEYWORD = "x-mcp-header"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""A token of RFC 9110, section 5.6.2."""
_TYPES = ("integer", "string", "boolean")
_SAFE = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """One mirrored argument.

    Attributes:
        tool: The tool it belongs to.
        place: The subschema that carries the keyword.
    """

    tool: ToolDefinition
    place: Place

    @property
    def value(self) -> Json:
        """The keyword's value."""
        return self.place.schema[KEYWORD]

    def says(self, text: str) -> str:
        """Return a problem with its place."""
        return f"{shown(self.tool.name)} {self.place.pointer or 'root'} {text}"


@check("TOOL-031", category=Category.SCHEMA)
async def syntax(subject: Subject) -> Judgement:
    """Judge whether each value can be a header name."""
    wrong = [(one, one.says(f"has {shown(one.value)}")) for one in _mirrored(subject) if not _is_token(one.value)]
    return _judged(subject, "it is a token of RFC 9110", wrong)


@check("TOOL-032", category=Category.SCHEMA)
async def unique(subject: Subject) -> Judgement:
    """Judge whether the headers of one tool can be told apart."""
    seen: set[tuple[str, str]] = set()
    wrong: list[tuple[Mirrored, str]] = []
    for one in _mirrored(subject):
        if isinstance(one.value, str):
            key = (one.tool.name, one.value.casefold())
            if key in seen:
                wrong.append((one, one.says(f"has {shown(one.value)} once more")))
            seen.add(key)
    return _judged(subject, "it is unique in the schema, ignoring case", wrong)


@check("TOOL-033", category=Category.SCHEMA)
async def primitive(subject: Subject) -> Judgement:
    """Judge the type of each mirrored property."""
    wrong = [(one, one.says(problem)) for one in _mirrored(subject) for problem in _type_problems(one.place.schema)]
    return _judged(subject, "it stands on an integer, string or boolean property", wrong)


@check("TOOL-034", category=Category.SCHEMA)
async def reachable(subject: Subject) -> Judgement:
    """Judge whether each mirrored property can be found by names alone."""
    hidden = [one for one in _mirrored(subject) if not (one.place.plain and one.place.pointer)]
    wrong = [(one, one.says("is not reached through properties alone")) for one in hidden]
    return _judged(subject, "a chain of properties leads to it", wrong)


@check("TOOL-035", category=Category.SCHEMA)
async def sensitive(subject: Subject) -> Judgement:
    """Judge whether secrets are mirrored, where every proxy on the way can log them."""
    secret = [one for one in _mirrored(subject) if _holds_secret(one)]
    wrong = [(one, one.says("is mirrored although it holds a secret")) for one in secret]
    return _judged(subject, "it stands on no parameter that holds a secret", wrong)


def _holds_secret(one: Mirrored) -> bool:
    """Return whether a mirrored property says that it holds a secret."""
    texts = [one.place.schema.get(key) for key in ("title", "description")]
    return wants_secret(one.place.property_name or "", *(text for text in texts if isinstance(text, str)))


def _mirrored(subject: Subject) -> list[Mirrored]:
    """Return every mirrored argument of every tool."""
    return [
        Mirrored(tool=tool, place=place)
        for tool in subject.server.inventory.tools
        if tool.input_schema is not None
        for place in places(tool.input_schema)
        if KEYWORD in place.schema
    ]


def _judged(subject: Subject, rule: str, wrong: Sequence[tuple[Mirrored, str]]) -> Judgement:
    """Judge one rule; few tools mirror arguments, so it is judged once a server."""
    count = len(_mirrored(subject))
    if not count:
        return not_applicable("no tool mirrors an argument into a header")
    return judged(
        f"where {KEYWORD} is used, {rule}",
        [problem for _, problem in wrong],
        looked_at=counted(count, "mirrored argument"),
        exchange=definition_evidence(wrong[0][0].tool.raw, "tools/list") if wrong else None,
    )


def _is_token(value: Json) -> bool:
    """Return whether a value is a header name."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _type_problems(schema: JsonObject) -> list[str]:
    """Return what is wrong with the type of one mirrored property."""
    kind = schema.get("type")
    if kind not in _TYPES:
        return [f"is of type {shown(kind)}"]
    bounds = {key: schema.get(key) for key in ("minimum", "maximum")} if kind == "integer" else {}
    return [
        f"has a {key} of {shown(bound)}, beyond what every client can hold exactly"
        for key, bound in bounds.items()
        if isinstance(bound, int | float) and abs(bound) > _SAFE
    ]


CHECKS = (syntax, unique, primitive, reachable, sensitive)
