"""Every code block of the documentation does what the page says.

A page is worked through from top to bottom in an empty folder: a block with a title is a file of that name, a block of
shell commands is run line by line. ``# ends with N`` at the end of a command says with which status; 0 otherwise.
Blocks titled "installation" and "in the repository" are not run here: the first are what the packaging test does, the
second are this project's own test commands.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from gated import report
from markdown_it import MarkdownIt

from mcp_assay.config.overlay import Overlay
from mcp_assay.readiness.gate_policy import GatePolicy

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md"))
NOT_RUN = frozenset({"installation", "in the repository"})
PATIENCE_S = 240.0
STATUS = re.compile(r"^(?P<command>.*?)(?:\s+# ends with (?P<status>\d+))?$")
TITLE = re.compile(r'title="(?P<title>[^"]+)"')
MEMORY = {"mcpServers": {"memory": {"command": "python", "args": [str(HERE / "memory.py")]}}}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its title or an empty string, its text and its first line."""

    language: str
    title: str
    text: str
    line: int


def blocks(path: Path) -> list[Block]:
    found = []
    for token in MarkdownIt().parse(path.read_text("utf-8")):
        if token.type == "fence":
            language, _, rest = token.info.partition(" ")
            title = TITLE.search(rest)
            found.append(Block(language, title["title"] if title else "", token.content, (token.map or [0])[0] + 1))
    return found


def commands(block: Block) -> list[tuple[str, int]]:
    """Return the commands of a block and the status that each ends with."""
    joined = block.text.replace("\\\n", " ")
    matches = [STATUS.fullmatch(line.strip()) for line in joined.splitlines() if line.strip()]
    return [(match["command"], int(match["status"] or 0)) for match in matches if match is not None]


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    """An empty project with an empty home, in which a run makes a few checks only."""
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    return tmp_path / "project"


def run(command: str, folder: Path, expected: int) -> None:
    """Run a command as a shell would; its output is in the failure when it ends otherwise."""
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder.parent / "home"),
        "PYTHONPATH": str(HERE),
        "PYTEST_ADDOPTS": "-p quick_checks",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == expected, f"{command}\nended with {done.returncode}:\n{done.stdout[-4000:]}"


def check_text(block: Block, folder: Path) -> None:
    """Parse a block by its language; a settings file must be one that we accept."""
    if block.language == "json":
        json.loads(block.text)
    elif block.language == "yaml":
        yaml.safe_load(block.text)
    elif block.language == "python":
        ast.parse(block.text)
    elif block.language == "toml":
        tomllib.loads(block.text)
        if block.title == "policy.toml":
            GatePolicy.load(folder / block.title)
        elif block.title in {"", "mcp-assay.toml"}:
            (folder / "checked.toml").write_text(block.text)
            Overlay.load(folder / "checked.toml")
    else:
        assert block.language in {"sh", "text"}, f"line {block.line}: a block in {block.language!r} is not checked"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_a_page_does_what_it_says(page: Path, sandbox: Path) -> None:
    # A file may be shown after the command that reads it, when the text leads up to it.
    found = blocks(page)
    titles = [block.title for block in found if block.title]
    for block in found:
        if block.title and block.title not in NOT_RUN and titles.count(block.title) == 1:
            write(block, sandbox)
    for block in found:
        if block.title and block.title not in NOT_RUN:
            write(block, sandbox)
        check_text(block, sandbox)
        if block.language == "sh" and block.title not in NOT_RUN:
            for command, status in commands(block):
                run(command, sandbox, status)


def write(block: Block, folder: Path) -> None:
    target = folder / block.title
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(block.text)


README = blocks(ROOT / "README.md")
README_COMMANDS = [
    (command, 5 if "starts nothing" in command else status)
    for block in README
    if block.language == "sh"
    for command, status in commands(block)
    if "pip install" not in command
]


@pytest.mark.parametrize(
    "block", [block for block in README if block.language != "sh"], ids=lambda block: f"{block.language}-{block.line}"
)
def test_a_block_of_the_readme_is_well_formed(block: Block, sandbox: Path) -> None:
    check_text(block, sandbox)


@pytest.mark.parametrize(("command", "status"), README_COMMANDS, ids=str)
def test_a_command_of_the_readme_runs(command: str, status: int, sandbox: Path) -> None:
    claude = sandbox.parent / "home" / ".config" / "Claude"
    claude.mkdir(parents=True)
    (claude / "claude_desktop_config.json").write_text(json.dumps(MEMORY))
    (sandbox / "servers.json").write_text(json.dumps(MEMORY))
    (sandbox / "run.json").write_text(json.dumps(report()))
    run(command, sandbox, status)


def test_the_tests_in_the_readme_pass(sandbox: Path) -> None:
    pytest.importorskip("pytest_benchmark")
    (sandbox / "servers.json").write_text(json.dumps(MEMORY))
    (sandbox / "tests").mkdir()
    (text,) = (block.text for block in README if block.language == "python")
    (sandbox / "tests" / "test_servers.py").write_text(text)
    run("pytest tests/ --mcp-config servers.json", sandbox, 0)


def test_bash_is_there() -> None:
    assert shutil.which("bash")
