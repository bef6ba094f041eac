"""Arguments that a tool wants mirrored in HTTP headers (2026-07-28, Streamable HTTP, custom headers)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mcp_assay.wire.http_headers import header_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DEEPEST = 16
_MOST_HEADERS = 64


@dataclass(frozen=True, slots=True)
class MirroredParam:
    """One argument to mirror.

    Attributes:
        path: Property names from the arguments down to it.
        header: The header's whole name, for example ``Mcp-Param-Region``.
    """

    path: tuple[str, ...]
    header: str


def mirrored_params(schema: Json) -> tuple[MirroredParam, ...]:
    """Return the arguments that an input schema wants mirrored, at most 64.

    Only properties that every call names the same way count: those reached through ``properties`` alone. Names that
    are no header names are left out; whether a schema may have them is for its judges.
    """
    found: list[MirroredParam] = []
    for path, token in _annotated(schema, ()):
        if _TOKEN.fullmatch(token):
            found.append(MirroredParam(path, f"Mcp-Param-{token}"))
        if len(found) >= _MOST_HEADERS:
            break
    return tuple(found)


def param_headers(params: tuple[MirroredParam, ...], arguments: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    """Return the headers of a call: one for each mirrored argument that is there and not null."""
    headers: list[tuple[str, str]] = []
    for param in params:
        value = _at(arguments, param.path)
        if isinstance(value, bool):
            headers.append((param.header, "true" if value else "false"))
        elif isinstance(value, str | int | float):
            headers.append((param.header, header_value(str(value))))
    return tuple(headers)


def _annotated(schema: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield path and token of each annotated property."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or len(path) >= _DEEPEST:
        return
    for name, inner in properties.items():
        if isinstance(inner, dict):
            token = inner.get("x-mcp-header")
            if isinstance(token, str):
                yield (*path, name), token
            yield from _annotated(inner, (*path, name))


def _at(arguments: Mapping[str, Json], path: tuple[str, ...]) -> Json:
    """Return the argument at a path, None when it is not there."""
    node: Json = cast("JsonObject", arguments)
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return node
