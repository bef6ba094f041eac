"""The catalogue is complete both ways, and so are its proofs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from mcp_assay_suites import all_checks
from mcp_assay_suites.catalogue import CATALOGUE, NOT_JUDGED, NOT_OBSERVABLE

TESTS = Path(__file__).parent.parent
SUITES = TESTS.parent / "suites" / "mcp_assay_suites"
PROOFS = json.loads((Path(__file__).with_name("proofs.json")).read_text("utf-8"))
JUDGED = {check.id: check for check in all_checks()}
REVISIONS = {"2025-06-18", "2025-11-25", "2026-07-28"}


@cache
def violations() -> dict[str, list[str]]:
    """Return what else each violation of the fixture servers breaks, by check."""
    found: dict[str, list[str]] = {}
    for server in ("raw.py", "http_raw.py"):
        command = [sys.executable, "-S", "-E", str(TESTS / "servers" / server), "--list"]
        text = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
        found |= {check: entry["also"] for check, entry in json.loads(text)["violations"].items()}
    return found


def test_every_rule_is_judged_or_says_why_not():
    assert set(JUDGED) | set(NOT_JUDGED) == set(CATALOGUE)
    assert set(JUDGED) & set(NOT_JUDGED) == set()


def test_every_rule_of_the_first_tier_is_judged():
    assert [row.id for row in CATALOGUE.values() if row.tier == 1 and row.id not in JUDGED] == []


def test_every_check_has_its_own_row():
    assert len(JUDGED) == len(all_checks())
    assert set(JUDGED) <= set(CATALOGUE)


@pytest.mark.parametrize("reason", [*NOT_JUDGED.values(), *(one.why for one in NOT_OBSERVABLE)])
def test_a_reason_is_a_reason(reason):
    assert len(reason) >= 15
    assert not reason.endswith(".")
    assert "not yet" not in reason


def test_a_check_says_of_every_revision_what_its_row_says():
    for check in JUDGED.values():
        row = CATALOGUE[check.id]
        assert {version: check.level_in(version) for version in REVISIONS} == {
            version: row.levels.get(version, row.levels.get("*")) for version in REVISIONS
        }


def test_every_rule_of_the_specification_links_to_a_page_in_each_of_its_revisions():
    for check in JUDGED.values():
        if not check.id.startswith(("ADV-", "BUDG-", "CONN-", "CROSS-", "EXEC-", "PERF-")):
            links = [check.spec_in(version) for version in REVISIONS if check.level_in(version)]
            assert links
            assert all(link.startswith("https://modelcontextprotocol.io/") for link in links), check.id


def test_the_catalogue_holds_what_it_was_agreed_to_hold():
    rows = json.loads((SUITES / "catalogue.json").read_text("utf-8"))
    assert len(rows) == 223
    assert len({row["id"] for row in rows}) == 223
    assert sum(row["tier"] == 1 for row in rows) == 167
    assert sum(row["core"] for row in rows) == 126
    for version, (must, should) in {"2025-06-18": (53, 15), "2025-11-25": (56, 18), "2026-07-28": (89, 17)}.items():
        core = [row["levels"].get(version) for row in rows if row["core"]]
        assert (core.count("MUST"), core.count("SHOULD")) == (must, should)


def test_official_aliases_are_kept_one_by_one():
    assert CATALOGUE["DISC-004"].official[0] == "sep-2575-server-unsupported-version-error"
    assert sum(bool(row.official) for row in CATALOGUE.values()) == sum(
        bool(row["official"]) for row in json.loads((SUITES / "catalogue.json").read_text("utf-8"))
    )


def test_every_check_is_broken_by_a_server_of_ours():
    assert set(JUDGED) - set(violations()) == set(PROOFS["house"])


@pytest.mark.parametrize("proof", sorted({proof for pair in PROOFS["house"].values() for proof in pair}))
def test_a_proof_is_a_test_that_exists(proof):
    path, _, name = proof.partition("::")
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_a_violation_breaks_besides_has_a_reason():
    besides = {check for also in violations().values() for check in also}
    assert besides <= set(PROOFS["entailed"])


def test_a_server_of_older_revisions_only_is_told_so(bench):
    chosen = [JUDGED["ADV-020"]]
    servers = {"old": bench.raw("--era", "handshake"), "both": bench.raw()}
    judged = bench.judge(servers, chosen)
    assert judged["old"].findings["ADV-020"].observed == "the newest revision it speaks is 2025-11-25"
    assert judged["both"].findings == {}
