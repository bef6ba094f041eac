"""What one server gives, another can take: pipelines found from the schemas and run for real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.readiness.subject import Subject, UnavailableError
from mcp_assay.runtime.coercion import admitted_types, objects_in
from mcp_assay.runtime.workflow.shapes import clash, inlined
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.arguments import valid_arguments
from mcp_assay_suites.exercising.limits import may_look
from mcp_assay_suites.observing.judging import listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest, ToolUnderTest
    from mcp_assay.wire.exchange import Exchange

MOST_PIPELINES = 3
"""Pipelines that are run into one server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A property that one tool returns and an argument of the same name and type that another takes.

    Attributes:
        source: The server that gives.
        giver: Its tool.
        target: The server that takes.
        taker: Its tool.
        name: The name of both.
    """

    source: ServerUnderTest
    giver: ToolUnderTest
    target: ServerUnderTest
    taker: ToolUnderTest
    name: str

    @property
    def text(self) -> str:
        """The pipeline in a few words."""
        return f"{shown(self.name)} from {self.source.name}.{self.giver.name} to {self.target.name}.{self.taker.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What became of a pipeline.

    Attributes:
        pipeline: The pipeline.
        value: What flowed.
        given: The exchange that gave it.
        taken: The exchange that took it.
    """

    pipeline: Pipeline
    value: Json
    given: Exchange
    taken: Exchange


@check("CROSS-003", category=Category.CROSS_SERVER)
async def pipeline_taken(subject: Subject) -> Judgement:
    """Judge whether the server answers when it is given what other servers return."""
    found = list(pipelines(subject.server, subject.others))
    if not found:
        return not_applicable("no other server returns what a tool of this one takes, by name and type")
    flows: list[Flow] = []
    for pipeline in found:
        if len(flows) < MOST_PIPELINES and (flow := await _flow(pipeline, subject)) is not None:
            flows.append(flow)
    if not flows:
        return skipped(f"nothing flowed through {found[0].text}")
    for flow in flows:
        if flow.taken.message is None or flow.taken.error_code == _INTERNAL:
            return violated(
                "a value that fits the input schema is answered, wherever it comes from",
                f"{flow.pipeline.text}: {shown(flow.value)} was answered by {flow.taken.describe()}",
                exchange={"given": flow.given.evidence(), "taken": flow.taken.evidence()},
            )
    return passed(f"answered {listed([flow.pipeline.text for flow in flows])}")


_INTERNAL = -32603


def pipelines(target: ServerUnderTest, sources: Iterable[ServerUnderTest]) -> Iterator[Pipeline]:
    """Yield the pipelines into a server whose both ends may be called; types that are not stated never fit."""
    takers = [(tool, inlined(tool.definition.input_schema or {})) for tool in target.tools if may_look(tool)]
    for source in sources:
        for giver in filter(may_look, source.tools):
            given = objects_in(inlined(giver.definition.output_schema or {}).get("properties"))
            for taker, schema in takers:
                wanted = objects_in(schema.get("properties"))
                for name in given.keys() & wanted.keys():
                    if _fit(given[name], wanted[name]):
                        yield Pipeline(source=source, giver=giver, target=target, taker=taker, name=name)


def _fit(given: JsonObject, wanted: JsonObject) -> bool:
    """Return whether two schemas state types that can meet."""
    return bool(admitted_types(given)) and bool(admitted_types(wanted)) and clash(given, wanted) is None


async def _flow(pipeline: Pipeline, subject: Subject) -> Flow | None:
    """Run a pipeline; return None when its first half gives nothing that fits the second."""
    run = subject.run
    first = await valid_arguments(Subject(server=pipeline.source, run=run, tool=pipeline.giver), 1)
    second = await valid_arguments(Subject(server=pipeline.target, run=run, tool=pipeline.taker), 1)
    if not first.arguments or not second.arguments:
        return None
    try:
        given = await pipeline.source.call_tool(pipeline.giver.name, _own(pipeline.giver, first.arguments[0]))
    except UnavailableError:
        return None
    structured = (given.result or {}).get("structuredContent")
    if not given.succeeded or not isinstance(structured, dict) or pipeline.name not in structured:
        return None
    value = structured[pipeline.name]
    arguments = {**_own(pipeline.taker, second.arguments[0]), pipeline.name: value}
    if not (await run.schemas.validate(pipeline.taker.definition.input_schema or {}, arguments)).clean:
        return None
    taken = await pipeline.target.call_tool(pipeline.taker.name, arguments)
    return Flow(pipeline=pipeline, value=value, given=given, taken=taken)


def _own(tool: ToolUnderTest, generated: JsonObject) -> JsonObject:
    """Return the user's arguments for a tool, or the generated ones."""
    return generated if tool.decision.arguments is None else tool.decision.arguments


CHECKS = (pipeline_taken,)
