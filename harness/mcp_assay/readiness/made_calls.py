"""Calls that a server got before another one: what its state comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.errors import AssayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.core.json_types import Json, JsonObject


class UnreadableError(AssayError):
    """What should be calls of tools is something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCall:
    """A call of a tool.

    Attributes:
        tool: Its name.
        arguments: What it was called with.
    """

    tool: str
    arguments: JsonObject

    def as_json(self) -> JsonObject:
        """Return the call as reports and command lines have it."""
        return {"tool": self.tool, "arguments": self.arguments}


@dataclass(frozen=True, slots=True)
class Past:
    """What one process of a server was called with before a call; later calls are added to the same list.

    Attributes:
        made: The calls of the process.
        count: How many of them came before.
    """

    made: Sequence[MadeCall]
    count: int

    @property
    def calls(self) -> Sequence[MadeCall]:
        """The calls before, oldest first."""
        return self.made[: self.count]


def read_calls(value: Json) -> tuple[MadeCall, ...]:
    """Return the calls of a JSON array.

    Raises:
        UnreadableError: It is no array of objects with a ``tool`` and ``arguments``.
    """
    if not isinstance(value, list):
        raise UnreadableError("calls are a JSON array")
    return tuple(_read(each) for each in value)


def _read(value: Json) -> MadeCall:
    """Return one call.

    Raises:
        UnreadableError: It is none.
    """
    parts = value if isinstance(value, dict) else {}
    tool, arguments = parts.get("tool"), parts.get("arguments", {})
    if not isinstance(tool, str) or not isinstance(arguments, dict):
        raise UnreadableError('a call is an object such as {"tool": "create_note", "arguments": {"title": "tea"}}')
    return MadeCall(tool=tool, arguments=arguments)
