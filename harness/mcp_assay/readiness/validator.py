"""The library's door to the engine: the same checks, verdicts and scores as the plugin, without pytest."""

from __future__ import annotations

import platform
import uuid
from typing import TYPE_CHECKING, Self

from mcp_assay.core.clock import Clock, SystemClock
from mcp_assay.core.errors import AssayError
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.redaction import Redactor
from mcp_assay.core.verdicts import Category, Outcome
from mcp_assay.readiness.document import PhaseFacts, RunFacts, build_document
from mcp_assay.readiness.engine import Engine
from mcp_assay.readiness.facts import facts_of
from mcp_assay.readiness.opening import OpenRun, open_run
from mcp_assay.readiness.plan import plan_server
from mcp_assay.readiness.sdk_baselines import unneeded
from mcp_assay.readiness.settings import Settings
from mcp_assay.readiness.workflows import judge_workflow
from mcp_assay.wire.connect import Connector

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mcp_assay.config.spec import ServerSpec
    from mcp_assay.core.contract import Document, WorkflowEntry
    from mcp_assay.core.json_types import Json
    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.readiness.baseline import Baseline
    from mcp_assay.readiness.check import Check
    from mcp_assay.readiness.plan import PlannedCheck
    from mcp_assay.readiness.policy import ToolRules
    from mcp_assay.readiness.scoring import ScoringPolicy
    from mcp_assay.readiness.sdk_baselines import SdkBaseline
    from mcp_assay.readiness.workflows import UserWorkflow


class ProductionValidator:
    """Judges the servers of a configuration.

    Use it as an async context manager: entering connects to every server, leaving ends them all.

    Args:
        specs: The servers.
        checks: What to judge by, for example ``mcp_assay_suites.all_checks()``, as far as the settings' tier goes.
        connector: Opens connections; one of its own by default.
        settings: How to judge.
        rules: Which tools may be called.
        scoring: What counts how much.
        baselines: Accepted findings; an entry that has expired, or that a whole run needs no more, fails the report.
        sdks: Named baselines of SDKs, for example ``sdk_baselines.load("sdk:python-2.3")``.
        clock: Source of every time.
    """

    def __init__(
        self,
        specs: Iterable[ServerSpec],
        *,
        checks: Sequence[Check],
        connector: Connector | None = None,
        settings: Settings | None = None,
        rules: ToolRules | None = None,
        scoring: ScoringPolicy | None = None,
        baselines: Sequence[Baseline] = (),
        sdks: Sequence[SdkBaseline] = (),
        clock: Clock | None = None,
    ) -> None:
        self._specs = tuple(specs)
        self._checks = (settings or Settings()).wanted(checks)
        self._connector = connector or Connector()
        self._settings = settings
        self._rules = rules
        self._scoring = scoring
        self._baselines = tuple(baselines)
        self._sdks = tuple(sdks)
        self._clock = clock or SystemClock()
        self._started_at = self._clock.now()
        self._started = self._clock.monotonic()
        self._open: OpenRun | None = None
        self._verdicts: dict[str, Verdict] = {}
        self._workflows: dict[Path, WorkflowEntry] = {}
        self._phases = PhaseFacts()
        self._planned = 0

    async def __aenter__(self) -> Self:
        """Connect to every server."""
        self._open = await open_run(
            self._specs,
            connector=self._connector,
            settings=self._settings,
            rules=self._rules,
            baselines=self._baselines,
            sdks=self._sdks,
            clock=self._clock,
        )
        self._planned = len(self._plan(self._open, frozenset(Category)))
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every server."""
        if self._open is not None:
            await self._open.close()
        self._connector.reaper.close()

    async def comprehensive_server_testing(self) -> Sequence[Verdict]:
        """Judge every server by every check and return the verdicts, in the order of the plan."""
        return await self._judge(frozenset(Category))

    async def multi_server_workflow_validation(
        self, *workflows: UserWorkflow, inputs: Mapping[str, Json] | None = None
    ) -> Sequence[Verdict]:
        """Judge how the servers live beside each other, run workflows over them, and return the verdicts.

        What became of the workflows is in the report, see `generate_validation_report`.

        Args:
            workflows: Workflows of the user, for example ``user_workflows(Path("workflows"))``.
            inputs: Their inputs; each takes those that it knows.
        """
        verdicts = await self._judge({Category.CROSS_SERVER})
        for workflow in workflows:
            given = {name: value for name, value in (inputs or {}).items() if name in workflow.document.inputs}
            judged = await judge_workflow(workflow, self._opened().run, inputs=given)
            self._workflows[workflow.path] = judged.entry
        return verdicts

    def generate_validation_report(self) -> Document:
        """Return the report of everything judged so far, in the shape of the report contract.

        Its ``exit_status`` is that of a pytest run: 1 when a verdict failed or a baseline is stale, otherwise 0.
        """
        opened = self._opened()
        verdicts = list(self._verdicts.values())
        failed = any(verdict.outcome in {Outcome.FAIL, Outcome.ERROR} for verdict in verdicts)
        failed = failed or any(entry["verdict"] == "fail" for entry in self._workflows.values())
        presenter = self._presenter(opened)
        problems = tuple(presenter.text(problem) for problem in self._stale(opened, verdicts))
        facts = RunFacts(
            id=uuid.uuid4().hex,
            started_at=self._started_at,
            duration_s=self._clock.monotonic() - self._started,
            configs=tuple(dict.fromkeys(spec.config for spec in self._specs)),
            python=platform.python_version(),
            platform=platform.platform(),
            exit_status=int(failed or bool(problems)),
            phases=self._phases,
            planned=self._planned,
            problems=problems,
        )
        servers = [facts_of(opened.run.servers.get(s.id) or s) for s in self._specs]
        return build_document(
            facts,
            servers,
            verdicts,
            workflows=[*self._workflows.values()],
            presenter=presenter,
            policy=self._scoring,
        )

    def _stale(self, opened: OpenRun, verdicts: Sequence[Verdict]) -> Iterator[str]:
        """Yield what is wrong with the baselines; only a run that judged everything can call an entry stale."""
        whole = len(verdicts) == self._planned
        servers = opened.run.servers.values()
        unreached = [server.name for server in servers if server.managed.fault is not None]
        for baseline in self._baselines:
            yield from baseline.problems(verdicts, whole=whole, unreached=unreached)
        if whole and not unreached:
            yield from unneeded(self._sdks, verdicts, {server.name: server.transport for server in servers})

    async def _judge(self, categories: Collection[Category]) -> Sequence[Verdict]:
        """Judge by the checks of some categories and return their verdicts."""
        opened = self._opened()
        engine = Engine(opened.run, self._presenter(opened))
        planned = self._plan(opened, categories)
        await engine.run_lanes(planned)
        verdicts = [engine.future(item).result() for item in planned]
        self._verdicts |= {verdict.nodeid: verdict for verdict in verdicts}
        self._phases = PhaseFacts(
            discovery_s=opened.discovery_s,
            registry_s=opened.registry_s,
            checks_s=engine.checks_s,
            performance_s=engine.performance_s,
        )
        return verdicts

    def _plan(self, opened: OpenRun, categories: Collection[Category]) -> list[PlannedCheck]:
        """Return the planned checks of some categories."""
        checks = [check for check in self._checks if check.category in categories]
        return [
            item
            for server in opened.run.servers.values()
            for item in plan_server(server, checks, config_id=server.managed.spec.config)
        ]

    def _presenter(self, opened: OpenRun) -> Presenter:
        """Return what makes text fit to be shown: it knows the secrets of every launch."""
        secrets: dict[str, str] = {}
        for server in opened.run.manager.servers:
            if server.launch is not None:
                secrets |= {f"{server.spec.name} {label}": value for label, value in server.launch.secrets.items()}
        return Presenter(Redactor(secrets))

    def _opened(self) -> OpenRun:
        """Return the open run.

        Raises:
            AssayError: The validator was not entered.
        """
        if self._open is None:
            raise AssayError("the validator is not open", hint="use it in an async with statement")
        return self._open
