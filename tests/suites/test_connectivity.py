"""Reaching a server, and what is said when it cannot be reached."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mcp_assay_suites.connectivity import CHECKS
from mcp_assay_suites.schema import CHECKS as SCHEMA

RAW = Path(__file__).parent.parent / "servers" / "raw.py"


@pytest.fixture(scope="module")
def down(bench):
    return bench.judge({"down": bench.raw("--fault", "start-missing-variable")}, [*CHECKS, *SCHEMA])["down"]


def test_a_server_that_cannot_be_reached_is_one_failure_with_its_cause(down):
    assert set(down.findings) == {"CONN-001"}
    finding = down.findings["CONN-001"]
    assert "environment" in finding.observed or "variable" in finding.observed
    assert "hint: " in finding.observed
    assert finding.exchange["fault"]["kind"] == "missing-credentials" or finding.exchange["fault"]["kind"]
    assert finding.exchange["stderr_tail"]


def test_everything_else_is_a_visible_skip(down):
    others = [verdict for verdict in down.verdicts if verdict.check != "CONN-001"]
    assert len(others) > 20
    assert {verdict.outcome.value for verdict in others} == {"skip"}


def test_a_command_that_is_not_there_is_named(bench):
    judged = bench.judge({"gone": {"command": "no-such-command-of-ours"}}, CHECKS)["gone"]
    assert "'no-such-command-of-ours' was not found" in judged.findings["CONN-001"].observed


def test_the_official_client_is_heard(bench):
    chosen = [check for check in CHECKS if check.id == "CONN-002"]
    judged = bench.judge({"clock": bench.demo("clock"), "bad": bench.raw("--fault", "one-bad-tool")}, chosen)
    assert judged["clock"].of("CONN-002")[0].observed == "it agreed on revision 2026-07-28 and listed 3 tools"
    assert judged["bad"].findings["CONN-002"].exchange["client"].startswith("mcp")


def test_a_server_that_dies_of_odd_messages_leaves_the_live_one_alone(bench):
    judged = bench.judge({"frail": bench.raw("--violate", "BASE-011")}, CHECKS[2:] + SCHEMA)["frail"]
    assert set(judged.findings) == {"BASE-011"}
    assert judged.of("TOOL-002")[0].outcome.value == "pass"


def test_a_server_that_refuses_a_second_instance_is_skipped_not_accused(bench, tmp_path):
    code = (
        "import os,runpy,sys;"
        f"sys.path.insert(0, {str(RAW.parent)!r});"
        f"os.open({str(tmp_path / 'only-once')!r}, os.O_CREAT|os.O_EXCL);"
        f"sys.argv=['raw.py'];runpy.run_path({str(RAW)!r}, run_name='__main__')"
    )
    chosen = [check for check in CHECKS if check.id in {"BASE-009", "LIFE-003", "STDIO-003"}]
    judged = bench.judge({"alone": {"command": sys.executable, "args": ["-S", "-c", code]}}, chosen)["alone"]
    assert {verdict.outcome.value for verdict in judged.verdicts} == {"skip"}
    assert "second instance" in judged.verdicts[0].reason
