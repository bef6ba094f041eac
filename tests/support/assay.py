"""Judges a real server process with the real engine, without pytest's plugin."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_assay.config.spec import Confinement, ServerSpec, Template, TransportKind
from mcp_assay.core.presentation import Presenter
from mcp_assay.readiness.engine import Engine
from mcp_assay.readiness.plan import plan_server
from mcp_assay.readiness.policy import NoRules, Rule
from mcp_assay.readiness.settings import Settings
from mcp_assay.readiness.subject import Run, add_server
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.reaper import Reaper
from mcp_assay.wire.schemas import SchemaJudge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_assay.config.spec import Launch
    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.readiness.check import Check
    from mcp_assay.readiness.policy import ToolRule, ToolRules
    from mcp_assay.readiness.subject import ServerUnderTest

OUTER_S = 60.0
LIMITS = Limits(start_s=20.0, list_s=5.0, call_s=5.0, probe_s=0.5, exit_s=0.5, terminate_s=0.5)


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules by tool name."""

    tools: Mapping[str, Rule]

    def tool(self, server: str, tool: str) -> ToolRule:
        return self.tools.get(tool, Rule())


@dataclass(frozen=True, slots=True)
class Assayed:
    """What became of a server: its verdicts by name (``TOOL-015.echo``), and the server."""

    verdicts: Mapping[str, Verdict]
    server: ServerUnderTest

    def __getitem__(self, name: str) -> Verdict:
        return self.verdicts[name]

    @property
    def findings(self) -> dict[str, str]:
        """Words of all verdicts that are neither pass nor skip, by name."""
        return {
            name: verdict.outcome.value
            for name, verdict in self.verdicts.items()
            if verdict.outcome.value not in {"pass", "skip"}
        }


def confined(spec: ServerSpec, launch: Launch) -> Launch:
    """Return a launch that counts as one in a sandbox."""
    return replace(launch, confinement=Confinement())


def assay(
    command: Sequence[str],
    checks: Sequence[Check],
    *,
    settings: Settings | None = None,
    rules: ToolRules | None = None,
    limits: Limits = LIMITS,
    schema_budget_s: float = 10.0,
    tools: Sequence[str] = (),
    contained: bool = False,
) -> Assayed:
    """Judge a stdio server by some checks, tool-level ones for the named tools only, or for all.

    ``contained`` says that it runs in a sandbox; it does not, so use it for servers that can do no harm.
    """

    async def work() -> Assayed:
        parts = tuple(Template.literal(part) for part in command)
        spec = ServerSpec(name="it", config="c", path=None, line=0, transport=TransportKind.STDIO, command=parts)
        confining = confined if contained else None
        manager = MCPClientManager([spec], connector=Connector(limits=limits, reaper=reaper), confining=confining)
        async with asyncio.timeout(OUTER_S), manager, SchemaJudge(budget_s=schema_budget_s) as judge:
            await manager.connect_all()
            run = Run(manager=manager, schemas=judge, settings=settings or Settings(), rules=rules or NoRules())
            server = add_server(manager.servers[0], run)
            planned = plan_server(server, checks, config_id="c")
            wanted = [item for item in planned if not tools or item.tool is None or item.tool.name in tools]
            engine = Engine(run, Presenter())
            await engine.run_lanes(wanted)
            return Assayed({item.name: engine.future(item).result(0) for item in wanted}, server)

    reaper = Reaper()
    try:
        return asyncio.run(work())
    finally:
        reaper.close()
