"""Do servers say when a list of theirs has changed? Calls are what changes lists, so that this is asked after them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.wire.eras import Era
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.session import Listing, ServerSession

_POLL_S = 0.05


@check("TOOL-040", category=Category.EXECUTION, late=True)
async def tools_changed_sent(subject: Subject) -> Judgement:
    """Judge whether a list of tools that changed during the run was followed by news of it."""
    return await _told(subject, "tools", "name")


@check("RES-020", category=Category.EXECUTION, late=True)
async def resources_changed_sent(subject: Subject) -> Judgement:
    """Judge whether a list of resources that changed during the run was followed by news of it."""
    return await _told(subject, "resources", "uri")


@check("PROMPT-009", category=Category.EXECUTION, late=True)
async def prompts_changed_sent(subject: Subject) -> Judgement:
    """Judge whether a list of prompts that changed during the run was followed by news of it."""
    return await _told(subject, "prompts", "name")


async def _told(subject: Subject, kind: str, key: str) -> Judgement:
    """Judge one list by what came and went on the live connection since it was opened.

    Args:
        subject: The server.
        kind: The list, which is also the capability.
        key: The member that tells its entries apart.
    """
    server = subject.server
    session = await server.session()
    if session.agreement.era is Era.STATELESS:
        return not_applicable("such news come on subscriptions, and none is open while tools are called")
    declared = session.agreement.capabilities.get(kind)
    if not isinstance(declared, dict) or declared.get("listChanged") is not True:
        return not_applicable(f"the server does not declare listChanged for {kind}")
    before = server.inventory.listings.get(kind)
    if server.past_logs or before is None or before.problem is not None:
        return skipped("there is no whole list from the beginning of this connection")
    after = await session.list_all(kind)
    if after.problem is not None:
        return skipped(f"the {kind} could not be listed again: {after.problem}")
    differing = sorted(_keys(before.objects, key) ^ _keys(after.objects, key))
    if not differing:
        return skipped(f"the list of {kind} did not change in this run")
    return await _judged(session, kind, differing, after)


async def _judged(session: ServerSession, kind: str, differing: list[str], after: Listing) -> Judgement:
    """Judge a list that did change."""
    method = f"notifications/{kind}/list_changed"
    if await _heard(session, method):
        return passed(f"{method} came; {counted(len(differing), 'change')}")
    if len(session.log.server_messages) < session.log.message_count:
        return skipped(f"the list of {kind} changed, and more messages came than are kept")
    observed = (
        f"since the connection was opened {listed([shown(name) for name in differing])} came or went, unannounced"
    )
    expected = f"{method} is sent when the list of {kind} changes"
    return violated(expected, observed, exchange=after.pages[-1].evidence())


async def _heard(session: ServerSession, method: str) -> bool:
    """Return whether a notification came; servers may collect such news for a while before they send any."""
    for _ in range(int(session.limits.probe_s / _POLL_S)):
        if any(sent.method == method for sent in session.log.server_messages):
            return True
        await asyncio.sleep(_POLL_S)
    return any(sent.method == method for sent in session.log.server_messages)


def _keys(objects: Iterable[JsonObject], key: str) -> set[str]:
    """Return what tells the entries of a list apart."""
    return {str(one.get(key)) for one in objects}


CHECKS = (tools_changed_sent, resources_changed_sent, prompts_changed_sent)
