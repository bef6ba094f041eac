"""Finer points: each is missed by a server that is right in everything else, and found by its own check alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.connectivity import CHECKS as CONNECTIVITY
from mcp_assay_suites.execution import CHECKS as EXECUTION
from mcp_assay_suites.schema import CHECKS as SCHEMA
from mcp_assay_suites.schema.metadata import is_prefix_forwards

if TYPE_CHECKING:
    from collections.abc import Mapping

HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
CHECKS = [check for check in (*CONNECTIVITY, *SCHEMA) if check.id not in {"CONN-002", "DEP-002"}]
FINER = [check for check in CHECKS if check.tier > 1 and "stdio" in (check.transports or {"stdio"})]
ELSEWHERE = {"CACHE-005"}
"""What only a tool that asks can violate; see ``test_input.py``."""
ONLY_IN_HANDSHAKE = ("LIFE-004", "STDIO-007")
IN_STATELESS = [one.id for one in FINER if one.level_in(STATELESS) and one.id not in {*ELSEWHERE, *ONLY_IN_HANDSHAKE}]
PASSED_BY = {"RES-012": "RES-005", "CACHE-005": None}
"""Where the healthy server has no occasion: the violation that gives one; None for ``test_input.py``."""


@pytest.fixture(scope="module")
def handshake(bench) -> Mapping[str, object]:
    servers = {name: bench.raw("--violate", name) for name in ONLY_IN_HANDSHAKE}
    return bench.judge({"healthy": bench.raw(), **servers}, CHECKS)


@pytest.fixture(scope="module")
def stateless(bench) -> Mapping[str, object]:
    servers = {name: bench.raw("--era", "stateless", "--violate", name) for name in [*IN_STATELESS, "RES-005"]}
    return bench.judge({"healthy": bench.raw("--era", "stateless"), **servers}, CHECKS, protocol=STATELESS)


@pytest.mark.parametrize(
    ("era", "check"),
    [*(("handshake", check) for check in ONLY_IN_HANDSHAKE), *(("stateless", check) for check in IN_STATELESS)],
)
def test_a_finer_point_that_is_missed_is_found_by_its_own_check_alone(request, also_violated, era, check):
    judged = request.getfixturevalue(era)[check]
    assert check in judged.findings, [(verdict.outcome, verdict.reason) for verdict in judged.of(check)]
    assert judged.findings[check].exchange, "a finding shows the exchange that proves it"
    allowed = {check, *also_violated[check]}
    assert {name: verdict.observed for name, verdict in judged.findings.items() if name not in allowed} == {}


@pytest.mark.parametrize(("era", "version"), [("handshake", HANDSHAKE), ("stateless", STATELESS)])
def test_a_healthy_server_passes_every_finer_point(request, era, version):
    judged = request.getfixturevalue(era)["healthy"]
    assert {name: verdict.observed for name, verdict in judged.findings.items()} == {}
    expected = [one.id for one in FINER if one.level_in(version) and one.id not in PASSED_BY]
    passed = {check: {verdict.outcome.value for verdict in judged.of(check)} for check in expected}
    assert [check for check, outcomes in passed.items() if "pass" not in outcomes] == []


def test_a_listed_resource_that_fails_with_the_usual_code_passes(stateless):
    assert stateless["RES-005"].of("RES-012")[0].outcome == "pass"


def test_a_server_that_relies_on_nothing_deprecated_passes(bench):
    chosen = [check for check in CONNECTIVITY if check.id == "DEP-002"]
    servers = {"old": bench.raw("--era", "stateless"), "new": bench.raw("--era", "stateless", "--without", "logging")}
    judged = bench.judge(servers, chosen, protocol=STATELESS)
    assert judged["old"].findings["DEP-002"].observed.startswith("it declares logging")
    assert judged["new"].of("DEP-002")[0].outcome == "pass"


def test_an_embedded_resource_needs_the_capability(bench):
    chosen = [check for check in EXECUTION if check.id == "TOOL-020"]
    servers = {"with": bench.raw(), "without": bench.raw("--without", "resources")}
    judged = bench.judge(servers, chosen, settings=Settings(check_s=60.0, examples=1))
    assert "pass" in {verdict.outcome for verdict in judged["with"].of("TOOL-020")}
    assert judged["without"].findings["TOOL-020"].tool == "media"


def test_a_list_that_grows_with_the_calls_of_its_connection_is_found(bench):
    chosen = [check for check in EXECUTION if check.id in {"TOOL-038", "EXEC-001"}]
    servers = {
        "grows": bench.raw("--era", "stateless", "--violate", "TOOL-038"),
        "stays": bench.raw("--era", "stateless"),
    }
    judged = bench.judge(servers, chosen, protocol=STATELESS, settings=Settings(check_s=60.0, examples=1))
    assert "'echo_again' is listed differently there" in judged["grows"].findings["TOOL-038"].observed
    assert judged["stays"].of("TOOL-038")[0].outcome == "pass"


NEWS = ("TOOL-040", "RES-020", "PROMPT-009")
"""Each is broken by a list that grows when a tool is called, and by no word about it."""


@pytest.fixture(scope="module")
def grown(bench) -> Mapping[str, object]:
    servers = {name: bench.raw("--violate", name) for name in NEWS}
    servers |= {"told": bench.raw("--fault", "growing-lists"), "steady": bench.raw()}
    chosen = [*CHECKS, *(check for check in EXECUTION if check.id in {"EXEC-001", *NEWS})]
    return bench.judge(servers, chosen, protocol=HANDSHAKE, settings=Settings(check_s=60.0, examples=1, tier=2))


@pytest.mark.parametrize("check", NEWS)
def test_a_list_that_changes_unannounced_is_found_and_nothing_else(grown, also_violated, check):
    finding = grown[check].findings[check]
    assert "came or went, unannounced" in finding.observed
    assert finding.exchange
    assert set(grown[check].findings) <= {check, *also_violated[check]}


@pytest.mark.parametrize("check", NEWS)
def test_a_list_that_changes_with_a_word_passes_and_one_that_stays_proves_nothing(grown, check):
    assert grown["told"].findings == {}
    assert [verdict.outcome for verdict in grown["told"].of(check)] == ["pass"]
    assert [verdict.reason for verdict in grown["steady"].of(check)] == [
        f"the list of {grown_list(check)} did not change in this run"
    ]


def grown_list(check: str) -> str:
    return {"TOOL": "tools", "RES": "resources", "PROMPT": "prompts"}[check.partition("-")[0]]


@pytest.mark.parametrize("key", ["acme/cost", "example.com/cost", "mine/resourceUri"])
def test_a_prefix_that_is_no_domain_name_backwards_is_noticed(key: str) -> None:
    assert is_prefix_forwards(key)


@pytest.mark.parametrize("key", ["com.example/cost", "cost", "ui/resourceUri", "openai/outputTemplate", "not a key/x"])
def test_a_server_is_not_blamed_for_prefixes_that_it_did_not_choose_nor_twice_for_one_that_is_none(key: str) -> None:
    assert not is_prefix_forwards(key)
