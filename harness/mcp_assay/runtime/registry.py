"""Every tool of every connected server, under one roof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mcp_assay.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.runtime.manager import ManagedServer


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredTool:
    """A tool and the server that listed it.

    Attributes:
        server: The server's name.
        server_id: Its id, unique in the run.
        definition: The tool as it was listed.
    """

    server: str
    server_id: str
    definition: ToolDefinition

    @property
    def qualified_name(self) -> str:
        """``server.tool``."""
        return f"{self.server}.{self.definition.name}"


class DynamicToolRegistry:
    """Finds tools by qualified name, or by bare name when only one server has it."""

    def __init__(self, tools: Iterable[RegisteredTool] = ()) -> None:
        self._by_name: dict[str, list[RegisteredTool]] = {}
        self._by_qualified: dict[str, RegisteredTool] = {}
        for tool in tools:
            self._by_name.setdefault(tool.definition.name, []).append(tool)
            self._by_qualified.setdefault(tool.qualified_name, tool)

    @classmethod
    def build_from_servers(cls, servers: Iterable[ManagedServer]) -> Self:
        """Return the registry of what connected servers listed."""
        return cls(
            RegisteredTool(server=server.spec.name, server_id=server.id, definition=definition)
            for server in servers
            if server.connected
            for definition in server.inventory.tools
        )

    def __len__(self) -> int:
        """Return the number of tools, doubles included."""
        return sum(len(tools) for tools in self._by_name.values())

    def __iter__(self) -> Iterator[RegisteredTool]:
        """Yield every tool."""
        for tools in self._by_name.values():
            yield from tools

    def find(self, name: str) -> RegisteredTool:
        """Return a tool by qualified or unique bare name.

        Raises:
            UsageError: No server lists it, or several do.
        """
        if name in self._by_qualified:
            return self._by_qualified[name]
        candidates = self._by_name.get(name, [])
        if len(candidates) == 1:
            return candidates[0]
        if not candidates:
            raise UsageError(f"no connected server lists a tool {name!r}")
        owners = ", ".join(tool.qualified_name for tool in candidates)
        raise UsageError(f"several servers list a tool {name!r}", hint=f"use one of {owners}")

    def validate_tool_availability(self, *names: str) -> Mapping[str, bool]:
        """Return for each name whether `find` would find exactly one tool."""
        return {name: name in self._by_qualified or len(self._by_name.get(name, [])) == 1 for name in names}

    @property
    def collisions(self) -> Mapping[str, tuple[RegisteredTool, ...]]:
        """Bare names that more than one server lists, with the tools behind them."""
        return {
            name: tuple(tools) for name, tools in self._by_name.items() if len({tool.server_id for tool in tools}) > 1
        }
