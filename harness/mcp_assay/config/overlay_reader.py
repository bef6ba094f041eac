"""The grammar of our own settings file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.config.authorization_reader import read_authorization
from mcp_assay.config.budgets import Budget, BudgetSyntaxError, parse_budget
from mcp_assay.config.rules import Accepted, SandboxRule, ServerRules, ToolRule
from mcp_assay.config.spec import Reference
from mcp_assay.config.tree import Mark
from mcp_assay.core.verdicts import Category

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.config.view import View
    from mcp_assay.core.json_types import Json

BUDGETS = (
    "calls",
    "cold_start_s",
    "cold_starts",
    "growth_s",
    "overload_s",
    "p95_s",
    "per_tool_s",
    "rate_per_s",
    "tight",
    "warm_up",
)
"""How much is measured; seconds where the name ends in ``_s``, numbers of repetitions otherwise."""
LIMITS = "limits"
"""Key beside these for what must hold, as in ``limits = ["p95 < 200ms"]``."""
THRESHOLDS = {"ready_score": 100.0, "ready_evidence": 1.0}
"""Bars of the verdict READY, with the largest value that makes sense."""
SERVER_KEYS = ("accept", "auth", "budgets", "elicitation", "required", "sandbox", "secrets", "tools")
"""What can be said of the servers that a pattern names."""

_REFERENCE = re.compile(r"\$\{(?P<source>env|input|file):(?P<name>[^}]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOverlay:
    """What a settings file says; see `mcp_assay.config.overlay.Overlay`."""

    servers: Mapping[str, ServerRules]
    weights: Mapping[Category, float]
    thresholds: Mapping[str, float]
    budgets: Mapping[str, float]
    workflow_inputs: Mapping[str, Mapping[str, Json]]
    limits: tuple[Budget, ...]


def read_overlay(view: View) -> ReadOverlay:
    """Return what the table ``view`` says.

    Raises:
        ConfigError: A key is unknown or a value has the wrong type.
    """
    fields = view.known(("budgets", "servers", "thresholds", "weights", "workflows"))
    servers = fields["servers"].fields() if "servers" in fields else {}
    return ReadOverlay(
        servers={name: _server(server) for name, server in servers.items()},
        weights=_weights(fields["weights"]) if "weights" in fields else {},
        thresholds=_thresholds(fields["thresholds"]) if "thresholds" in fields else {},
        budgets=_budgets(fields.get("budgets")),
        workflow_inputs=_workflow_inputs(fields.get("workflows")),
        limits=_limits_in(fields.get("budgets")),
    )


def _workflow_inputs(view: View | None) -> dict[str, dict[str, Json]]:
    """Return the inputs of workflows, by the name of their file without its ending."""
    tables = view.fields() if view else {}
    inputs = {name: table.known(("inputs",)).get("inputs") for name, table in tables.items()}
    return {name: _object(given) for name, given in inputs.items() if given is not None}


def _server(view: View) -> ServerRules:
    fields = view.known(SERVER_KEYS)
    return ServerRules(
        tools=_tools(fields["tools"]) if "tools" in fields else {},
        required=fields["required"].boolean() if "required" in fields else None,
        accept=tuple(_accepted(item) for item in fields["accept"].items()) if "accept" in fields else (),
        auth=read_authorization(fields["auth"]) if "auth" in fields else None,
        budgets=_budgets(fields.get("budgets")),
        limits=_limits_in(fields.get("budgets")),
        elicitation=_object(fields["elicitation"]) if "elicitation" in fields else {},
        sandbox=_sandbox(fields["sandbox"]) if "sandbox" in fields else SandboxRule(),
        secrets=_secrets(fields["secrets"]) if "secrets" in fields else {},
    )


def _sandbox(view: View) -> SandboxRule:
    fields = view.known(("folders", "network"))
    folders = list(fields["folders"].items()) if "folders" in fields else []
    for folder in folders:
        if not folder.text().startswith("/") or folder.text() == "/":
            raise folder.error(f"{folder.name} must be an absolute path below /", hint='for example "/srv/data"')
    return SandboxRule(
        network=fields["network"].boolean() if "network" in fields else None,
        folders=tuple(folder.text() for folder in folders),
    )


def _tools(view: View) -> dict[str, ToolRule]:
    return {pattern: _tool(rule) for pattern, rule in view.fields().items()}


def _tool(view: View) -> ToolRule:
    fields = view.known(("args", "call", LIMITS))
    return ToolRule(
        call=fields["call"].boolean() if "call" in fields else None,
        args=_object(fields["args"]) if "args" in fields else None,
        limits=_limits(fields[LIMITS], of_tools=True) if LIMITS in fields else (),
    )


def _accepted(view: View) -> Accepted:
    fields = view.known(("check", "reason", "tool"))
    if "check" not in fields:
        raise view.error(
            f"{view.name} names no check", hint='for example {check = "TOOL-003", tool = "*", reason = "…"}'
        )
    return Accepted(
        check=fields["check"].text(),
        tool=fields["tool"].text() if "tool" in fields else "*",
        reason=fields["reason"].text() if "reason" in fields else None,
        line=view.mark.line,
    )


def _budgets(view: View | None) -> dict[str, float]:
    fields = view.known((*BUDGETS, LIMITS)) if view else {}
    return {name: amount.number() for name, amount in fields.items() if name != LIMITS}


def _limits_in(view: View | None) -> tuple[Budget, ...]:
    fields = view.fields() if view else {}
    return _limits(fields[LIMITS]) if LIMITS in fields else ()


def _limits(view: View, *, of_tools: bool = False) -> tuple[Budget, ...]:
    """Return the limits of a list, one for each metric."""
    found: dict[str, Budget] = {}
    for item in view.items():
        limit = _limit(item)
        if of_tools and not limit.metric.of_tools:
            name = limit.metric.name
            raise item.error(f"{name} is of the server, not of a tool", hint="put it into the server's budgets")
        if found.setdefault(limit.metric.name, limit) is not limit:
            raise item.error(f"{limit.metric.name} has two limits in {view.name}", hint="keep one of them")
    return tuple(found.values())


def _limit(view: View) -> Budget:
    text = view.text()
    try:
        return parse_budget(text)
    except BudgetSyntaxError as problem:
        # The column is that of the opening quote.
        mark = Mark(view.node.mark.line, view.node.mark.column + 1 + problem.at if view.node.mark.column else 0)
        raise view.document.error(f"{view.name}: {problem.message}", mark, hint=problem.hint) from None


def _weights(view: View) -> dict[Category, float]:
    weights = {Category(name): weight.number() for name, weight in view.known(tuple(Category)).items()}
    if weights and not any(weights.values()):
        raise view.error(f"{view.name} are all zero", hint="at least one category must count")
    return weights


def _thresholds(view: View) -> dict[str, float]:
    fields = view.known(THRESHOLDS)
    for name, bar in fields.items():
        if bar.number() > THRESHOLDS[name]:
            raise bar.error(f"{bar.name} must be at most {THRESHOLDS[name]:g}")
    return {name: bar.number() for name, bar in fields.items()}


def _secrets(view: View) -> dict[str, Reference]:
    return {name: _reference(text) for name, text in view.fields().items()}


def _reference(view: View) -> Reference:
    """Return a secret's place; the secret itself must not stand in the file."""
    match = _REFERENCE.fullmatch(view.text())
    if match is None:
        raise view.error(
            f"{view.name} must be a reference", hint='for example "${env:STAGING_TOKEN}" or "${file:/run/secrets/t}"'
        )
    return Reference(source=match["source"], name=match["name"])


def _object(view: View) -> dict[str, Json]:
    return {key: value.json() for key, value in view.fields().items()}
