"""pytest's nodes: configuration file, server, category, check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.verdicts import Outcome
from mcp_assay.plugin.benchmarking import fixtures_of
from mcp_assay.plugin.junit_properties import cases_have_room
from mcp_assay.plugin.nodes import AssayItem, CheckBrokenError, CheckViolatedError, make_node
from mcp_assay.plugin.state import STATE
from mcp_assay.plugin.text import columns_of, describe
from mcp_assay.plugin.workflow_items import WorkflowsNode
from mcp_assay.readiness.plan import by_category

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mcp_assay.core.verdicts import Category, Verdict
    from mcp_assay.plugin.selection import ConfigDocument
    from mcp_assay.readiness.plan import PlannedCheck
    from mcp_assay.readiness.subject import ServerUnderTest


class ConfigFile(pytest.File):
    """A configuration document; collecting it connects to its servers."""

    document: ConfigDocument

    @classmethod
    def of(cls, parent: pytest.Collector, document: ConfigDocument) -> ConfigFile:
        """Return the collector of a document."""
        node: ConfigFile = make_node(cls, parent, path=document.path, nodeid=document.id)
        node.document = document
        return node

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Yield a collector for each server that was started or tried, and one for the user's workflows."""
        state = self.config.stash[STATE]
        for server in state.servers(self.document.id):
            yield ServerNode.of(self, server)
        if state.workflows.of(self.document.id):
            yield WorkflowsNode.of(self, state.workflows.of(self.document.id))


class ServerNode(pytest.Collector):
    """One server."""

    server: ServerUnderTest

    @classmethod
    def of(cls, parent: pytest.Collector, server: ServerUnderTest) -> ServerNode:
        """Return the collector of a server."""
        node: ServerNode = make_node(cls, parent, name=server.slug)
        node.server = server
        node.add_marker(pytest.mark.xdist_group(server.slug))
        return node

    def collect(self) -> Iterable[pytest.Collector]:
        """Yield a collector for each category with checks for this server."""
        for category, planned in by_category(self.config.stash[STATE].plan(self.server)):
            yield CategoryNode.of_category(self, category, planned)


class CategoryNode(pytest.Collector):
    """One category of one server."""

    planned: list[PlannedCheck]

    @classmethod
    def of_category(cls, parent: pytest.Collector, category: Category, planned: list[PlannedCheck]) -> CategoryNode:
        """Return the collector of a category."""
        node: CategoryNode = make_node(cls, parent, name=category.value)
        node.planned = planned
        node.add_marker(f"mcp_{category.value}")
        return node

    def collect(self) -> Iterable[pytest.Item]:
        """Yield an item for each check."""
        for planned in self.planned:
            yield CheckItem.of(self, planned)


class CheckItem(AssayItem):
    """One check of one server or tool."""

    planned: PlannedCheck
    fixturenames: tuple[str, ...] = ()
    verdict: Verdict | None = None

    @classmethod
    def of(cls, parent: pytest.Collector, planned: PlannedCheck) -> CheckItem:
        """Return the item of a planned check."""
        node: CheckItem = make_node(cls, parent, name=planned.name)
        node.planned = planned
        node.fixturenames = fixtures_of(planned)
        return node

    @property
    def may_run_ahead(self) -> bool:
        """Whether nothing but its own turn could decide that the check is not to be made."""
        return self.get_closest_marker("skip") is None and self.get_closest_marker("skipif") is None

    def runtest(self) -> None:
        """Wait for the verdict and raise what it asks for."""
        verdict = self.verdict = self.config.stash[STATE].verdict(self.planned)
        if cases_have_room(self.config):
            self.user_properties += _properties(verdict)
        match verdict.outcome:
            case Outcome.FAIL:
                raise CheckViolatedError(describe(verdict, columns_of(self.config)))
            case Outcome.ERROR:
                raise CheckBrokenError(describe(verdict, columns_of(self.config)))
            case Outcome.SKIP:
                pytest.skip(verdict.reason or "")
            case Outcome.PASS | Outcome.WARN:
                return

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the server's place in its document."""
        planned = self.planned
        line = planned.server.managed.spec.line
        subject = planned.server.slug if planned.tool is None else f"{planned.server.slug}.{planned.tool.slug}"
        return self.path, line - 1 if line else None, f"{subject}: {planned.check.id} {planned.check.slug}"


def _properties(verdict: Verdict) -> list[tuple[str, str]]:
    """Return what other reporters are told of a check besides its outcome."""
    told = [("check", verdict.check), ("level", verdict.level.value), ("spec", verdict.spec)]
    told.append(("verdict", verdict.outcome.value))
    return [*told, ("warning", verdict.observed or "")] if verdict.outcome is Outcome.WARN else told
