"""How verdicts show up as pytest outcomes, exit codes and reports."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from projects import CHECKS, raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    Project = Callable[..., pytest.Pytester]

CANARY = "canary-7f3a9b2c1d"


def report_of(pytester: pytest.Pytester) -> dict[str, Any]:
    return json.loads((pytester.path / "r.json").read_text())


def test_an_unreachable_server_is_red_once_and_its_other_checks_are_skipped(project: Project) -> None:
    bad = {"command": "sh", "args": ["-c", "echo no luck today >&2; exit 7"]}
    pytester = project({"bad": bad, "good": raw_server()}, checks=("reachable", "listed"))
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-report", "json=r.json", "-rs")
    result.assert_outcomes(failed=1, passed=2, skipped=1)
    result.stdout.fnmatch_lines(["*exited with status 7*no luck today*"])
    error = report_of(pytester)["servers"][0]["error"]
    assert (error["exit_code"], error["stderr_tail"]) == (7, "no luck today")
    assert error["hint"]


def test_advice_is_a_warning_with_a_letter_and_word_of_its_own(project: Project) -> None:
    result = project({"memory": raw_server()}, checks=("described",)).runpytest("--mcp-config", "servers.json", "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*ADV-001.echo WARN*"])


def test_warnings_are_listed_with_all_outcomes_and_stand_in_the_junit_file(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=("reachable", "described"))
    result = pytester.runpytest(
        "--mcp-config", "servers.json", "-q", "-rA", "--junitxml=junit.xml", "-ojunit_family=xunit1"
    )
    result.stdout.fnmatch_lines(["WARN servers.json::memory::schema::ADV-001.echo - a poor one"])
    text = (pytester.path / "junit.xml").read_text("utf-8")
    assert '<property name="verdict" value="warn"' in text
    assert '<property name="warning" value="a poor one"' in text


def test_a_stricter_level_turns_warnings_into_failures(project: Project) -> None:
    result = project({"memory": raw_server()}, checks=("described",)).runpytest(
        "--mcp-config", "servers.json", "--mcp-level", "all"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*ADV-001 described (ADV) on memory*", "*expected: *a better description*"])


def test_a_bug_in_a_check_is_our_error_and_the_rest_goes_on(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=("broken", "reachable"))
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-report", "json=r.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    verdicts = {entry["check"]: entry["verdict"] for entry in report_of(pytester)["results"]}
    assert verdicts == {"CONN-001": "pass", "EXEC-009": "error"}


def test_a_score_below_the_minimum_fails_an_otherwise_green_run(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=("described", "reachable"))
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-min-score", "95", "--mcp-report", "json=r.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["memory: readiness * is below --mcp-min-score 95"])
    assert report_of(pytester)["run"]["exit_status"] == 1


def test_every_report_agrees_with_the_run(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=("reachable", "listed", "described", "timed"))
    result = pytester.runpytest(
        "--mcp-config", "servers.json", "--junitxml", "own.xml",
        "--mcp-report", "json=r.json", "--mcp-report", "markdown=r.md", "--mcp-report", "junit=r.xml",
    )  # fmt: skip
    assert result.ret == 0
    report = report_of(pytester)
    assert report["summary"]["connected"] == 1
    assert report["run"]["phases"]["discovery_s"] > 0
    assert {entry["server"] for entry in report["benchmarks"]} == {"memory"}
    assert len(ET.parse(pytester.path / "r.xml").findall(".//testcase")) == len(report["results"])
    names = {p.get("name") for p in ET.parse(pytester.path / "own.xml").findall(".//property")}
    assert {"mcp-assay check CONN-001", "mcp-assay score memory"} <= names
    assert "memory" in (pytester.path / "r.md").read_text()


def test_a_check_that_was_repeated_counts_once_as_it_ended(project: Project) -> None:
    pytester = project({"memory": raw_server()}, ("silent",))
    with (pytester.path / "conftest.py").open("a") as conftest:
        # As pytest-rerunfailures tells what it is going to repeat.
        conftest.write(
            "\n@pytest.hookimpl(tryfirst=True)\n"
            "def pytest_runtest_logreport(report):\n"
            "    if report.when == 'call' and not hasattr(report, 'told'):\n"
            "        import copy\n"
            "        again = copy.copy(report)\n"
            "        again.told, again.outcome = True, 'rerun'\n"
            "        CONFIG.hook.pytest_runtest_logreport(report=again)\n"
            "\ndef pytest_configure(config):\n    globals()['CONFIG'] = config\n"
        )
    result = pytester.runpytest("--mcp-config", "servers.json", "--mcp-report", "json=r.json")
    assert result.ret == 1
    document = json.loads((pytester.path / "r.json").read_text())
    assert document["summary"]["checks"]["fail"] == 1
    assert len(document["results"]) == 1


def test_a_report_that_cannot_be_written_is_named_and_fails_the_run(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=("reachable",))
    pytester.makepyfile(
        sabotage="""
        import pathlib

        def pytest_collection_finish(session):
            pathlib.Path("out").write_text("in the way")
        """
    )
    result = pytester.runpytest_subprocess(
        "-p",
        "sabotage",
        "--mcp-config",
        "servers.json",
        "--mcp-report",
        "json=out/r.json",
        "--mcp-report",
        "json=r.json",
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["the json report *out/r.json is missing: *"])
    assert report_of(pytester)["summary"]["connected"] == 1


def test_no_secret_of_the_configuration_leaves_the_process(project: Project) -> None:
    script = "import os, sys; print('token', os.environ['TOKEN'], file=sys.stderr); sys.exit(3)"
    server = {"command": "python3", "args": ["-c", script, "--api-key", CANARY + "arg"], "env": {"TOKEN": CANARY}}
    pytester = project({"leaky": server}, checks=("reachable",))
    result = pytester.runpytest(
        "--mcp-config", "servers.json", "-vv", "-l", "--setup-show", "--mcp-report", "json=r.json",
        "--mcp-report", "markdown=r.md", "--mcp-report", "junit=r.xml", "--junitxml", "own.xml",
    )  # fmt: skip
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    texts = [result.stdout.str(), result.stderr.str()]
    texts += [(pytester.path / name).read_text() for name in ("r.json", "r.md", "r.xml", "own.xml")]
    assert not [text for text in texts if CANARY in text]
    assert "<redacted:" in texts[0]


def test_an_accepted_finding_warns_and_a_stale_one_fails_the_run(project: Project) -> None:
    pytester = project({"memory": raw_server()}, checks=("reachable", "described"))
    accept = '[[servers.memory.accept]]\ncheck = "ADV-001"\ntool = "*"\nreason = "known"\n'
    pytester.path.joinpath("mcp-assay.toml").write_text(accept)
    arguments = ("--mcp-config", "servers.json", "--mcp-level", "all", "--mcp-report", "json=r.json")
    assert pytester.runpytest(*arguments).ret == 0
    reasons = {entry["reason"] for entry in report_of(pytester)["results"] if entry["verdict"] == "warn"}
    assert reasons == {"accepted: known"}
    pytester.path.joinpath("mcp-assay.toml").write_text(accept + '[[servers.memory.accept]]\ncheck = "CONN-001"\n')
    stale = pytester.runpytest(*arguments)
    assert stale.ret == pytest.ExitCode.TESTS_FAILED
    stale.stdout.fnmatch_lines(["mcp-assay.toml line 5: nothing on memory needs the acceptance of CONN-001*"])


def test_a_required_server_that_is_not_started_fails_the_run(project: Project) -> None:
    pytester = project({"on": raw_server(), "off": {**raw_server(), "disabled": True}}, checks=("reachable",))
    pytester.path.joinpath("mcp-assay.toml").write_text("[servers.off]\nrequired = true\n")
    result = pytester.runpytest("--mcp-config", "servers.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["off: required, but disabled"])


WORDY = """

async def wordy(subject):
    return violated("a fact", "\u0436 \u2026 " + "many words " * 2_000)


ALL["wordy"] = check("BASE-001", Category.CONNECTIVITY, Scope.SERVER, wordy, Level.MUST)
NAMES = ("reachable", "wordy")
"""


def test_a_terminal_that_knows_ascii_only_is_written_to_line_by_line(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester = project({"memory": raw_server()})
    pytester.makeconftest(CHECKS + WORDY)
    for name, value in {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    result = pytester.runpytest_subprocess("--mcp-config", "servers.json")
    result.assert_outcomes(failed=1, passed=1)
    assert result.stdout.str().isascii()
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.fnmatch_lines(
        ["*observed: *u0436 ... many words*", "server *verdict", "memory *", "*readiness: NOT READY*"]
    )
