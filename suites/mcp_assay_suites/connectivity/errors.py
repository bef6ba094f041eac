"""How errors are worded and numbered, beyond their shape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.contents import readings
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.observing.traffic import received

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.observing.traffic import Received

LONGEST = 200
"""Characters of a message that is still concise."""
_LONG_REQUEST = 2_000
"""Bytes; our own long probes may be quoted in answers."""
_TRACE = re.compile(r'Traceback|File "|\bat [\w.<>]+ ?\(')
_RETIRED = frozenset({-32002, -32042})
_STANDARD = frozenset({-32700, -32600, -32601, -32602, -32603})
_OWN_FORBIDDEN = range(-32768, -31999)
_MCP = range(-32099, -32019)
_READ_FAILURES = frozenset({-32603, -32602, -32002, -32601})


@check("BASE-005", category=Category.CONNECTIVITY, late=True)
async def error_message_concise(subject: Subject) -> Judgement:
    """Judge whether the message of each error is one short sentence."""
    await interview(subject.server)
    found = [(item, text) for item in received(subject.server) if (text := _message(item.message)) is not None]
    found = [(item, text) for item, text in found if not _repeats_us(item)]
    if not found:
        return not_applicable("the server answered nothing with an error message")
    wrong = [(item, problem) for item, text in found if (problem := _wordiness(text)) is not None]
    return judged(
        f"the message of an error is one sentence of at most {LONGEST} characters",
        [f"{item.name}: {problem}" for item, problem in wrong],
        looked_at=counted(len(found), "message"),
        exchange=dict(wrong[0][0].evidence()) if wrong else None,
    )


@check("BASE-017", category=Category.CONNECTIVITY, late=True)
async def error_code_legacy_range(subject: Subject) -> Judgement:
    """Judge whether own codes lie outside of what JSON-RPC keeps; codes of MCP's own range are judged elsewhere."""
    await interview(subject.server)
    found = [(item, code) for item in received(subject.server) if (code := _code(item.message)) is not None]
    wrong = [(item, code) for item, code in found if code in _OWN_FORBIDDEN and code not in _MCP]
    wrong = [(item, code) for item, code in wrong if code not in _STANDARD and code not in _RETIRED]
    return judged(
        "an error code of the server's own lies outside of -32768 to -32000",
        [f"{item.name} has error code {code}" for item, code in wrong],
        looked_at=counted(len(found), "error code"),
        exchange=dict(wrong[0][0].evidence()) if wrong else None,
    )


@check("RES-012", category=Category.CONNECTIVITY)
async def internal_error_code(subject: Subject) -> Judgement:
    """Judge the code of each listed resource that cannot be read."""
    failed = {uri: one for uri, one in (await readings(subject.server)).listed.items() if one.error is not None}
    if not failed:
        return not_applicable("every listed resource that was asked for could be read")
    wrong = {uri: one for uri, one in failed.items() if one.error_code not in _READ_FAILURES}
    return judged(
        "a resource that cannot be read is answered by JSON-RPC error -32603",
        [f"{shown(uri)}: {one.describe()}" for uri, one in wrong.items()],
        looked_at=counted(len(failed), "failure"),
        exchange=next(iter(wrong.values())).evidence() if wrong else None,
    )


def _repeats_us(item: Received) -> bool:
    """Return whether an answer may be long because the request was, which it quotes."""
    return item.exchange is not None and len(item.exchange.sent) > _LONG_REQUEST


def _wordiness(text: str) -> str | None:
    """Return why a message is not concise, or None."""
    if "\n" in text.strip():
        return f"the message has {text.strip().count(chr(10)) + 1} lines: {shown(text)}"
    if _TRACE.search(text):
        return f"the message holds a stack trace: {shown(text)}"
    return f"the message has {len(text)} characters: {shown(text)}" if len(text) > LONGEST else None


def _message(message: JsonObject) -> str | None:
    """Return the text of an error, or None."""
    error = message.get("error")
    text = error.get("message") if isinstance(error, dict) else None
    return text if isinstance(text, str) else None


def _code(message: JsonObject) -> int | None:
    """Return the code of an error, or None."""
    error = message.get("error")
    code: Json = error.get("code") if isinstance(error, dict) else None
    return code if type(code) is int else None


CHECKS = (error_message_concise, error_code_legacy_range, internal_error_code)
