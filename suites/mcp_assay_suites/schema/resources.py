"""Resource and template definitions."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, judged_with_notes, kind_of, shown
from mcp_assay_suites.observing.uris import template_problem, uri_problem
from mcp_assay_suites.schema.definitions import definition_evidence
from mcp_assay_suites.schema.pages import repeated_on_pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject

_AUDIENCES = ("user", "assistant")
_ZONED = re.compile(r"\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})?)?")
_NONE = "the server lists no resources"


@check("RES-003", category=Category.SCHEMA)
async def uri_valid(subject: Subject) -> Judgement:
    """Judge the URI of every listed resource."""
    resources = subject.server.inventory.objects("resources")
    if not resources:
        return not_applicable(_NONE)
    problems = [(one, problem) for one in resources if (problem := _uri_problem(one)) is not None]
    return judged(
        "a resource's URI is absolute and follows RFC 3986",
        [f"{shown(one.get('uri'))}: {problem}" for one, problem in problems],
        looked_at=counted(len(resources), "URI"),
        exchange=_evidence([one for one, _ in problems], "resources/list"),
    )


@check("RES-004", category=Category.SCHEMA)
async def uri_unique(subject: Subject) -> Judgement:
    """Judge whether resources can be told apart and have names."""
    listing = subject.server.inventory.listings.get("resources")
    if listing is None or not listing.objects:
        return not_applicable(_NONE)
    paged = Counter(repeated_on_pages(listing))
    counts = Counter(uri for one in listing.objects if isinstance(uri := one.get("uri"), str))
    problems = [f"{counts[uri]} resources have the URI {shown(uri)}" for uri in counts if counts[uri] - paged[uri] > 1]
    nameless = [one for one in listing.objects if not isinstance(one.get("name"), str)]
    problems += [f"{shown(one.get('uri'))} has no name" for one in nameless]
    return judged(
        "a URI stands for one resource, and every resource has a name",
        problems,
        looked_at=counted(len(listing.objects), "resource"),
        exchange=_evidence(nameless, "resources/list") or listing.pages[0].evidence(),
    )


@check("RES-013", category=Category.SCHEMA)
async def resource_annotations(subject: Subject) -> Judgement:
    """Judge the annotations of resources and templates."""
    annotated = [one for one in _both(subject) if "annotations" in one]
    if not annotated:
        return not_applicable("no resource or template has annotations")
    problems = [(one, problem) for one in annotated for problem in annotation_problems(one["annotations"])]
    return judged(
        "audience is of user and assistant, priority from 0 to 1, lastModified ISO 8601",
        [f"{shown(one.get('uri') or one.get('uriTemplate'))}: {problem}" for one, problem in problems],
        looked_at=f"the annotations of {len(annotated)}",
        exchange=_evidence([one for one, _ in problems], "resources/list"),
    )


@check("RES-014", category=Category.SCHEMA)
async def template_rfc6570(subject: Subject) -> Judgement:
    """Judge every URI template."""
    templates = subject.server.inventory.objects("resourceTemplates")
    if not templates:
        return not_applicable("the server lists no resource templates")
    problems: list[str] = []
    notes: list[str] = []
    for one in templates:
        found = one.get("uriTemplate")
        problem, note = template_problem(found) if isinstance(found, str) else (f"it is {kind_of(found)}", None)
        problems += [f"{shown(found)}: {problem}"] if problem is not None else []
        notes += [f"{shown(found)}: {note}"] if note is not None else []
    return judged_with_notes(
        "a URI template follows RFC 6570",
        problems,
        notes,
        looked_at=counted(len(templates), "template"),
        exchange=subject.server.inventory.listings["resourceTemplates"].pages[0].evidence(),
    )


def annotation_problems(found: Json) -> list[str]:
    """Return what is wrong with the annotations of a resource or a content block."""
    if not isinstance(found, dict):
        return [f"annotations is {kind_of(found)}"]
    problems: list[str] = []
    audience, priority, modified = found.get("audience", []), found.get("priority", 0), found.get("lastModified")
    if not isinstance(audience, list) or any(who not in _AUDIENCES for who in audience):
        problems.append(f"audience is {shown(audience)}")
    if not _is_number(priority) or not 0 <= priority <= 1:  # type: ignore[operator]  # _is_number has looked
        problems.append(f"priority is {shown(priority)}")
    if "lastModified" in found and not is_time(modified):
        problems.append(f"lastModified is {shown(modified)}")
    return problems


def is_time(found: Json) -> bool:
    """Return whether a value is a date or time of ISO 8601, zone or not."""
    if not isinstance(found, str) or not _ZONED.fullmatch(found):
        return False
    try:
        datetime.fromisoformat(found.upper())
    except ValueError:
        return False
    return True


def _is_number(found: Json) -> bool:
    """Return whether a value is a JSON number."""
    return isinstance(found, int | float) and not isinstance(found, bool)


def _uri_problem(resource: JsonObject) -> str | None:
    """Return what is wrong with a resource's URI, or None."""
    found = resource.get("uri")
    return uri_problem(found) if isinstance(found, str) else f"it is {kind_of(found)}"


def _both(subject: Subject) -> Iterator[JsonObject]:
    """Yield resources and templates."""
    yield from subject.server.inventory.objects("resources")
    yield from subject.server.inventory.objects("resourceTemplates")


def _evidence(definitions: Sequence[JsonObject], method: str) -> dict[str, object] | None:
    """Return the first definition as evidence."""
    return definition_evidence(definitions[0], method) if definitions else None


CHECKS = (uri_valid, uri_unique, resource_annotations, template_rfc6570)
