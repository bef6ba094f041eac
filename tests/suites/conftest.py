"""Drives the checks through the real engine, on real server processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.loader import load
from mcp_assay.core.presentation import Presenter
from mcp_assay.core.verdicts import Outcome, Verdict
from mcp_assay.readiness.engine import Engine
from mcp_assay.readiness.opening import open_run
from mcp_assay.readiness.plan import plan_server
from mcp_assay.readiness.settings import Settings
from mcp_assay.wire.callbacks import Callbacks
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_assay.readiness.check import Check

RAW = Path(__file__).parent.parent / "servers" / "raw.py"
LIMITS = Limits(start_s=20.0, list_s=3.0, call_s=5.0, probe_s=2.0, exit_s=1.0, terminate_s=1.0)
AT_ONCE = 12
"""Servers judged side by side: two cores have to start several processes for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The verdicts on one server.

    Attributes:
        verdicts: All of them, in the order of the plan.
    """

    verdicts: Sequence[Verdict] = field(default_factory=list)

    def of(self, check: str) -> list[Verdict]:
        """Return the verdicts of one check."""
        return [verdict for verdict in self.verdicts if verdict.check == check]

    @property
    def findings(self) -> dict[str, Verdict]:
        """The first verdict of each check that did not pass, errors of ours included."""
        bad = {Outcome.FAIL, Outcome.WARN, Outcome.ERROR}
        return {verdict.check: verdict for verdict in reversed(self.verdicts) if verdict.outcome in bad}


class Bench:
    """Judges servers and remembers nothing.

    Attributes:
        python: The interpreter of fixture servers.
        servers: The folder of their packages.
    """

    python = sys.executable
    servers = RAW.parent

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def raw(self, *arguments: str) -> dict[str, object]:
        """Return the configuration of the raw fixture server."""
        return {"command": sys.executable, "args": ["-S", str(RAW), *arguments]}

    def demo(self, name: str) -> dict[str, object]:
        """Return the configuration of a demo server."""
        return {"command": sys.executable, "args": ["-P", "-m", f"mcp_assay.demo.{name}"]}

    def judge(
        self,
        servers: Mapping[str, Mapping[str, object]],
        checks: Iterable[Check],
        *,
        protocol: str | None = None,
        settings: Settings | None = None,
        at_once: int = AT_ONCE,
        callbacks: Callbacks | None = None,
    ) -> dict[str, Judged]:
        """Return the verdicts on each server, judging a few at a time."""
        connector = Connector(limits=LIMITS, protocol=protocol, callbacks=callbacks or Callbacks())
        chosen, judged = tuple(checks), dict[str, Judged]()
        names = list(servers)
        for start in range(0, len(names), at_once):
            batch = {name: servers[name] for name in names[start : start + at_once]}
            judged |= asyncio.run(self._batch(batch, chosen, connector, settings or Settings(check_s=60.0)))
        return judged

    async def _batch(
        self,
        servers: Mapping[str, Mapping[str, object]],
        checks: Sequence[Check],
        connector: Connector,
        settings: Settings,
    ) -> dict[str, Judged]:
        path = self._folder / "servers.json"
        path.write_text(json.dumps({"mcpServers": dict(servers)}), "utf-8")
        opened = await open_run(
            load(path, config_id="servers.json"),
            connector=connector,
            settings=settings,
        )
        try:
            subjects = list(opened.run.servers.values())
            plans = {one.name: plan_server(one, checks, config_id="servers.json") for one in subjects}
            engine = Engine(opened.run, Presenter())
            everything = [item for plan in plans.values() for item in plan]
            engine.expect(everything)
            futures = {name: [engine.future(item) for item in plan] for name, plan in plans.items()}
            await engine.run_lanes(everything)
            return {name: Judged(verdicts=[future.result(0) for future in found]) for name, found in futures.items()}
        finally:
            await opened.close()
            connector.reaper.close()


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Judges servers."""
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def also_violated() -> Mapping[str, frozenset[str]]:
    """What else each violation of the raw server breaks, by the check it is made for."""
    text = subprocess.run(
        [sys.executable, str(RAW), "--list"], check=True, capture_output=True, timeout=60, env=dict(os.environ)
    ).stdout
    return {check: frozenset(entry["also"]) for check, entry in json.loads(text)["violations"].items()}
