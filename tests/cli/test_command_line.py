"""The command line: what it shows, writes and how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from mcp_assay.cli.main import COMMANDS, main
from mcp_assay.config.dialects import DIALECTS
from mcp_assay.config.overlay import Overlay

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "tests" / "config" / "examples"
BAD = '{"mcpServers": {"s": {"comand": "x"}}}'
GOOD = '{"mcpServers": {"s": {"command": "server", "env": {"API_KEY": "${API_KEY}"}}}}'
SECRET = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
RISKY = json.dumps({"mcpServers": {"s": {"command": "npx", "args": ["-y", "pkg"], "env": {"TOKEN": SECRET}}}})


def run(*words: str | Path) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory, with a home folder that is empty as well."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "work"


def test_servers_lists_every_server_of_a_mixed_folder() -> None:
    result = run("servers", EXAMPLES)
    assert result.exit_code == 0, result.stderr
    assert "28 servers; nothing was started" in result.stdout
    assert re.search(r"^docs +stdio +npx -y docs-mcp@1\.4\.0 +\S+codex_config\.toml:1$", result.stdout, re.MULTILINE)


def test_servers_as_json_is_one_object_with_the_normal_forms() -> None:
    result = run("servers", "--json", EXAMPLES / "codex_config.toml")
    document = json.loads(result.stdout)
    assert list(document) == ["servers"]
    docs = document["servers"][0]
    assert (docs["name"], docs["line"], docs["env"]["DOCS_TOKEN"]) == ("docs", 1, "${env:DOCS_TOKEN}")


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_no_listing_shows_a_secret(option: list[str], project: Path) -> None:
    (project / "servers.json").write_text(RISKY)
    for command in ("servers", "lint"):
        result = run(command, *option, project / "servers.json")
        assert SECRET not in result.output


def test_servers_without_a_file_reads_the_well_known_ones(project: Path) -> None:
    (project / ".mcp.json").write_text(GOOD)
    (project.parent / "home" / ".cursor").mkdir()
    (project.parent / "home" / ".cursor" / "mcp.json").write_text(GOOD)
    result = run("servers", "--json")
    assert [server["dialect"] for server in json.loads(result.stdout)["servers"]] == ["claude-code", "cursor"]


def test_a_broken_file_is_one_error_and_the_others_are_still_listed(project: Path) -> None:
    (project / "good.json").write_text(GOOD)
    (project / "bad.json").write_text(BAD)
    result = run("servers", "good.json", "bad.json")
    assert result.exit_code == 4
    assert "1 server; nothing was started" in result.stdout
    assert (
        result.stderr == "error: bad.json:1:23: unknown key 'comand' in mcpServers.s\nhint: did you mean 'command'?\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["servers"],
        ["servers", "missing.json"],
        ["servers", "."],
        ["lint", "missing.json"],
        ["init"],
        ["init", "missing.json"],
        ["serv"],
        ["servers", "--jsn"],
        ["completion", "tcsh"],
        ["servers", "--dialect", "nope", "good.json"],
    ],
)
def test_a_mistake_of_the_user_ends_with_4_and_no_traceback(words: list[str], project: Path) -> None:
    (project.parent / "good.json").write_text(GOOD)
    result = run(*[word.replace("good.json", str(project.parent / "good.json")) for word in words])
    assert result.exit_code == 4
    assert result.stderr
    assert "Traceback" not in result.output


def test_help_and_version_end_with_0() -> None:
    for words in (["--help"], ["--version"], ["servers", "-h"]):
        assert run(*words).exit_code == 0


def test_lint_ends_with_0_when_all_is_well(project: Path) -> None:
    (project / "servers.json").write_text(GOOD)
    result = run("lint", "servers.json")
    assert (result.exit_code, result.stdout) == (0, "1 server(s), 0 finding(s); nothing was started\n")


def test_lint_names_each_finding_with_its_place(project: Path) -> None:
    (project / "servers.json").write_text(RISKY)
    result = run("lint", "servers.json")
    assert result.exit_code == 1
    assert [line.split(" ")[:2] for line in result.stdout.splitlines() if "ADV" in line] == [
        [f"servers.json:1:{RISKY.index('pkg')}:", "ADV-017"],
        [f"servers.json:1:{RISKY.index(SECRET)}:", "ADV-018"],
    ]


def test_lint_as_json_has_the_same_findings(project: Path) -> None:
    (project / "servers.json").write_text(RISKY)
    findings = json.loads(run("lint", "--json", "servers.json").stdout)["findings"]
    assert [(finding["check"], finding["line"]) for finding in findings] == [("ADV-017", 1), ("ADV-018", 1)]


def test_lint_says_4_when_a_file_is_broken_even_if_others_have_findings(project: Path) -> None:
    (project / "a.json").write_text(RISKY)
    (project / "b.json").write_text(BAD)
    assert run("lint", "a.json", "b.json").exit_code == 4


def test_control_characters_in_a_document_do_not_reach_the_terminal(project: Path) -> None:
    (project / "servers.json").write_text('{"mcpServers": {"a\\u001b[2Jb": {"command": "x\\u0007"}}}')
    for command in ("servers", "lint"):
        assert not re.search("[\x00-\x08\x0b-\x1f]", run(command, "servers.json").output)


def test_init_writes_settings_and_a_workflow_that_can_be_read(project: Path) -> None:
    (project / ".mcp.json").write_text(GOOD)
    result = run("init")
    assert result.exit_code == 0, result.stderr
    assert Overlay.load(project / "mcp-assay.toml").required("s") is True
    workflow = yaml.safe_load((project / ".github" / "workflows" / "mcp-assay.yml").read_text())
    steps = workflow["jobs"]["assay"]["steps"]
    assert any(step.get("run") == "mcp-assay lint .mcp.json" for step in steps)
    judged = next(step for step in steps if step.get("run", "").startswith("pytest"))
    assert judged["run"].startswith("pytest --mcp-config .mcp.json --mcp-unset=")
    assert judged["env"] == {"API_KEY": "${{ secrets.API_KEY }}"}


def test_init_never_writes_over_a_file_unasked(project: Path) -> None:
    (project / ".mcp.json").write_text(GOOD)
    (project / "mcp-assay.toml").write_text("# mine\n")
    result = run("init")
    assert result.exit_code == 4
    assert "--force" in result.stderr
    assert (project / "mcp-assay.toml").read_text() == "# mine\n"
    assert not (project / ".github").exists()
    assert run("init", "--force").exit_code == 0


def test_init_print_writes_nothing(project: Path) -> None:
    (project / ".mcp.json").write_text(GOOD)
    result = run("init", "--print")
    assert result.exit_code == 0
    settings = result.stdout.partition("# ---- .github")[0]
    assert tomllib.loads(settings)["servers"]["s"]["required"] is True
    assert sorted(path.name for path in project.iterdir()) == [".mcp.json"]


def test_init_points_to_a_configuration_elsewhere_when_the_project_has_none(project: Path) -> None:
    (project.parent / "home" / ".claude.json").write_text(GOOD)
    result = run("init")
    assert result.exit_code == 4
    assert ".claude.json" in result.stderr


@pytest.mark.parametrize("name", ["a;b.json", "${{ x }}.json", "a\nb.json"])
def test_a_file_name_that_could_act_in_a_workflow_is_refused(name: str, project: Path) -> None:
    (project / name).write_text(GOOD)
    result = run("init", name)
    assert result.exit_code == 4
    assert "not safe" in result.stderr


def test_a_server_name_that_could_act_in_the_settings_is_quoted(project: Path) -> None:
    (project / "servers.json").write_text('{"mcpServers": {"a\\"]\\n[x": {"command": "x"}}}')
    run("init", "servers.json")
    assert list(tomllib.loads((project / "mcp-assay.toml").read_text())["servers"]) == ['a"]\n[x']


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0, result.stderr
    assert "_MCP_ASSAY_COMPLETE" in result.stdout


def test_the_command_line_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['mcp-assay', '--version']\n"
        "from mcp_assay.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'mcp', 'hypothesis', 'pytest', 'anyio', 'asyncio', 'pydantic', 'jsonschema_rs'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_installed_command_runs() -> None:
    command = Path(sys.executable).with_name("mcp-assay")
    done = subprocess.run([command, "nonsense"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 4
    assert "No such command" in done.stderr


HOOK = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))[0]


def test_the_pre_commit_hook_runs_a_command_that_exists() -> None:
    name, command = HOOK["entry"].split()
    assert name == "mcp-assay"
    assert command in COMMANDS


def test_the_pre_commit_hook_sees_the_files_that_projects_keep() -> None:
    pattern = re.compile(HOOK["files"])
    kept = {end for row in DIALECTS for end in row.files if end.startswith(".") and "/" in end}
    personal = {".copilot/mcp-config.json", ".codeium/windsurf/mcp_config.json", ".gemini/antigravity/mcp_config.json"}
    for end in (kept - personal) | {".mcp.json", "opencode.json", "opencode.jsonc", "fastmcp.json"}:
        assert pattern.search(end), end
        assert pattern.search(f"sub/{end}"), end
    assert not pattern.search("package.json")
