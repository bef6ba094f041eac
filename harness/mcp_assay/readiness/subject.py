"""What a check looks at: one server or one tool of it, and the run around it."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.core.clock import Clock, SystemClock
from mcp_assay.core.errors import AssayError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.core.identifiers import slug
from mcp_assay.core.redaction import Redactor
from mcp_assay.readiness.examples import Examples, NoExamples
from mcp_assay.readiness.links import Links
from mcp_assay.readiness.made_calls import MadeCall, Past
from mcp_assay.readiness.observations import NoObservations, Observations
from mcp_assay.readiness.policy import CallDecision, NoRules, ToolRules, decide
from mcp_assay.readiness.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from mcp_assay.config.spec import Launch, ServerSpec
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.acceptance import Acceptances
    from mcp_assay.readiness.lock import Lock
    from mcp_assay.readiness.sdk_baselines import SdkBaseline
    from mcp_assay.runtime.inventory import Inventory, ToolDefinition
    from mcp_assay.runtime.manager import ManagedServer, MCPClientManager
    from mcp_assay.wire.callbacks import Callbacks
    from mcp_assay.wire.channel import Channel
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.log import WireLog
    from mcp_assay.wire.schemas import SchemaJudge
    from mcp_assay.wire.session import ServerSession


class UnavailableError(AssayError):
    """A server is down, so that a check cannot be exercised; its verdict is a skip."""


class PostponedError(AssayError):
    """A check asks to be made once more when it was made of the other tools; see `Subject.may_wait`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What all subjects of a run share.

    Attributes:
        manager: Owns the connections.
        schemas: Judges JSON Schemas in a process of its own.
        settings: How the run judges.
        rules: What the user opened and closed.
        clock: Source of every time.
        servers: Every server of the run by its id; filled once, before the first check.
        memory: What checks of several servers find out together, by purpose.
        lock: The definitions that were accepted before, or None.
        baselines: The findings that were accepted before.
        sdks: The findings that come from SDKs, which the user accepts.
        observations: Keeps or hands out what was seen beside the wire.
        examples: Keeps and hands out arguments that showed a fault.
    """

    manager: MCPClientManager
    schemas: SchemaJudge
    settings: Settings = field(default_factory=Settings)
    rules: ToolRules = field(default_factory=NoRules)
    clock: Clock = field(default_factory=SystemClock)
    servers: dict[str, ServerUnderTest] = field(default_factory=dict[str, "ServerUnderTest"])
    memory: dict[str, object] = field(default_factory=dict[str, object])
    lock: Lock | None = None
    baselines: Sequence[Acceptances] = ()
    sdks: Sequence[SdkBaseline] = ()
    observations: Observations = field(default_factory=NoObservations)
    examples: Examples = field(default_factory=NoExamples)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUnderTest:
    """One tool of a server.

    Attributes:
        definition: The tool as it was listed.
        slug: Its name as it stands in node ids.
        decision: Whether it may be called, and why.
    """

    definition: ToolDefinition
    slug: str
    decision: CallDecision

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.definition.name


class ServerUnderTest:
    """One server of the run: its live session, its breaker, and ways to reach it afresh.

    Attributes:
        managed: The connection behind it.
        slug: Its name as it stands in node ids.
        tools: Its tools.
        executed: Names of the tools that were called with success.
        calls: Tool calls made, by tool.
        spent_s: Seconds that these calls took, by tool.
        chosen: Names of the tools that are judged by being called; empty when nobody has said so.
        links: Values that went from one tool to another.
        memory: Results that one check leaves for a later one, by the first check's id.
        past_logs: What was seen on live connections that ended, oldest first; as many as there were restarts.
    """

    def __init__(self, managed: ManagedServer, run: Run, *, slug: str) -> None:
        self.managed = managed
        self.slug = slug
        self._run = run
        self._faults_in_a_row = 0
        self._down: Fault | None = None
        self._revivals = 0
        self.tools = _tools_under_test(managed, run)
        self.executed: set[str] = set()
        self.calls: dict[str, int] = {}
        self.spent_s: dict[str, float] = {}
        self.chosen: set[str] = set()
        self.links = Links()
        self.memory: dict[str, object] = {}
        self._made: list[MadeCall] = []
        self.past_logs: list[WireLog] = []

    @property
    def name(self) -> str:
        """The server's configured name."""
        return self.managed.spec.name

    @property
    def transport(self) -> str:
        """The transport's name."""
        return self.managed.spec.transport.value

    @property
    def run(self) -> Run:
        """The run it belongs to."""
        return self._run

    @property
    def inventory(self) -> Inventory:
        """What it listed when it was connected first."""
        return self.managed.inventory

    @property
    def launch(self) -> Launch:
        """What was started; only for servers that were reached."""
        if self.managed.launch is None:
            raise UnavailableError(f"server {self.name} was never started")
        return self.managed.launch

    @property
    def spoken_versions(self) -> tuple[str, ...]:
        """The revisions it speaks: all of them once that was found out, otherwise those it named."""
        session, launch = self.managed.session, self.managed.launch
        known = None if launch is None else self._run.manager.connector.versions.spoken(launch)
        return known or (() if session is None else session.agreement.offered)

    @property
    def past(self) -> Past:
        """What the running process was called with so far."""
        return Past(self._made, len(self._made))

    @property
    def nobodys_name(self) -> str:
        """A name that nothing on the server has; the same in every run with the same seed, so that runs compare."""
        digest = hashlib.sha256(f"{self._run.settings.seed}:{self.managed.id}".encode("utf-8", "surrogatepass"))
        return f"x-probe-{digest.hexdigest()[:16]}"

    def note_spoken(self, versions: tuple[str, ...]) -> None:
        """Note the revisions it was found to speak."""
        if self.managed.launch is not None and versions:
            self._run.manager.connector.versions.note(self.managed.launch, versions)

    async def session(self) -> ServerSession:
        """Return the live session, starting a dead server again within the run's limit.

        Raises:
            UnavailableError: The server is down.
        """
        if self._down is not None:
            raise UnavailableError(f"the server is down: {self._down.message}")
        session = self.managed.session
        if session is not None and session.alive:
            return session
        cause = session.channel.ended if session is not None else self.managed.fault
        if self.managed.restarts - self._revivals >= self._run.settings.restarts:
            self._down = cause or self.managed.fault
            raise UnavailableError(f"the server is down: {self._down.message if self._down else 'it never came up'}")
        return await self._reconnected()

    async def revive(self) -> ServerSession:
        """Start the server again after a deliberate call of ours ended or blocked it, and return the new session.

        Such a restart does not count against the limit for servers that die by themselves, but has a limit of its own.

        Raises:
            UnavailableError: The server is down, does not come back, or was revived too often.
        """
        if self._down is None and self._revivals >= self._run.settings.revivals:
            self._down = Fault(kind=FaultKind.EXITED, message=f"calls ended or blocked it {self._revivals} times")
        if self._down is not None:
            raise UnavailableError(f"the server is down: {self._down.message}")
        self._revivals += 1
        self._faults_in_a_row = 0
        return await self._reconnected()

    async def request(
        self, method: str, params: Mapping[str, Json] | None = None, *, timeout_s: float | None = None
    ) -> Exchange:
        """Send a request on the live session and return the exchange.

        Raises:
            UnavailableError: The server is down.
        """
        session = await self.session()
        return self._observe(await session.request(method, params, timeout_s=timeout_s))

    def count_calls(self, tool: str, count: int = 1) -> None:
        """Note that a tool was called, also on other connections of the server than this one."""
        self.calls[tool] = self.calls.get(tool, 0) + count

    async def call_tool(self, tool: str, arguments: Mapping[str, Json], *, timeout_s: float | None = None) -> Exchange:
        """Call a tool on the live session and return the exchange. Never retried: a retry hides the fault.

        Whether the tool may be called is the caller's business; see `ToolUnderTest.decision`. Each call asks for
        progress, as hosts do, so that what a server reports can be judged.

        Raises:
            UnavailableError: The server is down.
        """
        session = await self.session()
        self.count_calls(tool)
        self._made.append(MadeCall(tool=tool, arguments=dict(arguments)))
        token = f"progress-{sum(self.calls.values())}"
        exchange = self._observe(await session.call_tool(tool, arguments, timeout_s=timeout_s, progress_token=token))
        self.spent_s[tool] = self.spent_s.get(tool, 0.0) + exchange.duration_s
        if exchange.succeeded and not exchange.hides_tool_error:
            self.executed.add(tool)
        return exchange

    @asynccontextmanager
    async def fresh_session(
        self, *, protocol: str | None = None, callbacks: Callbacks | None = None
    ) -> AsyncGenerator[ServerSession]:
        """Start the server once more beside the live one, and end it afterwards.

        Args:
            protocol: The only revision that will do.
            callbacks: What it is offered instead of the run's own.

        Raises:
            ConnectError: The second instance cannot be reached.
        """
        opener = self._run.manager.opener_for(self.managed.spec)
        session = await opener.open_session(self.launch, protocol=protocol, callbacks=callbacks)
        try:
            yield session
        finally:
            await session.close()

    @asynccontextmanager
    async def fresh_channel(self) -> AsyncGenerator[Channel]:
        """Start the server once more, with nothing said to it yet, and end it afterwards.

        Raises:
            ConnectError: The second instance cannot be started.
        """
        opener = self._run.manager.opener_for(self.managed.spec)
        channel = await opener.open_channel(self.launch)
        try:
            yield channel
        finally:
            await channel.close()

    async def _reconnected(self) -> ServerSession:
        """Start the server again and return its session.

        Raises:
            UnavailableError: It does not come back.
        """
        if self.managed.session is not None:
            self.past_logs.append(self.managed.session.log)
        self._made = []
        await self._run.manager.reconnect(self.managed)
        if self.managed.session is None:
            self._down = self.managed.fault
            raise UnavailableError(f"the server did not come back: {self._down.message if self._down else ''}")
        return self.managed.session

    def _observe(self, exchange: Exchange) -> Exchange:
        """Feed the breaker: faults in a row take the server out of the run."""
        if exchange.fault is None:
            self._faults_in_a_row = 0
            return exchange
        self._faults_in_a_row += 1
        if self._faults_in_a_row >= self._run.settings.down_after:
            self._down = exchange.fault
        return exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One server, or one tool of it, in the run.

    Attributes:
        server: The server.
        tool: The tool, or None for a check of the server as a whole.
        run: What is shared.
        arguments: The only arguments to call the tool with, or None to find some.
        before: Calls of the server's tools that come before that one.
        may_wait: Whether the check may raise `PostponedError`.
    """

    server: ServerUnderTest
    run: Run
    tool: ToolUnderTest | None = None
    arguments: JsonObject | None = None
    before: tuple[MadeCall, ...] = ()
    may_wait: bool = False

    @property
    def the_tool(self) -> ToolUnderTest:
        """The tool of a tool-level check.

        Raises:
            AssayError: The check is about a server: a fault of the check's declaration.
        """
        if self.tool is None:
            raise AssayError("a server-level check asked for its tool")
        return self.tool

    @property
    def others(self) -> tuple[ServerUnderTest, ...]:
        """The other connected servers of the run; the same server in another revision is none."""
        return tuple(
            other
            for other in self.run.servers.values()
            if other is not self.server and other.managed.fault is None and other.managed.spec.protocol is None
        )

    @property
    def version(self) -> str:
        """The revision agreed with the server."""
        session = self.server.managed.session
        if session is None:
            raise UnavailableError("the server is not connected")
        return session.agreement.version


def _tools_under_test(managed: ManagedServer, run: Run) -> tuple[ToolUnderTest, ...]:
    """Return a server's tools with their slugs and decisions; doubles get slugs of their own."""
    taken: set[str] = set()
    tools: list[ToolUnderTest] = []
    launches = [server.launch for server in run.manager.servers if server.launch is not None]
    redactor = Redactor({f"{one.name} {label}": value for one in launches for label, value in one.secrets.items()})
    for definition in managed.inventory.tools:
        # A node id is shown and kept by pytest itself, so that no secret may ever be in it.
        name = slug(redactor.redact(definition.name), taken=frozenset(taken))
        taken.add(name)
        decision = decide(
            managed.spec.name,
            definition,
            run.rules,
            allow_writes=run.settings.allow_writes,
            switched_off=_switched_off(managed.spec, definition.name),
            contained=managed.launch is not None and managed.launch.contained,
        )
        tools.append(ToolUnderTest(definition=definition, slug=name, decision=decision))
    return tuple(tools)


def _switched_off(spec: ServerSpec, tool: str) -> bool:
    """Return whether a server's document keeps a tool from its client."""
    listed = spec.enabled_tools is None or tool in spec.enabled_tools
    return not listed or tool in spec.disabled_tools


def add_server(managed: ManagedServer, run: Run) -> ServerUnderTest:
    """Make a server a subject of the run and return it."""
    taken = frozenset(s.slug for s in run.servers.values() if s.managed.spec.config == managed.spec.config)
    server = ServerUnderTest(managed, run, slug=slug(managed.spec.name, taken=taken))
    run.servers[managed.id] = server
    return server
