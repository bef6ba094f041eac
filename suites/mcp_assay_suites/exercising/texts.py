"""Texts of our own in a tool's arguments, and where they come back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from mcp_assay_suites.exercising.arguments import input_schema
from mcp_assay_suites.exercising.calling import Planned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.cases import Case
    from mcp_assay_suites.exercising.known_values import Known


MOST_OPTIONAL = 3
_ANNOTATIONS = frozenset({"$comment", "default", "deprecated", "description", "examples", "title"})
_SAYS_NOTHING_MORE = _ANNOTATIONS | {"type"}
_LOOKS_AT_NAMES = _SAYS_NOTHING_MORE | {
    "$defs", "$schema", "additionalProperties", "definitions", "properties", "required"
}  # fmt: skip
"""Keywords at the root of a schema that judge which members there are, and leave their values to ``properties``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSlot:
    """A parameter that takes any text.

    Attributes:
        name: The parameter.
        arguments: Arguments that work.
        uses: See `Case`.
    """

    name: str
    arguments: JsonObject
    uses: Mapping[str, Known]

    def holding(self, text: str) -> Planned:
        """Return the call with a text in the parameter's place."""
        return Planned(arguments={**self.arguments, self.name: text}, uses=self.uses)


def marker() -> str:
    """Return a word that nobody else uses: lower-case letters and digits, 18 characters."""
    return f"zq{secrets.token_hex(8)}"


async def text_slots(subject: Subject, case: Case) -> list[TextSlot]:
    """Return the top-level parameters of a call that worked which, by the input schema, take any word."""
    texts = [name for name, value in case.arguments.items() if isinstance(value, str)]
    slots = [TextSlot(name=name, arguments=case.arguments, uses=case.uses) for name in texts]
    marked = [slot.holding(marker()).arguments for slot in slots]
    verdicts = await subject.run.schemas.validate_each(input_schema(subject), marked)
    return [slot for slot, verdict in zip(slots, verdicts, strict=True) if verdict.clean]


async def optional_slots(subject: Subject, case: Case) -> list[TextSlot]:
    """Return up to `MOST_OPTIONAL` top-level parameters that a call went without and that take any word."""
    schema = input_schema(subject)
    properties = schema.get("properties")
    parts = properties.items() if isinstance(properties, dict) else ()
    texts = [name for name, part in parts if isinstance(part, dict) and part.get("type") == "string"]
    left_out = [name for name in texts if name not in case.arguments][:MOST_OPTIONAL]
    slots = [TextSlot(name=name, arguments=case.arguments, uses=case.uses) for name in left_out]
    verdicts = await subject.run.schemas.validate_each(schema, [slot.holding(marker()).arguments for slot in slots])
    return [slot for slot, verdict in zip(slots, verdicts, strict=True) if verdict.clean]


async def fits(subject: Subject, slot: TextSlot, text: str) -> bool:
    """Return whether a text in a slot fits the tool's input schema."""
    schema = input_schema(subject)
    if _takes_every_text(schema, slot.name):
        return True
    return (await subject.run.schemas.validate(schema, slot.holding(text).arguments)).clean


def _takes_every_text(schema: JsonObject, name: str) -> bool:
    """Return whether a parameter is plainly a string and nothing else in the schema looks at its value.

    The arguments with another text in it fitted (`text_slots`), so that these do. A long text then needs no validator.
    """
    properties = schema.get("properties")
    part = properties.get(name) if isinstance(properties, dict) else None
    plain = isinstance(part, dict) and part.get("type") == "string" and part.keys() <= _SAYS_NOTHING_MORE
    return plain and schema.keys() <= _LOOKS_AT_NAMES


def strings_of(case: Case) -> list[str]:
    """Return every text in a call's answer; texts that are JSON are opened as well."""
    result = case.exchange.result or {}
    found = list(_strings([result.get("content"), result.get("structuredContent")]))
    for text in list(found):
        if text[:1] in {"{", "[", '"'}:
            found += _strings(_parsed(text))
    return found


def values_of(case: Case) -> Iterator[tuple[str, Json]]:
    """Yield the texts and numbers in a call's answer with the name of the member, or of the array, they stand in."""
    result = case.exchange.result or {}
    structured = result.get("structuredContent")
    if structured is not None:
        yield from _named("", structured)
        return
    for text in _strings(result.get("content")):
        yield from named_values(text)


def named_values(text: str) -> Iterator[tuple[str, Json]]:
    """Yield the texts and numbers in a JSON text with the name of the member, or of the array, they stand in."""
    if text[:1] in {"{", "["}:
        yield from _named("", _parsed(text))


def _named(name: str, value: Json) -> Iterator[tuple[str, Json]]:
    """Yield scalars with the nearest name above them."""
    if isinstance(value, dict):
        for inner, part in value.items():
            yield from _named(inner, part)
    elif isinstance(value, list):
        for part in value:
            yield from _named(name, part)
    elif name and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield name, value


def comes_back(text: str, case: Case) -> bool:
    """Return whether a text stands anywhere in a call's answer."""
    return any(text in found for found in strings_of(case))


def _strings(value: Json) -> Iterator[str]:
    """Yield the strings in a JSON value, names of members left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _parsed(text: str) -> Json:
    """Return the value of a JSON text, null for any other text."""
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value
