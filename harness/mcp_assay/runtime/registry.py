"""Every tool of every connected server, under one roof."""

from __future__ import annotations

import difflib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias

from mcp_assay.core.errors import UsageError
from mcp_assay.runtime.categories import Categories, categorise
from mcp_assay.runtime.feed import Feed
from mcp_assay.runtime.live import LiveLists
from mcp_assay.runtime.search import Found, SearchIndex, gives_type, takes_type

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence

    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.runtime.manager import MCPClientManager
    from mcp_assay.runtime.states import ManagedServer


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

    @property
    def categories(self) -> Categories:
        """Where it belongs."""
        return categorise(self.definition)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryChange:
    """What a new list of one server changed.

    Attributes:
        server_id: The server.
        added: Names of tools that were not there before.
        removed: Names of tools that are gone.
        changed: Names of tools whose definition is another.
    """

    server_id: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


_MOST_CLOSE = 3
_CLOSE = 0.8
"""How much of a name has to be alike, from 0 to 1 (`difflib`), to be taken for a slip of the pen."""

Rule: TypeAlias = "Callable[[str, Sequence[RegisteredTool]], RegisteredTool | None]"
"""Takes a bare name and the tools behind it; returns the one it stands for, or None when only a full name will do."""


def prefer(*servers: str) -> Rule:
    """Return the rule by which a bare name stands for the tool of the first of these servers that has one."""

    def rule(_: str, tools: Sequence[RegisteredTool]) -> RegisteredTool | None:
        by_server = {tool.server: tool for tool in reversed(tools)}
        return next((by_server[server] for server in servers if server in by_server), None)

    return rule


def ask_for_full_names(_: str, __: Sequence[RegisteredTool]) -> RegisteredTool | None:
    """Let no bare name stand for one of several tools: the rule unless another is given."""
    return None


class DynamicToolRegistry:
    """Finds tools by qualified name, or by bare name when only one server has it or a rule says which is meant.

    Args:
        tools: What is there from the start.
        rule: Resolves bare names that several servers use.
    """

    def __init__(self, tools: Iterable[RegisteredTool] = (), *, rule: Rule = ask_for_full_names) -> None:
        self._rule = rule
        self._servers: dict[str, tuple[RegisteredTool, ...]] = {}
        for tool in tools:
            self._servers[tool.server_id] = (*self._servers.get(tool.server_id, ()), tool)
        self.changes = Feed[RegistryChange]()
        """Every change of the registry; use `Feed.listen` or `Feed.subscribe`."""
        self._by_name: dict[str, list[RegisteredTool]] = {}
        self._by_qualified: dict[str, list[RegisteredTool]] = {}
        self._searched: SearchIndex | None = None
        self.version = 0
        """Grows with every change, so that what was looked up can be kept until then."""
        self._index()

    @classmethod
    def build_from_servers(cls, servers: Iterable[ManagedServer], *, rule: Rule = ask_for_full_names) -> Self:
        """Return the registry of what connected servers listed."""
        return cls((tool for server in servers if server.connected for tool in tools_of(server)), rule=rule)

    def __len__(self) -> int:
        """Return the number of tools, doubles included."""
        return sum(len(tools) for tools in self._servers.values())

    def __iter__(self) -> Iterator[RegisteredTool]:
        """Yield every tool, server by server."""
        for tools in tuple(self._servers.values()):
            yield from tools

    def find(self, name: str) -> RegisteredTool:
        """Return a tool by ``server.tool``, by ``config::server.tool``, or by a bare name that stands for one tool.

        Raises:
            UsageError: No server lists it, or several do and the rule does not say which is meant.
        """
        chosen = self.get(name)
        if chosen is not None:
            return chosen
        candidates = self._candidates(name)
        if not candidates:
            raise UsageError(f"no connected server lists a tool {name!r}", hint=self._closest(name))
        owners = ", ".join(f"{tool.server_id}.{tool.definition.name}" for tool in candidates)
        raise UsageError(f"several servers list a tool {name!r}", hint=f"use one of {owners}")

    def is_unique(self, name: str) -> bool:
        """Return whether a name stands for one tool without any rule."""
        return len(self._candidates(name)) == 1

    def get(self, name: str) -> RegisteredTool | None:
        """Return what `find` would, or None; looks for nothing that is close."""
        candidates = self._candidates(name)
        return candidates[0] if len(candidates) == 1 else self._rule(name, candidates) if candidates else None

    def validate_tool_availability(self, *names: str) -> Mapping[str, bool]:
        """Return for each name whether `find` would find exactly one tool."""
        return {name: self.get(name) is not None for name in names}

    @property
    def collisions(self) -> Mapping[str, tuple[RegisteredTool, ...]]:
        """Bare names that more than one server lists, with the tools behind them."""
        return {
            name: tuple(tools) for name, tools in self._by_name.items() if len({tool.server_id for tool in tools}) > 1
        }

    @property
    def categories(self) -> Mapping[str, tuple[RegisteredTool, ...]]:
        """Tools by the label of a category, for example ``action:read``; see `Categories.labels`."""
        found: dict[str, list[RegisteredTool]] = {}
        for tool in self:
            for label in sorted(tool.categories.labels):
                found.setdefault(label, []).append(tool)
        return {label: tuple(tools) for label, tools in sorted(found.items())}

    def search(self, words: str = "", *, takes: str | None = None, gives: str | None = None) -> Sequence[Found]:
        """Return the tools that fit, the best first.

        Args:
            words: Words to look for in names, titles, descriptions and argument names; all tools without any.
            takes: A JSON type that one of the arguments must be of, for example ``"string"``.
            gives: A JSON type that a property of the structured result must be of.
        """
        if self._searched is None:
            self._searched = SearchIndex(self)
        found = self._searched.search(words)
        if takes is not None:
            found = [one for one in found if takes_type(one.tool.definition, takes)]
        return [one for one in found if gives is None or gives_type(one.tool.definition, gives)]

    def replace_tools(self, server_id: str, tools: Iterable[RegisteredTool]) -> RegistryChange | None:
        """Take a server's tools in place of those it had; return what that changed, None when nothing.

        An empty list takes the server out.
        """
        before = {tool.definition.name: tool for tool in self._servers.get(server_id, ())}
        now = tuple(tools)
        after = {tool.definition.name: tool for tool in now}
        self._servers[server_id] = now
        change = RegistryChange(
            server_id=server_id,
            added=tuple(name for name in after if name not in before),
            removed=tuple(name for name in before if name not in after),
            changed=tuple(
                name for name in after if name in before and after[name].definition != before[name].definition
            ),
        )
        if not (change.added or change.removed or change.changed):
            return None
        self._index()
        self.changes.publish(change)
        return change

    @asynccontextmanager
    async def update_registry_real_time(self, manager: MCPClientManager) -> AsyncGenerator[Self]:
        """Follow the servers of a manager while the context is open.

        A server's tools are read again when it says ``tools/list_changed``, when the time its list may be kept is over
        (``ttlMs``, 2026-07-28) and when it was started again. They stay while it is being reconnected and go when it
        has failed or was stopped. What changed is published in `changes`.
        """
        live = LiveLists(manager, self._follow)
        await live.start()
        try:
            yield self
        finally:
            await live.close()

    def _follow(self, server: ManagedServer, tools: Iterable[ToolDefinition]) -> None:
        """Take the news of one server."""
        self.replace_tools(server.id, registered(server, tools))

    def _index(self) -> None:
        """Sort the tools by their names."""
        self.version += 1
        self._by_name, self._by_qualified, self._searched = {}, {}, None
        for tool in self:
            self._by_name.setdefault(tool.definition.name, []).append(tool)
            self._by_qualified.setdefault(tool.qualified_name, []).append(tool)
            self._by_qualified.setdefault(f"{tool.server_id}.{tool.definition.name}", []).append(tool)

    def _candidates(self, name: str) -> Sequence[RegisteredTool]:
        """Return what a name may stand for; a qualified name wins over a tool that a server gave the same name."""
        return self._by_qualified.get(name) or self._by_name.get(name) or ()

    def _closest(self, name: str) -> str | None:
        """Return a hint with the tools whose names are written like an unknown one, or else share words with it."""
        written = {tool.qualified_name for tool in self} if "." in name else self._by_name
        found = difflib.get_close_matches(name, sorted(written), n=_MOST_CLOSE, cutoff=_CLOSE)
        if not found:
            alike = self.search(name.replace("_", " ").replace(".", " "))
            found = [one.tool.qualified_name for one in alike[:_MOST_CLOSE]]
        return f"close to it: {', '.join(found)}" if found else None


def tools_of(server: ManagedServer) -> tuple[RegisteredTool, ...]:
    """Return what a server listed, as registry entries."""
    return registered(server, server.inventory.tools)


def registered(server: ManagedServer, tools: Iterable[ToolDefinition]) -> tuple[RegisteredTool, ...]:
    """Return tools of a server as registry entries."""
    return tuple(RegisteredTool(server=server.spec.name, server_id=server.id, definition=tool) for tool in tools)
