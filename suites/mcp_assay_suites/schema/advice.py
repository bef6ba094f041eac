"""Advice on definitions beyond the specification: what makes a server easy to use for a model."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import orjson

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, violated
from mcp_assay.readiness.check import Scope
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.observing.walking import places, resolved
from mcp_assay_suites.schema.definitions import NAME, NAMES_RULED_SINCE, definition_evidence, tool_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.observing.walking import Place

SHORTEST_DESCRIPTION = 20
SHORTEST_ARGUMENT_DESCRIPTION = 10
BYTES_PER_TOKEN = 4
"""A rough mean for English and JSON with current tokenisers; the cost is an estimate and said to be one."""
_COMBINED = frozenset({"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"})
"""Keywords by which another schema may define members of the same object."""
MOST_TOKENS = 10_000
MOST_TOKENS_PER_TOOL = 2_000
_PROVIDER_NAME = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_PROVIDER_NAME = 64
_WORDS = re.compile(r"[A-Za-z0-9]+")


@check("ADV-001", category=Category.SCHEMA, scope=Scope.TOOL)
async def description_present(subject: Subject) -> Judgement:
    """Judge a tool's description."""
    definition = subject.the_tool.definition.raw
    if not isinstance(definition.get("description", ""), str):
        return not_applicable("description is no string, which is judged by TOOL-003")
    problem = description_problem(definition.get("description"), subject.the_tool.name, SHORTEST_DESCRIPTION)
    if problem is None:
        return passed("a description")
    expected = f"a description of at least {SHORTEST_DESCRIPTION} characters that says more than the name"
    return violated(expected, problem, exchange=tool_evidence(subject))


@check("ADV-021", category=Category.SCHEMA)
async def prompt_descriptions(subject: Subject) -> Judgement:
    """Judge the descriptions of prompts and of their arguments."""
    prompts = subject.server.inventory.objects("prompts")
    if not prompts:
        return not_applicable("the server lists no prompts")
    problems = [(prompt, problem) for prompt in prompts for problem in _prompt_problems(prompt)]
    return judged(
        "every prompt and prompt argument has a description that says more than its name",
        [problem for _, problem in problems],
        looked_at=counted(len(prompts), "prompt"),
        exchange=definition_evidence(problems[0][0], "prompts/list") if problems else None,
    )


@check("ADV-002", category=Category.SCHEMA, scope=Scope.TOOL)
async def param_descriptions(subject: Subject) -> Judgement:
    """Judge whether every parameter is described."""
    schema = subject.the_tool.definition.input_schema
    described = (
        {} if schema is None else {place.pointer: _is_described(schema, place.schema) for place in _parameters(schema)}
    )
    if not described:
        return not_applicable("the tool has no parameters")
    return judged(
        "every parameter has a description",
        [f"{_dotted(pointer)} has none" for pointer, told in described.items() if not told],
        looked_at=counted(len(described), "parameter"),
        exchange=tool_evidence(subject),
    )


@check("ADV-003", category=Category.SCHEMA)
async def token_budget(subject: Subject) -> Judgement:
    """Judge what the list of tools costs a model."""
    sizes = {tool.name: len(orjson.dumps(tool.definition.raw)) for tool in subject.server.tools}
    if not sizes:
        return not_applicable("the server lists no tools")
    total = tokens(sum(sizes.values()))
    costly = {name: tokens(size) for name, size in sizes.items() if tokens(size) > MOST_TOKENS_PER_TOOL}
    problems = [f"all {counted(len(sizes), 'tool')} cost about {total} tokens"] if total > MOST_TOKENS else []
    problems += [
        f"{shown(name)} alone costs about {cost}" for name, cost in sorted(costly.items(), key=lambda item: -item[1])
    ]
    return judged(
        f"the tools cost at most {MOST_TOKENS} tokens together and {MOST_TOKENS_PER_TOOL} each",
        problems,
        looked_at=f"about {total} tokens for {counted(len(sizes), 'tool')}",
        exchange={"method": "tools/list", "bytes": dict(sizes), "estimated_tokens": total},
    )


@check("ADV-004", category=Category.SCHEMA, scope=Scope.TOOL)
async def additional_properties(subject: Subject) -> Judgement:
    """Judge whether objects with named members refuse others."""
    schema = subject.the_tool.definition.input_schema
    if schema is None or schema.get("type") != "object":
        return not_applicable("inputSchema describes no object, which is judged by TOOL-003 and TOOL-007")
    closed = {
        place.pointer: _is_closed(place.schema)
        for place in places(schema)
        if _names_members(place.schema, place.pointer)
    }
    return judged(
        "every object in the input schema says additionalProperties: false",
        [f"{_dotted(pointer) if pointer else 'the root'} does not" for pointer, shut in closed.items() if not shut],
        looked_at=counted(len(closed), "object"),
        exchange=tool_evidence(subject),
    )


@check("ADV-023", category=Category.SCHEMA, scope=Scope.TOOL)
async def required_defined(subject: Subject) -> Judgement:
    """Judge whether what is required is defined: a name that is misspelt there makes every call wrong, or no call."""
    schema = subject.the_tool.definition.input_schema
    if schema is None:
        return not_applicable("inputSchema is no object, which is judged by TOOL-003")
    objects = [place for place in places(schema) if place.plain and _defines_members(place.schema)]
    problems = [
        f"{_dotted(place.pointer) or 'the root'} requires {shown(name)}, which it does not define"
        for place in objects
        for name in _undefined(place.schema)
    ]
    return judged(
        "what is required is defined",
        problems,
        looked_at=counted(len(objects), "object"),
        exchange=tool_evidence(subject),
    )


def _defines_members(schema: JsonObject) -> bool:
    """Return whether a schema alone says which members its objects have."""
    return isinstance(schema.get("properties"), dict) and not _COMBINED & set(schema)


def _undefined(schema: JsonObject) -> Iterator[str]:
    """Yield the required names that a schema does not define."""
    required, properties, patterns = schema.get("required"), schema.get("properties"), schema.get("patternProperties")
    if isinstance(required, list) and isinstance(properties, dict) and not patterns:
        yield from (name for name in required if isinstance(name, str) and name not in properties)


@check("ADV-005", category=Category.SCHEMA, scope=Scope.TOOL)
async def llm_name_limit(subject: Subject) -> Judgement:
    """Judge whether model providers take the name, alone and with the server's name before it."""
    name = subject.the_tool.name
    if NAME.fullmatch(name) is None and subject.version >= NAMES_RULED_SINCE:
        return not_applicable("the name breaks the specification's own rule, which is judged by TOOL-004 and TOOL-005")
    prefixed = f"mcp__{subject.server.name}__{name}"
    problems = [] if _PROVIDER_NAME.fullmatch(name) else [f"{shown(name)} has characters beyond A-Z, a-z, 0-9, _ and -"]
    if len(prefixed) > _LONGEST_PROVIDER_NAME:
        problems.append(f"{shown(prefixed)} has {len(prefixed)} characters")
    return judged(
        "the name, with a client's prefix mcp__server__, has at most 64 characters of A-Z, a-z, 0-9, _ and -",
        problems,
        looked_at=f"{len(prefixed)} characters with its prefix",
        exchange=tool_evidence(subject),
    )


def description_problem(description: Json, name: str, shortest: int) -> str | None:
    """Return why a description is of no use, or None."""
    if not isinstance(description, str) or not description.strip():
        return "it has no description"
    if _letters(description) == _letters(name):
        return f"its description {shown(description)} only repeats the name"
    length = len(description.strip())
    return f"its description {shown(description)} has {length} characters" if length < shortest else None


def tokens(size_bytes: int) -> int:
    """Return about how many tokens a text of this size costs."""
    return math.ceil(size_bytes / BYTES_PER_TOKEN)


def _prompt_problems(prompt: JsonObject) -> Iterator[str]:
    """Yield what is missing in the descriptions of a prompt."""
    name = str(prompt.get("name"))
    problem = description_problem(prompt.get("description"), name, SHORTEST_DESCRIPTION)
    if problem is not None:
        yield f"prompt {shown(name)}: {problem}"
    arguments = prompt.get("arguments")
    for argument in arguments if isinstance(arguments, list) else []:
        if isinstance(argument, dict):
            called = str(argument.get("name"))
            problem = description_problem(argument.get("description"), called, SHORTEST_ARGUMENT_DESCRIPTION)
            if problem is not None:
                yield f"argument {shown(called)} of prompt {shown(name)}: {problem}"


def _parameters(schema: JsonObject) -> Iterator[Place]:
    """Yield the places that describe a named parameter."""
    return (place for place in places(schema) if place.property_name is not None)


def _is_described(root: JsonObject, schema: JsonObject) -> bool:
    """Return whether a parameter has a description, itself, behind its reference or in one of its alternatives."""
    nearby = [schema, resolved(root, schema)]
    for keyword in ("allOf", "anyOf", "oneOf"):
        branches = schema.get(keyword)
        nearby += (
            [resolved(root, one) for one in branches if isinstance(one, dict)] if isinstance(branches, list) else []
        )
    return any(isinstance(text := one.get("description"), str) and text.strip() for one in nearby)


def _names_members(schema: JsonObject, pointer: str) -> bool:
    """Return whether a schema is the root or an object with named members."""
    return not pointer or isinstance(schema.get("properties"), dict)


def _is_closed(schema: JsonObject) -> bool:
    """Return whether an object refuses members that it does not name."""
    return schema.get("additionalProperties") is False or schema.get("unevaluatedProperties") is False


def _dotted(pointer: str) -> str:
    """Return a pointer without the keywords that every reader knows."""
    return pointer.replace("/items", "[]").replace("/properties/", ".").lstrip(".")


def _letters(text: str) -> str:
    """Return a text's letters and digits in lower case."""
    return "".join(_WORDS.findall(text)).lower()


CHECKS = (
    description_present,
    prompt_descriptions,
    param_descriptions,
    token_budget,
    additional_properties,
    required_defined,
    llm_name_limit,
)
