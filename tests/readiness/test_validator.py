"""The library's door: the same verdicts as the plugin's, in the same report."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from fleets import LIMITS, PATIENCE_S, raw_spec

from mcp_assay.core.errors import AssayError
from mcp_assay.core.verdicts import Category, Outcome
from mcp_assay.readiness.baseline import Baseline
from mcp_assay.readiness.sdk_baselines import load
from mcp_assay.readiness.validator import ProductionValidator
from mcp_assay.readiness.workflows import user_workflows
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.reaper import Reaper
from mcp_assay_suites import all_checks

pytestmark = pytest.mark.asyncio

QUICK = {"CONN-001", "TOOL-001", "ADV-001", "ADV-006"}
CHECKS = [check for check in all_checks() if check.id in QUICK]


def validator(*specs, **settings):
    return ProductionValidator(specs, checks=CHECKS, connector=Connector(limits=LIMITS, reaper=Reaper()), **settings)


def accepting(tmp_path, check, expires="2999-01-01"):
    path = tmp_path / "accepted.toml"
    path.write_text(f'[[accept]]\ncheck = "{check}"\nserver = "one"\nreason = "known"\nexpires = {expires}\n')
    return Baseline.load(path, today=date(2026, 1, 1))


@pytest.mark.parametrize(
    ("check", "expires", "outcome", "problem"),
    [
        ("TOOL-001", "2999-01-01", Outcome.WARN, None),
        ("TOOL-001", "2025-01-01", Outcome.FAIL, "expired after 2025-01-01"),
        ("ADV-006", "2999-01-01", Outcome.FAIL, "no finding needs the acceptance of ADV-006"),
    ],
)
async def test_accepted_findings_are_warnings_and_a_stale_acceptance_fails_the_report(
    tmp_path, check, expires, outcome, problem
):
    spec = raw_spec("one", "--violate", "TOOL-001")
    baselines = [accepting(tmp_path, check, expires)]
    async with asyncio.timeout(PATIENCE_S), validator(spec, baselines=baselines) as judge:
        verdicts = await judge.comprehensive_server_testing()
        document = judge.generate_validation_report()
    assert {verdict.outcome for verdict in verdicts if verdict.check == "TOOL-001"} == {outcome}
    assert [problem in text for text in document["run"]["problems"]] == ([] if problem is None else [True])
    assert document["run"]["exit_status"] == (0 if problem is None else 1)


async def test_a_part_of_a_run_calls_no_acceptance_stale(tmp_path):
    async with (
        asyncio.timeout(PATIENCE_S),
        validator(raw_spec("one"), baselines=[accepting(tmp_path, "TOOL-001")], sdks=[load("sdk:python-2.3")]) as judge,
    ):
        await judge.multi_server_workflow_validation()
        part = judge.generate_validation_report()
        await judge.comprehensive_server_testing()
        whole = judge.generate_validation_report()
    assert part["run"]["problems"] == []
    assert [text.partition("\n")[0] for text in whole["run"]["problems"]] == [
        "accepted.toml:1: no finding needs the acceptance of TOOL-001 on one",
        "--mcp-baseline sdk:python-2.3: no finding needs it",
    ]


async def test_every_server_is_judged_and_the_report_says_so():
    async with asyncio.timeout(PATIENCE_S), validator(raw_spec("one"), raw_spec("two")) as judge:
        verdicts = await judge.comprehensive_server_testing()
        document = judge.generate_validation_report()
    assert {verdict.server for verdict in verdicts} == {"one", "two"}
    assert {verdict.check for verdict in verdicts} == {check.id for check in CHECKS}
    assert len(document["results"]) == len(verdicts)
    assert [server["name"] for server in document["servers"]] == ["one", "two"]


async def test_only_the_checks_between_servers_are_made_when_those_are_asked_for():
    async with asyncio.timeout(PATIENCE_S), validator(raw_spec("one"), raw_spec("two")) as judge:
        verdicts = await judge.multi_server_workflow_validation()
    assert verdicts
    assert {verdict.category for verdict in verdicts} == {Category.CROSS_SERVER}


async def test_workflows_are_run_and_stand_in_the_report(tmp_path):
    (tmp_path / "w.yaml").write_text(
        "inputs: {t: {}}\nsteps: {say: {tool: one.echo, arguments: {text: '${inputs.t}'}}}\n"
    )
    async with asyncio.timeout(PATIENCE_S), validator(raw_spec("one")) as judge:
        await judge.multi_server_workflow_validation(*user_workflows(tmp_path), inputs={"t": "x", "other": 1})
        good = judge.generate_validation_report()
        await judge.multi_server_workflow_validation(*user_workflows(tmp_path), inputs={"t": {"no": "text"}})
        bad = judge.generate_validation_report()
    assert [(entry["name"], entry["verdict"]) for entry in good["workflows"]] == [("w", "pass")]
    assert (good["run"]["exit_status"], bad["run"]["exit_status"]) == (0, 1)
    assert [entry["verdict"] for entry in bad["workflows"]] == ["fail"]


async def test_a_server_that_does_not_start_is_part_of_the_report_and_fails_it():
    bad = raw_spec("bad", "--fault", "exit-at-once")
    async with asyncio.timeout(PATIENCE_S), validator(raw_spec("good"), bad) as judge:
        verdicts = await judge.comprehensive_server_testing()
        document = judge.generate_validation_report()
    failed = {verdict.server for verdict in verdicts if verdict.outcome is Outcome.FAIL and verdict.check == "CONN-001"}
    assert failed == {"bad"}
    verdict_of = {server["name"]: server["readiness"]["verdict"] for server in document["servers"]}
    assert verdict_of["bad"] == "UNREACHABLE"
    assert verdict_of["good"] != "UNREACHABLE"


async def test_a_second_pass_replaces_verdicts_and_doubles_none():
    async with asyncio.timeout(PATIENCE_S), validator(raw_spec("one"), raw_spec("two")) as judge:
        first = await judge.comprehensive_server_testing()
        await judge.multi_server_workflow_validation()
        document = judge.generate_validation_report()
    assert len(document["results"]) == len(first)


async def test_a_validator_that_was_not_entered_judges_nothing():
    with pytest.raises(AssayError):
        await validator(raw_spec("one")).comprehensive_server_testing()
