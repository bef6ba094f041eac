"""Verdicts and facts as plain JSON, so that they travel with pytest's reports from worker to controller."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import Any, cast

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.core.verdicts import Category, Level, Outcome, Verdict
from mcp_assay.readiness.document import ServerFacts, ServerStatus, ToolFacts
from mcp_assay.readiness.links import Link

Encoded = dict[str, Any]
"""A value as plain JSON."""


def encode_verdict(verdict: Verdict) -> Encoded:
    """Return a verdict as plain JSON."""
    encoded: Encoded = _plain(asdict(verdict))
    return encoded


def decode_verdict(data: Encoded) -> Verdict:
    """Return what `encode_verdict` was given."""
    fields: Encoded = dict(data)
    fields["category"] = Category(data["category"])
    fields["level"] = Level(data["level"])
    fields["outcome"] = Outcome(data["outcome"])
    fields["causes"] = tuple(data["causes"])
    return Verdict(**fields)


def encode_facts(facts: ServerFacts) -> Encoded:
    """Return a server's facts as plain JSON."""
    encoded: Encoded = _plain(asdict(facts))
    return encoded


def decode_facts(data: Encoded) -> ServerFacts:
    """Return what `encode_facts` was given."""
    fields: Encoded = dict(data)
    fields["status"] = ServerStatus(data["status"])
    fields["error"] = None if data["error"] is None else _decode_fault(data["error"])
    fields["protocol_versions"] = tuple(data["protocol_versions"])
    fields["tools"] = tuple(ToolFacts(**tool) for tool in data["tools"])
    fields["links"] = tuple(Link(**link) for link in data["links"])
    return ServerFacts(**fields)


def merge_facts(left: ServerFacts, right: ServerFacts) -> ServerFacts:
    """Return one server's facts as two workers saw it: a tool counts as executed when either executed it."""
    executed = {tool.name for facts in (left, right) for tool in facts.tools if tool.executed}
    calls = Counter[str]()
    for tool in (*left.tools, *right.tools):
        calls[tool.name] += tool.calls
    best = left if left.status is ServerStatus.CONNECTED or right.status is not ServerStatus.CONNECTED else right
    return replace(
        best,
        tools=tuple(replace(tool, executed=tool.name in executed, calls=calls[tool.name]) for tool in best.tools),
        links=tuple(dict.fromkeys((*left.links, *right.links))),
    )


def _decode_fault(data: Encoded) -> Fault:
    """Return a fault from plain JSON."""
    fields: Encoded = dict(data)
    fields["kind"] = FaultKind(data["kind"])
    return Fault(**fields)


def _plain(value: Any) -> Any:
    """Return tuples as lists and words as text, all the way down."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {str(key): _plain(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("list[object]", value)]
    return value
