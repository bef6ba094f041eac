"""Our words on the terminal, in its columns and characters.

What is there to be copied stays on one line however long it is: the command that repeats a finding, the address of a
rule, the raw exchange. All else is broken between words.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from mcp_assay.core.presentation import encodable
from mcp_assay.readiness.document import ServerStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.readiness.document import ServerFacts

_SHOWN_EXCHANGE = 800
_NARROWEST = 50
_REPORTER = "terminalreporter"
_BESIDE_LABELS = " " * 15


def for_terminal(text: str) -> str:
    """Return a text as the terminal can show it: pytest escapes the whole of one that it cannot, line ends included."""
    return encodable(text, getattr(sys.__stdout__, "encoding", None) or "utf-8")


def columns_of(config: pytest.Config) -> int:
    """Return the columns of the terminal; in a process without one, such as a worker, those of its environment."""
    if config.pluginmanager.has_plugin(_REPORTER):
        return max(_NARROWEST, config.get_terminal_writer().fullwidth)
    return max(_NARROWEST, shutil.get_terminal_size().columns)


def wrapped(text: str, columns: int, later: str | None = None) -> str:
    """Return a text whose lines are broken between words.

    Args:
        text: One line or several.
        columns: The most that a line may have; a single word may have more.
        later: What the further lines of a broken line begin with, two columns more than its first by default.
    """
    return "\n".join(_broken(line, columns, later) for line in text.split("\n"))


def _broken(line: str, columns: int, later: str | None) -> str:
    """Return one line broken between words."""
    if len(line) <= columns:
        return line
    start = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line.strip(),
        columns,
        initial_indent=start,
        subsequent_indent=f"{start}  " if later is None else later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def write_line(reporter: pytest.TerminalReporter, text: str, **markup: bool) -> None:
    """Write a text to the terminal in its columns, whatever it can show."""
    reporter.write_line(wrapped(for_terminal(text), columns_of(reporter.config)), **markup)


def write_whole(reporter: pytest.TerminalReporter, text: str) -> None:
    """Write a text that was made for the terminal's columns, whatever it can show."""
    reporter.write_line(for_terminal(text))


def describe(verdict: Verdict, columns: int) -> str:
    """Return a finding as a person reads it: requirement, expected, observed, exchange, rule, how to repeat it."""
    return "\n".join(_lines(verdict, columns))


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


def _lines(verdict: Verdict, columns: int) -> Iterator[str]:
    """Yield the lines of `describe`."""
    subject = verdict.server if verdict.tool is None else f"{verdict.server}.{verdict.tool}"
    yield wrapped(f"{verdict.check} {verdict.slug} ({verdict.level.value}) on {subject}", columns)
    yield wrapped(f"  requirement: {verdict.requirement}", columns, _BESIDE_LABELS)
    if verdict.expected:
        yield wrapped(f"  expected:    {_indented(verdict.expected)}", columns, _BESIDE_LABELS)
    if verdict.observed:
        yield wrapped(f"  observed:    {_indented(verdict.observed)}", columns, _BESIDE_LABELS)
    for key, value in (verdict.exchange or {}).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if text:  # a server that said nothing on stderr has no tail to show
            yield f"  {f'{key}:':<12} {_indented(text[:_SHOWN_EXCHANGE])}"
    if verdict.fix:
        yield wrapped(f"  fix:         {verdict.fix}", columns, _BESIDE_LABELS)
    if verdict.spec:
        yield f"  spec:        {verdict.spec}"
    yield f"  reproduce:   {verdict.reproduce}"


def _indented(text: str) -> str:
    """Return text whose further lines stand below its first."""
    return text.replace("\n", f"\n{_BESIDE_LABELS}")
