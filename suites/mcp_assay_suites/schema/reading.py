"""What is behind resources: reading them, and reading what is not there."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, noted, passed, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.blocks import contents_problem, is_base64
from mcp_assay_suites.observing.contents import expanded_templates, readings
from mcp_assay_suites.observing.judging import counted, judged, says, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange

INTERNAL_ERROR = -32603
INVALID_PARAMS = -32602
METHOD_NOT_FOUND = -32601
NOT_FOUND = -32002
"""The code for an unknown resource before 2026-07-28."""

_STATELESS = "2026-07-28"
_NO_RESOURCES = "the server declares no resources"
_NOTHING_READ = "no listed resource could be read"


@check("RES-005", category=Category.SCHEMA)
async def listed_is_readable(subject: Subject) -> Judgement:
    """Judge whether listed resources can be read."""
    listed = (await readings(subject.server)).listed
    if not listed:
        return not_applicable("the server lists no resources of a size to read")
    wrong = {uri: one for uri, one in listed.items() if one.result is None}
    return judged(
        "a listed resource can be read",
        [f"{shown(uri)}: {one.describe()}" for uri, one in wrong.items()],
        looked_at=counted(len(listed), "resource"),
        exchange=next(iter(wrong.values())).evidence() if wrong else None,
    )


@check("RES-006", category=Category.SCHEMA)
async def contents_shape(subject: Subject) -> Judgement:
    """Judge the shape of what was read."""
    read = await _read(subject)
    if isinstance(read, Judgement):
        return read
    wrong = [(uri, one, problem) for uri, one in read.items() for problem in _shape_problems(one.result or {})]
    return judged(
        "each of contents has a uri and either text or blob",
        [f"{shown(uri)}: {problem}" for uri, _, problem in wrong],
        looked_at=counted(len(read), "resource"),
        exchange=wrong[0][1].evidence() if wrong else None,
    )


@check("RES-007", category=Category.SCHEMA)
async def blob_base64(subject: Subject) -> Judgement:
    """Judge the encoding of binary contents."""
    read = await _read(subject)
    if isinstance(read, Judgement):
        return read
    blobs = [(uri, one, blob) for uri, one in read.items() for blob in _blobs(one.result or {})]
    if not blobs:
        return not_applicable("no resource that was read is binary")
    wrong = [(uri, one, blob) for uri, one, blob in blobs if not is_base64(blob)]
    return judged(
        "a blob is base64",
        [f"{shown(uri)}: {shown(blob)}" for uri, _, blob in wrong],
        looked_at=counted(len(blobs), "blob"),
        exchange=wrong[0][1].evidence() if wrong else None,
    )


@check("RES-008", category=Category.SCHEMA)
async def not_found_code(subject: Subject) -> Judgement:
    """Judge the error for a resource that does not exist; a result is judged by RES-009.

    A server that fails to list its resources with -32603 has nothing behind it to look in: the same error for a
    resource says so and not that the resource is unknown.
    """
    exchange = (await readings(subject.server)).missing
    if exchange is None:
        return not_applicable(_NO_RESOURCES)
    if exchange.result is not None:
        return skipped("reading a resource that does not exist gave a result, so there is no error to judge")
    listing = subject.server.inventory.listings.get("resources")
    if says(exchange, INTERNAL_ERROR) and listing is not None and says(listing.pages[0], INTERNAL_ERROR):
        return skipped("the server fails to list its resources in the same way, so it may not know which there are")
    wanted = INVALID_PARAMS if subject.version >= _STATELESS else NOT_FOUND
    expected = f"an unknown resource is answered by JSON-RPC error {wanted}"
    if says(exchange, wanted):
        return passed(exchange.describe())
    verdict = noted if says(exchange, INVALID_PARAMS) else violated
    return verdict(expected, exchange.describe(), exchange=exchange.evidence())


@check("RES-009", category=Category.SCHEMA)
async def not_found_not_empty(subject: Subject) -> Judgement:
    """Judge that what does not exist is not read as nothing."""
    exchange = (await readings(subject.server)).missing
    if exchange is None:
        return not_applicable(_NO_RESOURCES)
    if exchange.result is None:
        return passed(exchange.describe())
    if exchange.result.get("contents") == []:
        expected = "an unknown resource is an error, not a result without contents"
        return violated(expected, "a result with no contents", exchange=exchange.evidence())
    return skipped("the server has something at a URI made up for this")


@check("RES-010", category=Category.SCHEMA)
async def uris_validated(subject: Subject) -> Judgement:
    """Judge how texts that are no URI are taken."""
    garbage = (await readings(subject.server)).garbage
    if not garbage:
        return not_applicable(_NO_RESOURCES)
    wrong = {what: one for what, one in garbage.items() if one.error is None}
    return judged(
        "a text that is no URI is answered by a JSON-RPC error",
        [f"{what}: {one.describe()}" for what, one in wrong.items()],
        looked_at=", ".join(garbage),
        exchange=next(iter(wrong.values())).evidence() if wrong else None,
    )


@check("RES-011", category=Category.SCHEMA)
async def path_traversal(subject: Subject) -> Judgement:
    """Judge whether paths can leave what a server of files offers; what comes back is never shown."""
    uris = [uri for one in subject.server.inventory.objects("resources") if isinstance(uri := one.get("uri"), str)]
    files = [uri for uri in uris if uri.startswith("file://")]
    if not files:
        return not_applicable("the server lists no files")
    limit = (await subject.server.session()).limits.list_s
    answers = [
        (uri, await subject.server.request("resources/read", {"uri": uri}, timeout_s=limit))
        for uri in escaping_uris(files[0])
    ]
    wrong = [(uri, one) for uri, one in answers if (one.result or {}).get("contents")]
    return judged(
        "a path that leaves the offered files is an error",
        [f"{shown(uri)} gave a result" for uri, _ in wrong],
        looked_at=counted(len(answers), "path"),
        exchange=_without_answer(wrong[0][1]) if wrong else None,
    )


@check("RES-017", category=Category.SCHEMA)
async def subscribe_legacy(subject: Subject) -> Judgement:
    """Judge the answers to subscribing and unsubscribing."""
    session = await subject.server.session()
    declared = session.agreement.capabilities.get("resources")
    read = [uri for uri, one in (await readings(subject.server)).listed.items() if one.result is not None]
    if not isinstance(declared, dict) or declared.get("subscribe") is not True or not read:
        return not_applicable("the server has no resource that can be read and subscribed to")
    for method in ("resources/subscribe", "resources/unsubscribe"):
        exchange = await subject.server.request(method, {"uri": read[0]}, timeout_s=session.limits.list_s)
        if exchange.result is None or set(exchange.result) - {"_meta"}:
            return violated(f"{method} gives an empty result", exchange.describe(), exchange=exchange.evidence())
    return passed("empty results")


@check("RES-015", category=Category.SCHEMA)
async def template_readable(subject: Subject) -> Judgement:
    """Judge whether templates can be read with the values that the server itself proposes."""
    session = await subject.server.session()
    if not subject.server.inventory.objects("resourceTemplates"):
        return not_applicable("the server lists no resource templates")
    read = await expanded_templates(subject.server) if session.offers("completions") else {}
    if not read:
        return skipped("the server proposes no values for the variables of its templates")
    wrong = {pattern: (uri, one) for pattern, (uri, one) in read.items() if one.result is None}
    return judged(
        "a template can be read with values that completion proposes",
        [f"{shown(pattern)} as {shown(uri)}: {one.describe()}" for pattern, (uri, one) in wrong.items()],
        looked_at=counted(len(read), "template"),
        exchange=next(iter(wrong.values()))[1].evidence() if wrong else None,
    )


def escaping_uris(uri: str) -> Iterator[str]:
    """Yield URIs whose path would leave the folder of a listed file."""
    folder = posixpath.dirname(urlsplit(uri).path)
    depth = folder.count("/") + 2
    for up in ("../", "%2e%2e/", "..%2f", "%2e%2e%2f"):
        yield f"file://{folder}/{up * depth}etc/passwd"


async def _read(subject: Subject) -> dict[str, Exchange] | Judgement:
    """Return the resources that were read, or why there are none."""
    listed = (await readings(subject.server)).listed
    if not listed:
        return not_applicable("the server lists no resources of a size to read")
    read = {uri: one for uri, one in listed.items() if one.result is not None}
    return read or skipped(_NOTHING_READ)


def _shape_problems(result: JsonObject) -> Iterator[str]:
    """Yield what is wrong with the shape of a result of reading."""
    contents = result.get("contents")
    if not isinstance(contents, list):
        yield f"contents is {shown(contents)}"
        return
    yield from (problem for one in contents if (problem := contents_problem(one)) is not None)


def _blobs(result: JsonObject) -> Iterator[str]:
    """Yield the binary contents of a result of reading."""
    contents = result.get("contents")
    for one in contents if isinstance(contents, list) else []:
        if isinstance(one, dict) and isinstance(blob := one.get("blob"), str):
            yield blob


def _without_answer(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as evidence without what the server should not have given."""
    return {**exchange.evidence(), "response": f"[{len(exchange.raw)} bytes, not shown]"}


CHECKS = (
    listed_is_readable,
    contents_shape,
    blob_base64,
    not_found_code,
    not_found_not_empty,
    uris_validated,
    path_traversal,
    subscribe_legacy,
    template_readable,
)
