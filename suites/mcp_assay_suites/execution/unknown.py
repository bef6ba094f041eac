"""Calls of tools that do not exist, and calls that are none.

They never hold the name of a real tool: a lax server would run it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, noted, passed, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import judged
from mcp_assay_suites.observing.probing import heartbeat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange

_NO_TOOLS = "the server offers no tools"
_PROBE_S = 10.0


@check("TOOL-021", category=Category.EXECUTION)
async def unknown_tool(subject: Subject) -> Judgement:
    """Judge the answer to a call of a tool that does not exist."""
    session = await subject.server.session()
    if not session.offers("tools"):
        return not_applicable(_NO_TOOLS)
    exchange, lives = await _probe(subject, {"name": subject.server.nobodys_name, "arguments": {}})
    expected = "a call of an unknown tool is answered by a JSON-RPC error"
    if not lives:
        return violated(expected, f"{exchange.describe()}, and the server is gone", exchange=exchange.evidence())
    if exchange.is_throttled:
        return skipped(f"the server limits how often it is called: {exchange.describe()}")
    if exchange.error is not None:
        return passed(exchange.describe())
    verdict = noted if exchange.is_tool_error else violated
    return verdict(expected, exchange.describe(), exchange=exchange.evidence())


@check("TOOL-024", category=Category.EXECUTION)
async def malformed_call(subject: Subject) -> Judgement:
    """Judge the answers to calls that do not have the shape of a call."""
    session = await subject.server.session()
    if not session.offers("tools"):
        return not_applicable(_NO_TOOLS)
    malformed: Mapping[str, Mapping[str, Json]] = {
        "arguments that are an array": {"name": subject.server.nobodys_name, "arguments": [1]},
        "arguments that are a string": {"name": subject.server.nobodys_name, "arguments": "x"},
        "no name": {"arguments": {}},
    }
    wrong: list[tuple[str, Exchange]] = []
    for what, params in malformed.items():
        exchange, lives = await _probe(subject, params)
        if not lives:
            wrong.append((f"{what}: {exchange.describe()}, and the server is gone", exchange))
        elif exchange.error is None:
            wrong.append((f"{what}: {exchange.describe()}", exchange))
    return judged(
        "a call that does not have the shape of a call is answered by a JSON-RPC error",
        [observed for observed, _ in wrong],
        looked_at=", ".join(malformed),
        exchange=wrong[0][1].evidence() if wrong else None,
    )


async def _probe(subject: Subject, params: Mapping[str, Json]) -> tuple[Exchange, bool]:
    """Send a call of no real tool; return its exchange and whether the server still answers. A dead one is revived."""
    session = await subject.server.session()
    exchange = await session.request("tools/call", params, timeout_s=min(_PROBE_S, session.limits.call_s))
    lives = session.alive and (await heartbeat(session)).message is not None
    if not lives:
        await subject.server.revive()
    return exchange, lives


CHECKS = (unknown_tool, malformed_call)
