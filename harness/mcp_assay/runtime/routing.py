"""Which server gets a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from mcp_assay.core.json_types import Json
    from mcp_assay.runtime.breaker import CircuitBreaker
    from mcp_assay.runtime.bulkhead import Bulkhead
    from mcp_assay.runtime.inventory import ToolDefinition
    from mcp_assay.runtime.registry import DynamicToolRegistry, RegisteredTool

_SMOOTHING = 0.2


@dataclass(slots=True, kw_only=True)
class Replica:
    """What the executor knows of one server.

    Attributes:
        breaker: Its circuit breaker.
        bulkhead: Bounds the calls in flight.
        latency_s: Moving average of its call durations (weight 0.2 for the newest), seconds.
    """

    breaker: CircuitBreaker
    bulkhead: Bulkhead
    latency_s: float = 0.0

    def note(self, duration_s: float) -> None:
        """Take a call's duration into the average."""
        self.latency_s += _SMOOTHING * (duration_s - self.latency_s) if self.latency_s else duration_s


class Router:
    """Finds the servers that can answer a call and picks one.

    Args:
        registry: Knows which server has which tool.
        groups: Server names by the group that stands for them.
        replica: Returns the bookkeeping of a server by its id.
    """

    def __init__(
        self,
        registry: DynamicToolRegistry,
        groups: Mapping[str, Sequence[str]],
        replica: Callable[[str], Replica],
    ) -> None:
        self._registry = registry
        self._groups = groups
        self._replica = replica

    def candidates(self, tool: str) -> Sequence[RegisteredTool]:
        """Return the tools a name may stand for: one, or one per replica of a group.

        Raises:
            UsageError: No connected server lists the tool, or several do.
        """
        group, _, name = tool.partition(".")
        if group not in self._groups:
            return [self._registry.find(tool)]
        found = [self._registry.get(f"{server}.{name}") for server in self._groups[group]]
        here = [tool for tool in found if tool is not None]
        if not here:
            raise UsageError(f"no server of the group {group!r} lists a tool {name!r} now")
        return here

    def is_fixed(self, tool: str) -> bool:
        """Return whether a name stands for the same tool as long as the registry does not change."""
        return tool.partition(".")[0] not in self._groups and self._registry.is_unique(tool)

    def capable(self, words: str, arguments: Mapping[str, Json]) -> RegisteredTool:
        """Return the tool that fits the words best and takes just these arguments.

        Raises:
            UsageError: No connected server lists one.
        """
        for found in self._registry.search(words):
            if takes(found.tool.definition, arguments):
                return found.tool
        raise UsageError(f"no connected server lists a tool for {words!r} that takes these arguments")

    def choose(self, candidates: Sequence[RegisteredTool], *, avoid: Collection[str]) -> RegisteredTool:
        """Return the candidate with the fewest calls outstanding, then the lowest latency.

        Servers whose breaker is open or that were tried already come last.
        """

        def rank(tool: RegisteredTool) -> tuple[bool, bool, int, float]:
            replica = self._replica(tool.server_id)
            closed_off = replica.breaker.retry_after_s > 0
            return tool.server_id in avoid, closed_off, replica.bulkhead.outstanding, replica.latency_s

        return min(candidates, key=rank)


def is_safe_to_repeat(definition: ToolDefinition) -> bool:
    """Return whether a tool claims that calling it twice does no more than calling it once."""
    annotations = definition.annotations
    return annotations.get("readOnlyHint") is True or annotations.get("idempotentHint") is True


def takes(definition: ToolDefinition, arguments: Mapping[str, Json]) -> bool:
    """Return whether a tool knows every given argument and needs no other."""
    schema = definition.input_schema or {}
    properties, required = schema.get("properties"), schema.get("required")
    known = properties if isinstance(properties, dict) else {}
    needed = required if isinstance(required, list) else []
    return all(name in known for name in arguments) and all(name in arguments for name in map(str, needed))
