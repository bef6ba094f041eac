"""Which items there are, under which names, and how they can be chosen."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Project = Callable[..., pytest.Pytester]

TWO = {"first": raw_server(), "second": raw_server()}


def node_ids(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("servers.json::")]


def test_ids_name_configuration_server_category_check_and_tool(project: Project) -> None:
    result = project({"memory": raw_server()}).runpytest("--mcp-config", "servers.json", "--collect-only", "-q")
    ids = node_ids(result)
    assert ids[:2] == ["servers.json::memory::connectivity::CONN-001", "servers.json::memory::schema::TOOL-002"]
    assert "servers.json::memory::execution::EXEC-001.echo" in ids


def test_collect_only_lists_tools_and_judges_nothing(project: Project) -> None:
    pytester = project({"memory": raw_server()})
    result = pytester.runpytest("--mcp-config", "servers.json", "--collect-only", "--mcp-report", "json=r.json")
    assert result.ret == 0
    assert not (pytester.path / "r.json").exists()


def test_a_node_id_runs_one_check_even_without_the_option(project: Project) -> None:
    result = project(TWO).runpytest("servers.json::first::schema::TOOL-002")
    result.assert_outcomes(passed=1)


def test_k_chooses_by_server_name(project: Project) -> None:
    result = project(TWO).runpytest("--mcp-config", "servers.json", "-k", "first", "-v")
    assert result.ret == 0
    assert "servers.json::second" not in result.stdout.str().split("collecting")[1].split("mcp-assay")[0]


def test_m_chooses_by_category(project: Project) -> None:
    result = project(TWO).runpytest("--mcp-config", "servers.json", "-m", "mcp_schema", "--strict-markers")
    result.assert_outcomes(passed=2, deselected=result.parseoutcomes().get("deselected", 0))


def test_server_option_takes_shell_patterns(project: Project) -> None:
    result = project(TWO).runpytest("--mcp-config", "servers.json", "--mcp-server", "fir*", "--collect-only", "-q")
    assert {line.split("::")[1] for line in node_ids(result)} == {"first"}


def test_last_failed_repeats_only_what_failed(project: Project) -> None:
    pytester = project({"good": raw_server(), "bad": {"command": "no-such-command-at-all"}}, checks=("reachable",))
    pytester.runpytest("--mcp-config", "servers.json").assert_outcomes(passed=1, failed=1)
    pytester.runpytest("--mcp-config", "servers.json", "--lf").assert_outcomes(failed=1, deselected=1)


def test_exitfirst_stops_after_the_first_failure(project: Project) -> None:
    bad = {"command": "no-such-command-at-all"}
    result = project({"bad": bad, "worse": bad}, checks=("reachable",)).runpytest("--mcp-config", "servers.json", "-x")
    result.assert_outcomes(failed=1)


def test_workers_share_the_servers_and_the_controller_reports_all(project: Project) -> None:
    pytester = project(TWO, checks=("reachable", "listed", "timed"))
    result = pytester.runpytest("--mcp-config", "servers.json", "-n", "2", "--mcp-report", "json=r.json")
    assert result.ret == 0, result.stdout.str()
    report = (pytester.path / "r.json").read_text()
    assert report.count('"check": "CONN-001"') == 2
    assert "repeat without -n" in report


def test_user_tests_run_alone_unless_the_suites_are_asked_for(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=("reachable",))
    pytester.makepyfile(test_mine="def test_mine(mcp_server):\n    assert mcp_server.name == 'memory'\n")
    pytester.runpytest("test_mine.py", "--mcp-config", "servers.json").assert_outcomes(passed=1)
    pytester.runpytest("test_mine.py", "--mcp-config", "servers.json", "--mcp-suite").assert_outcomes(passed=2)


def test_two_documents_of_the_same_name_keep_their_ids_apart(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=("reachable",))
    (pytester.path / "sub").mkdir()
    (pytester.path / "sub" / "servers.json").write_text((pytester.path / "servers.json").read_text())
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-config", "sub/servers.json", "-v")
    result.stdout.fnmatch_lines(["servers.json::memory*PASSED*", "sub/servers.json::memory*PASSED*"])


def test_a_disabled_server_is_not_started_and_stays_visible(project: Project) -> None:
    pytester = project({"on": raw_server(), "off": {**raw_server(), "disabled": True}}, checks=("reachable",))
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-report", "json=r.json")
    result.assert_outcomes(passed=1)
    assert '"status": "disabled"' in (pytester.path / "r.json").read_text()


def test_the_overlay_of_the_project_opens_tools_and_one_above_it_does_not(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=("answered",))
    opening = '[servers.memory.tools."*"]\ncall = false\n'
    pytester.path.parent.joinpath("mcp-assay.toml").write_text(opening)
    above = pytester.runpytest("--mcp-config", "servers.json", "-rs")
    pytester.path.joinpath("mcp-assay.toml").write_text(opening)
    inside = pytester.runpytest("--mcp-config", "servers.json", "-rs")
    pytester.path.parent.joinpath("mcp-assay.toml").unlink()
    above.stdout.no_fnmatch_line("*closed by mcp-assay.toml*")
    inside.stdout.fnmatch_lines(["mcp-assay: settings of *mcp-assay.toml", "*closed by mcp-assay.toml*"])


def test_a_server_needs_no_file(project: Project) -> None:
    pytester = project({}, checks=("reachable", "answered"))
    command = shlex.join([str(raw_server()["command"]), *map(str, raw_server()["args"])])  # type: ignore[call-overload]
    result = pytester.runpytest("--mcp-server-command", command, "--mcp-allow-writes", "-v")
    result.stdout.fnmatch_lines(
        ["command-line::raw.py*::CONN-001 PASSED*", "command-line::raw.py*::EXEC-001.echo PASSED*"]
    )


def test_a_tool_that_the_document_switches_off_is_not_called(project: Project) -> None:
    server = {**raw_server(), "disabledTools": ["echo"]}
    result = project({"memory": server}, checks=("answered",)).runpytest("--mcp-config", "servers.json", "-rs")
    result.stdout.fnmatch_lines(["*the configuration switches it off*"])


def test_every_revision_is_judged_as_a_server_of_its_own_and_differences_are_shown(project: Project) -> None:
    pytester = project({"memory": raw_server("--era", "both")}, checks=("revised",))
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-protocol", "all", "-v")
    result.stdout.fnmatch_lines(
        [
            "servers.json::memory::schema::TOOL-011 PASSED*",
            "servers.json::memory-2025-06-18::schema::TOOL-011 WARN*",
            "servers.json::memory-2026-07-28::schema::TOOL-011 PASSED*",
            "memory: TOOL-011 *warn in 2025-06-18*pass in 2026-07-28",
        ]
    )


def test_xdist_is_not_needed(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=("reachable",))
    result = pytester.runpytest("--mcp-config", "servers.json", "--strict-markers", "-p", "no:xdist")
    result.assert_outcomes(passed=1)


def test_the_head_of_a_run_says_what_answered_and_what_did_not(project: Project) -> None:
    pytester = project({"raw": raw_server(), "dead": raw_server("--exit"), "off": {**raw_server(), "disabled": True}})
    result = pytester.runpytest("--mcp-config", "servers.json")
    result.stdout.fnmatch_lines(
        ["raw: raw *, revision 20*, * tools*, ready after * s", "dead: failed: *", "off: disabled*", "servers.json *"],
        consecutive=False,
    )
