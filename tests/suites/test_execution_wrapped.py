"""Errors that are wrapped into the text of a result are found, and are taken neither for work nor for acceptance."""

from __future__ import annotations

import sys
from pathlib import Path

from assay import assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.execution import CHECKS

WRAPPED = [sys.executable, "-S", "-E", str(Path(__file__).parent.parent / "servers" / "wrapped.py")]


def test_an_error_in_the_text_of_a_result_is_the_only_finding() -> None:
    assayed = assay(WRAPPED, CHECKS, settings=Settings())
    assert set(assayed.findings) == {"TOOL-026.find_job"}
    found = assayed["TOOL-026.find_job"]
    assert found.arguments == '{"job": ""}'
    assert found.causes == ("errors stand in results without isError",)
    assert "never successfully exercised" in (assayed["EXEC-001.find_job"].reason or "")
    assert assayed["TOOL-022.find_job"].outcome is Outcome.SKIP
    assert assayed.server.executed == set()


def test_the_same_errors_as_such_are_no_finding() -> None:
    assayed = assay([*WRAPPED, "--healthy"], CHECKS, settings=Settings())
    assert assayed.findings == {}
    assert assayed["TOOL-026.find_job"].outcome is Outcome.PASS
