"""Lists that must not depend on the connection they are asked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, skipped
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.schema.pages import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject


@check("TOOL-037", category=Category.SCHEMA)
async def tools_per_connection(subject: Subject) -> Judgement:
    """Judge whether another connection gets the same tools."""
    return await _same_everywhere(subject, "tools")


@check("RES-019", category=Category.SCHEMA)
async def resources_per_connection(subject: Subject) -> Judgement:
    """Judge whether another connection gets the same resources."""
    return await _same_everywhere(subject, "resources")


@check("PROMPT-008", category=Category.SCHEMA)
async def prompts_per_connection(subject: Subject) -> Judgement:
    """Judge whether another connection gets the same prompts."""
    return await _same_everywhere(subject, "prompts")


async def _same_everywhere(subject: Subject, key: str) -> Judgement:
    """Judge one list; what changes on one connection too is not held against the server."""
    elsewhere = (await interview(subject.server)).inventory.listings.get(key)
    if elsewhere is None or elsewhere.problem is not None:
        return not_applicable(f"the server lists no {key}")
    session = await subject.server.session()
    here = await session.list_all(key)
    if here.problem is not None:
        return skipped(f"the {key} could not be listed again: {here.problem}")
    now, there = _keyed(here.objects, key), _keyed(elsewhere.objects, key)
    differing = _differing(now, there)
    if differing and now != _keyed(subject.server.inventory.objects(key), key):
        return skipped(f"the {key} changed on one connection too")
    return judged(
        f"the list of {key} does not depend on the connection",
        differing,
        looked_at=f"{counted(len(here.objects), 'definition')}, the same on two connections",
        exchange=elsewhere.pages[0].evidence(),
    )


def _keyed(definitions: Iterable[JsonObject], key: str) -> Mapping[str, JsonObject]:
    """Return definitions by what tells them apart."""
    return {name: entry for entry in definitions if isinstance(name := entry.get(KEYS[key]), str)}


def _differing(here: Mapping[str, JsonObject], there: Mapping[str, JsonObject]) -> list[str]:
    """Return how two sets of definitions differ."""
    problems = [f"{shown(name)} is only on the first connection" for name in here if name not in there]
    problems += [f"{shown(name)} is only on the second connection" for name in there if name not in here]
    return problems + [
        f"{shown(name)} is defined differently" for name in here if there.get(name, here[name]) != here[name]
    ]


CHECKS = (tools_per_connection, resources_per_connection, prompts_per_connection)
