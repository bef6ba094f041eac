"""A workflow over three published servers has its effect, looked at without MCP, whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.executor import MultiServerExecutor
from mcp_assay.runtime.manager import MCPClientManager
from mcp_assay.runtime.registry import DynamicToolRegistry
from mcp_assay.runtime.states import ServerState
from mcp_assay.runtime.supervision import WatchPolicy
from mcp_assay.runtime.workflow.builder import CrossServerWorkflowBuilder
from mcp_assay.runtime.workflow.engine import ServerCoordinationEngine
from mcp_assay.runtime.workflow.trace import read_trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp_assay.runtime.workflow.results import WorkflowReport
    from mcp_assay.runtime.workflow.values import Plan

pytestmark = [pytest.mark.real, pytest.mark.asyncio]

OUTER_S = 150
WATCH = WatchPolicy(interval_s=60.0, backoff=Backoff(base_s=0.1, cap_s=0.5, attempts=5))

WORKFLOW = "workflows/remember-last-commit.yaml"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "workflows"


class Bench:
    """Three published servers and what they work on."""

    def __init__(self, manager: MCPClientManager, folder: Path) -> None:
        self.manager = manager
        self.folder = folder
        self.registry = DynamicToolRegistry.build_from_servers(manager.servers)
        self.engine = ServerCoordinationEngine(MultiServerExecutor(manager, self.registry))

    @property
    def plan(self) -> Plan:
        return CrossServerWorkflowBuilder.from_file(EXAMPLE / WORKFLOW, self.registry).build()

    def pid(self, name: str) -> int:
        session = self.manager.server(name).session
        assert session is not None
        assert session.channel.transport.pid is not None
        return session.channel.transport.pid

    async def run(self, target: Path | None = None) -> WorkflowReport:
        inputs = {"repository": str(self.folder / "repository"), "target": str(target or self.folder / "last.txt")}
        return await self.engine.run(self.plan, inputs, trace=self.folder / "run.jsonl")

    @property
    def remembered(self) -> list[str]:
        """What the memory server wrote to its file."""
        path = self.folder / "memory.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)["observations"][0] for line in lines if line]

    @property
    def written(self) -> str | None:
        path = self.folder / "last.txt"
        return path.read_text() if path.exists() else None


@pytest.fixture
def folder(tmp_path: Path, settled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a repository of one commit, and the only one that the servers of the example may touch."""
    monkeypatch.setenv("WORKFLOW_FOLDER", str(tmp_path))
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "a.txt").write_text("a")
    name = ("-c", "user.name=Ada", "-c", "user.email=ada@example.invalid")
    for command in (("init", "-q"), ("add", "."), (*name, "commit", "-q", "-m", "The very first words")):
        subprocess.run(["git", *command], cwd=repository, check=True, timeout=30)
    return tmp_path


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    manager = MCPClientManager.discover_servers_from_config(EXAMPLE / "servers.json", watch=WATCH)
    async with asyncio.timeout(OUTER_S), manager:
        await manager.connect_all()
        yield Bench(manager, folder)


async def test_a_commit_goes_from_git_over_memory_into_a_file(folder: Path) -> None:
    async with bench(folder) as here:
        report = await here.run()
    assert report.problem is None
    assert report.outputs == {"kept": ["last commit"]}
    assert here.written is not None
    assert "The very first words" in here.written
    assert here.remembered == [here.written]


async def test_the_middle_server_may_die_between_two_steps(folder: Path) -> None:
    async with bench(folder) as here:
        here.engine.steps.listen(lambda result: result.id == "keep" and os.kill(here.pid("memory"), signal.SIGKILL))
        report = await here.run()
        assert here.manager.server("memory").restarts == 1
    assert report.problem is None
    assert report.outputs == {"kept": ["last commit"]}
    assert here.remembered == [here.written]


async def test_a_call_that_dies_with_the_middle_server_is_undone_and_nothing_is_lost(folder: Path) -> None:
    async with bench(folder) as here:
        here.engine.steps.listen(lambda result: result.id == "log" and os.kill(here.pid("memory"), signal.SIGSTOP))
        running = asyncio.ensure_future(here.run())
        session = here.manager.server("memory").session
        assert session is not None
        while not session.channel.open_requests:  # noqa: ASYNC110  (nothing tells when it is sent)
            await asyncio.sleep(0.01)
        os.kill(here.pid("memory"), signal.SIGKILL)
        report = await running
        assert here.manager.server("memory").state is ServerState.READY
    assert not report.ok
    assert [(undone.step, undone.call.ok) for undone in report.compensations] == [("keep", True)]
    assert {name: result.status.value for name, result in report.steps.items()} == {
        "log": "succeeded",
        "keep": "failed",
        "write": "blocked",
        "check": "blocked",
    }
    past = read_trace(folder / "run.jsonl")
    assert past.steps["log"] == report.steps["log"]
    assert (here.remembered, here.written) == ([], None)


async def test_what_memory_kept_is_undone_when_the_file_may_not_be_written(folder: Path) -> None:
    async with bench(folder) as here:
        report = await here.run(target=folder.parent / "outside.txt")
    assert not report.ok
    assert [undone.call.ok for undone in report.compensations] == [True]
    assert here.remembered == []
    assert not (folder.parent / "outside.txt").exists()


async def test_the_example_is_a_test_of_each_step(folder: Path) -> None:
    example = folder / "repository" / "examples" / "workflows"
    shutil.copytree(EXAMPLE, example)
    chosen = ("servers.json::workflows", "--mcp-config", "servers.json", "-v", "-p", "no:cacheprovider")
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", *chosen, cwd=example, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with asyncio.timeout(OUTER_S):
        told, _ = await run.communicate()
    assert run.returncode == 0, told.decode()
    assert "5 passed" in told.decode()
    assert "The very first words" in (folder / "last-commit.txt").read_text()
