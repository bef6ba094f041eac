"""From what is wanted to the tools that may do it, and from a plan to how it uses the servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcp_assay.runtime.registry import DynamicToolRegistry, RegisteredTool
    from mcp_assay.runtime.search import Found

ENOUGH = 0.4
"""Share of a wish's words, by weight, below which no tool counts as found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What may fulfil one wish.

    Attributes:
        text: The wish.
        candidates: Tools that share words with it, the best first.
    """

    text: str
    candidates: tuple[Found, ...]

    @property
    def fulfilled(self) -> bool:
        """Whether the best candidate fits well enough."""
        return bool(self.candidates) and self.candidates[0].score >= ENOUGH


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What a workflow would need.

    Attributes:
        wishes: Each wish with its candidates, in the order given.
    """

    wishes: tuple[Wish, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Wishes that no connected server seems to fulfil."""
        return tuple(wish.text for wish in self.wishes if not wish.fulfilled)

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of the servers of the best candidates, without doubles."""
        best = [wish.candidates[0].tool.server for wish in self.wishes if wish.fulfilled]
        return tuple(dict.fromkeys(best))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUsage:
    """How a plan uses the servers.

    Attributes:
        waves: Steps that can run side by side, wave after wave.
        by_server: Ids of the steps of each server, in the order of the waves.
        assigned: The tool chosen for each step that any of several servers could do equally.
    """

    waves: tuple[tuple[str, ...], ...]
    by_server: Mapping[str, tuple[str, ...]]
    assigned: Mapping[str, RegisteredTool] = field(default_factory=dict[str, "RegisteredTool"])

    @property
    def shortest(self) -> int:
        """Steps in the longest chain: with no limits anywhere the plan takes at least that many calls in a row."""
        return len(self.waves)


def requirements(registry: DynamicToolRegistry, wishes: Iterable[str], *, most: int = 5) -> Requirements:
    """Return for each wish the tools that share words with it; exact tool names are found as well."""
    found: list[Wish] = []
    for text in wishes:
        candidates = [one for one in registry.search(text.replace("_", " ").replace(".", " ")) if one.score > 0]
        exact = registry.get(text)
        if exact is not None:
            candidates = sorted(candidates, key=lambda one: one.tool is not exact)
        found.append(Wish(text=text, candidates=tuple(candidates[:most])))
    return Requirements(wishes=tuple(found))


def waves(dependencies: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, ...]]:
    """Yield the steps that can run side by side, wave after wave.

    Raises:
        CycleError: Steps wait for each other.
    """
    sorter = TopologicalSorter(dependencies)
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield tuple(ready)
        sorter.done(*ready)


def usage(
    dependencies: Mapping[str, frozenset[str]], candidates: Mapping[str, Sequence[RegisteredTool]]
) -> ServerUsage:
    """Return how steps are spread over servers when each wave is kept as even as possible.

    Args:
        dependencies: The steps each step has to wait for.
        candidates: The tools that could do each step; those without any are left out.
    """
    assigned: dict[str, RegisteredTool] = {}
    by_server: dict[str, list[str]] = {}
    found = tuple(waves(dependencies))
    for wave in found:
        load: dict[str, int] = {}
        # Steps without a choice first, so that those with one can avoid them.
        for step in sorted(wave, key=lambda name: len(candidates.get(name, ()))):
            tools = candidates.get(step, ())
            if not tools:
                continue
            chosen = min(tools, key=lambda tool: (load.get(tool.server_id, 0), len(by_server.get(tool.server_id, ()))))
            load[chosen.server_id] = load.get(chosen.server_id, 0) + 1
            by_server.setdefault(chosen.server_id, []).append(step)
            if len(tools) > 1:
                assigned[step] = chosen
    return ServerUsage(
        waves=found, by_server={server: tuple(steps) for server, steps in by_server.items()}, assigned=assigned
    )
