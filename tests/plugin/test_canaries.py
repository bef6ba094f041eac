"""A whole run against servers that give every secret back in every field: none of them may come out anywhere."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from projects import INI, RAW_SERVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIRROR = RAW_SERVER.with_name("mirror.py")
PATIENCE_S = 300.0
FORMATS = {
    "json": "json", "markdown": "md", "junit": "xml", "html": "html", "sarif": "sarif", "github": "txt",
    "prometheus": "prom", "otlp": "otlp", "github-benchmark": "bench",
}  # fmt: skip
WORKFLOW = """
steps:
  ask: {tool: local.mirror}
  use: {tool: remote.mirror, arguments: {text: "${steps.ask.text}"}}
  fail: {tool: remote.mirror, needs: [use], arguments: {text: "${steps.use.structured.nothing}"}}
"""
LATER = (
    ("report", "out/r.json", "--against", "out/r.json", "--to", "html,markdown,junit,sarif", "--out", "out/again"),
    ("merge", "out/r.json", "-o", "out/merged.json"),
    ("repro", "out/r.json", "--out", "out/test_repro.py"),
    ("history", "out/h.db"),
    ("history", "out/h.db", "--json"),
    ("gate", "out/r.json"),
)
"""What people run on a report afterwards."""
CANARIES = {
    "env": "eNvCaNaRy/7Qx+9vLz=Tr0u",
    "argument": "aRgCaNaRy-8Wy_0wMa.Us1v",
    "header": "hEaDeRcAnArY~6Pw*8uKy",
    "url": "uRlCaNaRy-5Ov_7tJx.Rq2w",
}
OWN_TESTS = """
import logging


def test_fails(mcp_server):
    answers = [mcp_server.call_tool("mirror")] if mcp_server.spec.name == "local" else []
    logging.getLogger("own").debug("answers %s", answers)
    held = mcp_server
    assert not answers, answers


def test_every_tool(mcp_tool):
    definition = mcp_tool.definition
    assert definition is None, mcp_tool
"""


@pytest.fixture
def address() -> Iterator[Callable[..., str]]:
    """Return a function that starts a mirror over HTTP and returns its address."""
    running: list[subprocess.Popen[str]] = []

    def start(*words: str) -> str:
        command = [sys.executable, str(MIRROR), "--http", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        return process.stdout.readline().strip()

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=30)


def traces(name: str) -> list[str]:
    """Return what would show that a canary came out: itself, its halves and its encodings."""
    text = CANARIES[name]
    half = len(text) // 2
    core = base64.b64encode(f"x{text}y".encode()).decode()[4:-4]
    found = [text, text[:half], text[half:], core, quote(text, safe=""), text.encode().hex(), json.dumps(text)[1:-1]]
    return [*found, repr(text)[1:-1]]


@pytest.fixture
def project(pytester: pytest.Pytester, address: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a project whose configuration and environment hold the canaries."""
    monkeypatch.setenv("CANARY_ENV", CANARIES["env"])
    monkeypatch.setenv("CANARY_HEADER", CANARIES["header"])
    arguments = [str(MIRROR), f"--token={CANARIES['argument']}"]
    started = {"command": sys.executable, "args": arguments, "env": {"SECRET_KEY": "${CANARY_ENV}"}}
    headers = {"Authorization": "Bearer ${CANARY_HEADER}", "X-Api-Key": "${CANARY_HEADER}"}
    key = quote(CANARIES["url"], safe="")
    servers = {
        "local": started,
        "dead": {**started, "args": [*arguments, "--exit"]},
        "remote": {"url": f"{address()}?key={key}", "headers": headers},
        "broken": {"url": f"{address('--broken')}?key={key}", "headers": headers},
    }
    pytester.makefile(".json", servers=json.dumps({"mcpServers": servers}, indent=2))
    pytester.makefile(".ini", pytest=INI)
    pytester.makepyfile(test_own=OWN_TESTS)
    (pytester.mkdir("workflows") / "mirrors.yaml").write_text(WORKFLOW)
    return pytester


def run(project: pytest.Pytester, *words: str) -> tuple[int, str]:
    """Run pytest as talkative as it can be and return its status and all that it wrote to the terminal."""
    reports = [word for name, ending in FORMATS.items() for word in ("--mcp-report", f"{name}=out/r.{ending}")]
    command = [sys.executable, "-m", "pytest", "--mcp-config", "servers.json", *reports, "--junitxml=out/own.xml"]
    talk = [
        "-vv",
        "-rA",
        "--showlocals",
        "--setup-show",
        "--log-level=DEBUG",
        "--log-file=out/log.txt",
        "--durations=0",
    ]
    done = subprocess.run(
        [*command, *talk, *words],
        cwd=project.path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout


def later(project: pytest.Pytester, *words: str) -> str:
    """Run a command of ours on what a run left behind and return all that it wrote."""
    done = subprocess.run(
        [sys.executable, "-c", "from mcp_assay.cli.main import main; main()", *words],
        cwd=project.path,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode in {0, 1}, (words, done.stdout, done.stderr)
    return done.stdout + done.stderr


def leaks(folder: Path, terminal: str) -> list[str]:
    """Return where a trace of a canary is found: what it is, and its surroundings."""
    written = [path for path in sorted((folder / "out").rglob("*")) if path.is_file()]
    texts = {str(path.relative_to(folder)): path.read_text("utf-8", "replace") for path in written}
    cache = [path for path in (folder / ".pytest_cache").rglob("*") if path.is_file()]
    texts |= {f"cache {path.name}": path.read_text("utf-8", "replace") for path in cache}
    found = []
    for place, text in {"terminal": terminal, **texts}.items():
        for name in CANARIES:
            for trace in traces(name):
                at = text.find(trace)
                if at >= 0:
                    found.append(f"{place}: {name}: …{text[max(0, at - 150) : at + 60]!r}")
    return found


def test_no_canary_comes_out_of_a_whole_run(project: pytest.Pytester) -> None:
    kept = ("--mcp-history=out/h.db", "--mcp-examples=out/examples")
    status, terminal = run(project, "-m", "not mcp_performance", "--mcp-level=all", *kept)
    assert status == 1, terminal[-3000:]
    assert {path.name for path in (project.path / "out").iterdir()} - {"examples"} == {
        *(f"r.{ending}" for ending in FORMATS.values()), "log.txt", "own.xml", "h.db",
    }  # fmt: skip
    terminal += "".join(later(project, *words) for words in LATER)
    assert leaks(project.path, terminal) == []
    assert "<redacted:" in terminal
    document = json.loads((project.path / "out" / "r.json").read_text())
    assert {server["name"]: server["status"] for server in document["servers"]} == {
        "local": "connected",
        "dead": "failed",
        "remote": "connected",
        "broken": "failed",
    }


def test_no_canary_comes_out_of_a_users_own_failing_tests(project: pytest.Pytester) -> None:
    status, terminal = run(project, "test_own.py")
    assert status == 1, terminal[-3000:]
    assert "test_every_tool" in terminal
    assert leaks(project.path, terminal) == []
