"""A service that is out of reach is no word on arguments, and no flaw in how the official client gets on."""

from __future__ import annotations

import sys
from pathlib import Path

from assay import assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.connectivity import CHECKS as CONNECTIVITY
from mcp_assay_suites.execution import CHECKS

CUTOFF = [sys.executable, "-S", "-E", str(Path(__file__).parent.parent / "servers" / "cutoff.py")]
OFFICIAL = [check for check in CONNECTIVITY if check.id == "CONN-002"]


def test_what_is_said_to_right_arguments_too_is_no_refusal_of_wrong_ones() -> None:
    assayed = assay(CUTOFF, [*CHECKS, *OFFICIAL], settings=Settings())
    assert {finding.partition(".")[0] for finding in assayed.findings} <= {"TOOL-021", "TOOL-024", "TOOL-026"}
    for check in ("TOOL-022", "TOOL-023"):
        assert assayed[f"{check}.find_page"].outcome is Outcome.SKIP
        assert "right arguments get the same answer as wrong ones" in (assayed[f"{check}.find_page"].reason or "")
    official = assayed["CONN-002"]
    assert official.outcome is Outcome.PASS
    assert (official.observed or "").endswith("its call was answered by an error, as ours is")


def test_arguments_are_refused_where_wrong_ones_are_told_something_else() -> None:
    assayed = assay([*CUTOFF, "--refusing"], CHECKS, settings=Settings())
    assert assayed["TOOL-022.find_page"].outcome is Outcome.PASS
    assert assayed["TOOL-023.find_page"].outcome is Outcome.WARN
