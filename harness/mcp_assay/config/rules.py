"""What a user says about servers and tools beside the client's own file, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.config.authorization import Authorization
    from mcp_assay.config.budgets import Budget
    from mcp_assay.config.spec import Reference
    from mcp_assay.core.json_types import Json


def matches(pattern: str, name: str) -> bool:
    """Return whether a name is meant by a pattern: itself, or shell wildcards (``*``, ``?``, ``[…]``)."""
    return pattern == name or fnmatchcase(name, pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRule:
    """What may be done with the tools a pattern names.

    Attributes:
        call: True opens them, False closes them, None leaves them to their annotations.
        args: Arguments that are known to work, or None.
        limits: What measurements of them must keep.
    """

    call: bool | None = None
    args: Mapping[str, Json] | None = None
    limits: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A finding that the user knows and accepts; when nothing matches it any more, it is stale.

    Attributes:
        check: Pattern of check ids, for example ``TOOL-003`` or ``ADV-*``.
        tool: Pattern of tool names; ``*`` also means findings on the server itself.
        reason: Why it is accepted.
        line: Where it stands in the overlay, counted from 1.
    """

    check: str
    tool: str = "*"
    reason: str | None = None
    line: int = 0

    def covers(self, check: str, tool: str | None) -> bool:
        """Return whether a finding of ``check`` on ``tool`` (None: on the server itself) is accepted."""
        on_tool = self.tool == "*" if tool is None else matches(self.tool, tool)
        return on_tool and matches(self.check, check)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRule:
    """What a server is given in a sandbox.

    Attributes:
        network: Whether it may use the network, None when nothing is said.
        folders: Absolute paths that are empty and writable inside.
    """

    network: bool | None = None
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRules:
    """What holds for the servers a pattern names.

    Attributes:
        tools: Rules by tool pattern, in the order of the file.
        required: Whether the run fails when the server cannot be tested; None leaves it to the client's file.
        accept: Accepted findings.
        auth: How to sign in, None when nothing is said.
        budgets: How much is measured, by name.
        limits: What measurements must keep.
        elicitation: Answers to elicitation requests, by field.
        sandbox: What is different for the servers in a sandbox.
        secrets: Where the values of the client file's references come from, by reference name.
    """

    tools: Mapping[str, ToolRule] = field(default_factory=dict[str, ToolRule])
    required: bool | None = None
    accept: tuple[Accepted, ...] = ()
    auth: Authorization | None = None
    budgets: Mapping[str, float] = field(default_factory=dict[str, float])
    limits: tuple[Budget, ...] = ()
    elicitation: Mapping[str, Json] = field(default_factory=dict[str, "Json"])
    sandbox: SandboxRule = field(default_factory=SandboxRule)
    secrets: Mapping[str, Reference] = field(default_factory=dict[str, "Reference"])
