"""Which checks a run makes, with the node id of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mcp_assay.core.errors import UsageError
from mcp_assay.core.verdicts import Category
from mcp_assay.readiness.check import Scope
from mcp_assay.readiness.policy import CallDecision

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_assay.readiness.check import Check
    from mcp_assay.readiness.subject import ServerUnderTest, ToolUnderTest


PROTOCOL_CATEGORIES = frozenset({Category.CONNECTIVITY, Category.SCHEMA})
"""What is judged of a server in a further revision: the protocol, not what its tools do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCheck:
    """One check on one subject.

    Attributes:
        check: The check.
        server: The server.
        tool: The tool, or None for a check of the server as a whole.
        name: Last part of the node id: the check's id, and the tool's slug after a dot.
        nodeid: Configuration, server, category and name, joined by ``::``.
    """

    check: Check
    server: ServerUnderTest
    tool: ToolUnderTest | None
    name: str
    nodeid: str


def plan_server(server: ServerUnderTest, checks: Sequence[Check], *, config_id: str) -> tuple[PlannedCheck, ...]:
    """Return the checks for one server in the order in which they run.

    A server that is judged in a further revision gets the checks of the protocol. A server that was not reached gets
    the check that says so and, so that nothing is silently absent, its server-level checks, which will be skipped.

    Args:
        server: The server.
        checks: All checks there are.
        config_id: First part of the node ids.
    """
    reached = server.managed.fault is None
    if server.managed.spec.protocol is not None:
        checks = [check for check in checks if check.category in PROTOCOL_CATEGORIES]
    ordered = sorted(checks, key=lambda check: list(Category).index(check.category))
    return tuple(
        _planned(check, server, tool, config_id)
        for check in ordered
        if (check.asked_for is None or check.asked_for(server)) and (not reached or _concerns(check, server))
        for tool in _subjects(check, server)
    )


def single_check(server: ServerUnderTest, checks: Sequence[Check], check_id: str, tool_name: str) -> PlannedCheck:
    """Return a check of one tool for a test that names both, so that nothing else decides whether it may be called.

    Raises:
        UsageError: There is no such check of tools, or the server has no such tool.
    """
    known = {check.id: check for check in checks if check.scope is Scope.TOOL}
    tools = {tool.name: tool for tool in server.tools}
    for name, among, what in ((check_id, known, "check of tools"), (tool_name, tools, f"tool of {server.name}")):
        if name not in among:
            near = get_close_matches(name, among, n=1)
            raise UsageError(f"{name!r} is no {what}", hint=f"did you mean {near[0]!r}?" if near else None)
    tool = replace(tools[tool_name], decision=CallDecision(allowed=True, reason="called by a test", explicit=True))
    item = _planned(known[check_id], server, tool, server.managed.spec.config)
    # The id is not that of the generated check, whose verdict this is not.
    return replace(item, nodeid=f"{item.nodeid} (called by a test)")


def by_category(planned: Iterable[PlannedCheck]) -> Iterator[tuple[Category, list[PlannedCheck]]]:
    """Yield the planned checks of each category that has any, in the order of `Category`."""
    groups: dict[Category, list[PlannedCheck]] = {}
    for item in planned:
        groups.setdefault(item.check.category, []).append(item)
    for category in Category:
        if category in groups:
            yield category, groups[category]


def _concerns(check: Check, server: ServerUnderTest) -> bool:
    """Return whether the check says anything about this server's revision and transport."""
    session = server.managed.session
    return session is not None and check.concerns(session.agreement.version, server.transport)


def _subjects(check: Check, server: ServerUnderTest) -> Sequence[ToolUnderTest | None]:
    """Return what the check is planned for: each tool, or the server as a whole."""
    return (None,) if check.scope is Scope.SERVER else server.tools


def _planned(check: Check, server: ServerUnderTest, tool: ToolUnderTest | None, config_id: str) -> PlannedCheck:
    """Return one planned check."""
    name = check.id if tool is None else f"{check.id}.{tool.slug}"
    nodeid = f"{config_id}::{server.slug}::{check.category.value}::{name}"
    return PlannedCheck(check=check, server=server, tool=tool, name=name, nodeid=nodeid)
