"""Caching hints of the stateless era."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.observing.questions import is_question
from mcp_assay_suites.observing.traffic import proper_results

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange

CACHEABLE = frozenset(
    [
        "server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read",
    ]
)  # fmt: skip
"""Methods whose complete results carry hints (server/utilities/caching, cacheable results)."""

_SCOPES = ("public", "private")


@check("CACHE-001", category=Category.SCHEMA, late=True)
async def hints_present(subject: Subject) -> Judgement:
    """Judge that both hints are there."""
    return _judged(subject, "ttlMs and cacheScope are present", _missing)


@check("CACHE-002", category=Category.SCHEMA, late=True)
async def ttl_valid(subject: Subject) -> Judgement:
    """Judge every ``ttlMs``."""
    return _judged(subject, "ttlMs is an integer of 0 or more", _ttl_problem)


@check("CACHE-003", category=Category.SCHEMA, late=True)
async def scope_enum(subject: Subject) -> Judgement:
    """Judge every ``cacheScope``."""
    return _judged(subject, "cacheScope is public or private", _scope_problem)


@check("CACHE-004", category=Category.SCHEMA)
async def scope_same_on_pages(subject: Subject) -> Judgement:
    """Judge that the pages of a list have one scope."""
    paged = [listing for listing in subject.server.inventory.listings.values() if len(listing.pages) > 1]
    if not paged:
        return not_applicable("every list fits on one page")
    scopes = {one.key: [shown((page.result or {}).get("cacheScope")) for page in one.pages] for one in paged}
    mixed = [one for one in paged if len(set(scopes[one.key])) > 1]
    return judged(
        "all pages of a list have the same cacheScope",
        [f"{one.pages[0].method} has {', '.join(scopes[one.key][:4])} on its pages" for one in mixed],
        looked_at=counted(len(paged), "list"),
        exchange=mixed[0].pages[-1].evidence() if mixed else None,
    )


@check("CACHE-005", category=Category.SCHEMA, late=True)
async def no_hints_on_input_required(subject: Subject) -> Judgement:
    """Judge that results which ask for input carry no hints: they are no results yet."""
    found = [one for one in proper_results(subject.server) if is_question(one)]
    if not found:
        return not_applicable("the server asked for no input")
    wrong = [one for one in found if {"ttlMs", "cacheScope"} & set(one.result or {})]
    return judged(
        "a result that asks for input has neither ttlMs nor cacheScope",
        [f"{one.method} asks for input with a hint" for one in wrong],
        looked_at=counted(len(found), "question"),
        exchange=wrong[0].evidence() if wrong else None,
    )


def _judged(subject: Subject, expected: str, problem: Callable[[JsonObject], str | None]) -> Judgement:
    """Judge each cacheable result by one rule."""
    results = [exchange for exchange in proper_results(subject.server) if _is_cacheable(exchange)]
    if not results:
        return not_applicable("the server gave no result that can be cached")
    wrong = [(one, text) for one in results if (text := problem(one.result or {})) is not None]
    return judged(
        f"in results that can be cached {expected}",
        [f"{one.method}: {text}" for one, text in wrong],
        looked_at=counted(len(results), "result"),
        exchange=wrong[0][0].evidence() if wrong else None,
    )


def _is_cacheable(exchange: Exchange) -> bool:
    """Return whether an exchange gave a complete result of a cacheable method."""
    result = exchange.result
    return result is not None and exchange.method in CACHEABLE and result.get("resultType", "complete") == "complete"


def _missing(result: JsonObject) -> str | None:
    """Return which hints are missing, or None."""
    missing = [key for key in ("ttlMs", "cacheScope") if key not in result]
    return f"no {' and no '.join(missing)}" if missing else None


def _ttl_problem(result: JsonObject) -> str | None:
    """Return what is wrong with ``ttlMs`` where it is given, or None."""
    found = result.get("ttlMs", 0)
    return None if type(found) is int and found >= 0 else f"ttlMs is {shown(found)}"


def _scope_problem(result: JsonObject) -> str | None:
    """Return what is wrong with ``cacheScope`` where it is given, or None."""
    found = result.get("cacheScope", "public")
    return None if found in _SCOPES else f"cacheScope is {shown(found)}"


CHECKS = (hints_present, ttl_valid, scope_enum, scope_same_on_pages, no_hints_on_input_required)
