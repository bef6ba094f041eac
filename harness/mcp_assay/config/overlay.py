"""Our own settings beside a client's file: ``mcp-assay.toml`` or ``[tool.mcp-assay]`` in ``pyproject.toml``.

For servers as for tools, an exact name comes before patterns, and patterns in the order of the file; each setting is
taken from the first that states it. The client's own file is never edited.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from mcp_assay.config.files import is_file, mentions, read_document
from mcp_assay.config.overlay_reader import read_overlay
from mcp_assay.config.rules import Accepted, SandboxRule, ServerRules, ToolRule, matches
from mcp_assay.config.spec import TransportKind
from mcp_assay.config.toml_reader import parse_toml
from mcp_assay.config.view import View
from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mcp_assay.config.budgets import Budget
    from mcp_assay.config.spec import Reference, ServerSpec, Variables
    from mcp_assay.core.json_types import Json
    from mcp_assay.core.verdicts import Category

FILE_NAME = "mcp-assay.toml"
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """The user's settings, by server pattern.

    Attributes:
        path: Where they were read from, or None when there are none.
        servers: Rules by server pattern, in the order of the file.
        weights: Share of each category in the score, where stated.
        thresholds: ``ready_score`` (0…100) and ``ready_evidence`` (0…1), where stated.
        budgets: How much is measured of every server, by name.
        workflow_inputs: Inputs of workflows, by the name of their file without its ending.
        limits: What measurements of every server must keep.
    """

    path: Path | None = None
    servers: Mapping[str, ServerRules] = field(default_factory=dict[str, ServerRules])
    weights: Mapping[Category, float] = field(default_factory=dict["Category", float])
    thresholds: Mapping[str, float] = field(default_factory=dict[str, float])
    budgets: Mapping[str, float] = field(default_factory=dict[str, float])
    workflow_inputs: Mapping[str, Mapping[str, Json]] = field(default_factory=dict[str, "Mapping[str, Json]"])
    limits: tuple[Budget, ...] = ()

    @classmethod
    def find(cls, start: Path, *, root: Path) -> Overlay:
        """Return the settings of the nearest folder from ``start`` up to ``root`` that has any; empty when none has.

        Folders above ``root`` are not looked at: a file that opens tools must belong to the project.

        Raises:
            ConfigError: The file that was found is wrong somewhere.
        """
        here = start.absolute()
        above = (folder for folder in here.parents if folder.is_relative_to(root.absolute()))
        for folder in (here, *above):
            if is_file(folder / FILE_NAME):
                return cls.load(folder / FILE_NAME)
            project = folder / "pyproject.toml"
            found = cls._in_project(project) if mentions(project, b"mcp-assay") else None
            if found is not None:
                return found
        return cls()

    @classmethod
    def load(cls, path: Path) -> Overlay:
        """Return the settings in ``path``; in a ``pyproject.toml`` those below ``[tool.mcp-assay]``.

        Raises:
            ConfigError: The file cannot be read or is wrong somewhere.
        """
        if path.name == "pyproject.toml":
            return cls._in_project(path) or cls(path=path)
        return cls._of(View.of(parse_toml(read_document(path), path)), path)

    @classmethod
    def _in_project(cls, path: Path) -> Overlay | None:
        """Return the settings in a ``pyproject.toml``, or None when it has none."""
        tool = View.of(parse_toml(read_document(path), path)).fields().get("tool")
        table = tool.fields().get("mcp-assay") if tool else None
        return cls._of(table, path) if table else None

    @classmethod
    def _of(cls, view: View, path: Path) -> Overlay:
        read = read_overlay(view)
        return cls(
            path=path,
            servers=read.servers,
            weights=read.weights,
            thresholds=read.thresholds,
            budgets=read.budgets,
            workflow_inputs=read.workflow_inputs,
            limits=read.limits,
        )

    def tool(self, server: str, tool: str) -> ToolRule:
        """Return what is said of one tool of one server."""
        rules = [rule for part in self._of_server(server) for rule in _by_pattern(part.tools, tool)]
        return ToolRule(
            call=next((rule.call for rule in rules if rule.call is not None), None),
            args=next((rule.args for rule in rules if rule.args is not None), None),
        )

    def required(self, server: str) -> bool | None:
        """Return whether the run must fail without the server, or None when nothing is said."""
        return next((part.required for part in self._of_server(server) if part.required is not None), None)

    def accepted(self, server: str) -> tuple[Accepted, ...]:
        """Return the accepted findings of a server."""
        return tuple(entry for part in self._of_server(server) for entry in part.accept)

    def budgets_of(self, server: str) -> Mapping[str, float]:
        """Return how much is measured of a server, by name."""
        parts = reversed([part.budgets for part in self._of_server(server)])
        return {**self.budgets, **{name: limit for part in parts for name, limit in part.items()}}

    def limits_of(self, server: str) -> Mapping[str, Budget]:
        """Return what measurements of a server must keep, by metric."""
        parts = reversed([part.limits for part in self._of_server(server)])
        return {limit.metric.name: limit for limits in (self.limits, *parts) for limit in limits}

    def tool_limits_of(self, server: str, tool: str) -> Mapping[str, Budget]:
        """Return what is said of the measurements of one tool, by metric; it comes before `limits_of`."""
        rules = [rule for part in self._of_server(server) for rule in _by_pattern(part.tools, tool)]
        return {limit.metric.name: limit for rule in reversed(rules) for limit in rule.limits}

    def names_limits(self, server: str) -> frozenset[str]:
        """Return the metrics of a server, or of any of its tools, that have a limit."""
        rules = [rule for part in self._of_server(server) for rule in part.tools.values()]
        return frozenset({limit.metric.name for rule in rules for limit in rule.limits}.union(self.limits_of(server)))

    def elicitation(self, server: str) -> Mapping[str, Json]:
        """Return the answers to a server's elicitation requests, by field."""
        parts = reversed([part.elicitation for part in self._of_server(server)])
        return {name: answer for part in parts for name, answer in part.items()}

    def signing_in(self, spec: ServerSpec) -> ServerSpec:
        """Return a server with the grant that these settings name for it.

        Raises:
            ConfigError: The grant is for a server that is started by a command; one that a pattern names has none.
        """
        auth = next((part.auth for part in self._of_server(spec.name) if part.auth is not None), None)
        if auth is not None and spec.transport is not TransportKind.STDIO:
            return replace(spec, auth=auth)
        named = self.servers.get(spec.name)
        if named is not None and named.auth is not None:
            raise ConfigError(
                f"servers.{spec.name}.auth is for a server with an address, and {spec.name} is started by a command",
                path=named.auth.path,
                line=named.auth.line,
                hint="give it its credentials in the env block of the client's file",
            )
        return spec

    def sandbox(self, server: str) -> SandboxRule:
        """Return what a server is given in a sandbox."""
        parts = [part.sandbox for part in self._of_server(server)]
        return SandboxRule(
            network=next((part.network for part in parts if part.network is not None), None),
            folders=tuple(dict.fromkeys(folder for part in parts for folder in part.folders)),
        )

    def variables(self, server: str, variables: Variables) -> Variables:
        """Return ``variables`` with what this overlay says of where the server's secrets are."""
        parts = reversed([part.secrets for part in self._of_server(server)])
        secrets = {name: reference for part in parts for name, reference in part.items()}
        return RedirectedVariables(variables=variables, secrets=secrets)

    def _of_server(self, server: str) -> list[ServerRules]:
        return list(_by_pattern(self.servers, server))


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectedVariables:
    """Looks some references up under another name.

    Attributes:
        variables: Where values come from.
        secrets: What to look up instead, by reference name; a value that ``variables`` has itself comes first.
    """

    variables: Variables
    secrets: Mapping[str, Reference]

    def value_of(self, reference: Reference) -> str | None:
        """Return the value, or None when it is unset."""
        value = self.variables.value_of(reference)
        other = self.secrets.get(reference.name)
        return self.variables.value_of(other) if value is None and other is not None else value


def _by_pattern(rules: Mapping[str, _Value], name: str) -> Iterator[_Value]:
    """Yield what is said under the exact name, then under each matching pattern."""
    if name in rules:
        yield rules[name]
    yield from (rule for pattern, rule in rules.items() if pattern != name and matches(pattern, name))
