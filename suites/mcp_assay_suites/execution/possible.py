"""Can a tool be called at all? Some input schemas refuse every object there is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, noted, passed, skipped, violated
from mcp_assay.generation import GenerationError, TooComplexError, UnsatisfiableError, maker_of
from mcp_assay.readiness.check import Scope
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.shared import generated_before

if TYPE_CHECKING:
    from mcp_assay.generation import Maker
    from mcp_assay.readiness.subject import Subject


@check("EXEC-005", category=Category.EXECUTION, scope=Scope.TOOL)
async def possible_to_call(subject: Subject) -> Judgement:
    """Judge whether any arguments fit the input schema; no call is made."""
    schema = subject.the_tool.definition.input_schema
    if schema is None:
        return not_applicable("the tool has no inputSchema that is an object")
    if generated_before(subject):
        return passed("arguments were made that fit it")
    expected = "some arguments fit the inputSchema, and can be found without much work"
    definition = {"tool": subject.the_tool.name, "inputSchema": schema}
    try:
        maker = await asyncio.to_thread(maker_of, schema)
    except UnsatisfiableError as problem:
        return violated(expected, f"no arguments fit: {problem.message}", exchange=definition)
    except TooComplexError as problem:
        return noted(expected, f"none were found: {problem.message}", exchange=definition)
    except GenerationError as problem:
        return skipped(f"the inputSchema cannot be used: {problem.message}")
    return await _found(maker, subject.run.settings.seed)


async def _found(maker: Maker, seed: int) -> Judgement:
    """Return whether arguments are found; that none are in some tries says nothing against the schema."""
    try:
        await asyncio.to_thread(maker.examples, seed=seed, count=1)
    except TooComplexError as problem:
        return skipped(problem.message)
    return passed("arguments can be made that fit it")


CHECKS = (possible_to_call,)
