"""Structured results: there, conforming, and readable for clients that know text only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped
from mcp_assay.readiness.check import Scope
from mcp_assay.wire.schemas import ProblemKind
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.asking import successes
from mcp_assay_suites.exercising.minimal import smallest
from mcp_assay_suites.exercising.telling import noted_by, violated_by
from mcp_assay_suites.observing.comparing import first_difference, same
from mcp_assay_suites.observing.judging import counted, kind_of, shown

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.schemas import SchemaVerdict
    from mcp_assay_suites.exercising.cases import Case

_NO_SCHEMA = "the tool declares no outputSchema"
_NO_STRUCTURE = "no result carries structuredContent"


@check("TOOL-015", category=Category.EXECUTION, scope=Scope.TOOL)
async def structured_present(subject: Subject) -> Judgement:
    """Judge whether successful results of a tool with an output schema carry ``structuredContent``."""
    if subject.the_tool.definition.output_schema is None:
        return not_applicable(_NO_SCHEMA)
    cases = await successes(subject)
    if isinstance(cases, Judgement):
        return cases
    bare = next((case for case in cases if _is_bare(case)), None)
    if bare is None:
        return passed(counted(len(cases), "successful result"))

    async def shows(other: Case) -> bool:
        return other.succeeded and _is_bare(other)

    bare = await smallest(subject, bare, shows)
    expected = "with an outputSchema a successful result carries structuredContent"
    return violated_by(bare, expected, f"{bare.call}: the result has none")


@check("TOOL-016", category=Category.EXECUTION, scope=Scope.TOOL)
async def structured_conforms(subject: Subject) -> Judgement:
    """Judge whether ``structuredContent`` fits the output schema; a schema that cannot be judged by is a finding."""
    schema = subject.the_tool.definition.output_schema
    if schema is None:
        return not_applicable(_NO_SCHEMA)
    cases = await successes(subject)
    if isinstance(cases, Judgement):
        return cases
    carrying = [case for case in cases if not _is_bare(case)]
    if not carrying:
        return skipped(_NO_STRUCTURE)
    verdicts = await subject.run.schemas.validate_each(schema, [structured(case) for case in carrying])
    for case, verdict in zip(carrying, verdicts, strict=True):
        judgement = await _held_against(subject, schema, case, verdict)
        if judgement is not None:
            return judgement
    return passed(f"{counted(len(carrying), 'structured result')} fit the outputSchema")


async def _held_against(subject: Subject, schema: JsonObject, case: Case, verdict: SchemaVerdict) -> Judgement | None:
    """Return what speaks against a structured result, or None."""
    if verdict.unusable:
        return skipped("the outputSchema cannot be used: " + "; ".join(p.message for p in verdict.problems[:3]))
    if verdict.exceeded:
        expected = "a result can be held against the outputSchema within reasonable time and memory"
        return noted_by(case, expected, f"{case.call}: {verdict.reason}")
    return None if verdict.clean else await _nonconforming(subject, schema, case)


@check("TOOL-017", category=Category.EXECUTION, scope=Scope.TOOL)
async def structured_is_object(subject: Subject) -> Judgement:
    """Judge whether ``structuredContent`` is an object."""
    cases = await successes(subject)
    if isinstance(cases, Judgement):
        return cases
    carrying = [case for case in cases if not _is_bare(case)]
    if not carrying:
        return not_applicable(_NO_STRUCTURE)
    odd = next((case for case in carrying if not isinstance(structured(case), dict)), None)
    if odd is None:
        return passed(counted(len(carrying), "structured result"))
    observed = f"{odd.call}: it is {kind_of(structured(odd))}, {shown(structured(odd))}"
    return violated_by(odd, "structuredContent is a JSON object", observed)


@check("TOOL-018", category=Category.EXECUTION, scope=Scope.TOOL)
async def structured_text_fallback(subject: Subject) -> Judgement:
    """Judge whether a text block holds the structured value as JSON."""
    cases = await successes(subject)
    if isinstance(cases, Judgement):
        return cases
    carrying = [case for case in cases if not _is_bare(case)]
    if not carrying:
        return not_applicable(_NO_STRUCTURE)
    lone = next((case for case in carrying if not _has_fallback(case)), None)
    if lone is None:
        return passed(counted(len(carrying), "structured result"))

    async def shows(other: Case) -> bool:
        return other.succeeded and not _is_bare(other) and not _has_fallback(other)

    lone = await smallest(subject, lone, shows)
    texts = texts_of(lone)
    observed = f"the first text block is {shown(texts[0])}" if texts else "there is no text block"
    observed += ", which is the value below result" if _is_unwrapped(lone) else _told_apart(lone)
    return violated_by(lone, "a text block holds the structured value as JSON", f"{lone.call}: {observed}")


async def _nonconforming(subject: Subject, schema: JsonObject, case: Case) -> Judgement:
    """Return the finding that a value does not fit, with the smallest arguments that show it."""

    async def shows(other: Case) -> bool:
        if not other.succeeded or _is_bare(other):
            return False
        return bool((await subject.run.schemas.validate(schema, structured(other))).of_kind(ProblemKind.INSTANCE))

    case = await smallest(subject, case, shows)
    problems = (await subject.run.schemas.validate(schema, structured(case))).problems
    told = "; ".join(f"{problem.path or 'the value'}: {problem.message}" for problem in problems[:3])
    return violated_by(case, "structuredContent fits the outputSchema", f"{case.call}: {told}")


def structured(case: Case) -> Json:
    """Return the structured value of a result, None when there is none."""
    return (case.exchange.result or {}).get("structuredContent")


def texts_of(case: Case) -> list[str]:
    """Return the texts of the result's text blocks."""
    content = (case.exchange.result or {}).get("content")
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    return [text for block in blocks if block.get("type") == "text" and isinstance(text := block.get("text"), str)]


def _is_bare(case: Case) -> bool:
    """Return whether a result has no ``structuredContent``."""
    return "structuredContent" not in (case.exchange.result or {})


def _has_fallback(case: Case) -> bool:
    """Return whether some text block parses to the structured value."""
    return any(_parses_to(text, structured(case)) for text in texts_of(case))


def _is_unwrapped(case: Case) -> bool:
    """Return whether the texts are what stands below ``result``, a block for each element of a list."""
    value = structured(case)
    if not isinstance(value, dict) or set(value) != {"result"}:
        return False
    inner = value["result"]
    texts = texts_of(case)
    parts = inner if isinstance(inner, list) and len(inner) == len(texts) else [inner]
    return len(parts) == len(texts) and all(
        text == part or _parses_to(text, part) for text, part in zip(texts, parts, strict=True)
    )


def _told_apart(case: Case) -> str:
    """Return where the first text block that is JSON says something else than the structured value, as a clause."""
    for text in texts_of(case):
        try:
            said: Json = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        place = first_difference(said, structured(case), "")
        if place is not None:
            pointer, left, right = place
            return f", and at {pointer} has {left} where structuredContent has {right}" if pointer else ""
    return ""


def _parses_to(text: str, value: Json) -> bool:
    """Return whether a text is the JSON of a value."""
    try:
        return same(orjson.loads(text), value)
    except orjson.JSONDecodeError:
        return False


CHECKS = (structured_present, structured_conforms, structured_is_object, structured_text_fallback)
