"""What calls do to lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject


@check("TOOL-038", category=Category.EXECUTION, late=True)
async def list_after_calls(subject: Subject) -> Judgement:
    """Judge whether calls change the list of tools on their own connection; a change for everybody is none of that."""
    server = subject.server
    session = await server.session()
    if not server.calls or not server.inventory.tools:
        return not_applicable("no tool was called")
    before, listing = _named(server.inventory.objects("tools")), await session.list_all("tools")
    if listing.problem is not None:
        return skipped(f"the tools could not be listed again: {listing.problem}")
    after = _named(listing.objects)
    if after == before:
        return passed(f"the same {len(after)} tools after {sum(server.calls.values())} calls")
    async with server.fresh_session(protocol=subject.version) as other:
        elsewhere = _named((await other.list_all("tools")).objects)
    if elsewhere == after:
        return passed("the tools changed, on another connection too")
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    expected = "calls do not change the list of tools on their own connection"
    observed = f"after calls {listed([shown(name) for name in changed])} is listed differently there"
    return violated(expected, observed, exchange=listing.pages[-1].evidence())


def _named(definitions: Iterable[JsonObject]) -> Mapping[str, JsonObject]:
    """Return definitions by name."""
    return {str(one.get("name")): one for one in definitions}


CHECKS = (list_after_calls,)
