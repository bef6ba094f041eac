"""Content blocks: well-formed, and what they say they are."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed
from mcp_assay.readiness.check import Scope
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.asking import every_call, successes
from mcp_assay_suites.exercising.cases import is_complete
from mcp_assay_suites.exercising.telling import violated_by
from mcp_assay_suites.observing.judging import counted, judged_with_notes, kind_of, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject

_SIGNATURES: Mapping[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
    "audio/wav": (b"RIFF", b"RIFX"),
    "audio/x-wav": (b"RIFF", b"RIFX"),
    "audio/ogg": (b"OggS",),
    "audio/flac": (b"fLaC",),
}
"""First bytes of common formats, by media type."""


@check("TOOL-019", category=Category.EXECUTION, scope=Scope.TOOL)
async def content_blocks_valid(subject: Subject) -> Judgement:
    """Judge the content of every result of the tool, errors included."""
    cases = await every_call(subject)
    if isinstance(cases, Judgement):
        return cases
    results = [case for case in cases if case.exchange.result is not None and is_complete(case.exchange)]
    if not results:
        return not_applicable("no call was answered by a result")
    for case in results:
        problems, notes = content_problems(case.exchange.result or {})
        if problems or notes:
            judgement = judged_with_notes(
                "content is an array of well-formed blocks",
                [f"{case.call}: {problem}" for problem in problems],
                [f"{case.call}: {note}" for note in notes],
                looked_at="",
                exchange=case.exchange.evidence(),
            )
            return replace(judgement, arguments=case.arguments)
    return passed(counted(len(results), "result"))


@check("TOOL-020", category=Category.EXECUTION, scope=Scope.TOOL, tier=1)
async def embedded_resource_capability(subject: Subject) -> Judgement:
    """Judge whether a server whose results embed resources declares the resources capability."""
    cases = await successes(subject)
    if isinstance(cases, Judgement):
        return cases
    case = next((case for case in cases if _embeds(case.exchange.result or {})), None)
    if case is None:
        return not_applicable("no result embeds a resource")
    session = await subject.server.session()
    if session.offers("resources"):
        return passed("the server declares the resources capability")
    expected = "a server that embeds resources declares the resources capability"
    return violated_by(case, expected, f"{case.call}: a resource is embedded, none declared")


def content_problems(result: JsonObject) -> tuple[list[str], list[str]]:
    """Return what is wrong with a result's content, and what is only odd about it."""
    content = result.get("content")
    if not isinstance(content, list):
        return ["content is missing" if content is None else f"content is {kind_of(content)}"], []
    problems: list[str] = []
    notes: list[str] = []
    for index, block in enumerate(content):
        problems += [f"content[{index}]: {problem}" for problem in _block_problems(block)]
        notes += [f"content[{index}]: {note}" for note in _media_notes(block)]
    return problems, notes


def _block_problems(block: Json) -> Iterator[str]:
    """Yield what is wrong with one block."""
    if not isinstance(block, dict):
        yield f"it is {kind_of(block)}"
        return
    kind = block.get("type")
    judge = _BLOCKS.get(kind) if isinstance(kind, str) else None
    if judge is None:
        yield f"type is {shown(kind)}"
        return
    yield from judge(block)


def _text_problems(block: JsonObject) -> Iterator[str]:
    """Yield what is wrong with a text block."""
    if not isinstance(block.get("text"), str):
        yield f"text is {kind_of(block.get('text'))}"


def _media_problems(block: JsonObject) -> Iterator[str]:
    """Yield what is wrong with an image or audio block."""
    if not isinstance(block.get("mimeType"), str):
        yield "mimeType is missing"
    if decoded(block.get("data")) is None:
        yield "data is no base64 text"


def _link_problems(block: JsonObject) -> Iterator[str]:
    """Yield what is wrong with a resource link."""
    for name in ("uri", "name"):
        if not isinstance(block.get(name), str):
            yield f"{name} is missing"


def _resource_problems(block: JsonObject) -> Iterator[str]:
    """Yield what is wrong with an embedded resource."""
    resource = block.get("resource")
    if not isinstance(resource, dict):
        yield "resource is missing"
        return
    if not isinstance(resource.get("uri"), str):
        yield "resource.uri is missing"
    if not isinstance(resource.get("text"), str) and decoded(resource.get("blob")) is None:
        yield "resource has neither text nor a base64 blob"


_BLOCKS: Mapping[str, Callable[[JsonObject], Iterator[str]]] = {
    "text": _text_problems,
    "image": _media_problems,
    "audio": _media_problems,
    "resource_link": _link_problems,
    "resource": _resource_problems,
}


def _media_notes(block: Json) -> Iterator[str]:
    """Yield what is odd about the bytes of an image or audio block."""
    if not isinstance(block, dict) or block.get("type") not in ("image", "audio"):
        return
    kind, data = block.get("mimeType"), decoded(block.get("data"))
    signatures = _SIGNATURES.get(kind) if isinstance(kind, str) else None
    if signatures is not None and data is not None and not data.startswith(signatures):
        yield f"the data does not start like {kind}"


def decoded(data: Json) -> bytes | None:
    """Return the bytes of a base64 text (RFC 4648, section 4), or None when it is none."""
    if not isinstance(data, str):
        return None
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None


def _embeds(result: JsonObject) -> bool:
    """Return whether a result embeds a resource."""
    content = result.get("content")
    return isinstance(content, list) and any(isinstance(b, dict) and b.get("type") == "resource" for b in content)


CHECKS = (content_blocks_valid, embedded_resource_capability)
