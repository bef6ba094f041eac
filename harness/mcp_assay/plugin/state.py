"""The state of one judged pytest session, on a typed key."""

from __future__ import annotations

import uuid
from concurrent.futures import CancelledError, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.describe import literal_secrets
from mcp_assay.config.overlay import Overlay
from mcp_assay.core.clock import SystemClock
from mcp_assay.core.errors import AssayError, ConfigError
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.redaction import Redactor
from mcp_assay.core.verdicts import Category
from mcp_assay.plugin.accepted import Accepted
from mcp_assay.plugin.benchmarking import without_timing
from mcp_assay.plugin.discovering import Discovering
from mcp_assay.plugin.elicitation import answering
from mcp_assay.plugin.taping import Taping
from mcp_assay.plugin.workflow_runs import WorkflowRuns
from mcp_assay.readiness.acceptance import stale_acceptances
from mcp_assay.readiness.confining import confining
from mcp_assay.readiness.document import PhaseFacts, ServerFacts, ServerStatus
from mcp_assay.readiness.engine import Engine
from mcp_assay.readiness.examples import ExamplesPlace, examples_in
from mcp_assay.readiness.facts import facts_of
from mcp_assay.readiness.opening import OpenRun, open_run
from mcp_assay.readiness.plan import plan_server
from mcp_assay.readiness.scoring import ScoringPolicy
from mcp_assay.readiness.workflows import MOST_TIMES, UserWorkflow, WorkflowJudgement, judge_workflow
from mcp_assay.runtime.background import BackgroundLoop, LoopStuckError
from mcp_assay.wire.connect import Connector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    from mcp_assay.config.spec import Launch, ServerSpec, Variables
    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.plugin.selection import ConfigDocument
    from mcp_assay.readiness.check import Check
    from mcp_assay.readiness.plan import PlannedCheck
    from mcp_assay.readiness.progress import Arrivals
    from mcp_assay.readiness.settings import Settings
    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.opener import Opener
    from mcp_assay.wire.sandbox import Sandbox

BESIDE_OTHERS = "timed only when nothing else runs: repeat without -n"
"""Why a worker times nothing."""

_STALL_S = 60.0
_POLL_S = 1.0
_CLOSE_S = 60.0


@dataclass(slots=True, kw_only=True)
class AssaySession:
    """Everything one pytest session knows about its servers.

    Attributes:
        documents: The configuration documents.
        variables: Where references are looked up.
        settings: How the run judges.
        limits: Budgets of each connection.
        protocol: The only revision to speak, or None.
        every_revision: Whether servers are judged in every revision they speak.
        checks: All checks.
        reproduce: Start of a command line that repeats a check.
        overlay: The user's own settings.
        skip_unset: Whether a server with an unset variable is skipped.
        on_demand: Whether checks run only when their item does, instead of ahead in lanes.
        untimed: Why nothing can be timed in this run, or None.
        accepted: The lock file and the baseline.
        taping: Whether the run is recorded or replayed.
        sandbox: Confines what is started, or None.
        kept_in: Where arguments that showed a fault are kept, or None.
        loop: Where connections live.
        presenter: Makes text fit to be shown.
        selected: The checks that pytest is going to run and that may run ahead of their turn.
        skipped: Why a server was not started, by its id.
        workflows: The user's workflows, and what became of them.
    """

    documents: Sequence[ConfigDocument]
    variables: Variables
    settings: Settings
    limits: Limits
    protocol: str | None
    checks: Sequence[Check]
    reproduce: str
    overlay: Overlay = field(default_factory=Overlay)
    every_revision: bool = False
    skip_unset: bool = False
    on_demand: bool = False
    untimed: str | None = None
    accepted: Accepted = field(default_factory=Accepted)
    taping: Taping = field(default_factory=Taping)
    sandbox: Sandbox | None = None
    kept_in: ExamplesPlace | None = None
    loop: BackgroundLoop = field(default_factory=BackgroundLoop)
    presenter: Presenter = field(default_factory=Presenter)
    selected: Sequence[PlannedCheck] = ()
    skipped: dict[str, AssayError] = field(default_factory=dict[str, AssayError])
    workflows: WorkflowRuns = field(default_factory=WorkflowRuns)
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    clock: SystemClock = field(default_factory=SystemClock)
    started_at: datetime = field(init=False)
    discovering: Discovering = field(init=False)
    _started: float = field(init=False)
    _connector: Connector = field(init=False)
    _discovery: OpenRun | None = None
    _engine: Engine | None = None
    _lanes: Future[None] | None = None
    _ahead: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.started_at = self.clock.now()
        self._started = self.clock.monotonic()
        seconds = self.limits.start_s + 5 * self.limits.list_s + _STALL_S
        self.discovering = Discovering(loop=self.loop, open_run=self._discover, deadline_s=seconds)
        self._connector = Connector(limits=self.limits, clock=self.clock, protocol=self.protocol, sign_in=self._sign_in)

    @property
    def specs(self) -> list[ServerSpec]:
        """All servers that were asked for."""
        return [spec for document in self.documents for spec in document.specs]

    @property
    def scoring(self) -> ScoringPolicy:
        """What counts how much, with what the user's own settings say."""
        default = ScoringPolicy()
        return replace(
            default,
            weights={**default.weights, **self.overlay.weights},
            ready_score=self.overlay.thresholds.get("ready_score", default.ready_score),
            ready_evidence=self.overlay.thresholds.get("ready_evidence", default.ready_evidence),
        )

    def variables_for(self, spec: ServerSpec) -> Variables:
        """Return where a server's references are looked up."""
        return self.overlay.variables(spec.name, self.variables)

    def prepare(self) -> None:
        """Look every variable up once, so that a missing one stops the run before anything is started.

        Raises:
            ConfigError: A variable is unset, unless such servers are to be skipped.
        """
        secrets: dict[str, str] = {}
        for spec in self.specs:
            secrets |= {f"{spec.name} {label}": value for label, value in literal_secrets(spec).items()}
            if spec.disabled:
                continue
            try:
                launch = spec.resolve(self.variables_for(spec))
            except ConfigError as problem:
                if not self.skip_unset:
                    raise
                self.skipped[spec.id] = problem
            else:
                secrets |= {f"{spec.name} {label}": value for label, value in launch.secrets.items()}
        self.presenter = Presenter(Redactor(secrets))
        self.accepted = self.accepted.without_secrets(self.presenter.redactor)

    def discover(self) -> OpenRun:
        """Connect to every server, once, and return what came of it."""
        if self._discovery is None:
            self._discovery = self.discovering.result()
        return self._discovery

    @property
    def discovered(self) -> bool:
        """Whether the servers have been connected."""
        return self._discovery is not None

    @property
    def engine(self) -> Engine:
        """The engine of this session; connects on first use."""
        if self._engine is None:
            self._engine = Engine(self.discover().run, self.presenter, reproduce=self.reproduce)
        return self._engine

    def servers(self, config: str) -> list[ServerUnderTest]:
        """Return the servers of a document that were started or tried, further revisions after the first."""
        return [server for server in self.discover().run.servers.values() if server.managed.spec.config == config]

    def plan(self, server: ServerUnderTest) -> Sequence[PlannedCheck]:
        """Return the checks for one server."""
        return plan_server(server, self.checks, config_id=server.managed.spec.config)

    def planned(self) -> int:
        """Return how many checks a whole run makes of the servers that were connected or tried."""
        servers = () if self._discovery is None else self._discovery.run.servers.values()
        return sum(len(self.plan(server)) for server in servers)

    def start_lanes(self) -> None:
        """Start judging the selected checks ahead; does nothing when checks run on demand or lanes run already."""
        if self.on_demand or self._lanes is not None:
            return
        timed = self.untimed is None
        planned = [item for item in self.selected if timed or item.check.category is not Category.PERFORMANCE]
        self._ahead = frozenset(item.nodeid for item in planned)
        engine = self.engine
        engine.expect(planned)
        self._lanes = self.loop.start(lambda: engine.run_lanes(planned))

    def is_judged(self, item: PlannedCheck, patience_s: float) -> bool:
        """Return whether asking for a verdict now makes nobody wait, after waiting ``patience_s`` for it at most.

        True as well when nothing is judged ahead, and when the event loop is stuck, which `verdict` tells.
        """
        if self._lanes is None:
            return True
        return bool(wait([self.engine.future(item)], patience_s).done) or not self.loop.turns(_POLL_S)

    def verdict(self, item: PlannedCheck) -> Verdict:
        """Return the verdict of one check, waiting for its lane or judging it now."""
        engine = self.engine
        if self.untimed is not None and item.check.category is Category.PERFORMANCE:
            item = without_timing(item, self.untimed)
        try:
            if self._lanes is not None and item.nodeid in self._ahead:
                return self._wait(engine.future(item))
            patience_s = self.settings.patience_s(item.check.category)
            return self.loop.run(lambda: engine.judge(item), deadline_s=patience_s + _STALL_S)
        except LoopStuckError as problem:
            return engine.give_up(item, problem.message)
        except CancelledError:
            return engine.give_up(item, "the lanes were stopped before this check ran")

    def workflow(self, workflow: UserWorkflow) -> WorkflowJudgement:
        """Return what became of a workflow, running it on the first question when the lanes are through."""
        if self._lanes is not None:
            self._wait_for_lanes(self._lanes)
        run, partial = self.discover().run, self.workflows.partial
        inputs, only = self.overlay.workflow_inputs.get(workflow.key), self.workflows.wanted(workflow)
        return self.workflows.judgement(
            workflow,
            lambda: self.loop.run(
                lambda: judge_workflow(workflow, run, inputs=inputs, only=only, partial=partial),
                deadline_s=MOST_TIMES * self.settings.workflow_s + _STALL_S,
            ),
        )

    def stop(self) -> None:
        """Stop the lanes at once."""
        if self._lanes is not None and not self._lanes.done():
            self._lanes.cancel()

    def close(self) -> None:
        """End every server and the loop. Idempotent; never raises for what a server does."""
        self.stop()
        discovery, self._discovery = self._discovery, None
        self.discovering.give_up()
        if discovery is not None:
            try:
                self.loop.run(discovery.close, deadline_s=_CLOSE_S)
            except (LoopStuckError, CancelledError):
                self._connector.reaper.close()
        self._connector.reaper.close()
        self.taping.close()
        self.loop.close()

    def phases(self) -> PhaseFacts:
        """Return where the time went so far."""
        discovery = self._discovery
        return PhaseFacts(
            discovery_s=0.0 if discovery is None else discovery.discovery_s,
            registry_s=0.0 if discovery is None else discovery.registry_s,
            checks_s=0.0 if self._engine is None else self._engine.checks_s,
            performance_s=0.0 if self._engine is None else self._engine.performance_s,
        )

    @property
    def duration_s(self) -> float:
        """Seconds since the session began."""
        return self.clock.monotonic() - self._started

    def missing_required(self, facts: Sequence[ServerFacts]) -> Iterator[str]:
        """Yield a sentence for each server that must be judged and was not started."""
        required = {spec.name for spec in self.specs if self._is_required(spec)}
        for server in facts:
            if server.name in required and not server.status.asked_for:
                yield f"{server.name}: required, but {server.status.value}"

    def stale_acceptances(self, verdicts: Sequence[Verdict]) -> Iterator[str]:
        """Yield a sentence for each accepted finding that this run, which judged everything, did not find."""
        judged = [spec.name for spec in self.specs if not spec.disabled]
        place = self.overlay.path.name if self.overlay.path else ""
        yield from (f"{place} {problem}" for problem in stale_acceptances(self.overlay, judged, verdicts))

    def update_lock(self) -> list[str]:
        """Write the lock file when that was asked for and servers are connected; return what to tell the user.

        Raises:
            AssayError: The file cannot be written.
        """
        if not self.accepted.updates_lock:
            return []
        if self._discovery is None:
            raise AssayError("--mcp-lock update: no server was connected", hint="--mcp-suite adds the generated suites")
        return self.accepted.update_lock(list(self._discovery.run.servers.values()))

    def settle_baseline(
        self, verdicts: Sequence[Verdict], facts: Sequence[ServerFacts], *, whole: bool
    ) -> Iterator[str]:
        """Yield what is wrong with the baselines after a run; see `Accepted.settle`."""
        unreached = [server.name for server in facts if server.status is not ServerStatus.CONNECTED]
        transports = {server.name: server.transport for server in facts}
        return self.accepted.settle(verdicts, whole=whole, unreached=unreached, transports=transports)

    def suggestions(self, verdicts: Sequence[Verdict], facts: Sequence[ServerFacts]) -> Iterator[str]:
        """Yield what the user may accept at once; see `Accepted.suggestions`."""
        return self.accepted.suggestions(verdicts, {server.name: server.transport for server in facts})

    def _is_required(self, spec: ServerSpec) -> bool:
        """Return whether the run must fail without the server; the user's own settings come first."""
        own = self.overlay.required(spec.name)
        return spec.required if own is None else own

    def server_facts(self) -> list[ServerFacts]:
        """Return what became of every configured server."""
        subjects: Mapping[str, ServerUnderTest] = self._discovery.run.servers if self._discovery else {}
        facts = [self._facts(spec, subjects.get(spec.id)) for spec in self.specs]
        return facts + [facts_of(server) for server in subjects.values() if server.managed.spec.protocol is not None]

    def _facts(self, spec: ServerSpec, subject: ServerUnderTest | None) -> ServerFacts:
        """Return what became of one server."""
        if subject is not None:
            return facts_of(subject)
        reason = self.skipped.get(spec.id)
        if spec.disabled_because is not None:
            reason = AssayError(spec.disabled_because)
        status = ServerStatus.DISABLED if spec.disabled else ServerStatus.SKIPPED
        return facts_of(spec, status=status, reason=reason)

    async def _discover(self, arrivals: Arrivals) -> OpenRun:
        """Connect to every server that is not skipped."""
        return await open_run(
            [spec for spec in self.specs if spec.id not in self.skipped],
            connector=self._connector,
            variables_for=self.variables_for,
            settings=self.settings,
            rules=self.overlay,
            clock=self.clock,
            every_revision=self.every_revision,
            lock=self.accepted.compared,
            baselines=self.accepted.baselines,
            sdks=self.accepted.sdks,
            opening=self._opening,
            observations=self.taping.observations(self.presenter),
            sign_in=self._sign_in,
            examples=examples_in(self.kept_in, self.presenter.redactor, taped=self.taping.in_use),
            confining=confining(self.sandbox, self.overlay),
            watching=arrivals.follow,
        )

    async def _sign_in(self, launch: Launch, *, timeout_s: float) -> Launch:
        """Return a launch with its token, which is a secret of this run from then on.

        Raises:
            ConnectError: No token was given, or the server does not take it.
        """
        signed = await self.taping.sign_in(launch, timeout_s=timeout_s)
        if signed is not launch:
            self.presenter.redactor.learn({f"{launch.name} {label}": value for label, value in signed.secrets.items()})
            self.taping.learn(signed)
        return signed

    def _opening(self, connector: Connector, spec: ServerSpec) -> Opener:
        """Return what opens a server's connections: it answers elicitation by the user's settings, and is recorded."""
        return self.taping.opening(answering(connector, self.overlay.elicitation(spec.name)))

    def _wait(self, future: Future[Verdict]) -> Verdict:
        """Return a lane's verdict; notices when the loop itself no longer turns."""
        stalled = 0.0
        while True:
            try:
                return future.result(_POLL_S)
            except TimeoutError:
                stalled = 0.0 if self.loop.turns(_POLL_S) else stalled + _POLL_S
                if stalled >= _STALL_S:
                    raise LoopStuckError(f"the event loop has not turned for {_STALL_S:g} s") from None

    def _wait_for_lanes(self, lanes: Future[None]) -> None:
        """Return when no lane runs any more: each is bounded by its checks."""
        while not wait([lanes], _POLL_S).done:
            continue


STATE = pytest.StashKey[AssaySession]()
"""Where a configured session is found; absent when the plugin has nothing to do."""
