"""Finer points of definitions, for runs that ask for the second tier."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.readiness.check import Scope
from mcp_assay.wire.schemas import ProblemKind
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, kind_of, shown
from mcp_assay_suites.schema.definitions import definition_evidence, tool_evidence
from mcp_assay_suites.schema.tool_schemas import checked_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.schemas.values import SchemaSize

DEEPEST, MOST_SUBSCHEMAS, MOST_BYTES, LONGEST_COMPILE_S = 32, 2_000, 64 * 1024, 0.25
"""Bounds of a schema that every validator should bear."""
_SIZES = re.compile(r"[1-9]\d*x[1-9]\d*|any")
_THEMES = ("light", "dark")
_SOURCES = ("https://", "http://", "data:")


@check("TOOL-009", category=Category.SCHEMA, scope=Scope.TOOL)
async def schema_dialect(subject: Subject) -> Judgement:
    """Judge whether ``$schema`` names a dialect that validators know."""
    verdicts = await checked_schemas(subject)
    problems = [f"{name}: {one.message}" for name, verdict in verdicts.items() for one in verdict.of_kind(_DIALECT)]
    return judged(
        "$schema names a known dialect of JSON Schema",
        problems,
        looked_at=counted(len(verdicts), "schema"),
        exchange=tool_evidence(subject),
    )


_DIALECT = ProblemKind.DIALECT


@check("TOOL-013", category=Category.SCHEMA, scope=Scope.TOOL)
async def schema_bounds(subject: Subject) -> Judgement:
    """Judge whether the schemas are of a size that every client can take."""
    sizes = {name: verdict.size for name, verdict in (await checked_schemas(subject)).items() if verdict.size}
    if not sizes:
        return skipped("the schemas could not be measured")
    return judged(
        f"a schema has at most {DEEPEST} levels, {MOST_SUBSCHEMAS} subschemas and {MOST_BYTES // 1024} KiB",
        [f"{name} has {problem}" for name, size in sizes.items() for problem in _beyond(size)],
        looked_at="; ".join(f"{name}: {one.depth} levels, {one.size_bytes} bytes" for name, one in sizes.items()),
        exchange=tool_evidence(subject),
    )


def _beyond(size: SchemaSize) -> Iterator[str]:
    """Yield which bounds a schema exceeds; a slow compilation counts only when the schema is large besides."""
    if size.depth > DEEPEST:
        yield f"{size.depth} levels"
    if size.subschemas > MOST_SUBSCHEMAS:
        yield f"{size.subschemas} subschemas"
    if size.size_bytes > MOST_BYTES:
        yield f"{size.size_bytes} bytes"
    if size.compile_s > LONGEST_COMPILE_S and size.subschemas > MOST_SUBSCHEMAS // 10:
        yield f"to be compiled for {size.compile_s:.2f} s"


@check("TOOL-014", category=Category.SCHEMA, scope=Scope.TOOL)
async def no_arg_schema(subject: Subject) -> Judgement:
    """Judge whether a tool without parameters says that it takes none."""
    schema = subject.the_tool.definition.input_schema
    if schema is None or schema.get("type") != "object" or schema.get("properties"):
        return not_applicable("the tool has parameters, or a schema that others judge")
    if schema.get("additionalProperties") is False:
        return passed("additionalProperties: false")
    expected = "a tool without parameters has additionalProperties: false"
    return violated(expected, "its schema takes any argument", exchange=tool_evidence(subject))


@check("TOOL-028", category=Category.SCHEMA, scope=Scope.TOOL)
async def annotations_consistent(subject: Subject) -> Judgement:
    """Judge whether hints contradict each other."""
    annotations = subject.the_tool.definition.annotations
    if annotations.get("readOnlyHint") is not True:
        return not_applicable("the tool does not claim to be read-only")
    if annotations.get("destructiveHint") is not True:
        return passed("readOnlyHint: true, without destructiveHint: true")
    expected = "a read-only tool is not destructive"
    observed = "readOnlyHint and destructiveHint are both true"
    return violated(expected, observed, exchange=tool_evidence(subject))


@check("TOOL-039", category=Category.SCHEMA)
async def icons(subject: Subject) -> Judgement:
    """Judge every icon of the server and of what it lists."""
    session = await subject.server.session()
    owners = [("serverInfo", session.agreement.server_info), *_listed(subject)]
    found = [(owner, definition) for owner, definition in owners if "icons" in definition]
    if not found:
        return not_applicable("nothing has an icon")
    wrong = [(owner, one, text) for owner, one in found for text in _icon_problems(one["icons"])]
    return judged(
        "an icon has an http, https or data src, sizes like 48x48 or any, and the theme light or dark",
        [f"{owner}: {text}" for owner, _, text in wrong],
        looked_at=f"the icons of {len(found)}",
        exchange=definition_evidence(wrong[0][1], "icons") if wrong else None,
    )


def _listed(subject: Subject) -> Iterator[tuple[str, JsonObject]]:
    """Yield every listed definition with its name."""
    for key in subject.server.inventory.listings:
        for one in subject.server.inventory.objects(key):
            yield f"{key} {shown(one.get('name'))}", one


def _icon_problems(icons: Json) -> Iterator[str]:
    """Yield what is wrong with a list of icons."""
    if not isinstance(icons, list):
        yield f"icons is {kind_of(icons)}"
        return
    for icon in icons:
        if not isinstance(icon, dict):
            yield f"an icon is {kind_of(icon)}"
        else:
            yield from _one_icon(icon)


def _one_icon(icon: Mapping[str, Json]) -> Iterator[str]:
    """Yield what is wrong with one icon."""
    source, sizes, theme = icon.get("src"), icon.get("sizes", []), icon.get("theme", "light")
    if not isinstance(source, str) or not source.lower().startswith(_SOURCES):
        yield f"src is {shown(source)}"
    if not isinstance(sizes, list) or not all(isinstance(one, str) and _SIZES.fullmatch(one) for one in sizes):
        yield f"sizes is {shown(sizes)}"
    if theme not in _THEMES:
        yield f"theme is {shown(theme)}"


CHECKS = (schema_dialect, schema_bounds, no_arg_schema, annotations_consistent, icons)
