"""Accepted findings in a file: --mcp-baseline and --mcp-baseline-update."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    Project = Callable[..., pytest.Pytester]

UNREACHABLE = {"command": "sh", "args": ["-c", "exit 7"]}
STRICT = ("--mcp-level", "all")


@pytest.fixture
def poor(project: Project) -> pytest.Pytester:
    """A project with a finding on each tool."""
    return project({"memory": raw_server()}, checks=("reachable", "described"))


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest("--mcp-config", "servers.json", *options)


def entry(check: str, *, tool: str = "*", expires: str = "2999-12-31") -> str:
    return f'[[accept]]\ncheck = "{check}"\ntool = "{tool}"\nreason = "issue 12"\nexpires = {expires}\n'


def test_what_an_update_wrote_makes_the_next_run_green(poor: pytest.Pytester) -> None:
    first = run(poor, *STRICT, "--mcp-baseline", "known.toml", "--mcp-baseline-update")
    assert first.ret == pytest.ExitCode.TESTS_FAILED
    second = run(poor, *STRICT, "--mcp-baseline", "known.toml")
    assert second.ret == 0
    assert "mcp warnings" in second.stdout.str()
    text = (poor.path / "known.toml").read_text()
    assert 'check = "ADV-001"\nserver = "memory"\ntool = "echo"\nreason = "there on ' in text


def test_a_finding_that_is_not_accepted_still_fails(poor: pytest.Pytester) -> None:
    (poor.path / "known.toml").write_text(entry("ADV-001", tool="echo"))
    result = run(poor, *STRICT, "--mcp-baseline", "known.toml")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*FAILED *ADV-001.add*"])
    result.stdout.no_fnmatch_line("*FAILED *ADV-001.echo*")


def test_a_stale_entry_fails_the_run_with_its_line(poor: pytest.Pytester) -> None:
    (poor.path / "known.toml").write_text(entry("ADV-001") + entry("TOOL-999"))
    result = run(poor, *STRICT, "--mcp-baseline", "known.toml")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["known.toml:6: no finding needs the acceptance of TOOL-999 on ?", "hint: remove *"])


def test_a_run_of_some_checks_calls_nothing_stale(poor: pytest.Pytester) -> None:
    (poor.path / "known.toml").write_text(entry("ADV-001"))
    result = run(poor, "--mcp-baseline", "known.toml", "-k", "CONN-001")
    assert result.ret == 0


def test_an_expired_entry_accepts_nothing_and_fails_the_run(poor: pytest.Pytester) -> None:
    (poor.path / "known.toml").write_text(entry("ADV-001", expires="2020-02-29"))
    result = run(poor, *STRICT, "--mcp-baseline", "known.toml")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["known.toml:1: the acceptance of ADV-001 on ? expired after 2020-02-29", "*FAILED *ADV-001.echo*"]
    )


def test_an_update_keeps_reasons_and_days(poor: pytest.Pytester) -> None:
    (poor.path / "known.toml").write_text(entry("ADV-001") + entry("TOOL-999"))
    result = run(poor, *STRICT, "--mcp-baseline", "known.toml", "--mcp-baseline-update")
    assert result.ret == 0
    text = (poor.path / "known.toml").read_text()
    assert text.count("[[accept]]") == text.count('reason = "issue 12"\nexpires = 2999-12-31') == 1


def test_a_server_that_is_away_keeps_its_entries(project: Project) -> None:
    pytester = project({"memory": UNREACHABLE}, checks=("reachable", "listed"))
    (pytester.path / "known.toml").write_text(entry("ADV-001"))
    result = run(pytester, "--mcp-baseline", "known.toml")
    result.stdout.no_fnmatch_line("*no finding needs*")


def test_workers_accept_and_the_controller_writes(poor: pytest.Pytester) -> None:
    run(poor, *STRICT, "--mcp-baseline", "known.toml", "--mcp-baseline-update", "-n", "2")
    result = run(poor, *STRICT, "--mcp-baseline", "known.toml", "-n", "2")
    assert result.ret == 0


@pytest.fixture
def silent(project: Project) -> pytest.Pytester:
    """A project with a finding that comes from several SDKs, and one of its own on each tool."""
    return project({"memory": raw_server()}, checks=("reachable", "silent", "described"))


def test_a_named_baseline_accepts_what_its_sdk_does_beside_a_file_that_accepts_the_rest(
    silent: pytest.Pytester,
) -> None:
    (silent.path / "known.toml").write_text(entry("ADV-001"))
    result = run(silent, *STRICT, "--mcp-baseline", "sdk:python-2.3", "--mcp-baseline", "known.toml", "-rA")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*no finding needs*")


def test_an_update_leaves_out_what_a_named_baseline_accepts(silent: pytest.Pytester) -> None:
    run(silent, *STRICT, "--mcp-baseline", "sdk:python-2.3", "--mcp-baseline", "known.toml", "--mcp-baseline-update")
    text = (silent.path / "known.toml").read_text()
    assert "ADV-001" in text
    assert "BASE-011" not in text


def test_a_named_baseline_that_nothing_needs_fails_the_run(poor: pytest.Pytester) -> None:
    result = run(poor, "--mcp-baseline", "sdk:typescript-2.0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["--mcp-baseline sdk:typescript-2.0: no finding needs it", "hint: leave it out"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--mcp-baseline", "sdk:python-2.2"), "*--mcp-baseline sdk:python-2.2: there is no baseline of this name"),
        (("--mcp-baseline", "a", "--mcp-baseline", "b", "--mcp-baseline-update"), "hint: name one of a, b only"),
        (("--mcp-baseline", "none.toml"), "*none.toml: file does not exist"),
        (("--mcp-baseline-update",), "*--mcp-baseline-update: which file?"),
        (("--mcp-baseline", "servers.json"), "*servers.json:1*: TOML: *"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_usage_error(
    poor: pytest.Pytester, options: tuple[str, ...], message: str
) -> None:
    result = run(poor, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
