"""Tool definitions: shape, names, annotations and the order of the list."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.readiness.check import Scope
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, judged_with_notes, kind_of, listed, shown
from mcp_assay_suites.schema.definitions import (
    LONGEST_NAME,
    NAME_CHARACTERS,
    definition_evidence,
    tool_evidence,
    wrong_members,
)
from mcp_assay_suites.schema.pages import repeated_on_pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject

_OPTIONAL = {
    "title": "string",
    "description": "string",
    "outputSchema": "object",
    "annotations": "object",
    "_meta": "object",
    "icons": "array",
    "execution": "object",
}
_HINTS = {
    "title": "string",
    "readOnlyHint": "boolean",
    "destructiveHint": "boolean",
    "idempotentHint": "boolean",
    "openWorldHint": "boolean",
}
_TASK_SUPPORT = ("forbidden", "optional", "required")
_REPEATS = 2


@check("TOOL-003", category=Category.SCHEMA, scope=Scope.TOOL)
async def tool_shape(subject: Subject) -> Judgement:
    """Judge the members of one definition."""
    definition = subject.the_tool.definition.raw
    problems = wrong_members(definition, _OPTIONAL)
    if not isinstance(definition.get("inputSchema"), dict):
        found = kind_of(definition["inputSchema"]) if "inputSchema" in definition else "missing"
        problems.insert(0, f"inputSchema is {found}")
    return judged(
        "a tool has an object inputSchema, and optional members have their types",
        problems,
        looked_at=f"{counted(len(definition), 'member')} of the right types",
        exchange=tool_evidence(subject),
    )


@check("TOOL-004", category=Category.SCHEMA, scope=Scope.TOOL)
async def name_length(subject: Subject) -> Judgement:
    """Judge the length of a name."""
    name = subject.the_tool.name
    if 1 <= len(name) <= LONGEST_NAME:
        return passed(f"{len(name)} characters")
    observed = f"{len(name)} characters"
    return violated("a tool's name has 1 to 128 characters", observed, exchange=tool_evidence(subject))


@check("TOOL-005", category=Category.SCHEMA, scope=Scope.TOOL)
async def name_charset(subject: Subject) -> Judgement:
    """Judge the characters of a name."""
    name = subject.the_tool.name
    odd = "".join(sorted(set(NAME_CHARACTERS.sub("", name))))
    if not name:
        return not_applicable("the name is empty")
    if not odd:
        return passed("letters, digits, _, - and . only")
    expected = "a tool's name has only A-Z, a-z, 0-9, _, - and ."
    return violated(expected, f"{shown(name)} has {shown(odd)}", exchange=tool_evidence(subject))


@check("TOOL-006", category=Category.SCHEMA)
async def name_unique(subject: Subject) -> Judgement:
    """Judge whether names can be told apart; what comes twice because of paging is judged as paging."""
    tools = subject.server.inventory.tools
    if not tools:
        return not_applicable("the server lists no tools")
    listing = subject.server.inventory.listings["tools"]
    paged = Counter(repeated_on_pages(listing))
    counts = Counter(tool.name for tool in tools)
    doubles = [name for name, count in counts.items() if count - paged[name] > 1]
    return judged_with_notes(
        "tool names are unique on a server",
        [f"{counts[name]} tools are named {shown(name)}" for name in doubles],
        [f"names that differ in case only: {listed(group)}" for group in _same_but_for_case(counts)],
        looked_at=f"{counted(len(counts), 'different name')}",
        exchange=definition_evidence(_first_named(subject, doubles), "tools/list"),
    )


@check("TOOL-007", category=Category.SCHEMA, scope=Scope.TOOL)
async def input_schema_object(subject: Subject) -> Judgement:
    """Judge the root of an input schema."""
    schema = subject.the_tool.definition.input_schema
    if schema is None:
        return not_applicable("inputSchema is no object, which is judged by TOOL-003")
    if schema.get("type") == "object":
        return passed('its root is type: "object"')
    found = f"its root is type: {shown(schema['type'])}" if "type" in schema else "its root has no type"
    return violated('the root of inputSchema is type: "object"', found, exchange=tool_evidence(subject))


@check("TOOL-027", category=Category.SCHEMA, scope=Scope.TOOL)
async def annotations_typed(subject: Subject) -> Judgement:
    """Judge the types of annotations."""
    annotations = subject.the_tool.definition.raw.get("annotations")
    if not isinstance(annotations, dict):
        return not_applicable("the tool has no annotations")
    return judged(
        "annotations.title is a string and every hint a boolean",
        [f"annotations.{problem}" for problem in wrong_members(annotations, _HINTS)],
        looked_at=f"{counted(len(annotations), 'annotation')}",
        exchange=tool_evidence(subject),
    )


@check("TOOL-030", category=Category.SCHEMA)
async def task_support_enum(subject: Subject) -> Judgement:
    """Judge ``execution.taskSupport`` of all tools; few say anything, so it is judged once a server."""
    said = {
        tool.name: execution["taskSupport"]
        for tool in subject.server.inventory.tools
        if isinstance(execution := tool.raw.get("execution"), dict) and "taskSupport" in execution
    }
    if not said:
        return not_applicable("no tool says anything of tasks")
    wrong = [name for name, found in said.items() if found not in _TASK_SUPPORT]
    return judged(
        f"execution.taskSupport is one of {', '.join(_TASK_SUPPORT)}",
        [f"{shown(name)} says {shown(said[name])}" for name in wrong],
        looked_at=counted(len(said), "tool"),
        exchange=definition_evidence(_first_named(subject, wrong), "tools/list"),
    )


@check("TOOL-036", category=Category.SCHEMA)
async def list_deterministic(subject: Subject) -> Judgement:
    """Judge whether the list keeps its order when it is asked for again."""
    before = [tool.name for tool in subject.server.inventory.tools]
    if len(before) < 2:
        return not_applicable("an order needs two tools")
    session = await subject.server.session()
    for _ in range(_REPEATS):
        again = await session.list_all("tools")
        found = _names(again.objects)
        if sorted(found) != sorted(before):
            return skipped("the set of tools changed between two lists")
        if found != before:
            observed = f"first {listed(before)}, then {listed(found)}"
            return violated("the list keeps its order", observed, exchange=again.pages[0].evidence())
    return passed(f"the same order {_REPEATS + 1} times")


def _names(definitions: Iterable[JsonObject]) -> list[str]:
    """Return the names of definitions that have one."""
    return [name for entry in definitions if isinstance(name := entry.get("name"), str)]


def _same_but_for_case(counts: Mapping[str, int]) -> list[list[str]]:
    """Return groups of names that are equal when case is ignored."""
    groups: dict[str, list[str]] = {}
    for name in counts:
        groups.setdefault(name.casefold(), []).append(name)
    return [[shown(name) for name in group] for group in groups.values() if len(group) > 1]


def _first_named(subject: Subject, wanted: list[str]) -> Json:
    """Return the definition of the first tool with a wanted name, or null."""
    return next((tool.raw for tool in subject.server.inventory.tools if tool.name in wanted[:1]), None)


CHECKS = (
    tool_shape,
    name_length,
    name_charset,
    name_unique,
    input_schema_object,
    annotations_typed,
    task_support_enum,
    list_deterministic,
)
