"""Which tools may be called: a sandbox opens what nobody has closed, and a name's contradiction stays known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_assay.readiness.policy import CallDecision, NoRules, Rule, ToolRule, decide
from mcp_assay.runtime.inventory import ToolDefinition

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject


class Ruled:
    """One rule for every tool."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def tool(self, server: str, tool: str) -> ToolRule:
        return self.rule


def decided(name: str, annotations: JsonObject | None = None, *, rule: Rule | None = None, **how: bool) -> CallDecision:
    raw: JsonObject = {"name": name, "inputSchema": {"type": "object"}, "annotations": annotations or {}}
    rules = NoRules() if rule is None else Ruled(rule)
    return decide("server", ToolDefinition(name=name, raw=raw), rules, **{"allow_writes": False, **how})


@pytest.mark.parametrize("annotations", [{}, {"destructiveHint": True}, {"readOnlyHint": False}])
def test_a_sandbox_opens_tools_that_claim_nothing_or_the_worst(annotations: JsonObject) -> None:
    assert not decided("delete_all", annotations).allowed
    contained = decided("delete_all", annotations, contained=True)
    assert (contained.allowed, contained.contained, contained.explicit) == (True, True, False)


def test_a_sandbox_opens_nothing_that_the_user_or_the_document_closed() -> None:
    assert not decided("look", rule=Rule(call=False), contained=True).allowed
    assert not decided("look", contained=True, switched_off=True).allowed


def test_a_sandbox_does_not_hide_that_a_name_contradicts_its_annotations() -> None:
    assert decided("delete_all", {"readOnlyHint": True}, contained=True).vetoed_by == "delete"
