"""``_meta`` and extension identifiers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.observing.traffic import received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.observing.traffic import Received

_LABEL = "[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_PREFIX = rf"{_LABEL}(?:\.{_LABEL})*/"
KEY = re.compile(rf"(?:{_PREFIX})?(?:{_NAME})?")
"""A key of ``_meta`` (basic, _meta)."""
EXTENSION = re.compile(rf"{_PREFIX}(?:{_NAME})?")
"""An extension identifier: such a key with its prefix."""

_RESERVED_SINCE_STATELESS = re.compile(r"[^./]+\.(?:mcp|modelcontextprotocol)(?:\.[^/]*)?/")
_RESERVED_BEFORE = re.compile(r"(?:[^/]*\.)?(?:mcp|modelcontextprotocol)\.[^./]+/")
_STATELESS = "2026-07-28"
_OURS = "io.modelcontextprotocol/"
_DATA = frozenset({"arguments", "structuredContent", "inputSchema", "outputSchema", "requestedSchema", "data"})
_MOST_KEYS = 20_000
_TOP_LEVEL = frozenset(
    ["com", "org", "net", "io", "dev", "app", "ai", "edu", "gov", "info", "cloud", "tech", "xyz", "software", "tools"]
)
"""Top-level domains beside those of countries, which have two letters."""
_SET_BY_HOSTS = frozenset({"anthropic", "openai", "ui"})
"""Prefixes that hosts and the extension for MCP Apps (SEP-1865) chose; a server can only use them or do without."""
_LIST_KEY = r"[a-z0-9][a-z0-9_\-*/@]{0,255}"
_MEMBER = rf"\s*(?:{_LIST_KEY}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,256}})?\s*"
_ENTRY = r"\s*[!#$%&'*+\-.^_`|~0-9A-Za-z]+\s*=\s*[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\s*(?:;[^,]*)?"
TRACE_CONTEXT = {
    "traceparent": re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"),
    "tracestate": re.compile(rf"{_MEMBER}(?:,{_MEMBER})*"),
    "baggage": re.compile(rf"{_ENTRY}(?:,{_ENTRY})*"),
}
"""The values of trace context (W3C Trace Context, sections 3.2.2 and 3.3.1; W3C Baggage, section 3.2)."""


@check("BASE-020", category=Category.SCHEMA, late=True)
async def meta_key_format(subject: Subject) -> Judgement:
    """Judge every key of every ``_meta``."""
    return _judged(subject, "a key of _meta is a name with an optional prefix", lambda key: KEY.fullmatch(key) is None)


@check("BASE-021", category=Category.SCHEMA, late=True)
async def meta_reserved_prefix(subject: Subject) -> Judgement:
    """Judge that prefixes of MCP are left to MCP; its own keys are not listed one by one, for there are ever more."""
    reserved = _RESERVED_SINCE_STATELESS if subject.version >= _STATELESS else _RESERVED_BEFORE
    return _judged(
        subject,
        "prefixes that belong to MCP are not used for anything else",
        lambda key: reserved.match(key) is not None and not key.startswith(_OURS),
    )


@check("BASE-022", category=Category.SCHEMA, late=True)
async def meta_reverse_dns(subject: Subject) -> Judgement:
    """Judge whether prefixes are domain names read backwards, as far as their first label shows."""
    return _judged(
        subject,
        "a prefix is a domain name read backwards, for example com.example/",
        is_prefix_forwards,
    )


def is_prefix_forwards(key: str) -> bool:
    """Return whether a proper key has a prefix that is no domain name backwards, and that the server's author chose."""
    prefix, slash, _ = key.partition("/")
    chosen = KEY.fullmatch(key) is not None and bool(slash) and prefix not in _SET_BY_HOSTS
    return chosen and not _is_top_level(prefix)


def _is_top_level(prefix: str) -> bool:
    """Return whether a prefix begins like a domain name read backwards."""
    first, _, rest = prefix.partition(".")
    return bool(rest) and (len(first) == 2 or first.lower() in _TOP_LEVEL)


@check("BASE-023", category=Category.SCHEMA, late=True)
async def trace_context_format(subject: Subject) -> Judgement:
    """Judge the trace context in every ``_meta``."""
    found = [
        (item, key, value)
        for item in received(subject.server)
        for key, value in meta_members(item.message)
        if key in TRACE_CONTEXT
    ]
    if not found:
        return not_applicable("the server sent no trace context")
    wrong = [
        (item, key, value)
        for item, key, value in found
        if not isinstance(value, str) or TRACE_CONTEXT[key].fullmatch(value) is None
    ]
    return judged(
        "traceparent, tracestate and baggage have the formats of W3C",
        [f"{item.name} has {key} {shown(value)}" for item, key, value in wrong],
        looked_at=counted(len(found), "value"),
        exchange=dict(wrong[0][0].evidence()) if wrong else None,
    )


@check("BASE-024", category=Category.SCHEMA)
async def extension_id_format(subject: Subject) -> Judgement:
    """Judge the identifiers of declared extensions."""
    session = await subject.server.session()
    extensions = session.agreement.capabilities.get("extensions")
    if not isinstance(extensions, dict) or not extensions:
        return not_applicable("the server declares no extension")
    return judged(
        "an extension identifier has a prefix and follows the naming of _meta keys",
        [f"{shown(name)} does not" for name in extensions if not EXTENSION.fullmatch(name)],
        looked_at=counted(len(extensions), "extension"),
        exchange={"capabilities": session.agreement.capabilities},
    )


def _judged(subject: Subject, expected: str, is_wrong: Callable[[str], bool]) -> Judgement:
    """Judge each key by one rule."""
    wrong: dict[str, Received] = {}
    count = 0
    for item in received(subject.server):
        for key in meta_keys(item.message):
            count += 1
            if is_wrong(key):
                wrong.setdefault(key, item)
    if not count:
        return passed("no _meta was sent")
    return judged(
        expected,
        [f"{item.name} has {shown(key)}" for key, item in wrong.items()],
        looked_at=counted(count, "key"),
        exchange=dict(next(iter(wrong.values())).evidence()) if wrong else None,
    )


def meta_keys(message: Json) -> Iterator[str]:
    """Yield the keys of every ``_meta`` in a message."""
    return (key for key, _ in meta_members(message))


def meta_members(message: Json) -> Iterator[tuple[str, Json]]:
    """Yield the members of every ``_meta`` in a message; what is data of a tool or its user is not looked into."""
    stack, seen = [message], 0
    while stack and seen < _MOST_KEYS:
        value = stack.pop()
        seen += 1
        if isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, dict):
            meta = value.get("_meta")
            yield from meta.items() if isinstance(meta, dict) else ()
            stack.extend(member for key, member in value.items() if key not in _DATA and key != "_meta")


CHECKS = (meta_key_format, meta_reserved_prefix, meta_reverse_dns, trace_context_format, extension_id_format)
