"""The servers that are shipped as examples pass every check, in both eras."""

from __future__ import annotations

import pytest

from mcp_assay_suites import all_checks

NAMES = ("clock", "notes", "text", "units")
COSTLY = {"CONN-002", "ADV-020"}
"""These start the official client, which takes a second to import; ``test_connectivity.py`` tries it on one of them."""
CHECKS = [
    check
    for check in all_checks()
    if check.category in {"connectivity", "schema"} and check.id not in COSTLY and check.tier == 1
]


@pytest.fixture(scope="module", params=["2025-11-25", "2026-07-28"])
def judged(request, bench):
    return bench.judge({name: bench.demo(name) for name in NAMES}, CHECKS, protocol=request.param)


@pytest.mark.parametrize("name", NAMES)
def test_a_demo_server_has_no_finding(judged, name):
    assert {check: verdict.observed for check, verdict in judged[name].findings.items()} == {}


@pytest.mark.parametrize("name", NAMES)
def test_every_check_that_applies_was_exercised(judged, name):
    thin = [
        verdict.check for verdict in judged[name].verdicts if verdict.outcome.value == "skip" and verdict.applicable
    ]
    assert thin == []
