"""Texts that are what ``contentEncoding``, ``contentMediaType`` and ``contentSchema`` say.

Validators take these keywords for annotations (JSON Schema 2020-12, validation, 8), while a server that decodes what it
is given does not: any other text shows its error path only.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.core.json_types import Json, JsonObject

_DEEPEST = 8
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)
_BY_MEDIA_TYPE: Mapping[str, bytes] = {
    "application/xml": b"<example/>",
    "image/png": _PNG,
    "image/svg+xml": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "text/csv": b"name,count\nexample,1\n",
    "text/html": b"<p>example</p>",
    "text/markdown": b"# Example\n",
    "text/xml": b"<example/>",
}
_ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "base64url": base64.urlsafe_b64encode,
    "base32": base64.b32encode,
    "base16": base64.b16encode,
}
_PLAIN: Mapping[str, Json] = {
    "array": [],
    "boolean": False,
    "integer": 1,
    "null": None,
    "number": 1,
    "string": "example",
}


def content_value(schema: JsonObject) -> str | None:
    """Return a text that holds what a schema says about its content, or None when it says nothing."""
    media_type, encoding = schema.get("contentMediaType"), schema.get("contentEncoding")
    encoder = _ENCODERS.get(encoding.lower()) if isinstance(encoding, str) else None
    if encoder is None and not isinstance(media_type, str):
        return None
    content = _content(media_type.lower() if isinstance(media_type, str) else "", schema.get("contentSchema"))
    encoded = content if encoder is None else encoder(content)
    try:
        return encoded.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _content(media_type: str, schema: Json) -> bytes:
    """Return content of a media type; JSON is made to fit its schema as far as types and required members go."""
    if media_type == "application/json" or media_type.endswith("+json"):
        return json.dumps(_plain(schema if isinstance(schema, dict) else {}, _DEEPEST)).encode()
    return _BY_MEDIA_TYPE.get(media_type, b"Hello")


def _plain(schema: JsonObject, deepest: int) -> Json:
    """Return the plainest value of a schema: its constant, its default, or one of its type with what is required."""
    listed = schema.get("enum")
    if "const" in schema or "default" in schema:
        return schema.get("const", schema.get("default"))
    if isinstance(listed, list) and listed:
        return listed[0]
    kind = schema.get("type")
    name = kind if isinstance(kind, str) else "object"
    if name in _PLAIN:
        return _PLAIN[name]
    properties, required = schema.get("properties"), schema.get("required")
    parts = properties if isinstance(properties, dict) else {}
    members = [part for part in required if isinstance(part, str)] if isinstance(required, list) and deepest else []
    known = {member: parts.get(member) for member in members}
    return {member: _plain(part if isinstance(part, dict) else {}, deepest - 1) for member, part in known.items()}
