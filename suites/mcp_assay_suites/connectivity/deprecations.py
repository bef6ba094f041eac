"""What a server still uses although its days are numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, passed, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import judged, listed
from mcp_assay_suites.observing.questions import asked_of
from mcp_assay_suites.observing.traffic import received

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject

_ASKING = frozenset({"sampling/createMessage", "roots/list"})
_HTTP = frozenset({"streamable-http", "sse"})


@check("DEP-001", category=Category.CONNECTIVITY, transports=_HTTP)
async def sse_transport(subject: Subject) -> Judgement:
    """Judge whether the server is reached over the transport that was replaced in 2025-03-26."""
    kind = (await subject.server.session()).channel.transport.kind
    if kind != "sse":
        return passed("it is reached over Streamable HTTP")
    return violated(
        "a server is reached over Streamable HTTP",
        "it is reached over HTTP+SSE of 2024-11-05 only",
        exchange={"transport": kind},
    )


@check("DEP-002", category=Category.CONNECTIVITY, late=True)
async def deprecated_capabilities(subject: Subject) -> Judgement:
    """Judge whether the server relies on what 2026-07-28 deprecates: logging, sampling and roots."""
    session = await subject.server.session()
    questions = [item.exchange for item in received(subject.server) if item.exchange is not None]
    asked = {method for one in questions for method in asked_of(one).values()} & _ASKING
    problems = ["it declares logging, which stderr and OpenTelemetry replace"] if session.offers("logging") else []
    problems += [f"it asks for {method}, which a server should do itself" for method in sorted(asked)]
    return judged(
        "logging, sampling and roots, which may go from 2027-07-28 on, are not relied on",
        problems,
        looked_at=listed([*session.agreement.capabilities]) or "no capability",
        exchange={"capabilities": session.agreement.capabilities} if problems else None,
    )


CHECKS = (sse_transport, deprecated_capabilities)
