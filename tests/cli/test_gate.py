"""The gate opens for a good report only: one test for each way in which a bad run could end green."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from gated import NOW, facts, measurement, report, write

from mcp_assay.cli.main import main
from mcp_assay.core.errors import UsageError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.document import ServerStatus
from mcp_assay.readiness.gate import Reason, reasons_against
from mcp_assay.readiness.gate_policy import GatePolicy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAIL = {"outcome": Outcome.FAIL, "expected": "this", "observed": "that"}
WARN = {"outcome": Outcome.WARN, "expected": "this", "observed": "that"}
SKIP = {"outcome": Outcome.SKIP, "reason": "not called"}
SPARED = facts("time", status=ServerStatus.SKIPPED)
STOPPED = facts("time", status=ServerStatus.INTERRUPTED)
OFF = facts("time", status=ServerStatus.DISABLED)
BROKEN_OFF = report(exit_status=2, servers=(facts("memory"), STOPPED))
ERROR = {"outcome": Outcome.ERROR, "reason": "a bug of ours"}
DOWN = facts("time", status=ServerStatus.FAILED, error=Fault(kind=FaultKind.EXITED, message="it exited"))


@pytest.fixture
def against(tmp_path: Path) -> Callable[..., tuple[Reason, ...]]:
    """Judge a report by a policy as text."""

    def judge(document: Any, policy: str = "") -> tuple[Reason, ...]:
        path = tmp_path / "policy.toml"
        path.write_text(f"# a policy\n{policy}\n")
        return reasons_against(document, GatePolicy.load(path), now=NOW)

    return judge


Against = "Callable[..., tuple[Reason, ...]]"


def test_a_good_run_passes_the_default_and_a_demanding_policy(against: Against) -> None:
    assert against(report()) == ()
    demanding = """
        score = 99
        evidence = 1
        required = ["memory", "ti*"]
        max_age_h = 1
        levels = {MUST = 0, SHOULD = 0, DESC = 0, ADV = 0}
        budgets = {p95_s = 0.1, connect_s = 1, error_rate = 0}
        categories = {execution = {score = 100, evidence = 1}}
    """
    assert against(report(), demanding) == ()


@pytest.mark.parametrize(
    ("document", "policy", "told"),
    [
        (report(outcomes={("time", "TOOL-002"): FAIL}, exit_status=1), "", "time: violations of MUST: 1 (TOOL-002)"),
        (report(outcomes={("time", "TOOL-002"): FAIL}), "verdict = 'NOT READY'", "violations of MUST: 1"),
        (report(outcomes={("time", "TOOL-011"): FAIL}), "verdict = 'NOT READY'", "violations of SHOULD: 1"),
        (report(outcomes={("time", "TOOL-011"): WARN}), "levels = {SHOULD = 0}", "violations of SHOULD: 1"),
        (report(outcomes={("time", "EXEC-001"): ERROR}), "verdict = 'NOT READY'", "errors of the harness: 1"),
        (report(servers=(facts("memory"), DOWN), exit_status=1), "", "time: its verdict is UNREACHABLE"),
        (report(outcomes={("time", "EXEC-001"): SKIP, ("time", "TOOL-002"): SKIP}), "", "its verdict is UNPROVEN"),
        (report(outcomes={("time", "EXEC-001"): SKIP}), "verdict = 'UNPROVEN'\nevidence = 0.9", "its evidence is"),
        (report(outcomes={("time", "TOOL-011"): WARN}), "score = 99", "time: its score is"),
        (report(outcomes={("time", "TOOL-011"): WARN}), "categories = {schema = {score = 99}}", "score in schema"),
        (report(), "categories = {cross_server = {score = 2}}", "memory: it has no verdict in cross_server"),
        (report(servers=()), "", "nothing was judged"),
        (report(servers=(facts("time", status=ServerStatus.SKIPPED),)), "optional = ['*']", "nothing was judged"),
        (report(servers=(facts("memory"), SPARED)), "", "time: it was skipped"),
        (report(servers=(facts("memory"), SPARED)), "required = ['time']", "time: required, but its status is skipped"),
        (report(servers=(facts("memory"), OFF)), "required = ['time']", "time: required, but its status is disabled"),
        (report(servers=(facts("memory"), DOWN)), "required = ['time']", "its status is failed"),
        (report(servers=(facts("memory"),)), "required = ['time']", "time: required, but not in the report"),
        (report(), "[servers.tmie]\nscore = 99", "tmie: the policy has a table for it"),
        (report(exit_status=2), "", "the run did not come to its end: it was interrupted, exit status 2"),
        (report(exit_status=3), "", "exit status 3"),
        (report(exit_status=143), "", "exit status 143"),
        (report(exit_status=5), "", "the run had nothing to judge: exit status 5"),
        (BROKEN_OFF, "optional = ['*']", "time: the run ended before it was judged"),
        (report(exit_status=2), "partial = true", "memory: its verdict is UNPROVEN"),
        (report(exit_status=1), "", "for a reason that its report does not hold"),
        (report(exit_status=1, problems=("2 failures besides the verdicts",)), "", "2 failures besides the verdicts"),
        (report(planned=11), "", "only 10 of 11 planned checks have a verdict"),
        (report(planned=None), "", "does not say how many checks were planned"),
        (report(), "max_age_h = 0.5", "which is more than 0.5 h"),
        (report(started_at=NOW.replace(year=2027)), "max_age_h = 24", "the run ended in the future"),
        (report(benchmarks=()), "budgets = {p95_s = 1}", "p95_s was not measured"),
        (report(benchmarks=()), "budgets = {error_rate = 1}", "error_rate was not measured"),
        (report(benchmarks=(measurement("time"),)), "budgets = {p95_s = 1}", "memory: p95_s was not measured"),
        (report(benchmarks=(measurement("memory", calls=0),)), "budgets = {p95_s = 1}", "memory: p95_s was not"),
        (report(), "budgets = {p95_s = 0.01}", "memory: p95_s of read is 0.02, at most 0.01"),
        (report(), "budgets = {cold_start_s = 1}", "cold_start_s was not measured"),
        (report(), "budgets = {connect_s = 0.1}", "connect_s is 0.4"),
        (report(benchmarks=(measurement("memory", errors=5),)), "budgets = {error_rate = 0.05}", "of read is 0.1"),
    ],
)  # fmt: skip
def test_the_gate_stays_closed_and_says_why(against: Against, document: Any, policy: str, told: str) -> None:
    assert any(told in str(reason) for reason in against(document, policy)), against(document, policy)


def test_a_check_that_was_judged_twice_does_not_stand_in_for_one_that_was_left_out(against: Against) -> None:
    document = report(planned=11)
    document["results"].append(document["results"][0])
    document["summary"]["checks"]["pass"] += 1
    assert [reason.rule for reason in against(document)] == ["partial"]


def test_a_failed_workflow_closes_the_gate(against: Against) -> None:
    document = {**report(), "workflows": [{"name": "book", "servers": ["time"], "verdict": "fail", "steps": []}]}
    assert [str(reason) for reason in against(document)] == ["the workflow book ended with fail"]


def test_a_score_that_is_no_number_is_no_score(against: Against) -> None:
    document = report()
    document["servers"][0]["readiness"]["score"] = float("nan")
    assert "memory: its score is nan" in str(against(document, "score = 2")[0])


def test_a_server_on_which_nothing_was_judged_does_not_pass_even_where_thin_evidence_does(against: Against) -> None:
    skips = {("time", check): SKIP for check in ("CONN-001", "TOOL-002", "TOOL-011", "EXEC-001", "ADV-011")}
    reasons = against(report(outcomes=skips), "verdict = 'UNPROVEN'")
    assert [str(reason) for reason in reasons] == ["time: nothing was judged on it"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document["results"].pop(),
        lambda document: document["servers"].pop(),
        lambda document: document["results"][0].update(server="other"),
        lambda document: document["results"][0].update(verdict="fail"),
        lambda document: document["summary"].update(connected=1),
    ],
    ids=["a result is gone", "a server is gone", "a stray result", "another verdict", "another sum"],
)
def test_a_report_that_contradicts_itself_is_refused(against: Against, spoil: Callable[[Any], object]) -> None:
    document = report()
    spoil(document)
    with pytest.raises(UsageError, match="contradicts itself"):
        against(document)


def test_a_report_without_a_readable_time_is_refused_where_age_counts(against: Against) -> None:
    document = report()
    document["run"]["started_at"] = "yesterday"
    with pytest.raises(UsageError, match="when its run was"):
        against(document, "max_age_h = 1")


def test_what_the_policy_loosens_passes(against: Against) -> None:
    loose = report(outcomes={("time", "TOOL-011"): FAIL, ("memory", "EXEC-001"): SKIP}, exit_status=1, planned=99)
    policy = "partial = true\nlevels = {SHOULD = 1}\n[servers.'*']\nverdict = 'NOT READY'"
    assert against(loose, policy) == ()
    down = report(servers=(facts("memory"), facts("time", status=ServerStatus.SKIPPED)))
    assert against(down, "optional = ['time']") == ()


def test_an_accepted_finding_counts_in_no_limit(against: Against) -> None:
    document = report(outcomes={("time", "TOOL-011"): {**WARN, "reason": "accepted: known since May"}})
    assert against(document, "levels = {SHOULD = 0}") == ()


def test_the_exact_name_comes_before_patterns_and_those_before_the_top(against: Against) -> None:
    policy = """
        score = 100
        [servers."t*"]
        score = 60
        budgets = {p95_s = 0.01}
        [servers.time]
        budgets = {p95_s = 1}
    """
    spoilt = report(outcomes={("time", "TOOL-011"): WARN})
    assert against(spoilt, policy) == ()
    assert [reason.server for reason in against(report(outcomes={("memory", "TOOL-011"): WARN}), policy)] == ["memory"]


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("scoer = 90", "policy.toml:2:1: unknown key 'scoer' in the document\nhint: did you mean 'score'?"),
        ("score = 0.9", "policy.toml:2:1: score is a score from 0 to 100\nhint: is 90 meant?"),
        ("score = 900", "score must be at most 100"),
        ("score = '90'", "policy.toml:2:9: score must be a number, not a string"),
        ("score = nan", "must not be negative or infinite"),
        ("evidence = 80", "evidence must be at most 1\nhint: is 0.8 meant?"),
        ("verdict = 'GREEN'", "policy.toml:2:1: verdict is no verdict: 'GREEN'"),
        ("levels = {MOST = 1}", "did you mean 'MUST'?"),
        ("levels = {MUST = 0.5}", "levels.MUST must be a whole number"),
        ("[budgets]\np95 = 1", "policy.toml:3:1: unknown key 'p95' in budgets\nhint: did you mean 'p95_s'?"),
        ("[servers.a.categories.speed]\nscore = 1", "unknown key 'speed'"),
        ("score = ", "TOML: "),
        ("score = 1\nscore = 2", "a name is there twice"),
    ],
)
def test_a_bad_policy_ends_with_4_and_its_place(policy: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(f"# a policy\n{policy}\n")
    result = gate(write(tmp_path, report()), "--policy", str(tmp_path / "policy.toml"))
    assert result.exit_code == 4
    assert told in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not JSON"),
        ("[]", "is not a report"),
        ('{"schema_version": 2}', "schema version 2"),
        ('{"schema_version": 1}', "does not conform"),
        (json.dumps({**report(), "summary": {**report()["summary"], "score": float("nan")}}), "does not conform"),
    ],
)
def test_a_bad_report_ends_with_4(text: str, told: str, tmp_path: Path) -> None:
    result = gate(write(tmp_path, text))
    assert result.exit_code == 4
    assert told in result.stderr


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_report_or_policy_that_is_no_file_ends_with_4(name: str, tmp_path: Path) -> None:
    assert gate(tmp_path / name).exit_code == 4
    assert gate(write(tmp_path, report()), "--policy", str(tmp_path / name)).exit_code == 4


def test_exit_codes_and_output_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("max_age_h = 1000000\nscore = 10\n")
    good = gate(write(tmp_path, report()), "--policy", str(tmp_path / "policy.toml"))
    assert (good.exit_code, good.stdout) == (0, f"{tmp_path}/run.json: 2 servers, passed\n")
    bad = gate(write(tmp_path, report(outcomes={("time", "TOOL-002"): FAIL}, exit_status=1)))
    assert bad.exit_code == 1
    assert "time: its verdict is NOT READY, READY is asked for\n" in bad.stdout
    assert bad.stdout.endswith("run.json: 2 servers, 2 reasons against it\n")


def test_the_json_form_has_the_reasons(tmp_path: Path) -> None:
    result = gate(write(tmp_path, report(planned=None)), "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["passed"] is False
    assert [reason["rule"] for reason in told["reasons"]] == ["partial"]


def test_texts_of_a_report_are_inert_on_the_terminal(tmp_path: Path) -> None:
    document = report(servers=(facts("memory"), facts("::error::x", status=ServerStatus.SKIPPED)))
    document["servers"][1]["name"] = "\x1b[31m\n::error::owned"
    result = gate(write(tmp_path, document))
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    assert "\n::error::" not in result.stdout


def gate(path: Path, *words: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, ["gate", str(path), *words])
