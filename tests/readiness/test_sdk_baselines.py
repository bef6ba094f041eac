"""Named baselines: what they accept, what they leave, and when they are suggested."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_assay.core.errors import UsageError
from mcp_assay.core.verdicts import Category, Level, Outcome, Verdict
from mcp_assay.readiness.sdk_baselines import SdkBaseline, known_reason, load, names, suggested, unneeded
from mcp_assay_suites.catalogue import CATALOGUE

PYTHON = "sdk:python-2.3"
RES_008 = "JSON-RPC error -32602: Unknown resource: x://y"
STDIO = {"notes": "stdio"}


def verdict(check: str, observed: str, *, outcome: Outcome = Outcome.WARN) -> Verdict:
    return Verdict(
        check=check,
        slug="slug",
        category=Category.SCHEMA,
        level=Level.SHOULD,
        server="notes",
        config="c",
        tool=None,
        outcome=outcome,
        nodeid=f"c::notes::{check}",
        duration_s=0.0,
        requirement="a requirement",
        observed=observed,
    )


@pytest.mark.parametrize("name", names())
def test_a_shipped_baseline_is_about_rules_of_the_catalogue_and_can_be_recognised(name: str) -> None:
    baseline = load(name)
    assert {entry.check for entry in baseline.known} <= set(CATALOGUE)
    assert any(entry.mark for entry in baseline.known)
    assert all(entry.reason for entry in baseline.known)


@pytest.mark.parametrize("name", names())
def test_a_security_rule_is_never_accepted_by_name(name: str) -> None:
    secure = {"HTTP-003", "HTTP-004", "HTTP-005", "RES-010", "RES-011", "LOG-007", "ADV-007", "ADV-009", "TOOL-022"}
    known = {entry.check for entry in load(name).known}
    assert not known & secure
    assert not any(check.startswith(("AUTH-", "EXEC-", "CONN-")) for check in known)


def test_a_finding_as_the_sdk_shows_it_is_accepted_with_the_reason() -> None:
    reason = known_reason([load(PYTHON)], "RES-008", "stdio", RES_008)
    assert reason is not None
    assert reason.startswith("accepted: sdk:python-2.3: ")


@pytest.mark.parametrize(
    ("check", "transport", "observed"),
    [
        ("RES-008", "stdio", "JSON-RPC error -32603: boom"),
        ("BASE-011", "stdio", "the next request got no answer: the server exited"),
        ("BASE-011", "streamable-http", "the server goes on but says nothing"),
        ("TOOL-022", "stdio", RES_008),
        ("RES-008", "stdio", None),
    ],
)
def test_another_fault_under_the_same_check_is_not_accepted(check: str, transport: str, observed: str | None) -> None:
    assert known_reason([load(PYTHON)], check, transport, observed) is None


def test_a_baseline_that_no_finding_needs_is_stale_and_one_unneeded_entry_is_not() -> None:
    used = [verdict("RES-008", RES_008)]
    assert list(unneeded([load(PYTHON)], used, STDIO)) == []
    passing = [replace(used[0], outcome=Outcome.PASS)]
    [message] = unneeded([load(PYTHON)], passing, STDIO)
    assert message == "--mcp-baseline sdk:python-2.3: no finding needs it\nhint: leave it out"


def test_a_server_that_bears_the_mark_of_an_sdk_gets_its_baseline_suggested() -> None:
    found = [verdict("RES-008", RES_008), verdict("BASE-011", "the server goes on but says nothing")]
    [line] = suggested(found, STDIO, used=[])
    assert line == "--mcp-baseline sdk:python-2.3 accepts 2 findings that come from the Python SDK 2.3: notes (2)"


def suggestion_for(*found: Verdict, used: tuple[SdkBaseline, ...] = ()) -> list[str]:
    return list(suggested(found, STDIO, used=used))


def test_nothing_is_suggested_without_a_mark_or_for_what_is_accepted_already() -> None:
    silent = verdict("BASE-011", "the server goes on but says nothing")
    marked = verdict("RES-008", RES_008)
    assert suggestion_for(silent) == []
    assert suggestion_for(marked, used=(load(PYTHON),)) == []
    assert suggestion_for(replace(marked, reason="accepted: known")) == []
    assert suggestion_for(replace(marked, outcome=Outcome.PASS)) == []
    assert suggestion_for() == []


def test_a_misspelt_name_gets_the_closest_one() -> None:
    with pytest.raises(UsageError) as caught:
        load("sdk:pyton-2.3")
    assert caught.value.hint == "did you mean sdk:python-2.3?"
