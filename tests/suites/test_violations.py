"""A server that breaks one rule is found out by the check of that rule, and by no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_assay_suites.connectivity import CHECKS as CONNECTIVITY
from mcp_assay_suites.schema import CHECKS as SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
COSTLY = {"CONN-002", "ADV-020"}
"""These start the official client, which takes a second to import; they are tried on servers of their own."""
CHECKS = [check for check in (*CONNECTIVITY, *SCHEMA) if check.id not in COSTLY and check.tier == 1]
"""Finer points are judged in ``test_finer.py``."""

ELSEWHERE = {
    "CONN-001": "a server that cannot be started",
    "DISC-001": "without server/discover no stateless conversation begins: CONN-001 fails",
    "LIFE-008": "said by HTTP only",
}
ONE_ERA_ONLY = {HANDSHAKE: frozenset[str](), STATELESS: frozenset({"BASE-006", "LOG-001"})}
"""Violations that the raw server commits in the other era only."""
WITH_CALLS = ("DISC-010", "MRTR-002", "MRTR-003")
"""Violations that show only when tools are called; see ``test_input.py``."""
MORE = {"LIFE-005": {"BASE-007"}, "LIFE-006": {"BASE-007"}, "COMP-003": {"DISC-003"}}
"""What else the raw server's violations break, beyond what it says itself."""


def violable(version: str) -> list[str]:
    """Return the checks that say something about a revision and that the raw server can violate."""
    return [
        check.id
        for check in CHECKS
        if check.level_in(version) and "stdio" in (check.transports or {"stdio"}) and check.id not in ELSEWHERE
        if not check.id.startswith("ADV-") and check.id not in WITH_CALLS and check.id not in ONE_ERA_ONLY[version]
    ]


@pytest.fixture(scope="module")
def handshake(bench) -> Mapping[str, object]:
    """Every violation of the handshake era, judged."""
    return bench.judge({name: bench.raw("--violate", name) for name in violable(HANDSHAKE)}, CHECKS)


@pytest.fixture(scope="module")
def stateless(bench) -> Mapping[str, object]:
    """Every violation of the stateless era, judged."""
    servers = {name: bench.raw("--era", "stateless", "--violate", name) for name in violable(STATELESS)}
    return bench.judge(servers, CHECKS, protocol=STATELESS)


@pytest.mark.parametrize("check", violable(HANDSHAKE))
def test_a_violation_of_the_handshake_era_is_found_by_its_own_check_alone(handshake, also_violated, check):
    assert_found_alone(handshake[check], check, {*also_violated[check], *MORE.get(check, ())})


@pytest.mark.parametrize("check", violable(STATELESS))
def test_a_violation_of_the_stateless_era_is_found_by_its_own_check_alone(stateless, also_violated, check):
    assert_found_alone(stateless[check], check, {*also_violated[check], *MORE.get(check, ())})


def assert_found_alone(judged, check, also):
    findings = judged.findings
    assert check in findings, [(verdict.outcome, verdict.reason or verdict.observed) for verdict in judged.of(check)]
    assert findings[check].outcome in {"fail", "warn"}, findings[check].observed
    assert findings[check].exchange, "a finding shows the exchange that proves it"
    others = {name: verdict.observed for name, verdict in findings.items() if name not in {check, *also}}
    assert not others


@pytest.mark.parametrize(
    ("version", "arguments"), [(HANDSHAKE, ()), (STATELESS, ("--era", "stateless")), (STATELESS, ())]
)
def test_the_raw_server_without_a_fault_violates_nothing(bench, version, arguments):
    judged = bench.judge({"raw": bench.raw(*arguments)}, CHECKS, protocol=version)["raw"]
    noted = {name: verdict.observed for name, verdict in judged.findings.items()}
    assert not noted
    assert {verdict.check for verdict in judged.verdicts} >= set(violable(version)) - {"TOOL-030"}
