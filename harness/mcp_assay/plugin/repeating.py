"""``--mcp-args``, ``--mcp-before`` and ``--mcp-examples``: calls that were made before."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mcp_assay.core.errors import UsageError
from mcp_assay.readiness.examples import ExamplesPlace
from mcp_assay.readiness.made_calls import UnreadableError, read_calls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.made_calls import MadeCall
    from mcp_assay.readiness.plan import PlannedCheck

NO_EXAMPLES = "none"
_LONGEST_FILE = 16 * 1024 * 1024


def arguments_of(given: str | None, invoked_in: Path) -> JsonObject | None:
    """Return the arguments that ``--mcp-args`` gives, or None without it.

    Raises:
        UsageError: They are no JSON object, or the file cannot be read.
    """
    if given is None:
        return None
    value = _value("--mcp-args", given, invoked_in, _HINT)
    if not isinstance(value, dict):
        raise UsageError("--mcp-args: arguments are a JSON object", hint=_HINT)
    return value


_HINT = """for example --mcp-args '{"path": "."}', or --mcp-args FILE"""
_HINT_BEFORE = """for example --mcp-before '[{"tool": "create_note", "arguments": {"title": "tea"}}]'"""


def calls_before(given: str | None, *, arguments: Mapping[str, Json] | None, invoked_in: Path) -> tuple[MadeCall, ...]:
    """Return the calls that ``--mcp-before`` gives, which come before the one with some arguments.

    Raises:
        UsageError: They are no such calls, the file cannot be read, or nothing is called after them.
    """
    if given is None:
        return ()
    if arguments is None:
        raise UsageError("--mcp-before: calls come before the one with --mcp-args, which is missing")
    try:
        return read_calls(_value("--mcp-before", given, invoked_in, _HINT_BEFORE))
    except UnreadableError as problem:
        raise UsageError(f"--mcp-before: {problem}", hint=_HINT_BEFORE) from None


def _value(option: str, given: str, invoked_in: Path, hint: str) -> Json:
    """Return the JSON value that an option gives, itself or in a file.

    Raises:
        UsageError: There is none.
    """
    # pytest reads further options from what stands behind an @, so that a file is named plainly.
    text = given if given.lstrip()[:1] in {"{", "["} else _content(option, invoked_in / given)
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{option}: no JSON: {problem}", hint=hint) from None
    return value


def _content(option: str, path: Path) -> str:
    """Return the text of a file.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        if path.stat().st_size > _LONGEST_FILE:
            raise UsageError(f"{option}: {path} is longer than {_LONGEST_FILE} bytes")
        return path.read_text("utf-8")
    except (OSError, ValueError) as problem:
        raise UsageError(f"{option}: {path} cannot be read: {problem}") from None


def examples_place(given: str, root: Path, *, seen_from: Path) -> ExamplesPlace | None:
    """Return the place of ``--mcp-examples``, seen from pytest's root folder, or None when nothing is to be kept."""
    return None if given == NO_EXAMPLES else ExamplesPlace(folder=root / given, seen_from=seen_from)


def check_only_one_tool(selected: Iterable[PlannedCheck], before: Iterable[MadeCall]) -> None:
    """Refuse arguments when it is not one tool that they are for, and calls before that may not be made.

    Raises:
        UsageError: Checks of no tool, or of several, are selected, or the server has no tool to call before, or one
            that may not be called.
    """
    tools = {(item.server.managed.id, item.tool.name): item for item in selected if item.tool is not None}
    if len(tools) != 1:
        raise UsageError(
            f"--mcp-args are the arguments of one tool, and checks of {len(tools) or 'none'} are selected",
            hint="name a check: pytest 'servers.json::server::execution::TOOL-022.tool' --mcp-args '{…}'",
        )
    (item,) = tools.values()
    decisions = {tool.name: tool.decision for tool in item.server.tools}
    for made in before:
        decision = decisions.get(made.tool)
        if decision is None:
            near = get_close_matches(made.tool, decisions, n=1)
            hint = f"did you mean {near[0]!r}?" if near else None
            raise UsageError(f"--mcp-before: {item.server.name} has no tool {made.tool!r}", hint=hint)
        if not decision.allowed:
            raise UsageError(
                f"--mcp-before: {made.tool} is not called: {decision.reason}",
                hint="--mcp-sandbox or --mcp-allow-writes opens every tool",
            )
