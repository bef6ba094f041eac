"""Content blocks: what may stand in a prompt message, and how media are encoded."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from mcp_assay_suites.observing.judging import kind_of, shown
from mcp_assay_suites.observing.uris import uri_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import Json, JsonObject

MIME_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:\s*;.*)?")
_MEDIA = ("image", "audio")


def block_problem(block: Json) -> str | None:
    """Return why a value is no content block, or None; encodings and embedded resources are not looked into."""
    if not isinstance(block, dict):
        return f"content is {kind_of(block)}"
    match block.get("type"):
        case "text":
            return None if isinstance(block.get("text"), str) else "a text block has no text"
        case "image" | "audio" as kind:
            texts = (block.get("data"), block.get("mimeType"))
            return None if all(isinstance(one, str) for one in texts) else f"an {kind} block lacks data or mimeType"
        case "resource":
            return None if isinstance(block.get("resource"), dict) else "a resource block has no resource"
        case "resource_link":
            return None if isinstance(block.get("uri"), str) else "a resource link has no uri"
        case other:
            return f"a block has type {shown(other)}"


def media_problem(block: JsonObject) -> str | None:
    """Return what is wrong with the encoding of an image or audio block, or None."""
    data, mime = block.get("data"), block.get("mimeType")
    if isinstance(data, str) and not is_base64(data):
        return f"data is not base64: {shown(data)}"
    if isinstance(mime, str) and MIME_TYPE.fullmatch(mime) is None:
        return f"mimeType is {shown(mime)}"
    return None


def embedded_problem(block: JsonObject) -> str | None:
    """Return what is wrong with the resource in a resource block, or None."""
    resource = block.get("resource")
    if not isinstance(resource, dict):
        return None
    uri, mime = resource.get("uri"), resource.get("mimeType")
    if not isinstance(uri, str):
        return "it has no uri"
    if (problem := uri_problem(uri)) is not None:
        return f"its uri {shown(uri)} is none: {problem}"
    if not isinstance(mime, str) or MIME_TYPE.fullmatch(mime) is None:
        return "it has no mimeType" if mime is None else f"its mimeType is {shown(mime)}"
    return contents_problem(resource)


def contents_problem(contents: Json) -> str | None:
    """Return why a value is not the contents of a resource, or None; the encoding is not looked into."""
    if not isinstance(contents, dict):
        return f"it is {kind_of(contents)}"
    if not isinstance(contents.get("uri"), str):
        return "it has no uri"
    given = [key for key in ("text", "blob") if key in contents]
    if len(given) != 1:
        return "it has both text and blob" if given else "it has neither text nor blob"
    return None if isinstance(contents[given[0]], str) else f"{given[0]} is {kind_of(contents[given[0]])}"


def is_base64(text: str) -> bool:
    """Return whether a text is base64 of RFC 4648 with its padding."""
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def media(block: JsonObject) -> bool:
    """Return whether a block is an image or a sound."""
    return block.get("type") in _MEDIA


def message_blocks(result: JsonObject) -> Iterator[JsonObject]:
    """Yield the content blocks of a prompt's messages that are objects."""
    messages = result.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and isinstance(block := message.get("content"), dict):
            yield block
