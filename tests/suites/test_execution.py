"""The execution category against real processes: silent on a healthy server, and right about each planted fault."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from assay import LIMITS, Assayed, Rules, assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.policy import Rule
from mcp_assay.readiness.settings import Settings
from mcp_assay.wire.limits import Limits
from mcp_assay_suites.execution import CHECKS
from mcp_assay_suites.exercising.cases import Calls

RAW = Path(__file__).parent.parent / "servers" / "raw.py"
EVERYTHING = Settings(allow_writes=True)
FEW = Settings(allow_writes=True, examples=2)
IMPATIENT = Limits(start_s=20.0, list_s=1.0, call_s=1.0, probe_s=0.5, exit_s=0.2, terminate_s=0.2)


def judged(
    *options: str,
    settings: Settings = EVERYTHING,
    rules: Rules | None = None,
    limits: Limits = LIMITS,
    tools: tuple[str, ...] = (),
    schema_budget_s: float = 10.0,
    checks: tuple[str, ...] = (),
) -> Assayed:
    command = [sys.executable, "-S", "-E", str(RAW), *options]
    return assay(
        command,
        [check for check in CHECKS if not checks or check.id in checks],
        settings=settings,
        rules=rules,
        limits=limits,
        tools=tools,
        schema_budget_s=schema_budget_s,
    )


@pytest.mark.parametrize("era", ["handshake", "stateless"])
def test_a_healthy_server_has_no_finding_in_either_era(era: str) -> None:
    found = judged("--era", era)
    assert found.findings == {}
    assert found["EXEC-001.echo"].outcome is Outcome.PASS
    assert found["TOOL-022.add"].outcome is Outcome.PASS


def test_the_reference_servers_have_no_finding() -> None:
    found = assay([sys.executable, "-m", "mcp_assay.demo.text"], CHECKS, settings=EVERYTHING)
    assert found.findings == {}
    assert found["TOOL-016.wrap_text"].outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("violated", "names"),
    [
        ("TOOL-015", {"TOOL-015.echo"}),
        ("TOOL-016", {"TOOL-016.echo"}),
        ("TOOL-018", {"TOOL-018.echo"}),
        ("TOOL-021", {"TOOL-021"}),
        ("TOOL-022", {"TOOL-022.echo"}),
        ("TOOL-023", {"TOOL-023.echo"}),
        ("TOOL-024", {"TOOL-024"}),
        ("TOOL-025", {"TOOL-025.echo"}),
        ("TOOL-026", {"TOOL-023.echo", "TOOL-026.echo"}),
    ],
)
def test_a_violation_is_found_by_its_own_check_and_no_other(violated: str, names: set[str]) -> None:
    found = judged("--violate", violated, settings=FEW, tools=("echo",))
    assert set(found.findings) == names
    assert all(found[name].exchange for name in names)


@pytest.mark.parametrize("violated", ["TOOL-017", "TOOL-019"])
def test_a_violation_in_content_is_found_by_its_own_check_and_no_other(violated: str) -> None:
    assert set(judged("--violate", violated, settings=FEW, tools=("media",)).findings) == {f"{violated}.media"}


def test_what_is_observed_names_the_smallest_arguments() -> None:
    observed = judged("--violate", "TOOL-016", settings=EVERYTHING, tools=("echo",))["TOOL-016.echo"].observed
    assert observed is not None
    assert observed.startswith('{"text": ""}: /text: ')


def test_a_tool_that_is_not_opened_is_a_skip_with_the_line_that_opens_it() -> None:
    found = judged(settings=Settings(), tools=("remember",))
    skips = [verdict for name, verdict in found.verdicts.items() if name.startswith("TOOL-022")]
    assert [verdict.outcome for verdict in skips] == [Outcome.SKIP]
    assert "call = true" in (skips[0].reason or "")
    assert found.server.calls.get("remember", 0) == 0


def test_the_checks_of_a_tool_share_its_calls() -> None:
    once = judged(settings=EVERYTHING, tools=("add",), checks=("TOOL-019",))
    often = judged(
        settings=EVERYTHING, tools=("add",), checks=("EXEC-001", "TOOL-016", "TOOL-019", "TOOL-022", "TOOL-026")
    )
    assert once.server.calls["add"] == often.server.calls["add"]


def test_arguments_of_the_user_come_first() -> None:
    rules = Rules({"echo": Rule(call=True, args={"text": "mine"})})
    found = judged(settings=Settings(examples=2), rules=rules, tools=("echo",))
    calls = found.server.memory["exercising.valid.echo"]
    assert isinstance(calls, Calls)
    assert [case.arguments for case in calls.cases[:2]] == [{"text": "mine"}, {"text": "hello"}]
    assert [case.given for case in calls.cases[:2]] == [True, False]


def test_arguments_of_the_user_that_do_not_work_are_a_finding() -> None:
    rules = Rules({"echo": Rule(call=True, args={"no": "such"})})
    verdict = judged(settings=Settings(examples=1), rules=rules, tools=("echo",))["EXEC-001.echo"]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.expected == "the arguments given in mcp-assay.toml work"


def test_a_tool_that_only_ever_fails_is_no_pass() -> None:
    found = judged("--fault", "always-fails", settings=FEW, tools=("echo",))
    assert found["EXEC-001.echo"].outcome is Outcome.SKIP
    assert "never successfully exercised" in (found["EXEC-001.echo"].reason or "")
    assert found["TOOL-016.echo"].outcome is Outcome.SKIP


def test_a_call_that_ends_the_server_is_the_finding_and_the_rest_goes_on() -> None:
    found = judged("--fault", "exit-mid-call", settings=FEW, tools=("echo", "add"))
    assert found["EXEC-001.echo"].outcome is Outcome.FAIL
    assert "exited with status 11" in (found["EXEC-001.echo"].observed or "")
    assert found["TOOL-022.echo"].outcome is Outcome.FAIL
    assert found["EXEC-001.add"].outcome is Outcome.PASS
    assert found["TOOL-022.add"].outcome is Outcome.PASS


def test_a_server_that_ends_once_it_has_answered_is_found_before_it_is_started_again() -> None:
    found = judged("--fault", "unended-line", settings=FEW, tools=("echo", "add"), checks=("EXEC-001",))
    assert found["EXEC-001.echo"].outcome is Outcome.FAIL
    assert "afterwards the server closed its stdout but lives on" in (found["EXEC-001.echo"].observed or "")
    assert found["EXEC-001.add"].outcome is Outcome.PASS


def test_a_call_that_is_never_answered_is_said_to_hang_with_the_smallest_arguments() -> None:
    found = judged("--fault", "never-answer", settings=FEW, limits=IMPATIENT, tools=("echo",))
    assert found["ADV-014.echo"].outcome is Outcome.WARN
    assert "no answer to tools/call within 1 s" in (found["ADV-014.echo"].observed or "")
    assert (found["ADV-014.echo"].observed or "").startswith('{"text": ""}: ')
    assert found["EXEC-001.echo"].outcome is Outcome.SKIP
    assert found.server.calls == {"echo": 3}


def test_a_tool_that_is_slow_in_some_calls_only_has_the_whole_limit_for_them() -> None:
    limits, hang = replace(IMPATIENT, call_s=1.5), ("ADV-014",)
    slow = judged("--fault", "late-third-answer=800", settings=FEW, limits=limits, tools=("echo",), checks=hang)
    assert slow["ADV-014.echo"].outcome is Outcome.PASS
    assert "the slowest answered after 0.8" in (slow["ADV-014.echo"].observed or "")
    silent = judged("--fault", "late-third-answer=60000", settings=FEW, limits=limits, tools=("echo",), checks=hang)
    assert silent["ADV-014.echo"].outcome is Outcome.WARN
    assert "no answer to tools/call within 1.5 s" in (silent["ADV-014.echo"].observed or "")


def test_an_answer_that_was_sent_before_the_cancellation_was_read_is_no_answer_after_it() -> None:
    found = judged("--fault", "blocking=400", settings=FEW, tools=("echo",), checks=("STDIO-004",))
    assert found["STDIO-004.echo"].outcome is Outcome.PASS
    assert "no answer followed" in (found["STDIO-004.echo"].observed or "")


def test_a_server_that_stops_is_started_again_for_the_next_tool() -> None:
    found = judged("--fault", "stop-mid-call", settings=FEW, limits=IMPATIENT, tools=("echo", "add"))
    assert "answered nothing else either" in (found["ADV-014.echo"].observed or "")
    assert found["EXEC-001.add"].outcome is Outcome.PASS


@pytest.mark.parametrize("fault", ["invalid-utf8", "deep-nesting", "half-line-exit"])
def test_an_unreadable_answer_is_a_finding_of_its_tool_only(fault: str) -> None:
    found = judged("--fault", fault, settings=FEW, tools=("echo", "add"))
    assert found["EXEC-001.echo"].outcome is Outcome.FAIL
    assert found["EXEC-001.add"].outcome is Outcome.PASS


def test_an_output_schema_that_costs_too_much_is_a_warning_about_the_schema() -> None:
    found = judged("--fault", "allof-bomb", settings=FEW, tools=("echo",), schema_budget_s=1.0)
    verdict = found["TOOL-016.echo"]
    assert verdict.outcome is Outcome.WARN
    assert "within reasonable time" in (verdict.expected or "")


@pytest.mark.parametrize("fault", ["impossible-schema", "remote-reference"])
def test_a_schema_that_no_arguments_fit_is_a_skip_that_says_so(fault: str) -> None:
    found = judged("--fault", fault, settings=FEW, tools=("echo",))
    assert found["EXEC-001.echo"].outcome is Outcome.SKIP
    assert "no arguments can be generated" in (found["EXEC-001.echo"].reason or "")
