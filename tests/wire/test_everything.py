"""The reference server over each of its transports, and servers on the SDK: of every revision, of the newest only."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.wire.callbacks import Callbacks
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.eras import HANDSHAKE_VERSIONS, KNOWN_VERSIONS, STATELESS_VERSIONS
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.official import official_client_report
from mcp_assay.wire.subscription import Subscription
from mcp_assay.wire.versions import spoken_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_assay.wire.reaper import Reaper

pytestmark = pytest.mark.asyncio

EVERYTHING = (
    Path(__file__).parents[2] / ".mcp-assay/real/npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
)
MODERN = Path(__file__).parents[1] / "servers" / "sdk_modern.py"
SDK_SERVER = """
import sys
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

server = MCPServer("sdk")

@server.tool()
def add(a: int, b: int) -> int:
    "Adds."
    return a + b

@server.tool()
async def grow(context: Context) -> str:
    "Adds a tool."
    server.add_tool(lambda: "new", name="new")
    await context.notify_tools_changed()
    return "grown"

server.run(transport=sys.argv[1], port=int(sys.argv[2]))
"""


@pytest.fixture
def serve(reaper: Reaper) -> Iterator[Callable[..., None]]:
    """Yield a starter of servers that listen; it returns once they do."""
    started: list[subprocess.Popen] = []

    def start(port: int, *command: str, **env: str) -> None:
        process = subprocess.Popen(
            command, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        for line in process.stderr:
            if str(port) in line or "running" in line.lower():
                return

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture
def patient(reaper: Reaper) -> Connector:
    return Connector(limits=replace(Limits(), exit_s=1.0), reaper=reaper, callbacks=Callbacks.declining())


@pytest.mark.real
@pytest.mark.parametrize("kind", list(TransportKind))
async def test_server_everything_is_spoken_to_over_each_transport(
    patient: Connector, serve: Callable, unused_tcp_port: int, kind: TransportKind
) -> None:
    base = f"http://127.0.0.1:{unused_tcp_port}"
    modes = {TransportKind.HTTP: ("streamableHttp", "/mcp"), TransportKind.SSE: ("sse", "/sse")}
    launch = Launch(name="everything", transport=kind, command=("node", str(EVERYTHING)))
    if kind in modes:
        mode, path = modes[kind]
        serve(unused_tcp_port, "node", str(EVERYTHING), mode, PORT=str(unused_tcp_port))
        launch = Launch(name="everything", transport=kind, url=base + path)
    assert await spoken_versions(patient, launch) == HANDSHAKE_VERSIONS
    session = await patient.open_session(launch)
    tools = await session.list_all("tools")
    echo = await session.call_tool("echo", {"message": "hi"})
    long = await session.call_tool("trigger-long-running-operation", {"duration": 0.3, "steps": 3}, progress_token="p")
    asked = await session.call_tool("trigger-elicitation-request", {})
    await session.close()
    assert tools.problem is None
    assert echo.succeeded
    assert [m["method"] for m in long.related].count("notifications/progress") == 3
    assert "elicitation/create" in [message.method for message in session.log.server_messages]
    assert asked.result is not None
    assert not session.log.anomaly_counts
    report = await official_client_report(launch, budget_s=60, call=("echo", {"message": "hi"}), reaper=patient.reaper)
    assert (report.error, report.call_is_error) == (None, False)


async def test_the_sdks_server_is_spoken_to_over_http_in_every_revision(
    patient: Connector, serve: Callable, unused_tcp_port: int, tmp_path: Path
) -> None:
    script = tmp_path / "server.py"
    script.write_text(SDK_SERVER)
    serve(unused_tcp_port, sys.executable, str(script), "streamable-http", str(unused_tcp_port))
    launch = Launch(name="sdk", transport=TransportKind.HTTP, url=f"http://127.0.0.1:{unused_tcp_port}/mcp")
    assert await spoken_versions(patient, launch) == KNOWN_VERSIONS
    session = await patient.open_session(launch, protocol="2026-07-28")
    subscription = await Subscription.open(session, {"toolsListChanged": True})
    assert subscription.acknowledged == {"toolsListChanged": True}
    assert (await session.call_tool("add", {"a": 1, "b": 2})).result["structuredContent"] == {"result": 3}
    changed = asyncio.Event()
    stop = session.channel.on_notification(
        lambda message: changed.set() if message["method"] == "notifications/tools/list_changed" else None
    )
    assert (await session.call_tool("grow")).succeeded
    await asyncio.wait_for(changed.wait(), 10)
    stop()
    await subscription.close()
    await session.close()
    assert not psutil.Process().net_connections()


def stateless_launches(serve: Callable, port: int) -> tuple[Launch, Launch]:
    """Start the server of the stateless era on a port; return how it is reached over both transports."""
    serve(port, sys.executable, str(MODERN), "http", str(port))
    web = Launch(name="web", transport=TransportKind.HTTP, url=f"http://127.0.0.1:{port}/mcp")
    return web, Launch(name="pipe", transport=TransportKind.STDIO, command=(sys.executable, str(MODERN), "stdio"))


async def test_a_server_on_the_sdk_that_speaks_the_stateless_era_only_is_found_out_over_both_transports(
    patient: Connector, serve: Callable, unused_tcp_port: int
) -> None:
    web, pipe = stateless_launches(serve, unused_tcp_port)
    assert await spoken_versions(patient, web) == STATELESS_VERSIONS
    for launch in (web, pipe):
        session = await patient.open_session(launch)
        assert (await session.call_tool("total", {"a": 1, "b": 2})).result["structuredContent"] == {"result": 3}
        await session.close()
        assert session.agreement.version in STATELESS_VERSIONS


@pytest.mark.real
async def test_a_server_on_the_sdk_that_speaks_the_stateless_era_only_is_ready_over_both_transports(
    serve: Callable, unused_tcp_port: int, tmp_path: Path
) -> None:
    web, pipe = stateless_launches(serve, unused_tcp_port)
    servers = {"web": {"url": web.url}, "pipe": {"command": pipe.command[0], "args": list(pipe.command[1:])}}
    (tmp_path / "servers.json").write_text(json.dumps({"mcpServers": servers}))
    words = ("--mcp-config", "servers.json", "-m", "not mcp_performance", "-p", "no:cacheprovider")
    report = ("--mcp-baseline", "sdk:python-2.3", "--mcp-report", "json=report.json")
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", *words, *report, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(run.communicate(), 300)
    judged = json.loads((tmp_path / "report.json").read_text())
    assert run.returncode == 0, said.decode()
    assert [(server["status"], server["era"]) for server in judged["servers"]] == [("connected", "stateless")] * 2
    assert judged["summary"]["tools"] == 2
