"""Which tools may be called, and why.

Annotations of a server are claims. A tool is called without being asked only when it claims to be read-only, does not
claim to be destructive, and its name does not say otherwise; a name can veto but never clear. Everything else waits
for the user to open it. The defaults of missing hints are those of the specification (``readOnlyHint`` false,
``destructiveHint`` true), so a tool without annotations is not called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.runtime.inventory import ToolDefinition

VETO_WORDS = frozenset(
    [
        "add",
        "append",
        "archive",
        "buy",
        "cancel",
        "close",
        "commit",
        "create",
        "delete",
        "deploy",
        "destroy",
        "disable",
        "drop",
        "edit",
        "enable",
        "eval",
        "exec",
        "execute",
        "grant",
        "insert",
        "install",
        "invite",
        "kill",
        "merge",
        "modify",
        "move",
        "patch",
        "pay",
        "post",
        "publish",
        "purge",
        "push",
        "put",
        "reboot",
        "remove",
        "rename",
        "reset",
        "restart",
        "revoke",
        "run",
        "schedule",
        "send",
        "set",
        "shell",
        "shutdown",
        "start",
        "stop",
        "submit",
        "terminate",
        "transfer",
        "trigger",
        "uninstall",
        "update",
        "upload",
        "upsert",
        "wipe",
        "write",
    ]
)
"""Words in a tool's name that contradict ``readOnlyHint: true``."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


class ToolRule(Protocol):
    """What the user's overlay says of a tool."""

    @property
    def call(self) -> bool | None:
        """True opens the tool, False closes it, None leaves it to the annotations."""
        ...

    @property
    def args(self) -> Mapping[str, Json] | None:
        """Arguments that are known to work, or None."""
        ...


class ToolRules(Protocol):
    """Looks up the user's rules."""

    def tool(self, server: str, tool: str) -> ToolRule:
        """Return the rule of one tool."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule given in code."""

    call: bool | None = None
    args: Mapping[str, Json] | None = None


class NoRules:
    """Leaves every tool to its annotations."""

    def tool(self, server: str, tool: str) -> ToolRule:  # noqa: ARG002  (the ToolRules protocol)
        """Return the empty rule."""
        return Rule()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDecision:
    """Whether a tool may be called.

    Attributes:
        allowed: The decision.
        reason: Why, in one clause.
        vetoed_by: The word of its name that contradicts its annotations, or None.
        arguments: Arguments that the user says work, or None.
        explicit: Whether a rule for this tool decided, so that the user has thought of it.
        contained: Whether the server runs in a sandbox without a network, so that nothing outside can come to harm.
    """

    allowed: bool
    reason: str
    vetoed_by: str | None = None
    arguments: JsonObject | None = field(default=None)
    explicit: bool = False
    contained: bool = False


def decide(
    server: str,
    tool: ToolDefinition,
    rules: ToolRules,
    *,
    allow_writes: bool,
    switched_off: bool = False,
    contained: bool = False,
) -> CallDecision:
    """Return whether a tool may be called and why.

    Args:
        server: The server's configured name.
        tool: Its tool.
        rules: What the user opened and closed.
        allow_writes: Whether the user opened everything.
        switched_off: Whether the client's document switches the tool off, so that no client would call it.
        contained: Whether the server runs in a sandbox without a network.
    """
    rule = rules.tool(server, tool.name)
    arguments = None if rule.args is None else dict(rule.args)
    if rule.call is not None:
        word = "opened" if rule.call else "closed"
        reason = f"{word} by mcp-assay.toml"
        return CallDecision(
            allowed=rule.call, reason=reason, arguments=arguments, explicit=True, contained=contained and rule.call
        )
    if switched_off:
        return _not_called("the configuration switches it off", server, tool)
    decision = replace(_by_its_claims(server, tool), arguments=arguments)
    if contained:
        return replace(decision, allowed=True, reason="its server runs in a sandbox", contained=True)
    if allow_writes:
        return CallDecision(allowed=True, reason="opened by --mcp-allow-writes", arguments=arguments)
    return decision


def _by_its_claims(server: str, tool: ToolDefinition) -> CallDecision:
    """Return the decision that follows from a tool's annotations and name."""
    veto = veto_word(tool.name)
    if tool.annotations.get("readOnlyHint") is not True:
        given = "it does not claim" if tool.annotations else "it has no annotations, so does not claim"
        return _not_called(f"{given} readOnlyHint: true", server, tool)
    if tool.annotations.get("destructiveHint") is True:
        return _not_called("it claims destructiveHint: true", server, tool)
    if veto is not None:
        contradiction = f"{veto!r} in its name contradicts readOnlyHint: true"
        return replace(_not_called(contradiction, server, tool), vetoed_by=veto)
    return CallDecision(allowed=True, reason="it claims readOnlyHint: true")


def _not_called(reason: str, server: str, tool: ToolDefinition) -> CallDecision:
    """Return the decision not to call a tool, with the line that would open it."""
    return CallDecision(allowed=False, reason=f"not called: {reason}; {opening_line(server, tool.name)}")


def opening_line(server: str, tool: str) -> str:
    """Return what the user writes to have a tool called."""
    return f'to open it, put `call = true` under [servers."{server}".tools."{tool}"] in mcp-assay.toml'


def veto_word(name: str) -> str | None:
    """Return the first word of a tool's name that says it changes something, or None."""
    return next((word for word in (part.lower() for part in _WORDS.findall(name)) if word in VETO_WORDS), None)
