"""``--mcp-args`` and ``--mcp-examples``: calls that were made before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mcp_assay.core.errors import UsageError
from mcp_assay.readiness.examples import ExamplesPlace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mcp_assay.core.json_types import Json, JsonObject
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
    # pytest reads further options from what stands behind an @, so that a file is named plainly.
    text = given if given.lstrip()[:1] in {"{", "["} else _content(invoked_in / given)
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"--mcp-args: no JSON: {problem}", hint=_HINT) from None
    if not isinstance(value, dict):
        raise UsageError("--mcp-args: arguments are a JSON object", hint=_HINT)
    return value


_HINT = """for example --mcp-args '{"path": "."}', or --mcp-args FILE"""


def _content(path: Path) -> str:
    """Return the text of a file.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        if path.stat().st_size > _LONGEST_FILE:
            raise UsageError(f"--mcp-args: {path} is longer than {_LONGEST_FILE} bytes")
        return path.read_text("utf-8")
    except (OSError, ValueError) as problem:
        raise UsageError(f"--mcp-args: {path} cannot be read: {problem}") from None


def examples_place(given: str, root: Path, *, seen_from: Path) -> ExamplesPlace | None:
    """Return the place of ``--mcp-examples``, seen from pytest's root folder, or None when nothing is to be kept."""
    return None if given == NO_EXAMPLES else ExamplesPlace(folder=root / given, seen_from=seen_from)


def check_only_one_tool(selected: Iterable[PlannedCheck]) -> None:
    """Refuse arguments when it is not one tool that they are for.

    Raises:
        UsageError: Checks of no tool, or of several, are selected.
    """
    tools = {(item.server.managed.id, item.tool.name): item for item in selected if item.tool is not None}
    if len(tools) != 1:
        raise UsageError(
            f"--mcp-args are the arguments of one tool, and checks of {len(tools) or 'none'} are selected",
            hint="name a check: pytest 'servers.json::server::execution::TOOL-022.tool' --mcp-args '{…}'",
        )
