"""A mistake of the user is one clear error with exit code 4, and nothing is started."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    Project = Callable[..., pytest.Pytester]


def assert_usage_error(result: pytest.RunResult, *patterns: str) -> None:
    assert result.ret == pytest.ExitCode.USAGE_ERROR, result.stdout.str() + result.stderr.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()
    result.stderr.fnmatch_lines([f"*{pattern}*" for pattern in patterns])


@pytest.mark.parametrize(
    ("content", "patterns"),
    [
        ("", ["servers.json*empty*"]),
        ('{"mcpServers": {', ["servers.json:1*"]),
        ('{\n  "mcpServers": {\n    "a": {"comand": "x"}\n  }\n}', ["servers.json:3*comand*", "hint: *command*"]),
        (
            '{\n  "mcpServers": {\n    "a": {"command": "${NOT_SET_ANYWHERE}"}\n  }\n}',
            ["servers.json:3*NOT_SET_ANYWHERE*"],
        ),
    ],
)
def test_a_document_that_cannot_be_used_names_file_line_and_hint(
    pytester: pytest.Pytester, content: str, patterns: list[str]
) -> None:
    pytester.path.joinpath("servers.json").write_text(content)
    assert_usage_error(pytester.runpytest("--mcp-config", "servers.json"), *patterns)


def test_a_missing_document_is_named(pytester: pytest.Pytester) -> None:
    assert_usage_error(pytester.runpytest("--mcp-config", "nowhere.json"), "nowhere.json*")


def test_a_sandbox_that_cannot_be_had_stops_the_run_before_anything_is_started(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester = project({"good": raw_server()})
    monkeypatch.setenv("PATH", str(pytester.path))
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-sandbox")
    assert_usage_error(result, "--mcp-sandbox needs bubblewrap*", "hint: *bubblewrap; nothing was started")
    assert "good" not in result.stdout.str()


def test_an_unset_variable_can_make_its_server_a_visible_skip(project: Project) -> None:
    pytester = project(
        {"good": raw_server(), "needy": {"command": "x", "env": {"TOKEN": "${NOT_SET_ANYWHERE}"}}},
        checks=("reachable",),
    )
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-unset", "skip", "--mcp-report", "json=r.json")
    result.assert_outcomes(passed=1)
    needy = json.loads((pytester.path / "r.json").read_text())["servers"][1]
    assert needy["status"] == "skipped"
    assert "NOT_SET_ANYWHERE" in needy["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (("--mcp-report", "jsn=x"), "no report format 'jsn'"),
        (("--mcp-report", "x.json"), "FORMAT=PATH"),
        (("--mcp-report", "json=servers.json/x"), "cannot be written"),
        (("--mcp-protocol", "2020-01-01"), "not a released MCP revision"),
        (("--mcp-server", "nobody"), "no configured server is called 'nobody'"),
        (("--mcp-server", "memroy"), "hint: did you mean memory[?]"),
        (("--mcp-min-score", "high"), "'high' is no score from 0 to 100"),
        (("--mcp-report", "json=servers.json"), "would overwrite a file which this run reads: servers.json"),
        (("--mcp-report", "json=a", "--mcp-report", "html=./a"), "would overwrite a file of --mcp-report 'json=a'"),
        (("--mcp-history", "conftest.py"), "is no SQLite file"),
        (("--mcp-history", "sqlite://"), "is in memory and keeps nothing"),
    ],
)
def test_an_option_that_cannot_be_used_says_why(project: Project, arguments: tuple[str, ...], pattern: str) -> None:
    pytester = project({"memory": raw_server()})
    written = (pytester.path / "servers.json").read_text()
    assert_usage_error(pytester.runpytest("--mcp-config", "servers.json", *arguments), pattern)
    assert (pytester.path / "servers.json").read_text() == written


def test_auto_only_lists_what_it_finds(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    home = pytester.path / "home"
    (home / ".cursor").mkdir(parents=True)
    marker = pytester.path / "started"
    server = {"command": "touch", "args": [str(marker)]}
    (home / ".cursor" / "mcp.json").write_text(json.dumps({"mcpServers": {"memory": server}}))
    monkeypatch.setenv("HOME", str(home))
    result = pytester.runpytest("--mcp-config", "auto")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["*mcp.json*1 servers", "*memory*", "nothing was started*"])
    assert not marker.exists()
