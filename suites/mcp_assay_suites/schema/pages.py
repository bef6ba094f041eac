"""Pages of lists."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import orjson

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, violated
from mcp_assay.wire.session import LIST_METHODS
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, judged_with_notes, kind_of, listed, says, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import Listing

KEYS = {"tools": "name", "resources": "uri", "resourceTemplates": "uriTemplate", "prompts": "name"}
"""What tells the entries of each list apart."""

INVALID_PARAMS = -32602
NO_CURSOR = "!!not-a-cursor"
_ENDLESS = "came twice"
_CUT_SHORT = "stopped after"


@check("PAGE-001", category=Category.SCHEMA)
async def next_cursor_type(subject: Subject) -> Judgement:
    """Judge the type of every ``nextCursor``."""
    pages = list(_pages(subject))
    if not pages:
        return not_applicable("the server offers no list")
    wrong = [
        (page, found)
        for page in pages
        if "nextCursor" in (page.result or {}) and not isinstance(found := (page.result or {})["nextCursor"], str)
    ]
    return judged(
        "nextCursor is a string or absent",
        [f"{page.method}: nextCursor is {kind_of(found)}" for page, found in wrong],
        looked_at=counted(len(pages), "page"),
        exchange=wrong[0][0].evidence() if wrong else None,
    )


@check("PAGE-002", category=Category.SCHEMA)
async def pagination_terminates(subject: Subject) -> Judgement:
    """Judge whether following the cursors comes to an end."""
    paged = [listing for listing in subject.server.inventory.listings.values() if len(listing.pages) > 1]
    if not paged:
        return not_applicable("every list fits on one page")
    broken = [listing for listing in paged if listing.problem is not None]
    return judged_with_notes(
        "following the cursors ends, and no cursor comes twice",
        [f"{one.pages[-1].method}: {one.problem}" for one in broken if _CUT_SHORT not in str(one.problem)],
        [f"{one.pages[-1].method}: {one.problem}" for one in broken if _CUT_SHORT in str(one.problem)],
        looked_at=listed([f"{one.pages[-1].method}: {counted(len(one.pages), 'page')}" for one in paged]),
        exchange=broken[0].pages[-1].evidence() if broken else None,
    )


@check("PAGE-004", category=Category.SCHEMA)
async def invalid_cursor(subject: Subject) -> Judgement:
    """Judge the answers to a cursor that no server gave."""
    listings = subject.server.inventory.listings
    answered = [key for key, listing in listings.items() if listing.pages[0].result is not None]
    if not answered:
        return not_applicable("the server offers no list")
    session = await subject.server.session()
    wrong: list[Exchange] = []
    for key in answered:
        exchange = await subject.server.request(
            LIST_METHODS[key], {"cursor": NO_CURSOR}, timeout_s=session.limits.list_s
        )
        wrong += [] if says(exchange, INVALID_PARAMS) else [exchange]
    return judged(
        "an invalid cursor is answered by JSON-RPC error -32602",
        [f"{one.method}: {one.describe()}" for one in wrong],
        looked_at=counted(len(answered), "list"),
        exchange=wrong[0].evidence() if wrong else None,
    )


@check("PAGE-003", category=Category.SCHEMA)
async def cursor_stable(subject: Subject) -> Judgement:
    """Judge whether a cursor leads to the same page again."""
    session = await subject.server.session()
    paged = {key: one for key, one in subject.server.inventory.listings.items() if len(one.pages) > 1}
    if not paged:
        return not_applicable("every list fits on one page")
    wrong: list[tuple[str, Exchange]] = []
    for key, listing in paged.items():
        params = {"cursor": (listing.pages[0].result or {}).get("nextCursor")}
        ask = [await session.request(LIST_METHODS[key], params, timeout_s=session.limits.list_s) for _ in range(2)]
        again = [(one.result or {}).get(key) for one in ask]
        if again[0] != again[1] or again[0] is None:
            wrong.append((f"{LIST_METHODS[key]}: {ask[1].describe()}", ask[1]))
    return judged(
        "a cursor leads to the same page whenever it is used",
        [problem for problem, _ in wrong],
        looked_at=counted(len(paged), "cursor"),
        exchange=wrong[0][1].evidence() if wrong else None,
    )


@check("PAGE-005", category=Category.SCHEMA)
async def no_duplicates(subject: Subject) -> Judgement:
    """Judge whether an entry comes on two pages; a cursor that never ends repeats them as well."""
    paged = [listing for listing in subject.server.inventory.listings.values() if len(listing.pages) > 1]
    if not paged:
        return not_applicable("every list fits on one page")
    for listing in paged:
        repeated = [] if _ENDLESS in str(listing.problem) else list(repeated_on_pages(listing))
        if repeated:
            observed = f"on two pages of {listing.pages[0].method}: {listed([shown(name) for name in repeated])}"
            return violated("no entry comes on two pages", observed, exchange=listing.pages[-1].evidence())
    return judged("no entry comes on two pages", [], looked_at=f"{counted(len(paged), 'list')} of several pages")


def repeated_on_pages(listing: Listing) -> Iterator[str]:
    """Yield the key of every entry that came, word for word, on an earlier page already."""
    earlier: Counter[tuple[str, bytes]] = Counter()
    for page in listing.pages:
        here: Counter[tuple[str, bytes]] = Counter()
        for name, entry in _keyed(page, listing.key):
            here[name, orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)] += 1
        yield from (name for (name, text), count in here.items() if earlier[name, text] for _ in range(count))
        earlier += here


def _keyed(page: Exchange, key: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield the entries of a page by what tells them apart."""
    entries = (page.result or {}).get(key)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(name := entry.get(KEYS[key]), str):
            yield name, entry


def _pages(subject: Subject) -> Iterator[Exchange]:
    """Yield every page of every list."""
    for listing in subject.server.inventory.listings.values():
        yield from (page for page in listing.pages if page.result is not None)


CHECKS = (next_cursor_type, pagination_terminates, invalid_cursor, cursor_stable, no_duplicates)
