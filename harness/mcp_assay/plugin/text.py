"""A verdict in words."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from mcp_assay.core.presentation import encodable
from mcp_assay.readiness.document import ServerStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.readiness.document import ServerFacts

_SHOWN_EXCHANGE = 800


def for_terminal(text: str) -> str:
    """Return a text as the terminal can show it: pytest escapes the whole of one that it cannot, line ends included."""
    return encodable(text, getattr(sys.__stdout__, "encoding", None) or "utf-8")


def write_line(reporter: pytest.TerminalReporter, text: str, **markup: bool) -> None:
    """Write a text to the terminal, whatever it can show."""
    reporter.write_line(for_terminal(text), **markup)


def describe(verdict: Verdict) -> str:
    """Return a finding as a person reads it: requirement, expected, observed, exchange, rule, how to repeat it."""
    return "\n".join(_lines(verdict))


def introduction(server: ServerFacts) -> str:
    """Return in one line what a server is, or why it is not there; its texts are as the server sent them."""
    if server.error is not None:
        return f"{server.name}: {server.status.value}: {server.error.message}"
    if server.status is not ServerStatus.CONNECTED:
        return f"{server.name}: {server.status.value}"
    info = server.server_info or {}
    parts = [
        " ".join(str(info[key]) for key in ("name", "version") if info.get(key)) or "no name of its own",
        f"revision {server.revision or 'unknown'}",
        f"{len(server.tools)} tools",
        *([f"{server.resources} resources"] if server.resources else []),
        *([f"{server.prompts} prompts"] if server.prompts else []),
        *([f"ready after {server.connect_s:.2f} s"] if server.connect_s is not None else []),
    ]
    return f"{server.name}: {', '.join(parts)}"


def _lines(verdict: Verdict) -> Iterator[str]:
    """Yield the lines of `describe`."""
    subject = verdict.server if verdict.tool is None else f"{verdict.server}.{verdict.tool}"
    yield f"{verdict.check} {verdict.slug} ({verdict.level.value}) on {subject}"
    yield f"  requirement: {verdict.requirement}"
    if verdict.expected:
        yield f"  expected:    {_indented(verdict.expected)}"
    if verdict.observed:
        yield f"  observed:    {_indented(verdict.observed)}"
    for key, value in (verdict.exchange or {}).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if text:  # a server that said nothing on stderr has no tail to show
            yield f"  {f'{key}:':<12} {_indented(text[:_SHOWN_EXCHANGE])}"
    if verdict.fix:
        yield f"  fix:         {verdict.fix}"
    if verdict.spec:
        yield f"  spec:        {verdict.spec}"
    yield f"  reproduce:   {verdict.reproduce}"


def _indented(text: str) -> str:
    """Return text whose further lines stand below its first."""
    return text.replace("\n", "\n" + " " * 15)
