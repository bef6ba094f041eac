"""Capabilities and the lists behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, noted, passed, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import counted, listed, says, shown
from mcp_assay_suites.observing.traffic import garbled
from mcp_assay_suites.schema.definitions import names

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.session import Listing

METHOD_NOT_FOUND = -32601


@check("TOOL-001", category=Category.SCHEMA)
async def tools_declared(subject: Subject) -> Judgement:
    """Judge whether a server with tools declares them."""
    return await _declared(subject, "tools")


@check("RES-001", category=Category.SCHEMA)
async def resources_declared(subject: Subject) -> Judgement:
    """Judge whether a server with resources declares them."""
    return await _declared(subject, "resources")


@check("PROMPT-001", category=Category.SCHEMA)
async def prompts_declared(subject: Subject) -> Judgement:
    """Judge whether a server with prompts declares them."""
    return await _declared(subject, "prompts")


@check("TOOL-002", category=Category.SCHEMA)
async def tools_listed(subject: Subject) -> Judgement:
    """Judge whether ``tools/list`` answers."""
    return _list_answers(subject, "tools")


@check("RES-002", category=Category.SCHEMA)
async def resources_listed(subject: Subject) -> Judgement:
    """Judge whether ``resources/list`` answers, and ``resources/templates/list`` where there is one."""
    listing = subject.server.inventory.listings.get("resources")
    templates = subject.server.inventory.listings.get("resourceTemplates")
    judgement = _list_answers(subject, "resources")
    if listing is None or templates is None or _entries_missing(listing) is not None:
        return judgement
    first = templates.pages[0]
    problem = _entries_missing(templates)
    if problem is None or says(first, METHOD_NOT_FOUND) or garbled(subject.server, first):
        return judgement
    expected = "resources/templates/list gives an array, or error -32601"
    return violated(expected, problem, exchange=first.evidence())


@check("PROMPT-002", category=Category.SCHEMA)
async def prompts_listed(subject: Subject) -> Judgement:
    """Judge whether ``prompts/list`` answers with prompts whose arguments can be told apart."""
    judgement = _list_answers(subject, "prompts")
    listing = subject.server.inventory.listings.get("prompts")
    if listing is None or _entries_missing(listing) is not None:
        return judgement
    doubled = [shown(prompt.get("name")) for prompt in listing.objects if _repeats(names(prompt.get("arguments")))]
    if doubled:
        observed = f"several arguments have the same name in {listed(doubled)}"
        return noted("argument names are unique in a prompt", observed, exchange=listing.pages[0].evidence())
    return judgement


async def _declared(subject: Subject, capability: str) -> Judgement:
    """Judge one capability: what is not declared must not be there."""
    session = await subject.server.session()
    if session.offers(capability):
        return passed(f"the capability {capability} is declared")
    exchange = (await interview(subject.server)).undeclared.get(capability)
    if exchange is None:
        return skipped("no instance of the server lived long enough to be asked")
    entries = (exchange.result or {}).get(capability)
    if isinstance(entries, list) and entries:
        observed = f"{exchange.method} lists {counted(len(entries), 'entry').replace('entrys', 'entries')}"
        return violated(f"a server with {capability} declares them", observed, exchange=exchange.evidence())
    return not_applicable(f"the server has no {capability}")


def _list_answers(subject: Subject, key: str) -> Judgement:
    """Judge whether a declared list answers with an array."""
    listing = subject.server.inventory.listings.get(key)
    if listing is None:
        return not_applicable(f"the server declares no {key}")
    problem = _entries_missing(listing)
    if problem is not None and garbled(subject.server, listing.pages[0]):
        return skipped(f"the answer to {key}/list could not be read, which is judged by what is wrong with it")
    if problem is not None:
        return violated(f"{key}/list gives an array {key}", problem, exchange=listing.pages[0].evidence())
    return passed(f"{len(listing.entries)} listed in {counted(len(listing.pages), 'page')}")


def _entries_missing(listing: Listing) -> str | None:
    """Return why the first page holds no entries, or None."""
    first = listing.pages[0]
    if first.result is None:
        return first.describe()
    if first.result.get("resultType", "complete") != "complete":
        return None
    found = first.result.get(listing.key)
    return None if isinstance(found, list) else f"{listing.key} is {shown(found)}"


def _repeats(found: list[str]) -> bool:
    """Return whether a name stands twice."""
    return len(set(found)) < len(found)


CHECKS = (tools_declared, tools_listed, resources_declared, resources_listed, prompts_declared, prompts_listed)
