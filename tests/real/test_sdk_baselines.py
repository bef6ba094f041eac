"""Every entry of a named baseline is what the SDK does, and a plain server on the SDK has no other finding.

In the same run the reference server "everything" is judged over each of its transports, in each revision it speaks.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcp_assay.readiness.sdk_baselines import load, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.readiness.sdk_baselines import SdkBaseline

pytestmark = pytest.mark.real

HERE = Path(__file__).resolve().parent / "sdk"
RUN_TIMEOUT_S = 600
START_S = 60
SERVERS: Mapping[str, tuple[str, ...]] = {
    "sdk:fastmcp-typescript-3.x": ("node", f"{HERE}/fastmcp.cjs", "{real}/npm-taskmaster"),
    "sdk:python-1.x": ("{real}/python-mcp1/bin/python", f"{HERE}/python_1.py"),
    "sdk:python-2.3": ("{real}/python/bin/python", f"{HERE}/python_2.py"),
    "sdk:typescript-1.x": ("node", f"{HERE}/typescript_1.cjs", "{real}/npm"),
    "sdk:typescript-2.0": ("node", f"{HERE}/typescript_2.cjs", "{real}/npm"),
}
"""How the plain server on each SDK is started; transport and port follow."""

INSTALLED: Mapping[str, str] = {
    "sdk:fastmcp-typescript-3.x": "npm-taskmaster/node_modules/fastmcp/package.json",
    "sdk:python-1.x": "python-mcp1/lib/python*/site-packages/mcp-*.dist-info/METADATA",
    "sdk:python-2.3": "python/lib/python*/site-packages/mcp-*.dist-info/METADATA",
    "sdk:typescript-1.x": "npm/node_modules/@modelcontextprotocol/sdk/package.json",
    "sdk:typescript-2.0": "npm/node_modules/@modelcontextprotocol/server/package.json",
}
"""Where the version of each installed SDK stands."""

EVERYTHING = "npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
BY_TRANSPORT: Mapping[str, str] = {"streamable-http": "streamableHttp", "sse": "sse"}
"""What the reference server calls its transports."""

EVERYWHERE = {"BASE-012", "BASE-014", "LOG-004", "PAGE-004", "RES-008", "TOOL-021"}
CONFIRMED: Mapping[str, set[str]] = {
    "stdio": EVERYWHERE | {"BASE-011"},
    # It looks at no Origin, and answers 400 for a session that was ended.
    "streamable-http": EVERYWHERE | {"HTTP-003", "HTTP-030"},
    # What is no message gets status 400 with a line of text.
    "sse": EVERYWHERE | {"BASE-011"},
}
"""Findings on the reference server, by transport; each was confirmed by hand on the raw exchange."""

BUILT_ON: Mapping[str, str] = {"sdk:fastmcp-typescript-3.x": "sdk:typescript-1.x"}
"""What carries the marks of the SDK below it as well."""

OVER_SSE = "sdk:typescript-1.x"
"""The SDK whose plain server also speaks HTTP+SSE, as many published servers on it do."""

Result = dict[str, Any]


def command(name: str, real: Path, transport: str, port: int) -> list[str]:
    return [*(part.format(real=real) for part in SERVERS[name]), transport, str(port)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once somebody listens."""
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as client:
            client.settimeout(1)
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
    pytest.fail(f"the server on port {port} does not listen")


@pytest.fixture(scope="module")
def listening(installed: Path) -> Iterator[Mapping[str, int]]:
    """The plain server of each SDK over HTTP by its name, the reference server by its transport: the port."""
    ports = {name: free_port() for name in (*SERVERS, *BY_TRANSPORT)}
    with ExitStack() as stack:
        for name, port in ports.items():
            if name in SERVERS:
                words = command(name, installed, "streamable-http", port)
            else:
                words = ["node", str(installed / EVERYTHING), BY_TRANSPORT[name]]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
            process = stack.enter_context(subprocess.Popen(words, env={**os.environ, "PORT": str(port)}, **quiet))
            stack.callback(process.kill)
            wait_for(port, process)
        yield ports


def entries(name: str, real: Path, port: int) -> dict[str, Any]:
    if name == "streamable-http":
        return {f"everything/{name}": {"type": "http", "url": f"http://127.0.0.1:{port}/mcp"}}
    if name == "sse":
        return {f"everything/{name}": {"type": "sse", "url": f"http://127.0.0.1:{port}/sse"}}
    first, *rest = command(name, real, "stdio", 0)
    base = f"http://127.0.0.1:{port}"
    older = {f"{name}/sse": {"type": "sse", "url": f"{base}/sse"}} if name == OVER_SSE else {}
    return {f"{name}/stdio": {"command": first, "args": rest}, f"{name}/http": {"url": f"{base}/mcp"}, **older}


@pytest.fixture(scope="module")
def results(
    installed: Path, listening: Mapping[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, list[Result]]:
    """The findings on each plain server besides advice, in every revision it speaks, by the SDK's name."""
    folder = tmp_path_factory.mktemp("sdk")
    config = {key: one for name, port in listening.items() for key, one in entries(name, installed, port).items()}
    config["everything/stdio"] = {"command": "node", "args": [str(installed / EVERYTHING)]}
    (folder / "servers.json").write_text(json.dumps({"mcpServers": config}))
    options = ["--mcp-protocol", "all", "--mcp-report", "json=report.json", "-m", "not mcp_performance"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--mcp-config", "servers.json", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert (folder / "report.json").is_file(), done.stdout
    report = json.loads((folder / "report.json").read_text("utf-8"))
    transports = {server["name"]: server["transport"] for server in report["servers"]}
    assert set(config) <= {server["name"] for server in report["servers"] if server["status"] == "connected"}
    found = [
        {**one, "transport": transports[one["server"]]}
        for one in report["results"]
        if one["verdict"] in {"fail", "warn"} and one["level"] != "ADV"
    ]
    return {name: [one for one in found if one["server"].startswith(f"{name}/")] for name in (*SERVERS, "everything")}


def explained(baseline: SdkBaseline, result: Result) -> bool:
    return baseline.entry(result["check"], result["transport"], result["observed"]) is not None


def test_every_named_baseline_has_a_server_here() -> None:
    assert set(names()) == set(SERVERS)


@pytest.mark.parametrize("name", SERVERS)
def test_the_baseline_was_verified_with_the_version_that_is_installed(installed: Path, name: str) -> None:
    text = next(installed.glob(INSTALLED[name])).read_text("utf-8")
    found = re.search(r'^(?:Version: |\s*"version": ")([\d.]+)', text, re.MULTILINE)
    assert found is not None
    assert load(name).verified == found[1]


@pytest.mark.parametrize("name", SERVERS)
def test_the_sdk_still_shows_each_finding_of_its_baseline(results: Mapping[str, list[Result]], name: str) -> None:
    unseen = [
        (entry.check, pattern)
        for entry in load(name).known
        for pattern in entry.observed
        if not any(
            entry.covers(one["check"], one["transport"], one["observed"]) and fnmatchcase(one["observed"], pattern)
            for one in results[name]
        )
    ]
    assert unseen == []


@pytest.mark.parametrize("name", SERVERS)
def test_a_plain_server_on_the_sdk_has_no_finding_that_its_baseline_lacks(
    results: Mapping[str, list[Result]], name: str
) -> None:
    baseline = load(name)
    left = [(one["server"], one["check"], one["observed"]) for one in results[name] if not explained(baseline, one)]
    assert left == []


@pytest.mark.parametrize("name", SERVERS)
def test_the_marks_of_an_sdk_are_not_seen_on_another(results: Mapping[str, list[Result]], name: str) -> None:
    marks = [entry for entry in load(name).known if entry.mark]
    others = [one for other in SERVERS if name not in {other, BUILT_ON.get(other)} for one in results[other]]
    seen = [one for one in others for m in marks if m.covers(one["check"], one["transport"], one["observed"])]
    assert [(one["server"], one["check"], one["observed"]) for one in seen] == []


@pytest.mark.parametrize("transport", CONFIRMED)
def test_the_reference_server_has_the_findings_that_were_confirmed(
    results: Mapping[str, list[Result]], transport: str
) -> None:
    found = {one["check"] for one in results["everything"] if one["transport"] == transport}
    assert found == CONFIRMED[transport]
